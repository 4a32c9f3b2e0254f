// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// attendKept is attendKeptGeneric. For assembly, which takes up to four panels of queries at once, scores has room for
// 64·(keys + 2 + dv) elements, and for each head one for every element that is kept of its keys and values and for every
// list of them. Code is for each head of keys, nil if there is none for the path.
func attendKept(dst, q, k, v, scores []float32, scratch []float64, s *attendShape, w *kept, code []keptCode) {
	aligned := s.panels
	for b := range s.batch {
		aligned = aligned && s.keyRow(b)%lanes == 0
	}
	if path == pathPureGo || !aligned {
		attendKeptGeneric(dst, q, k, v, scores, scratch, s, w)
		return
	}
	t := keptPanels{attendShape: *s, w: w, rows: s.keys, group: codedPanels}
	if code != nil {
		t.rows += 2
	}
	t.e, scores = scores[:sparsePanelsMost*t.rows*lanes], scores[sparsePanelsMost*t.rows*lanes:]
	t.out, scores = scores[:sparsePanelsMost*s.dv*lanes], scores[sparsePanelsMost*s.dv*lanes:]
	for b := range s.batch {
		from, to := s.inRange(b)
		t.first, t.last = s.queryRow(b)+from, s.queryRow(b)+to
		t.alone = b == s.batch-1 || s.queryStep > 0
		for g := 0; g < s.kvHeads && from < to; g++ {
			row := s.keyRow(b) / lanes
			t.k, t.v = k[(row*s.kvHeads+g)*s.dh*lanes:], v[(row*s.kvHeads+g)*s.dv*lanes:]
			if code != nil {
				t.head(dst, q, g, &code[g])
			} else {
				n := w.keys[g].gather(scores, t.k)
				w.values[g].gather(scores[n:], t.v)
				t.k, t.v, t.group = scores[:n], scores[n:], w.keys[g].group
				t.head(dst, q, g, nil)
			}
		}
	}
	s.lastRow(dst)
}

// codedPanels is how many panels of queries code takes at once.
const codedPanels = 4

// head computes the heads of queries that read head g of the keys.
func (t *keptPanels) head(dst, q []float32, g int, code *keptCode) {
	n := t.heads / t.kvHeads
	for t.h = g * n; t.h < (g+1)*n; t.h++ {
		from, to := t.first/lanes, (t.last+lanes-1)/lanes
		shares := (to - from + t.group - 1) / t.group
		for i := range shares {
			t.panel = from + i*(to-from)/shares
			m := from + (i+1)*(to-from)/shares - t.panel
			at := t.panel*t.heads + t.h
			if y, x := dst[at*t.dv*lanes:], q[at*t.dh*lanes:]; code != nil {
				t.run(y, x, code, m)
			} else {
				t.lists(y, x, g, m)
			}
		}
	}
}

// keptPanels is the attention of some panels of queries of one head.
type keptPanels struct {
	attendShape // a copy: what calls through pointers take counts as kept, and would take the shape to the heap
	w           *kept
	first, last int  // rows of the sample's queries
	alone       bool // lanes beyond them belong to no other sample
	panel, h    int
	rows        int // of e for a panel
	group       int // the most panels at once
	e, out      []float32
	k, v        []float32 // of the head, for lists the elements that are kept
}

// lists computes m panels with lists of what is kept.
func (t *keptPanels) lists(dst, q []float32, g, m int) {
	rows := t.rows * lanes
	t.w.keys[g].panels(t.e, q, t.k, m, 4*t.heads*t.dh*lanes, 4*rows)
	scale, member := t.scale, everyLane(ones32)
	var by [sparsePanelsMost][lanes]float32
	for p := range m {
		top, e := everyLane(-inf32), t.e[p*rows:][:rows]
		scoreRows(&e[0], &e[0], nil, &member[0], &top[0], &scale, t.keys)
		laneExp(e, e, &top, &by[p])
		for l, x := range by[p] {
			by[p][l] = 1 / x
		}
	}
	out, step, direct := dst, t.heads*t.dv*lanes, t.direct(m)
	if !direct {
		out, step = t.out, t.dv*lanes
	}
	t.w.values[g].panels(out, t.e, t.v, m, 4*rows, 4*step)
	for p := range m {
		y := out[p*step:]
		scaleRows(&y[0], &y[0], &by[p][0], t.dv)
		if !direct {
			t.copy(dst, y, p)
		}
	}
}

// run computes m panels with code.
func (t *keptPanels) run(dst, q []float32, code *keptCode, m int) {
	rows, keys := t.rows*lanes, t.keys*lanes
	for _, f := range code.scores {
		f(&t.e[0], &q[0], m, &t.k[0])
	}
	for p := range m {
		e := t.e[p*rows:][:rows]
		top, sum := (*[lanes]float32)(e[keys:]), (*[lanes]float32)(e[keys+lanes:])
		*sum = [lanes]float32{}
		laneExp(e[:keys], e[:keys], top, sum)
	}
	if t.direct(m) {
		for _, f := range code.values {
			f(&dst[0], &t.e[0], m, &t.v[0])
		}
		return
	}
	for p := range m {
		for _, f := range code.values {
			f(&t.out[0], &t.e[p*rows], 1, &t.v[0])
		}
		t.copy(dst, t.out, p)
	}
}

// direct reports whether no lane of m panels belongs to another sample.
func (t *keptPanels) direct(m int) bool {
	return t.panel*lanes >= t.first && ((t.panel+m)*lanes <= t.last || t.alone)
}

// copy writes the results of panel t.panel+p, in the lanes of the sample.
func (t *keptPanels) copy(dst, out []float32, p int) {
	y := dst[p*t.heads*t.dv*lanes:]
	lo, hi := max(t.first-(t.panel+p)*lanes, 0), min(t.last-(t.panel+p)*lanes, lanes)
	for c := range t.dv {
		copy(y[c*lanes+lo:c*lanes+hi], out[c*lanes+lo:])
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
