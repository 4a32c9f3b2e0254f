// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

import "math"

// attend is attendGeneric. For assembly, whose lanes are the queries of a panel, scores has room for 16·(keys + 2·dv)
// elements and, before them, for what is not in panels already: the result, q, k and v as panels.
func attend(dst, q, k, v, mask, scores []float32, scratch []float64, s *attendShape, ends, spans []int32) {
	if path == pathPureGo || s.dh == 0 || s.keys == 0 {
		attendGeneric(dst, q, k, v, mask, scores, scratch, s, ends, spans)
		return
	}
	if s.panels {
		attendPanels(dst, q, k, v, mask, scores, scratch, s, ends, spans)
		s.lastRow(dst)
		return
	}
	take := func(rows, n int) []float32 {
		x := scores[:(rows+lanes-1)/lanes*lanes*n]
		scores = scores[len(x):]
		return x
	}
	rows, keys := s.batch*s.queries, s.batch*s.keys
	y, qp := take(rows, s.heads*s.dv), take(rows, s.heads*s.dh)
	kp, vp := take(keys, s.kvHeads*s.dh), take(keys, s.kvHeads*s.dv)
	packPanels(qp, q, rows, s.heads*s.dh)
	packPanels(kp, k, keys, s.kvHeads*s.dh)
	packPanels(vp, v, keys, s.kvHeads*s.dv)
	attendPanels(y, qp, kp, vp, mask, scores, scratch, s, ends, spans)
	unpackPanels(dst, y, rows, s.heads*s.dv)
}

// queryPanel is the attention of the queries of one batch that are in lanes [lo, hi) of a panel. Its segments are ranges
// of keys, increasing, that the same lanes attend to: begin, end and a bit for each lane.
type queryPanel struct {
	*attendShape
	panel, lo, hi int
	b, h          int
	segments      []float64
}

// attendPanels is attend on panels; it leaves the lanes beyond the last row undefined.
func attendPanels(dst, q, k, v, mask, scores []float32, scratch []float64, s *attendShape, ends, spans []int32) {
	for b := range s.batch {
		from, to := s.inRange(b)
		if from == to {
			continue
		}
		first, last := s.queryRow(b)+from, s.queryRow(b)+to
		for p := first / lanes; p*lanes < last; p++ {
			t := queryPanel{attendShape: s, panel: p, lo: max(0, first-p*lanes), hi: min(lanes, last-p*lanes), b: b}
			t.segments = t.cut(scratch, ends, spans)
			for t.h = range s.heads {
				if wholePanel(&t, mask) {
					runWhole(&t, dst, q, k, v, scores)
				} else {
					t.run(dst, q, k, v, mask, scores)
				}
			}
		}
	}
}

// alone reports whether lanes beyond those of the sample belong to no other one.
func (t *queryPanel) alone() bool { return t.b == t.batch-1 || t.queryStep > 0 }

// query is the query in lane l, the nearest one if the lane has none of this batch.
func (t *queryPanel) query(l int) int {
	return t.panel*lanes + min(max(l, t.lo), t.hi-1) - t.queryRow(t.b)
}

// cut writes the segments to room, at most one for every key.
func (t *queryPanel) cut(room []float64, ends, spans []int32) []float64 {
	const all = 1<<lanes - 1
	if ends == nil {
		return append(room[:0], 0, float64(t.keys), all)
	}
	out := room[:0]
	for j := 0; j < t.keys; {
		end, bits := t.keys, 0
		for l := range lanes {
			for p := spansOf(ends, spans, t.query(l)); len(p) >= 2; p = p[2:] {
				if lo, hi := int(p[0]), int(p[1]); j < lo {
					end = min(end, lo)
					break
				} else if j < hi {
					end, bits = min(end, hi), bits|1<<l
					break
				}
			}
		}
		if bits != 0 {
			out = append(out, float64(j), float64(end), float64(bits))
		}
		j = end
	}
	return out
}

// members sets the words of the lanes whose bits are set.
func members(m *[lanes]float32, bits int) {
	for l := range m {
		m[l] = math.Float32frombits(-uint32(bits >> l & 1))
	}
}

// run computes head t.h. Scores holds a row for each key of the segments, the results and what they are merged with.
func (t *queryPanel) run(dst, q, k, v, mask, scores []float32) {
	g := t.h / (t.heads / t.kvHeads)
	out, other := scores[:t.dv*lanes], scores[t.dv*lanes:2*t.dv*lanes]
	scores = scores[2*t.dv*lanes:]
	qh := q[(t.panel*t.heads+t.h)*t.dh*lanes:][:t.dh*lanes]
	var member, top, sum [lanes]float32
	for l := range top {
		top[l] = -inf32
	}
	n, done := 0, -1
	var tile, added [lanes * lanes]float32
	for seg := t.segments; len(seg) >= 3; seg = seg[3:] {
		members(&member, int(seg[2]))
		for j, end := int(seg[0]), int(seg[1]); j < end; {
			r := t.keyRow(t.b) + j
			c := min(end-j, lanes-r%lanes)
			if r/lanes != done {
				done = r / lanes
				keyScores(&tile, qh, k[(done*t.kvHeads+g)*t.dh*lanes:][:t.dh*lanes], t.dh)
			}
			m := (*float32)(nil)
			if mask != nil {
				t.maskRows(&added, mask, j, c)
				m = &added[0]
			}
			scoreRows(&scores[n*lanes], &tile[r%lanes*lanes], m, &member[0], &top[0], &t.scale, c)
			n += c
			j += c
		}
	}
	if n > 0 {
		shiftRows(&scores[0], &top[0], n)
		expneg32Slice(scores[:n*lanes], scores[:n*lanes])
	}
	n = 0
	for seg := t.segments; len(seg) >= 3; seg = seg[3:] {
		members(&member, int(seg[2]))
		c := int(seg[1]) - int(seg[0])
		sumRows(&scores[n*lanes], &sum[0], &member[0], c)
		n += c
	}
	t.values(out, other, v, scores, g)
	for l, x := range sum {
		sum[l] = 1 / x
	}
	scaleRows(&out[0], &out[0], &sum[0], t.dv)
	y := dst[(t.panel*t.heads+t.h)*t.dv*lanes:][:t.dv*lanes]
	if t.lo == 0 && (t.hi == lanes || t.alone()) {
		copy(y, out)
		return
	}
	for c := range t.dv {
		copy(y[c*lanes+t.lo:c*lanes+t.hi], out[c*lanes+t.lo:])
	}
}

// maskRows gathers the mask of c keys from j.
func (t *queryPanel) maskRows(dst *[lanes * lanes]float32, mask []float32, j, c int) {
	s := &t.maskStrides
	for l := range lanes {
		at := t.b*s[0] + t.h*s[1] + t.query(l)*s[2] + j*s[3]
		for i := range c {
			dst[i*lanes+l] = mask[at+i*s[3]]
		}
	}
}

// values computes the chains of fma(e, v) over the keys: a row of out for each feature. Other has as much room.
func (t *queryPanel) values(out, other, v, scores []float32, g int) {
	clear(out)
	const all = 1<<lanes - 1
	var member [lanes]float32
	for seg := t.segments; len(seg) >= 3; seg = seg[3:] {
		y := out
		if seg[2] != all {
			copy(other, out)
			y = other
		}
		for j, end := int(seg[0]), int(seg[1]); j < end; {
			r := t.keyRow(t.b) + j
			c := min(end-j, lanes-r%lanes)
			addKeys(y, scores, v[(r/lanes*t.kvHeads+g)*t.dv*lanes+r%lanes:], c, t.dv)
			scores = scores[c*lanes:]
			j += c
		}
		if seg[2] != all {
			members(&member, int(seg[2]))
			selectRows(&out[0], &other[0], &member[0], t.dv)
		}
	}
}

// keyScores computes the scores of the 16 keys of a panel for the 16 queries of another, a row for each key.
func keyScores(dst *[lanes * lanes]float32, q, k []float32, dh int) {
	var zeros [lanes]float32
	if path == pathAVX512 {
		panelTile16AVX512(&dst[0], &q[0], &k[0], &zeros[0], dh, 4*lanes)
		return
	}
	panelTile6AVX2(&dst[0], &q[0], &k[0], &zeros[0], dh, 4*lanes)
	panelTile6AVX2(&dst[6*lanes], &q[0], &k[6], &zeros[0], dh, 4*lanes)
	panelTile4AVX2(&dst[12*lanes], &q[0], &k[12], &zeros[0], dh, 4*lanes)
}

// addKeys goes on with the chains of dv features for n keys, of which v has the first in the lane where it begins.
func addKeys(dst, e, v []float32, n, dv int) {
	for c := 0; c < dv; {
		d, w := &dst[c*lanes], &v[c*lanes]
		if path == pathAVX512 {
			switch {
			case c+16 <= dv:
				keyTile16AVX512(d, &e[0], w, nil, n, 4)
				c += 16
			case c+8 <= dv:
				keyTile8AVX512(d, &e[0], w, nil, n, 4)
				c += 8
			case c+4 <= dv:
				keyTile4AVX512(d, &e[0], w, nil, n, 4)
				c += 4
			default:
				keyTile1AVX512(d, &e[0], w, nil, n, 4)
				c++
			}
			continue
		}
		if c+4 <= dv {
			keyTile4AVX2(d, &e[0], w, nil, n, 4)
			c += 4
		} else {
			keyTile1AVX2(d, &e[0], w, nil, n, 4)
			c++
		}
	}
}
