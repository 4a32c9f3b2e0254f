// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func vertical1AVX2(dst, a, b *float32, n, k, ac, br, bc, ar, dr, more int)

//go:noescape
func vertical2AVX2(dst, a, b *float32, n, k, ac, br, bc, ar, dr, more int)

//go:noescape
func vertical1AVX512(dst, a, b *float32, n, k, ac, br, bc, ar, dr, more int)

//go:noescape
func vertical2AVX512(dst, a, b *float32, n, k, ac, br, bc, ar, dr, more int)

// verticalSteps is how many steps all chains of an assembly call have together, some 20 microseconds, in which the garbage
// collector cannot interrupt it.
const verticalSteps = 1 << 15

// vertical is verticalGeneric, two rows at a time.
func vertical(dst, a, b []float32, p *verticalProduct, more bool) {
	if path == pathPureGo || p.m == 0 || p.n == 0 || p.k == 0 {
		verticalGeneric(dst, a, b, p, more)
		return
	}
	_, _, _ = dst[(p.m-1)*p.dr+p.n*lanes-1], a[(p.m-1)*p.ar+(p.k-1)*p.ac+lanes-1], b[(p.k-1)*p.br+(p.n-1)*p.bc+lanes-1]
	columns := max(1, verticalSteps/p.k)
	for c := 0; c < p.n; c += columns {
		n := min(columns, p.n-c)
		for r := 0; r < p.m; r += 2 {
			verticalRows(&dst[r*p.dr+c*lanes], &a[r*p.ar], &b[c*p.bc], min(2, p.m-r), n, p, more)
		}
	}
}

// verticalRows computes n columns of one or two rows.
func verticalRows(dst, a, b *float32, rows, n int, p *verticalProduct, more bool) {
	add := 0
	if more {
		add = 1
	}
	ac, br, bc, ar, dr := 4*p.ac, 4*p.br, 4*p.bc, 4*p.ar, 4*p.dr
	switch {
	case path == pathAVX512 && rows == 2:
		vertical2AVX512(dst, a, b, n, p.k, ac, br, bc, ar, dr, add)
	case path == pathAVX512:
		vertical1AVX512(dst, a, b, n, p.k, ac, br, bc, ar, dr, add)
	case rows == 2:
		vertical2AVX2(dst, a, b, n, p.k, ac, br, bc, ar, dr, add)
	default:
		vertical1AVX2(dst, a, b, n, p.k, ac, br, bc, ar, dr, add)
	}
}
