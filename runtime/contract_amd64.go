// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// contractSteps is how many steps of a chain are taken at once where columns of b are copied together.
const contractSteps = 64

// contract32 is contract32Generic. Tiles have the columns of b in the lanes. Columns that do not lie side by side, and
// those after the last full vector, are copied together first; for a single row, or a few products, that would not pay.
func contract32(dst, a, b []float32, p *product) {
	if path == pathPureGo || p.m == 1 && p.bc != 1 || p.m*p.k*p.n < 256 {
		contract32Generic(dst, a, b, p)
		return
	}
	full := 0 // columns that tiles read in place
	if p.bc == 1 {
		full = p.n / rowUnit * rowUnit
	}
	for i, start := range p.as {
		y, x, w := dst[i*p.m*p.n:(i+1)*p.m*p.n], a[start:], b[p.bs[i]:]
		for j := 0; j < full; j += rowColumns {
			contractColumns(y[j:], x, w[j:], p, min(rowColumns, full-j))
		}
		for j := full; j < p.n; j += rowColumns {
			contractCopied(y[j:], x, w[j*p.bc:], p, min(rowColumns, p.n-j))
		}
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
