// SPDX-License-Identifier: MIT-0

package runtime

import "slices"

// Ternary layers: each output is the sum of the x_k whose weight is +1, k increasing, less those whose weight is -1, k
// increasing, then fma(scale, sum, bias).

// signs is a ternary K x N matrix by columns: of column j, rows[ends[2j-1]:ends[2j]] are those of +1, the rows up to
// ends[2j+1] those of -1.
type signs struct {
	rows []uint16
	ends []int32
}

// newSigns sorts the cells of each column by sign.
func newSigns(p pattern) signs {
	s := signs{rows: make([]uint16, len(p.cells)), ends: make([]int32, 0, 2*len(p.ends))}
	var minus []uint16
	begin := int32(0)
	for _, end := range p.ends {
		cells, rows := p.cells[begin:end], s.rows[begin:end]
		minus = slices.Grow(minus[:0], len(cells)+1)[:len(cells)+1]
		pos, neg := 0, 0
		for _, c := range cells { // without branches, which would be mispredicted half the time
			rows[pos], minus[neg] = uint16(c>>1), uint16(c>>1)
			pos += int(^c & 1)
			neg += int(c & 1)
		}
		copy(rows[pos:], minus[:neg])
		s.ends = append(s.ends, begin+int32(pos), end)
		begin = end
	}
	return s
}

// ternaryPanelsGeneric multiplies panels of k features by a ternary matrix of n columns. A nil bias leaves scale·sum.
func ternaryPanelsGeneric(dst, src []float32, w *signs, scale, bias []float32, panels, k, n int) {
	for p := range panels {
		x, y := src[p*k*lanes:(p+1)*k*lanes], dst[p*n*lanes:(p+1)*n*lanes]
		begin := int32(0)
		for j := range n {
			mid, end := w.ends[2*j], w.ends[2*j+1]
			pos, neg := w.rows[begin:mid], w.rows[mid:end]
			begin = end
			out := (*[lanes]float32)(y[j*lanes:])
			sumLanes((*[8]float32)(out[:8]), x, pos, neg)
			sumLanes((*[8]float32)(out[8:]), x[8:], pos, neg)
		}
		scalePanel(y, scale, bias)
	}
}

// sumLanes adds and subtracts rows of eight lanes; rows are 16 elements apart.
func sumLanes(y *[8]float32, x []float32, pos, neg []uint16) {
	var a0, a1, a2, a3, a4, a5, a6, a7 float32
	switch {
	case len(pos) > 0:
		p := (*[8]float32)(x[int(pos[0])*lanes:])
		a0, a1, a2, a3, a4, a5, a6, a7 = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
		pos = pos[1:]
	case len(neg) > 0:
		p := (*[8]float32)(x[int(neg[0])*lanes:])
		a0, a1, a2, a3, a4, a5, a6, a7 = 0-p[0], 0-p[1], 0-p[2], 0-p[3], 0-p[4], 0-p[5], 0-p[6], 0-p[7]
		neg = neg[1:]
	}
	for _, i := range pos {
		p := (*[8]float32)(x[int(i)*lanes:])
		a0 += p[0]
		a1 += p[1]
		a2 += p[2]
		a3 += p[3]
		a4 += p[4]
		a5 += p[5]
		a6 += p[6]
		a7 += p[7]
	}
	for _, i := range neg {
		p := (*[8]float32)(x[int(i)*lanes:])
		a0 -= p[0]
		a1 -= p[1]
		a2 -= p[2]
		a3 -= p[3]
		a4 -= p[4]
		a5 -= p[5]
		a6 -= p[6]
		a7 -= p[7]
	}
	y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7] = a0, a1, a2, a3, a4, a5, a6, a7
}

// scalePanel is the epilogue of a ternary layer on a panel.
func scalePanel(y, scale, bias []float32) {
	for j, s := range scale {
		out := (*[lanes]float32)(y[j*lanes:])
		if bias == nil {
			for l := range out {
				out[l] *= s
			}
			continue
		}
		s64, b := float64(s), float64(bias[j])
		bits := uint32(0)
		var t [lanes]float64
		for l, v := range out {
			t[l] = s64*float64(v) + b // exact product
			bits |= flag(t[l])
		}
		if int32(bits) < 0 {
			for l, v := range out {
				t[l] = fix(t[l], s64*float64(v), b)
			}
		}
		for l := range out {
			out[l] = float32(t[l])
		}
	}
}

// ternaryRowsGeneric multiplies row-major rows of k features by a ternary matrix of n columns.
func ternaryRowsGeneric(dst, src []float32, w *signs, scale, bias []float32, rows, k, n int) {
	for r := range rows {
		x, y := src[r*k:r*k+k], dst[r*n:r*n+n]
		begin := int32(0)
		for j := range y {
			mid, end := w.ends[2*j], w.ends[2*j+1]
			sum := sumRow(x, w.rows[begin:mid], w.rows[mid:end])
			begin = end
			if bias != nil {
				y[j] = fma32(scale[j], sum, bias[j])
			} else {
				y[j] = scale[j] * sum
			}
		}
	}
}

func sumRow(x []float32, pos, neg []uint16) (sum float32) {
	switch {
	case len(pos) > 0:
		sum, pos = x[pos[0]], pos[1:]
	case len(neg) > 0:
		sum, neg = 0-x[neg[0]], neg[1:]
	}
	for _, i := range pos {
		sum += x[i]
	}
	for _, i := range neg {
		sum -= x[i]
	}
	return sum
}
