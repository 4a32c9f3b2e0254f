// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// Ternary layers whose columns share terms: a term is a row of the activations or a sum of several rows of a block, and
// each output is one chain over terms, then fma(scale, sum, bias). The chain begins at -0 if its first term is added,
// which leaves the term as it is, and at +0 if it is subtracted.

// terms is a ternary matrix as lists of terms. Its blocks stand in the order of the chains.
type terms struct {
	blocks []termBlock
	start  []float32 // where the chains begin
	room   int       // the most entries of a table
}

// termBlock has the terms of columns [lo, hi) among rows [top, end).
type termBlock struct {
	lo, hi, top, end int

	// A table holds the rows of the block and then these sums of two of its entries, each of them followed by its
	// negative: entry 2i is term i, and entry 2i+1 is 0 less it.
	sums [][2]uint16
	// The entries that each column adds, and where the lists end.
	cells []uint16
	ends  []int32
}

// termTable fills in the entries of the block's rows of a panel. tab may hold entries of other blocks of the same rows.
func (b *termBlock) termTable(tab, x []float32) {
	for i := b.top; i < b.end; i++ {
		tabulate((*[2 * lanes]float32)(tab[(i-b.top)*2*lanes:]), (*[lanes]float32)(x[i*lanes:]))
	}
}

// tabulate stores 16 lanes and their negatives.
func tabulate(t *[2 * lanes]float32, x *[lanes]float32) {
	t[0], t[1], t[2], t[3] = x[0], x[1], x[2], x[3]
	t[16], t[17], t[18], t[19] = -x[0], -x[1], -x[2], -x[3]
	t[4], t[5], t[6], t[7] = x[4], x[5], x[6], x[7]
	t[20], t[21], t[22], t[23] = -x[4], -x[5], -x[6], -x[7]
	t[8], t[9], t[10], t[11] = x[8], x[9], x[10], x[11]
	t[24], t[25], t[26], t[27] = -x[8], -x[9], -x[10], -x[11]
	t[12], t[13], t[14], t[15] = x[12], x[13], x[14], x[15]
	t[28], t[29], t[30], t[31] = -x[12], -x[13], -x[14], -x[15]
}

// termSums fills in the entries of the block's sums.
func (b *termBlock) termSums(tab []float32) {
	at := (b.end - b.top) * 2 * lanes
	for _, s := range b.sums {
		p, q := (*[lanes]float32)(tab[int(s[0])*lanes:]), (*[lanes]float32)(tab[int(s[1])*lanes:])
		t := (*[2 * lanes]float32)(tab[at:])
		for l, v := range p {
			v += q[l]
			t[l], t[lanes+l] = v, -v
		}
		at += 2 * lanes
	}
}

// termPanelsGeneric multiplies panels of k features by a matrix of n columns. A nil bias leaves scale·sum; tab is scratch.
func termPanelsGeneric(dst, src []float32, w *terms, scale, bias, tab []float32, panels, k, n int) {
	for p := range panels {
		x, y := src[p*k*lanes:(p+1)*k*lanes], dst[p*n*lanes:(p+1)*n*lanes]
		top := -1
		for i := range w.blocks {
			b := &w.blocks[i]
			if b.top != top {
				b.termTable(tab, x)
				top = b.top
			}
			b.termSums(tab)
			begin := int32(0)
			for c, end := range b.ends {
				j := b.lo + c
				out := (*[lanes]float32)(y[j*lanes:])
				if b.top == 0 {
					s := w.start[j]
					for l := range out {
						out[l] = s
					}
				}
				cells := b.cells[begin:end]
				begin = end
				addLanes((*[8]float32)(out[:8]), tab, cells)
				addLanes((*[8]float32)(out[8:]), tab[8:], cells)
			}
		}
		scalePanel(y, scale, bias)
	}
}

// addLanes adds rows of eight lanes; rows are 16 elements apart.
func addLanes(y *[8]float32, tab []float32, cells []uint16) {
	a0, a1, a2, a3, a4, a5, a6, a7 := y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7]
	for _, i := range cells {
		p := (*[8]float32)(tab[int(i)*lanes:])
		a0 += p[0]
		a1 += p[1]
		a2 += p[2]
		a3 += p[3]
		a4 += p[4]
		a5 += p[5]
		a6 += p[6]
		a7 += p[7]
	}
	y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7] = a0, a1, a2, a3, a4, a5, a6, a7
}

// termRows multiplies row-major rows of k features by a matrix of n columns.
func termRows(dst, src []float32, w *terms, scale, bias, tab []float32, rows, k, n int) {
	for r := range rows {
		x, y := src[r*k:r*k+k], dst[r*n:r*n+n]
		copy(y, w.start)
		top := -1
		for i := range w.blocks {
			b := &w.blocks[i]
			if b.top != top {
				for i, v := range x[b.top:b.end] {
					tab[2*i], tab[2*i+1] = v, -v
				}
				top = b.top
			}
			at := 2 * (b.end - b.top)
			for _, s := range b.sums {
				v := tab[s[0]] + tab[s[1]]
				tab[at], tab[at+1] = v, -v
				at += 2
			}
			begin := int32(0)
			for c, end := range b.ends {
				sum := y[b.lo+c]
				for _, i := range b.cells[begin:end] {
					sum += tab[i]
				}
				y[b.lo+c] = sum
				begin = end
			}
		}
		for j, sum := range y {
			if bias != nil {
				y[j] = fma32(scale[j], sum, bias[j])
			} else {
				y[j] = scale[j] * sum
			}
		}
	}
}

// newTerms is a matrix of n columns without blocks.
func newTerms(n int) terms { return terms{start: make([]float32, n)} }

// list appends the list of the next column to the block.
func (w *terms) list(b *termBlock, began []bool, cells ...uint16) {
	j := b.lo + len(b.ends)
	if len(cells) > 0 && !began[j] {
		began[j] = true
		if cells[0]&1 == 0 {
			w.start[j] = float32(math.Copysign(0, -1))
		}
	}
	b.cells = append(b.cells, cells...)
	b.ends = append(b.ends, int32(len(b.cells)))
}

// add appends a block.
func (w *terms) add(b *termBlock) {
	w.blocks = append(w.blocks, *b)
	w.room = max(w.room, 2*(b.end-b.top+len(b.sums)))
}
