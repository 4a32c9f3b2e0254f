// SPDX-License-Identifier: MIT-0

package runtime

// Reductions of rows of n float32, n > 0: element i of a row belongs to partial result i mod 16; partial results 8, 4, 2 and
// 1 apart are combined at the end. A maximum or minimum keeps what it has where the next is equal, and a NaN wins.

// rowsSumGeneric adds up every row.
func rowsSumGeneric(dst, src []float32, n int) {
	for i := range dst {
		var acc [lanes]float32
		laneSumGeneric(&acc, src[i*n:(i+1)*n])
		dst[i] = joinSums(&acc)
	}
}

// rowsMaxGeneric finds the largest element of every row.
func rowsMaxGeneric(dst, src []float32, n int) {
	for i := range dst {
		acc := everyLane(-inf32)
		x := src[i*n : (i+1)*n]
		for ; len(x) >= lanes; x = x[lanes:] {
			for l, v := range (*[lanes]float32)(x) {
				acc[l] = max2(acc[l], v)
			}
		}
		for l, v := range x {
			acc[l] = max2(acc[l], v)
		}
		for s := lanes / 2; s > 0; s /= 2 {
			for l := range s {
				acc[l] = max2(acc[l], acc[l+s])
			}
		}
		dst[i] = acc[0]
	}
}

// rowsMinGeneric finds the smallest element of every row.
func rowsMinGeneric(dst, src []float32, n int) {
	for i := range dst {
		acc := everyLane(inf32)
		x := src[i*n : (i+1)*n]
		for ; len(x) >= lanes; x = x[lanes:] {
			for l, v := range (*[lanes]float32)(x) {
				acc[l] = min2(acc[l], v)
			}
		}
		for l, v := range x {
			acc[l] = min2(acc[l], v)
		}
		for s := lanes / 2; s > 0; s /= 2 {
			for l := range s {
				acc[l] = min2(acc[l], acc[l+s])
			}
		}
		dst[i] = acc[0]
	}
}

// rowsMean divides the sum of every row by n.
func rowsMean(dst, src []float32, n int) {
	rowsSum(dst, src, n)
	for i := range dst {
		dst[i] /= float32(n)
	}
}
