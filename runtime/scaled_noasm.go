// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// scaledPanels computes fma(scale, sum, bias), or scale·sum for a nil bias, of the sums of n columns in panels; dst may be src.
func scaledPanels(dst, src, scale, bias []float32, panels, n int) {
	scaledPanelsGeneric(dst, src, scale, bias, panels, n)
}
