// SPDX-License-Identifier: MIT-0

package runtime

// kept says, for each head of keys, which features of the keys are multiplied with those of the queries (a column for each
// key), and which keys' values are added up for each feature (a column for each feature).
type kept struct {
	keys, values []keptHead
}

// keptHead has in column j the rows rows[ends[j-1]:ends[j]], increasing. Assembly has them in blocks.
type keptHead struct {
	rows []uint16
	ends []int32

	blocks []sparseBlock
	group  int       // the most panels that the blocks are for at once
	start  []float32 // zeros, where the chains begin
}

// keptCode has the products of one head of keys in instructions, which package asm describes: functions to be called one
// after the other.
type keptCode struct {
	scores, values []func(dst, src *float32, panels int, x *float32)
}

// newKept takes the patterns of all heads of keys, side by side: of the keys a row for each feature and a column for each key,
// of the values a row for each key and a column for each feature. Panels is how many the queries of a sample take.
func newKept(keys, values pattern, heads, dh, dv, panels int) kept {
	s := attendShape{keys: len(keys.ends), kvHeads: heads, dh: dh, dv: dv}
	w := kept{make([]keptHead, s.kvHeads), make([]keptHead, s.kvHeads)}
	for g := range s.kvHeads {
		k, v := pattern{ends: make([]int32, s.keys)}, pattern{}
		begin := int32(0)
		for j, end := range keys.ends {
			for _, c := range keys.cells[begin:end] {
				if c := int(c >> 1); c/s.dh == g {
					k.cells = append(k.cells, uint32(c-g*s.dh)<<1)
				}
			}
			k.ends[j], begin = int32(len(k.cells)), end
		}
		begin = 0
		if g > 0 {
			begin = values.ends[g*s.dv-1]
		}
		v.cells = values.cells[begin:values.ends[(g+1)*s.dv-1]]
		for _, end := range values.ends[g*s.dv : (g+1)*s.dv] {
			v.ends = append(v.ends, end-begin)
		}
		w.keys[g] = newKeptHead(k, panels, s.dh, func(col, row int) int { return s.place(col, row, s.kvHeads*s.dh) })
		w.values[g] = newKeptHead(v, panels, s.keys, func(col, row int) int { return s.place(row, col, s.kvHeads*s.dv) })
	}
	return w
}

// place is where feature c of key j is among n features in panels.
func (s *attendShape) place(j, c, n int) int { return j/lanes*n*lanes + c*lanes + j%lanes }

// newKeptHead makes a head; place is where the activation is that a row of a column stands for.
func newKeptHead(p pattern, panels, rows int, place func(col, row int) int) keptHead {
	h := keptHead{ends: p.ends, rows: make([]uint16, len(p.cells))}
	for i, c := range p.cells {
		h.rows[i] = uint16(c >> 1)
	}
	if path == pathPureGo {
		return h
	}
	places := make([]uint32, len(p.cells))
	begin := int32(0)
	for j, end := range p.ends {
		for i := begin; i < end; i++ {
			places[i] = uint32(place(j, int(h.rows[i])))
		}
		begin = end
	}
	h.group, h.start = sparseGroup(panels), make([]float32, len(p.ends))
	h.blocks = sparseBlocks(p, nil, h.group, rows)
	for _, b := range h.blocks {
		for i := range b.lists {
			for n, c := range b.lists[i].cells {
				b.lists[i].cells[n] = places[c]
			}
		}
	}
	return h
}

// attendKeptGeneric is attendGeneric without a mask, for elements of keys and values that are kept: the chains leave out all
// others. Scores has room for 16·(keys + dv) elements, scratch for 16·(dh + keys) and one for each kept element of a head of keys
// and one of values.
func attendKeptGeneric(dst, q, k, v, scores []float32, scratch []float64, s *attendShape, w *kept) {
	e, out := scores[:s.keys*lanes], scores[s.keys*lanes:][:s.dv*lanes]
	qw, scratch := scratch[:s.dh*lanes], scratch[s.dh*lanes:]
	ew, scratch := scratch[:s.keys*lanes], scratch[s.keys*lanes:]
	for b := range s.batch {
		from, to := s.inRange(b)
		for g := 0; g < s.kvHeads && from < to; g++ {
			keys, values := &w.keys[g], &w.values[g]
			kw := keys.widen(scratch, k, s, true, s.keyRow(b), g*s.dh, s.kvHeads*s.dh)
			vw := values.widen(scratch[len(kw):], v, s, false, s.keyRow(b), g*s.dv, s.kvHeads*s.dv)
			for h := g * (s.heads / s.kvHeads); h < (g+1)*(s.heads/s.kvHeads); h++ {
				for i := from; i < to; i += lanes {
					n := min(lanes, to-i)
					for l := range lanes {
						r := s.queryRow(b) + i + min(l, n-1)
						for c := range s.dh {
							qw[c*lanes+l] = float64(q[s.at(r, h*s.dh+c, s.heads*s.dh)])
						}
					}
					keys.chains(e, qw, kw)
					top, sum := everyLane(-inf32), [lanes]float32{}
					for i, x := range e {
						x = float32(x * s.scale)
						if x > top[i%lanes] {
							top[i%lanes] = x
						}
						e[i] = x
					}
					laneExpGeneric(e, e, &top, &sum)
					for i, x := range e {
						ew[i] = float64(x)
					}
					for l, x := range sum {
						sum[l] = 1 / x
					}
					values.chains(out, ew, vw)
					for c := range s.dv {
						for l, x := range out[c*lanes:][:n] {
							dst[s.at(s.queryRow(b)+i+l, h*s.dv+c, s.heads*s.dv)] = x * sum[l]
						}
					}
				}
			}
		}
	}
	if s.panels {
		s.lastRow(dst)
	}
}

// widen gathers what is kept of n features of each row: a column is feature first + col of row row0 + row or, by rows, feature
// first + row of row row0 + col.
func (h *keptHead) widen(room []float64, x []float32, s *attendShape, byRow bool, row0, first, n int) []float64 {
	begin := int32(0)
	for j, end := range h.ends {
		for i := begin; i < end; i++ {
			r, c := int(h.rows[i]), j
			if byRow {
				r, c = c, r
			}
			room[i] = float64(x[s.at(row0+r, first+c, n)])
		}
		begin = end
	}
	return room[:len(h.rows)]
}

// chains computes a row of 16 chains for each column.
func (h *keptHead) chains(dst []float32, x, w []float64) {
	begin := int32(0)
	for j, end := range h.ends {
		y, rows, values := dst[j*lanes:(j+1)*lanes], h.rows[begin:end], w[begin:end]
		sparseLanes((*[8]float32)(y), x, rows, values, 0)
		sparseLanes((*[8]float32)(y[8:]), x[8:], rows, values, 0)
		begin = end
	}
}
