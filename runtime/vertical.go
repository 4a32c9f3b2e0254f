// SPDX-License-Identifier: MIT-0

package runtime

// verticalProduct is m x k by k x n products, one for each of 16 lanes: every element is a vector. Strides are in elements of
// float32: between rows and steps of a, steps and columns of b, rows of the result, whose columns lie side by side.
type verticalProduct struct {
	m, n, k int
	ar, ac  int
	br, bc  int
	dr      int
}

// verticalGeneric computes every element as the chain acc = fma(a, b, acc) from +0, or with more from what dst holds, k
// increasing, times a vector of by for each row unless that is nil.
func verticalGeneric(dst, a, b, by []float32, p *verticalProduct, more bool) {
	for r := range p.m {
		for c := range p.n {
			y := (*[lanes]float32)(dst[r*p.dr+c*lanes:])
			if !more {
				*y = [lanes]float32{}
			}
			for s := range p.k {
				verticalStep(y, (*[lanes]float32)(a[r*p.ar+s*p.ac:]), (*[lanes]float32)(b[s*p.br+c*p.bc:]))
			}
			if by != nil {
				for l, v := range by[r*lanes : (r+1)*lanes] {
					y[l] *= v
				}
			}
		}
	}
}

func verticalStep(acc, a, b *[lanes]float32) {
	bits := uint32(0)
	var t [lanes]float64
	for l, v := range a {
		t[l] = float64(v)*float64(b[l]) + float64(acc[l]) // exact product
		bits |= flag(t[l])
	}
	if int32(bits) < 0 {
		for l, v := range a {
			t[l] = fix(t[l], float64(v)*float64(b[l]), float64(acc[l]))
		}
	}
	for l := range acc {
		acc[l] = float32(t[l])
	}
}

// verticalWeightsGeneric replaces rows of scores, step elements apart, by e = expneg(x·scale - max) and writes 1/sum(e) of each,
// the sum a chain: each lane by itself.
func verticalWeightsGeneric(e, inv []float32, scale float32, keys, rows, step int) {
	for r := range rows {
		x := e[r*step:][:keys*lanes]
		top, sum := everyLane(-inf32), [lanes]float32{}
		finishScores(x, nil, &top, len(x), &oneQuery{scale: scale})
		laneExp(x, x, &top, &sum)
		for l, v := range sum {
			inv[r*lanes+l] = 1 / v
		}
	}
}

// partialSums sums the columns, or with mean computes the means, of matrices of so many rows and n columns that lie one after the
// other: 16 partial sums by row. scratch has room for 16 rows.
func partialSums(dst, x, scratch []float32, rows, n int, mean bool) {
	p := scratch[:lanes*n]
	for ; len(dst) > 0; dst, x = dst[n:], x[rows*n:] {
		clear(p)
		for r := 0; r < rows; r += lanes {
			some := min(lanes, rows-r) * n
			add32Slice(p[:some], p[:some], x[r*n:r*n+some])
		}
		joinRows(p, n)
		y := dst[:n]
		copy(y, p)
		if mean {
			for i := range y {
				y[i] /= float32(rows)
			}
		}
	}
}

// joinRows adds 16 rows of n elements: those 8, 4, 2 and 1 apart. The first row becomes the sum.
func joinRows(p []float32, n int) {
	for s := lanes / 2 * n; s >= n && s > 0; s /= 2 {
		add32Slice(p[:s], p[:s], p[s:2*s])
	}
}
