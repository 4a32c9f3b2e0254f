// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func narrowProductAVX2(dst, a, b *float32, rows, k, n, ar, ac, br, dr int)

//go:noescape
func narrowProductAVX512(dst, a, b *float32, rows, k, n, ar, ac, br, dr int)

// contractSteps is how many steps of a chain are taken at once where columns of b are copied together.
const contractSteps = 64

// narrowSteps is how many steps the chains of one assembly call have together, some 10 microseconds, in which the garbage
// collector cannot interrupt it.
const narrowSteps = 1 << 15

// contract32 is contract32Generic. Tiles have the columns of b in the lanes, as many vectors at a time as there are. Columns
// that do not lie side by side are copied together first; for a single row, or a few products, that would not pay.
func contract32(dst, a, b []float32, p *product) {
	switch {
	case path == pathPureGo || p.m == 0 || p.n == 0 || p.k == 0:
		contract32Generic(dst, a, b, p)
	case p.bc != 1 && (p.m == 1 || p.m*p.k*p.n < 256):
		contract32Generic(dst, a, b, p)
	default:
		for i, start := range p.as {
			contractOne(dst[i*p.m*p.n:(i+1)*p.m*p.n], a[start:], b[p.bs[i]:], p)
		}
	}
}

// contractOne computes one of the products.
func contractOne(y, x, w []float32, p *product) {
	full := 0 // columns that tiles read in place
	if p.bc == 1 {
		full = p.n / rowUnit * rowUnit
	}
	for j := 0; j < full; j += rowColumns {
		contractColumns(y[j:], x, w[j:], p, min(rowColumns, full-j))
	}
	if p.bc == 1 && full < p.n && p.k <= narrowSteps {
		contractNarrow(y[full:], x, w[full:], p, p.n-full)
		return
	}
	for j := full; j < p.n; j += rowColumns {
		contractCopied(y[j:], x, w[j*p.bc:], p, min(rowColumns, p.n-j))
	}
}

// contractNarrow computes fewer than 16 columns of one product, which lie side by side.
func contractNarrow(y, x, w []float32, p *product, n int) {
	_, _, _ = y[(p.m-1)*p.n+n-1], x[(p.m-1)*p.ar+(p.k-1)*p.ac], w[(p.k-1)*p.br+n-1]
	for r := 0; r < p.m; {
		m := min(p.m-r, max(1, narrowSteps/p.k))
		if path == pathAVX512 {
			narrowProductAVX512(&y[r*p.n], &x[r*p.ar], &w[0], m, p.k, n, 4*p.ar, 4*p.ac, 4*p.br, 4*p.n)
		} else {
			narrowProductAVX2(&y[r*p.n], &x[r*p.ar], &w[0], m, p.k, n, 4*p.ar, 4*p.ac, 4*p.br, 4*p.n)
		}
		r += m
	}
}

// contractColumns computes n columns, a multiple of 16, of one product.
func contractColumns(y, x, w []float32, p *product, n int) {
	var zeros [rowColumns]float32
	for r := 0; r < p.m; {
		m := rowsOfTile(p.m - r)
		start := &zeros
		for k := 0; k < p.k; k += chunk {
			rowTiles(y[r*p.n:], x[r*p.ar+k*p.ac:], w[k*p.br:], start, m, min(chunk, p.k-k), n, p.ac, p.ar, p.br, p.n)
			start = nil
		}
		r += m
	}
}

// contractCopied computes n columns of one product from copies of their elements.
func contractCopied(y, x, w []float32, p *product, n int) {
	var zeros [rowColumns]float32
	var copied [contractSteps * rowColumns]float32
	var tile [tileRows * rowColumns]float32
	step := (n + rowUnit - 1) / rowUnit * rowUnit
	start := &zeros
	for k := 0; k < p.k; k += contractSteps {
		steps := min(contractSteps, p.k-k)
		for c := range n {
			at := k*p.br + c*p.bc
			for i := range steps {
				copied[i*step+c] = w[at]
				at += p.br
			}
		}
		for r := 0; r < p.m; {
			m := rowsOfTile(p.m - r)
			if start == nil {
				for i := range m {
					copy(tile[i*step:i*step+n], y[(r+i)*p.n:])
				}
			}
			rowTiles(tile[:], x[r*p.ar+k*p.ac:], copied[:], start, m, steps, step, p.ac, p.ar, step, step)
			for i := range m {
				copy(y[(r+i)*p.n:(r+i)*p.n+n], tile[i*step:])
			}
			r += m
		}
		start = nil
	}
}
