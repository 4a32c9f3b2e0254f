// SPDX-License-Identifier: MIT-0

package runtime

// columnSums computes the sums, or with mean the means, of the columns of matrices of so many rows and columns that lie one
// after the other: chains from +0, the row increasing.
func columnSums(dst, src []float32, rows, columns int, mean bool) {
	for ; len(dst) > 0; dst, src = dst[columns:], src[rows*columns:] {
		y := dst[:columns]
		clear(y)
		for r := range rows {
			add32Slice(y, y, src[r*columns:(r+1)*columns])
		}
		if mean {
			for i := range y {
				y[i] /= float32(rows)
			}
		}
	}
}
