// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func rowsSumAVX2(dst, src *float32, rows, n int)

//go:noescape
func rowsSumAVX512(dst, src *float32, rows, n int)

//go:noescape
func rowsMaxAVX2(dst, src *float32, rows, n int)

//go:noescape
func rowsMaxAVX512(dst, src *float32, rows, n int)

//go:noescape
func rowsMinAVX2(dst, src *float32, rows, n int)

//go:noescape
func rowsMinAVX512(dst, src *float32, rows, n int)

// rowsCall is how many elements an assembly call reads at most, beside those of one row: it takes some 10 microseconds, in
// which the garbage collector cannot interrupt it.
const rowsCall = 1 << 15

// rowCalls is how many of so many rows of n elements one assembly call takes; 0 if there is none for them.
func rowCalls(rows, n int) int {
	if path == pathPureGo || n > rowsCall {
		return 0
	}
	return min(rows, 1+rowsCall/n)
}

// rowsSum adds up every row of n elements.
func rowsSum(dst, src []float32, n int) {
	for len(dst) > 0 {
		m := rowCalls(len(dst), n)
		x := src[:max(m, 1)*n]
		switch {
		case m == 0:
			m = 1
			rowsSumGeneric(dst[:1], x, n)
		case path == pathAVX512:
			rowsSumAVX512(&dst[0], &x[0], m, n)
		default:
			rowsSumAVX2(&dst[0], &x[0], m, n)
		}
		dst, src = dst[m:], src[m*n:]
	}
}

// rowsMax finds the largest element of every row of n.
func rowsMax(dst, src []float32, n int) {
	for len(dst) > 0 {
		m := rowCalls(len(dst), n)
		x := src[:max(m, 1)*n]
		switch {
		case m == 0:
			m = 1
			rowsMaxGeneric(dst[:1], x, n)
		case path == pathAVX512:
			rowsMaxAVX512(&dst[0], &x[0], m, n)
		default:
			rowsMaxAVX2(&dst[0], &x[0], m, n)
		}
		dst, src = dst[m:], src[m*n:]
	}
}

// rowsMin finds the smallest element of every row of n.
func rowsMin(dst, src []float32, n int) {
	for len(dst) > 0 {
		m := rowCalls(len(dst), n)
		x := src[:max(m, 1)*n]
		switch {
		case m == 0:
			m = 1
			rowsMinGeneric(dst[:1], x, n)
		case path == pathAVX512:
			rowsMinAVX512(&dst[0], &x[0], m, n)
		default:
			rowsMinAVX2(&dst[0], &x[0], m, n)
		}
		dst, src = dst[m:], src[m*n:]
	}
}
