// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func vertical1AVX2(dst, a, b, by *float32, n, k, ac, br, bc, ar, dr, more int)

//go:noescape
func vertical2AVX2(dst, a, b, by *float32, n, k, ac, br, bc, ar, dr, more int)

//go:noescape
func vertical1AVX512(dst, a, b, by *float32, n, k, ac, br, bc, ar, dr, more int)

//go:noescape
func vertical2AVX512(dst, a, b, by *float32, n, k, ac, br, bc, ar, dr, more int)

// verticalSteps is how many steps all chains of an assembly call have together, some 20 microseconds, in which the garbage
// collector cannot interrupt it.
const verticalSteps = 1 << 15

//go:noescape
func verticalWeightsAVX2(e, inv, scale *float32, keys, rows, step int)

//go:noescape
func verticalWeightsAVX512(e, inv, scale *float32, keys, rows, step int)

// vertical is verticalGeneric, two rows at a time.
func vertical(dst, a, b, by []float32, p *verticalProduct, more bool) {
	if path == pathPureGo || p.m == 0 || p.n == 0 || p.k == 0 {
		verticalGeneric(dst, a, b, by, p, more)
		return
	}
	_, _, _ = dst[(p.m-1)*p.dr+p.n*lanes-1], a[(p.m-1)*p.ar+(p.k-1)*p.ac+lanes-1], b[(p.k-1)*p.br+(p.n-1)*p.bc+lanes-1]
	columns := max(1, verticalSteps/p.k)
	for c := 0; c < p.n; c += columns {
		n := min(columns, p.n-c)
		for r := 0; r < p.m; r += 2 {
			var factor *float32
			if by != nil {
				factor = &by[r*lanes]
			}
			verticalRows(&dst[r*p.dr+c*lanes], &a[r*p.ar], &b[c*p.bc], factor, min(2, p.m-r), n, p, more)
		}
	}
}

// verticalRows computes n columns of one or two rows.
func verticalRows(dst, a, b, by *float32, rows, n int, p *verticalProduct, more bool) {
	add := 0
	if more {
		add = 1
	}
	ac, br, bc, ar, dr := 4*p.ac, 4*p.br, 4*p.bc, 4*p.ar, 4*p.dr
	switch {
	case path == pathAVX512 && rows == 2:
		vertical2AVX512(dst, a, b, by, n, p.k, ac, br, bc, ar, dr, add)
	case path == pathAVX512:
		vertical1AVX512(dst, a, b, by, n, p.k, ac, br, bc, ar, dr, add)
	case rows == 2:
		vertical2AVX2(dst, a, b, by, n, p.k, ac, br, bc, ar, dr, add)
	default:
		vertical1AVX2(dst, a, b, by, n, p.k, ac, br, bc, ar, dr, add)
	}
}

// verticalWeights is verticalWeightsGeneric, unless there are too many keys for an assembly call.
func verticalWeights(e, inv []float32, scale float32, keys, rows, step int) {
	if path == pathPureGo || keys > longKeys || keys == 0 || rows == 0 {
		verticalWeightsGeneric(e, inv, scale, keys, rows, step)
		return
	}
	_, _ = e[(rows-1)*step+keys*lanes-1], inv[rows*lanes-1]
	for r := 0; r < rows; {
		n := min(rows-r, max(1, longKeys/keys))
		if path == pathAVX512 {
			verticalWeightsAVX512(&e[r*step], &inv[r*lanes], &scale, keys, n, 4*step)
		} else {
			verticalWeightsAVX2(&e[r*step], &inv[r*lanes], &scale, keys, n, 4*step)
		}
		r += n
	}
}
