// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func rowSumAVX2(dst, src, rest *float32, panels, step int)

//go:noescape
func rowSumAVX512(dst, src, rest *float32, panels, step int)

//go:noescape
func rowSquaresAVX2(dst, src, mean, rest *float32, panels, step int)

//go:noescape
func rowSquaresAVX512(dst, src, mean, rest *float32, panels, step int)

//go:noescape
func rowProductsAVX2(dst, src, e, rest *float32, panels, step int)

//go:noescape
func rowProductsAVX512(dst, src, e, rest *float32, panels, step int)

//go:noescape
func queryKeys1AVX2(dst, q, keys *float32, dh, step int)

//go:noescape
func queryKeys4AVX2(dst, q, keys *float32, dh, step int)

//go:noescape
func queryKeys1AVX512(dst, q, keys *float32, dh, step int)

//go:noescape
func queryKeys4AVX512(dst, q, keys *float32, dh, step int)

//go:noescape
func queryKeys8AVX512(dst, q, keys *float32, dh, step int)

//go:noescape
func queryPair2AVX2(dst, q, keys *float32, dh, step, next int)

//go:noescape
func queryPair4AVX512(dst, q, keys *float32, dh, step, next int)

//go:noescape
func rowProducts2AVX512(dst, dst2, src, e, e2, rest *float32, panels, step int)

//go:noescape
func keyWeightsAVX2(scores, rest *float32, panels int, scale float32) float32

//go:noescape
func keyWeightsAVX512(scores, rest *float32, panels int, scale float32) float32

//go:noescape
func spreadRowAVX2(dst, src, member *float32, n int)

//go:noescape
func spreadRowAVX512(dst, src, member *float32, n int)

// longRows is from how many rows on an assembly call could take some 20 microseconds, in which the garbage collector cannot
// interrupt it.
const longRows = 1 << 14

// rowBlocks calls wide for 16 features at a time and narrow for 4, the last ones again where n is no multiple; it reports
// whether that covered all n, which it does from 4 on.
func rowBlocks(rows, n int, wide, narrow func(i int)) bool {
	if path == pathPureGo || n < 4 || rows > longRows {
		return false
	}
	i := 0
	if path == pathAVX512 {
		for ; i+16 <= n; i += 16 {
			wide(i)
		}
		if i > 0 && n-i > 4 {
			wide(n - 16)
			return true
		}
	}
	for ; i+4 <= n; i += 4 {
		narrow(i)
	}
	if i < n {
		narrow(n - 4)
	}
	return true
}

// lastLanes points to the mask of the lanes of a last panel that is not full, nil if there is none.
func lastLanes(m *[lanes]float32, rows int) *float32 {
	if rows%lanes == 0 {
		return nil
	}
	*m = lanesBelow(rows % lanes)
	return &m[0]
}

// rowSum sums x over the rows.
func rowSum(dst, src []float32, rows, n int) {
	var m [lanes]float32
	rest, panels, step := lastLanes(&m, rows), rows/lanes, 4*n*lanes
	if !rowBlocks(rows, n, func(i int) { rowSumAVX512(&dst[i], &src[i*lanes], rest, panels, step) },
		func(i int) { rowSumAVX2(&dst[i], &src[i*lanes], rest, panels, step) }) {
		rowSumGeneric(dst, src, rows, n)
	}
}

// rowSquares sums fma(d, d, ·), d = x - mean[i], over the rows.
func rowSquares(dst, src, mean []float32, rows, n int) {
	var m [lanes]float32
	rest, panels, step := lastLanes(&m, rows), rows/lanes, 4*n*lanes
	if !rowBlocks(rows, n, func(i int) { rowSquaresAVX512(&dst[i], &src[i*lanes], &mean[i], rest, panels, step) },
		func(i int) { rowSquaresAVX2(&dst[i], &src[i*lanes], &mean[i], rest, panels, step) }) {
		rowSquaresGeneric(dst, src, mean, rows, n)
	}
}

// rowProducts sums fma(e, x, ·) over the rows, where the step between panels of src is step elements, and e has as many
// elements as the panels have lanes, +0 beyond the last row.
func rowProducts(dst, src, e []float32, rows, n, step int) {
	var m [lanes]float32
	rest, panels := lastLanes(&m, rows), rows/lanes
	if !rowBlocks(rows, n, func(i int) { rowProductsAVX512(&dst[i], &src[i*lanes], &e[0], rest, panels, 4*step) },
		func(i int) { rowProductsAVX2(&dst[i], &src[i*lanes], &e[0], rest, panels, 4*step) }) {
		rowProductsGeneric(dst, src, e, rows, n, step)
	}
}

// queryKeys computes, for each row of the panels, the chain of fma over the elements of q and as many features; the step
// between panels is step elements.
func queryKeys(dst, q, keys []float32, panels, step int) {
	if path == pathPureGo || len(q) == 0 {
		queryKeysGeneric(dst, q, keys, panels, step)
		return
	}
	for p := 0; p < panels; {
		d, k := &dst[p*lanes], &keys[p*step]
		switch wide := path == pathAVX512; {
		case wide && panels-p >= 8:
			queryKeys8AVX512(d, &q[0], k, len(q), 4*step)
			p += 8
		case wide && panels-p >= 4:
			queryKeys4AVX512(d, &q[0], k, len(q), 4*step)
			p += 4
		case wide:
			queryKeys1AVX512(d, &q[0], k, len(q), 4*step)
			p++
		case panels-p >= 4:
			queryKeys4AVX2(d, &q[0], k, len(q), 4*step)
			p += 4
		default:
			queryKeys1AVX2(d, &q[0], k, len(q), 4*step)
			p++
		}
	}
}

// queryPair is queryKeys for two queries, one after the other in q; the scores of the second begin next elements behind.
func queryPair(dst, q, keys []float32, panels, step, next int) {
	dh, p := len(q)/2, 0
	for ; path != pathPureGo && dh > 0; p += 2 {
		if path == pathAVX512 && panels-p >= 4 {
			queryPair4AVX512(&dst[p*lanes], &q[0], &keys[p*step], dh, 4*step, 4*next)
			p += 2
		} else if path == pathAVX2 && panels-p >= 2 {
			queryPair2AVX2(&dst[p*lanes], &q[0], &keys[p*step], dh, 4*step, 4*next)
		} else {
			break
		}
	}
	if p < panels {
		queryKeys(dst[p*lanes:], q[:dh], keys[p*step:], panels-p, step)
		queryKeys(dst[next+p*lanes:], q[dh:], keys[p*step:], panels-p, step)
	}
}

// keyWeights turns the chains of n keys into e = expneg(x·scale - max), +0 in lanes without a key, and returns the sum of e, if there
// is code for it.
func keyWeights(scores []float32, n int, scale float32) (sum float32, ok bool) {
	if path == pathPureGo || n == 0 || n > longRows {
		return 0, false
	}
	var m [lanes]float32
	rest := lastLanes(&m, n)
	if path == pathAVX512 {
		return keyWeightsAVX512(&scores[0], rest, n/lanes, scale), true
	}
	return keyWeightsAVX2(&scores[0], rest, n/lanes, scale), true
}

// rowProducts2 is rowProducts with e and with e2.
func rowProducts2(dst, dst2, src, e, e2 []float32, rows, n, step int) {
	if path != pathAVX512 || n < 8 || rows > longRows {
		rowProducts(dst, src, e, rows, n, step)
		rowProducts(dst2, src, e2, rows, n, step)
		return
	}
	var m [lanes]float32
	rest := lastLanes(&m, rows)
	for i := 0; i < n; i += 8 {
		i := min(i, n-8)
		rowProducts2AVX512(&dst[i], &dst2[i], &src[i*lanes], &e[0], &e2[0], rest, rows/lanes, 4*step)
	}
}

// spreadRow writes the features of a row to the lanes from lo to hi of a panel.
func spreadRow(dst, src []float32, lo, hi int) {
	if path == pathPureGo || len(src) == 0 {
		spreadRowGeneric(dst, src, lo, hi)
		return
	}
	m := lanesBelow(hi)
	clear(m[:lo])
	if d := dst[:len(src)*lanes]; path == pathAVX512 {
		spreadRowAVX512(&d[0], &src[0], &m[0], len(src))
	} else {
		spreadRowAVX2(&d[0], &src[0], &m[0], len(src))
	}
}
