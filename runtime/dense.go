// SPDX-License-Identifier: MIT-0

package runtime

// Dense layers in exact float32: every output is a chain acc = fma(x_k, w_k, acc), k increasing. The chains run in
// float64, where the product is exact; a sum that narrows to float32 by a second rounding at a tie is found by its low
// bits, all accumulators at once, and then rounded to odd first (docs/numerics.md).

// denseMatrix is a K x N matrix packed for the path in use: in float64 for pure Go, in float32 for assembly.
type denseMatrix struct {
	wide   []float64
	narrow []float32
}

// panelColumns and rowColumns are the columns of a block of a matrix for densePanels and denseRows: weights.bin has the
// blocks one after the other, row-major each, the last with the columns that are left. In memory that one has zeros up to a
// multiple of the unit.
const (
	panelColumns, panelUnit = 24, 8
	rowColumns, rowUnit     = 64, 16
)

// newPanelMatrix prepares a K x N matrix for densePanels, given by blocks of panelColumns.
func newPanelMatrix(w []float32, k, n int) denseMatrix {
	if path == pathPureGo {
		return denseMatrix{wide: packPairs(inRows(w, k, n, panelColumns), k, n)}
	}
	return denseMatrix{narrow: padBlocks(w, k, n, panelColumns, panelUnit)}
}

// newRowMatrix prepares a K x N matrix for denseRows, given by blocks of rowColumns.
func newRowMatrix(w []float32, k, n int) denseMatrix {
	if path == pathPureGo {
		return denseMatrix{wide: packOctets(inRows(w, k, n, rowColumns), k, n)}
	}
	return denseMatrix{narrow: padBlocks(w, k, n, rowColumns, rowUnit)}
}

// padBlocks adds zeros to the last block up to a multiple of unit columns.
func padBlocks(w []float32, k, n, block, unit int) []float32 {
	if n%unit == 0 {
		return w
	}
	out := make([]float32, (n+unit-1)/unit*unit*k)
	last := n / block * block
	copy(out, w[:last*k])
	cols := n - last
	step := (cols + unit - 1) / unit * unit
	for i := range k {
		copy(out[last*k+i*step:], w[last*k+i*cols:last*k+(i+1)*cols])
	}
	return out
}

// inBlocks cuts a row-major K x N matrix into blocks of columns.
func inBlocks(w []float32, k, n, block int) []float32 {
	out := make([]float32, 0, k*n)
	for j := 0; j < n; j += block {
		for i := range k {
			out = append(out, w[i*n+j:i*n+min(j+block, n)]...)
		}
	}
	return out
}

// inRows is a row-major matrix from its blocks.
func inRows(w []float32, k, n, block int) []float32 {
	out := make([]float32, k*n)
	for j := 0; j < n; j += block {
		for i := range k {
			w = w[copy(out[i*n+j:i*n+min(j+block, n)], w):]
		}
	}
	return out
}

// packPairs widens a K x N matrix for densePanelsGeneric: pairs of columns, k by k; an odd last column is paired with zeros.
func packPairs(w []float32, k, n int) []float64 {
	out := make([]float64, (n+1)/2*k*2)
	for j := range n {
		for i := range k {
			out[(j/2*k+i)*2+j%2] = float64(w[i*n+j])
		}
	}
	return out
}

// packOctets widens a K x N matrix for denseRowsGeneric: eight columns, k by k; missing last columns are zeros.
func packOctets(w []float32, k, n int) []float64 {
	out := make([]float64, (n+7)/8*k*8)
	for j := range n {
		for i := range k {
			out[(j/8*k+i)*8+j%8] = float64(w[i*n+j])
		}
	}
	return out
}

// widenPanel writes a panel of k features as four groups of four lanes, k by k within a group.
func widenPanel(dst []float64, panel []float32, k int) {
	for i := range k {
		src := (*[lanes]float32)(panel[i*lanes:])
		for g := range 4 {
			d := (*[4]float64)(dst[(g*k+i)*4:])
			d[0], d[1], d[2], d[3] = float64(src[g*4]), float64(src[g*4+1]), float64(src[g*4+2]), float64(src[g*4+3])
		}
	}
}

// densePanelsGeneric multiplies panels of k features by a matrix packed with packPairs, from bias (nil: zeros). Scratch
// holds 16·k elements, one widened panel.
func densePanelsGeneric(dst, src []float32, w []float64, bias []float32, scratch []float64, panels, k, n int) {
	for p := range panels {
		widenPanel(scratch, src[p*k*lanes:], k)
		y := dst[p*n*lanes : (p+1)*n*lanes]
		for j := 0; j < n; j += 2 {
			var b0, b1 float64
			if bias != nil {
				b0 = float64(bias[j])
				if j+1 < n {
					b1 = float64(bias[j+1])
				}
			}
			wj := w[j*k : (j+2)*k]
			for g := range 4 {
				acc := [8]float64{b0, b0, b0, b0, b1, b1, b1, b1}
				tile4x2(&acc, scratch[g*k*4:(g+1)*k*4], wj)
				for l := range 4 {
					y[j*lanes+g*4+l] = float32(acc[l])
					if j+1 < n {
						y[(j+1)*lanes+g*4+l] = float32(acc[4+l])
					}
				}
			}
		}
	}
}

// tile4x2 continues eight chains: four lanes of x (4 elements for each k) by two columns of w (2 elements for each k).
// The accumulators hold float32 values, those of the first column first.
func tile4x2(acc *[8]float64, x, w []float64) {
	a0, a1, a2, a3 := acc[0], acc[1], acc[2], acc[3]
	c0, c1, c2, c3 := acc[4], acc[5], acc[6], acc[7]
	for len(x) >= 4 && len(w) >= 2 {
		xp, wp := (*[4]float64)(x), (*[2]float64)(w)
		w0, w1 := wp[0], wp[1]
		s0, s1, s2, s3 := xp[0]*w0+a0, xp[1]*w0+a1, xp[2]*w0+a2, xp[3]*w0+a3 // exact products
		t0, t1, t2, t3 := xp[0]*w1+c0, xp[1]*w1+c1, xp[2]*w1+c2, xp[3]*w1+c3 // exact products
		if int32(flag(s0)|flag(t0)|flag(s1)|flag(t1)|flag(s2)|flag(t2)|flag(s3)|flag(t3)) < 0 &&
			int32(halfway(s0)|halfway(t0)|halfway(s1)|halfway(t1)|halfway(s2)|halfway(t2)|halfway(s3)|halfway(t3)) < 0 {
			s0, s1, s2, s3 = fix(s0, xp[0]*w0, a0), fix(s1, xp[1]*w0, a1), fix(s2, xp[2]*w0, a2), fix(s3, xp[3]*w0, a3)
			t0, t1, t2, t3 = fix(t0, xp[0]*w1, c0), fix(t1, xp[1]*w1, c1), fix(t2, xp[2]*w1, c2), fix(t3, xp[3]*w1, c3)
		}
		a0, a1, a2, a3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
		c0, c1, c2, c3 = float64(float32(t0)), float64(float32(t1)), float64(float32(t2)), float64(float32(t3))
		x, w = x[4:], w[2:]
	}
	*acc = [8]float64{a0, a1, a2, a3, c0, c1, c2, c3}
}

// denseRowsGeneric multiplies row-major rows by a matrix packed with packOctets, from bias (nil: zeros).
func denseRowsGeneric(dst, src []float32, w []float64, bias []float32, rows, k, n int) {
	for r := range rows {
		x, y := src[r*k:r*k+k], dst[r*n:r*n+n]
		for j := 0; j < n; j += 8 {
			var b [8]float64
			if bias != nil {
				for i := range min(8, n-j) {
					b[i] = float64(bias[j+i])
				}
			}
			t := tile1x8(x, w[j*k:(j+8)*k], &b)
			copy(y[j:], t[:])
		}
	}
}

// tile1x8 runs eight chains: one row x by eight columns of w (8 elements for each k).
func tile1x8(x []float32, w []float64, b *[8]float64) [8]float32 {
	a0, a1, a2, a3, a4, a5, a6, a7 := b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]
	for _, xf := range x {
		if len(w) < 8 {
			break
		}
		v, wp := float64(xf), (*[8]float64)(w)
		s0, s1, s2, s3 := v*wp[0]+a0, v*wp[1]+a1, v*wp[2]+a2, v*wp[3]+a3 // exact products
		s4, s5, s6, s7 := v*wp[4]+a4, v*wp[5]+a5, v*wp[6]+a6, v*wp[7]+a7 // exact products
		if int32(flag(s0)|flag(s1)|flag(s2)|flag(s3)|flag(s4)|flag(s5)|flag(s6)|flag(s7)) < 0 &&
			int32(halfway(s0)|halfway(s1)|halfway(s2)|halfway(s3)|halfway(s4)|halfway(s5)|halfway(s6)|halfway(s7)) < 0 {
			s0, s1, s2, s3 = fix(s0, v*wp[0], a0), fix(s1, v*wp[1], a1), fix(s2, v*wp[2], a2), fix(s3, v*wp[3], a3)
			s4, s5, s6, s7 = fix(s4, v*wp[4], a4), fix(s5, v*wp[5], a5), fix(s6, v*wp[6], a6), fix(s7, v*wp[7], a7)
		}
		a0, a1, a2, a3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
		a4, a5, a6, a7 = float64(float32(s4)), float64(float32(s5)), float64(float32(s6)), float64(float32(s7))
		w = w[8:]
	}
	return [8]float32{float32(a0), float32(a1), float32(a2), float32(a3), float32(a4), float32(a5), float32(a6), float32(a7)}
}

// denseRows64 multiplies row-major float64 rows by a K x N matrix: acc + the rounded product, k increasing.
func denseRows64(dst, src, w, bias []float64, rows, k, n int) {
	for r := range rows {
		y := dst[r*n : r*n+n]
		for j := range y {
			y[j] = 0
		}
		copy(y, bias)
		for i, x := range src[r*k : r*k+k] {
			for j, v := range w[i*n : i*n+n] {
				y[j] += float64(x * v)
			}
		}
	}
}
