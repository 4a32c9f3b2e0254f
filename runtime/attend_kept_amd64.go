// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// attendKept is attendKeptGeneric. For assembly, which takes up to four panels of queries at once, scores has room for
// 64·(keys + dv) elements, and for each head one for every element that is kept of its keys and values and for every list
// of them.
func attendKept(dst, q, k, v, scores []float32, scratch []float64, s *attendShape, w *kept) {
	aligned := s.panels
	for b := range s.batch {
		aligned = aligned && s.keyRow(b)%lanes == 0
	}
	if path == pathPureGo || !aligned {
		attendKeptGeneric(dst, q, k, v, scores, scratch, s, w)
		return
	}
	t := keptPanels{attendShape: s, w: w}
	t.e, scores = scores[:sparsePanelsMost*s.keys*lanes], scores[sparsePanelsMost*s.keys*lanes:]
	t.out, scores = scores[:sparsePanelsMost*s.dv*lanes], scores[sparsePanelsMost*s.dv*lanes:]
	for b := range s.batch {
		from, to := s.inRange(b)
		t.first, t.last = s.queryRow(b)+from, s.queryRow(b)+to
		t.alone = b == s.batch-1 || s.queryStep > 0
		for g := 0; g < s.kvHeads && from < to; g++ {
			row := s.keyRow(b) / lanes
			n := w.keys[g].gather(scores, k[(row*s.kvHeads+g)*s.dh*lanes:])
			w.values[g].gather(scores[n:], v[(row*s.kvHeads+g)*s.dv*lanes:])
			t.ofKeys, t.ofValues = scores[:n], scores[n:]
			for t.h = g * (s.heads / s.kvHeads); t.h < (g+1)*(s.heads/s.kvHeads); t.h++ {
				from, to := t.first/lanes, (t.last+lanes-1)/lanes
				group := w.keys[g].group
				shares := (to - from + group - 1) / group
				for i := range shares {
					t.panel = from + i*(to-from)/shares
					t.run(dst, q, g, from+(i+1)*(to-from)/shares-t.panel)
				}
			}
		}
	}
	s.lastRow(dst)
}

// keptPanels is the attention of some panels of queries of one head.
type keptPanels struct {
	*attendShape
	w                *kept
	first, last      int  // rows of the sample's queries
	alone            bool // lanes beyond them belong to no other sample
	panel, h         int
	e, out           []float32
	ofKeys, ofValues []float32 // the elements that are kept
}

// run computes m panels.
func (t *keptPanels) run(dst, q []float32, g, m int) {
	srcPanel, dstPanel := t.heads*t.dh*lanes, t.heads*t.dv*lanes
	rows := t.keys * lanes
	t.w.keys[g].panels(t.e, q[(t.panel*t.heads+t.h)*t.dh*lanes:], t.ofKeys, m, 4*srcPanel, 4*rows)
	scale, member := t.scale, everyLane(ones32)
	var by [sparsePanelsMost][lanes]float32
	for p := range m {
		top, e := everyLane(-inf32), t.e[p*rows:(p+1)*rows]
		scoreRows(&e[0], &e[0], nil, &member[0], &top[0], &scale, t.keys)
		laneExp(e, e, &top, &by[p])
		for l, x := range by[p] {
			by[p][l] = 1 / x
		}
	}
	y := dst[(t.panel*t.heads+t.h)*t.dv*lanes:]
	out, step := y, dstPanel
	direct := t.panel*lanes >= t.first && ((t.panel+m)*lanes <= t.last || t.alone)
	if !direct {
		out, step = t.out, t.dv*lanes
	}
	t.w.values[g].panels(out, t.e, t.ofValues, m, 4*rows, 4*step)
	for p := range m {
		o := out[p*step:][:t.dv*lanes]
		scaleRows(&o[0], &o[0], &by[p][0], t.dv)
		if !direct {
			lo, hi := max(t.first-(t.panel+p)*lanes, 0), min(t.last-(t.panel+p)*lanes, lanes)
			for c := range t.dv {
				copy(y[p*dstPanel+c*lanes+lo:p*dstPanel+c*lanes+hi], o[c*lanes+lo:])
			}
		}
	}
}

// gather collects the elements that are kept, list after list, and returns their number.
func (h *keptHead) gather(dst, x []float32) (n int) {
	for i := range h.blocks {
		for j := range h.blocks[i].lists {
			y := dst[n:]
			cells := h.blocks[i].lists[j].cells
			y[len(cells)] = 0 // where the list ends
			y = y[:len(cells)]
			for i, c := range cells {
				y[i] = x[c]
			}
			n += len(cells) + 1
		}
	}
	return n
}

// panels computes a row of 16 chains for each column and each of m panels, which are so many bytes apart.
func (h *keptHead) panels(dst, src, weights []float32, m, srcPanel, dstPanel int) {
	start := &h.start[0]
	for i := range h.blocks {
		b := &h.blocks[i]
		for _, l := range b.lists {
			l.values, weights = weights[:len(l.rows)], weights[len(l.rows):]
			addLists(&l, &dst[0], &src[b.top*lanes], start, m, srcPanel, dstPanel)
		}
		start = nil
	}
}
