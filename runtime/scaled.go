// SPDX-License-Identifier: MIT-0

package runtime

// scaledPanelsGeneric computes fma(scale, sum, bias), or scale·sum for a nil bias, of the sums of n columns in panels, which
// several ternary layers have in common; dst may be src.
func scaledPanelsGeneric(dst, src, scale, bias []float32, panels, n int) {
	for p := range panels {
		y := dst[p*n*lanes : (p+1)*n*lanes]
		copy(y, src[p*n*lanes:])
		scalePanel(y, scale, bias)
	}
}
