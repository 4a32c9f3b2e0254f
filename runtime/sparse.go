// SPDX-License-Identifier: MIT-0

package runtime

// Sparse layers in exact float32: every output is a chain acc = fma(x_k, w_k, acc) over the nonzero weights, k increasing.

// sparse is a K x N matrix by columns: column j has the weights values[ends[j-1]:ends[j]] in the rows beside them. Assembly
// has them in narrow instead, and for panels in blocks.
type sparse struct {
	rows   []uint16
	values []float64
	narrow []float32
	ends   []int32

	blocks []sparseBlock
	group  int       // the most panels that the blocks are for at once
	start  []float32 // zeros, where the chains of a layer without bias begin
}

// newSparse joins a pattern and its weights, in the same order, for the path in use and for panels, at most so many; 0 for
// row-major rows.
func newSparse(p pattern, values []float32, panels, k int) sparse {
	s := sparse{ends: p.ends}
	if path != pathPureGo && panels > 0 {
		s.group = sparseGroup(panels)
		s.blocks, s.start = sparseBlocks(p, values, s.group, k), make([]float32, len(p.ends))
		return s
	}
	s.rows = make([]uint16, len(p.cells))
	for i, c := range p.cells {
		s.rows[i] = uint16(c >> 1)
	}
	if path != pathPureGo {
		s.narrow = values
		return s
	}
	s.values = make([]float64, len(p.cells))
	for i, v := range values {
		s.values[i] = float64(v)
	}
	return s
}

// sparsePanelsGeneric multiplies panels of k features by a sparse matrix of n columns, from bias (nil: zeros). Scratch
// holds 16·k elements, one widened panel.
func sparsePanelsGeneric(dst, src []float32, w *sparse, bias []float32, scratch []float64, panels, k, n int) {
	for p := range panels {
		for i, v := range src[p*k*lanes : (p+1)*k*lanes] {
			scratch[i] = float64(v)
		}
		y := dst[p*n*lanes : (p+1)*n*lanes]
		begin := int32(0)
		for j, end := range w.ends {
			b := 0.0
			if bias != nil {
				b = float64(bias[j])
			}
			rows, values := w.rows[begin:end], w.values[begin:end]
			begin = end
			sparseLanes((*[8]float32)(y[j*lanes:]), scratch, rows, values, b)
			sparseLanes((*[8]float32)(y[j*lanes+8:]), scratch[8:], rows, values, b)
		}
	}
}

// sparseLanes runs eight chains over rows of x, which are 16 elements apart.
func sparseLanes(y *[8]float32, x []float64, rows []uint16, values []float64, b float64) {
	a0, a1, a2, a3, a4, a5, a6, a7 := b, b, b, b, b, b, b, b
	values = values[:len(rows)]
	for i, r := range rows {
		v, p := values[i], (*[8]float64)(x[int(r)*lanes:])
		s0, s1, s2, s3 := p[0]*v+a0, p[1]*v+a1, p[2]*v+a2, p[3]*v+a3 // exact products
		s4, s5, s6, s7 := p[4]*v+a4, p[5]*v+a5, p[6]*v+a6, p[7]*v+a7 // exact products
		if int32(flag(s0)|flag(s1)|flag(s2)|flag(s3)|flag(s4)|flag(s5)|flag(s6)|flag(s7)) < 0 &&
			int32(halfway(s0)|halfway(s1)|halfway(s2)|halfway(s3)|halfway(s4)|halfway(s5)|halfway(s6)|halfway(s7)) < 0 {
			s0, s1, s2, s3 = fix(s0, p[0]*v, a0), fix(s1, p[1]*v, a1), fix(s2, p[2]*v, a2), fix(s3, p[3]*v, a3)
			s4, s5, s6, s7 = fix(s4, p[4]*v, a4), fix(s5, p[5]*v, a5), fix(s6, p[6]*v, a6), fix(s7, p[7]*v, a7)
		}
		a0, a1, a2, a3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
		a4, a5, a6, a7 = float64(float32(s4)), float64(float32(s5)), float64(float32(s6)), float64(float32(s7))
	}
	y[0], y[1], y[2], y[3] = float32(a0), float32(a1), float32(a2), float32(a3)
	y[4], y[5], y[6], y[7] = float32(a4), float32(a5), float32(a6), float32(a7)
}

// sparseRowsGeneric multiplies row-major rows of k features by a sparse matrix of n columns, from bias (nil: zeros).
func sparseRowsGeneric(dst, src []float32, w *sparse, bias []float32, rows, k, n int) {
	for r := range rows {
		x, y := src[r*k:r*k+k], dst[r*n:r*n+n]
		begin := int32(0)
		for j, end := range w.ends {
			acc := float32(0)
			if bias != nil {
				acc = bias[j]
			}
			for i := begin; i < end; i++ {
				acc = fma32(x[w.rows[i]], float32(w.values[i]), acc)
			}
			y[j] = acc
			begin = end
		}
	}
}
