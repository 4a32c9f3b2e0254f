// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func rowFactorsAVX2(r, squares, mean, restMean, restSquares *float32, n int, rest, count, epsilon float32)

//go:noescape
func rowFactorsAVX512(r, squares, mean, restMean, restSquares *float32, n int, rest, count, epsilon float32)

//go:noescape
func pickRows0AVX2(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows1AVX2(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows2AVX2(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows3AVX2(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows4AVX2(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows0AVX512(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows1AVX512(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows2AVX512(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows3AVX512(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

//go:noescape
func pickRows4AVX512(dst, src, rest, mean, r, scale, bias *float32, n int, from *pickVector)

// scaleFactors replaces the sums of squares of x by 1/sqrt(variance + epsilon).
func scaleFactors(r, mean []float32, s *rowNorm, c *restRows) {
	if path == pathPureGo || len(r) > longRows {
		scaleFactorsGeneric(r, mean, s, c)
		return
	}
	var restMean, restSquares *float32
	if c.mean != nil {
		restMean, restSquares = &c.mean[0], &c.squares[0]
	}
	if path == pathAVX512 {
		rowFactorsAVX512(&r[0], &r[0], &mean[0], restMean, restSquares, len(r), c.rows, s.count, s.epsilon)
	} else {
		rowFactorsAVX2(&r[0], &r[0], &mean[0], restMean, restSquares, len(r), c.rows, s.count, s.epsilon)
	}
}

// normalizeRows writes panel p of the result.
func normalizeRows(dst, x, rest, mean, r []float32, scale, bias *[lanes]float32, s *rowNorm, p int) {
	switch {
	case path == pathPureGo || s.n > longRows:
		normalizeRowsGeneric(dst, x, rest, mean, r, scale, bias, s, p)
	case path == pathAVX512:
		normalizeVectors(dst, x, rest, mean, r, scale, bias, s, p, 1)
	default:
		normalizeVectors(dst, x, rest, mean, r, scale, bias, s, p, 2)
	}
}

// normalizeVectors is normalizeRows for lanes in so many vectors.
func normalizeVectors(dst, x, rest, mean, r []float32, scale, bias *[lanes]float32, s *rowNorm, p, vectors int) {
	for v := range vectors {
		at := v * lanes / vectors
		src, from := &x[0], (*pickVector)(nil)
		count := 0
		switch {
		case s.pick == nil:
			src = &x[p*s.n*lanes+at]
		case vectors == 1:
			from = &s.pick.wide[p]
			count = from.count
		default:
			from = &s.pick.narrow[2*p+v]
			count = from.count
		}
		var c *float32
		if rest != nil {
			c = &rest[at]
		}
		d, m, f, a, b := &dst[at], &mean[0], &r[0], &scale[at], &bias[at]
		switch wide := vectors == 1; {
		case count > pickSources:
			normalizeRowsGeneric(dst, x, rest, mean, r, scale, bias, s, p)
			return
		case count == 0 && wide:
			pickRows0AVX512(d, src, c, m, f, a, b, s.n, from)
		case count == 1 && wide:
			pickRows1AVX512(d, src, c, m, f, a, b, s.n, from)
		case count == 2 && wide:
			pickRows2AVX512(d, src, c, m, f, a, b, s.n, from)
		case count == 3 && wide:
			pickRows3AVX512(d, src, c, m, f, a, b, s.n, from)
		case wide:
			pickRows4AVX512(d, src, c, m, f, a, b, s.n, from)
		case count == 0:
			pickRows0AVX2(d, src, c, m, f, a, b, s.n, from)
		case count == 1:
			pickRows1AVX2(d, src, c, m, f, a, b, s.n, from)
		case count == 2:
			pickRows2AVX2(d, src, c, m, f, a, b, s.n, from)
		case count == 3:
			pickRows3AVX2(d, src, c, m, f, a, b, s.n, from)
		default:
			pickRows4AVX2(d, src, c, m, f, a, b, s.n, from)
		}
	}
}
