// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// scaledColumns is how many columns a call takes: lists of no terms go on from the sums that are there.
const scaledColumns = 64

var (
	noCells [1]uint16
	noEnds  [scaledColumns]int32
)

// scaledPanels computes fma(scale, sum, bias), or scale·sum for a nil bias, of the sums of n columns in panels; dst may be src.
func scaledPanels(dst, src, scale, bias []float32, panels, n int) {
	if path == pathPureGo {
		scaledPanelsGeneric(dst, src, scale, bias, panels, n)
		return
	}
	copy(dst[:panels*n*lanes], src)
	_ = scale[n-1]
	for p := range panels {
		for j := 0; j < n; j += scaledColumns {
			var a *float32
			if bias != nil {
				a = &bias[j]
			}
			y, columns := &dst[(p*n+j)*lanes], min(scaledColumns, n-j)
			if path == pathAVX512 {
				termList1AVX512(y, y, &noCells[0], &noEnds[0], nil, &scale[j], a, 0, columns, 0, 0)
			} else {
				termList1AVX2(y, y, &noCells[0], &noEnds[0], nil, &scale[j], a, 0, columns, 0, 0)
			}
		}
	}
}
