// SPDX-License-Identifier: MIT-0

package runtime

// sampleAttention is the shape of an attention of 16 samples, which are the lanes: elements are vectors, of queries·heads·dh of
// them, and keys of kHeads·dh and values of kvHeads·dv. The mask is the same for all samples.
type sampleAttention struct {
	queries, keys          int // keys of all parts
	heads, kHeads, kvHeads int
	dh, dv                 int
	scale                  float32
	maskStrides            [3]int // by head, query and key
	partial                bool   // one query; sums over keys are 16 partial sums of each part, by key
	rows                   int    // queries that are computed together at most, or heads of one query
}

// attendSamples computes attend for every lane, or with partial attendOne. Query i has the keys in spans[2s:2s+2], which
// increase, for s from ends[i-1] to ends[i]; nil ends: every key. Scratch has room for rows·(keys + 1) vectors, with partial for
// 17·rows·dv and 16 more.
func attendSamples(dst, q, mask, scratch []float32, s *sampleAttention, ends, spans []int32, parts ...keyPart) {
	t := sampleQueries{sampleAttention: s, parts: parts, all: ends == nil}
	if s.queries == 1 {
		if !t.all {
			t.spans = spansOf(ends, spans, 0)
		}
		for t.h = 0; t.h < s.heads; t.h += t.n {
			t.n = min(s.rows, s.heads/s.kHeads-t.h%(s.heads/s.kHeads))
			t.run(dst, q, mask, scratch)
		}
		return
	}
	for t.h = range s.heads {
		for t.i = 0; t.i < s.queries; t.i += t.n {
			t.n = min(s.rows, s.queries-t.i)
			if !t.all {
				t.spans = spansOf(ends, spans, t.i)
				for n := 1; n < t.n; n++ {
					if !equalSpans(t.spans, spansOf(ends, spans, t.i+n)) {
						t.n = n
					}
				}
			}
			t.run(dst, q, mask, scratch)
		}
	}
}

// sampleQueries are n queries of a head from query i on, which have the same keys, or n heads of one query from head h on, which
// share heads of keys. Several parts have no spans.
type sampleQueries struct {
	*sampleAttention
	parts []keyPart
	spans []int32
	all   bool // every key, without spans
	h, i  int
	n     int
}

// apart is how far queries or heads of so many features are apart.
func (t *sampleQueries) apart(features int) int {
	if t.queries == 1 {
		return features * lanes
	}
	return t.heads * features * lanes
}

func (t *sampleQueries) run(dst, q, mask, scratch []float32) {
	step, keys := t.keys*lanes, t.count()
	e, inv, rest := scratch[:t.n*step], scratch[t.n*step:(t.n*t.keys+t.n)*lanes], scratch[(t.n*t.keys+t.n)*lanes:]
	t.scores(e, q)
	switch {
	case mask == nil && !t.partial:
		verticalWeights(e, inv, t.scale, keys, t.n, step)
	default:
		for r := range t.n {
			x := e[r*step:][:keys*lanes]
			top, sum := everyLane(-inf32), [lanes]float32{}
			t.finish(x, mask, r, &top)
			laneExp(x, x, &top, &sum)
			if t.partial {
				sum = t.partialWeights(x, rest)
			}
			for l, v := range sum {
				inv[r*lanes+l] = 1 / v
			}
		}
	}
	y := dst[(t.i*t.heads+t.h)*t.dv*lanes:]
	if share := t.heads / t.kvHeads; t.queries > 1 || t.n <= share && t.h%share+t.n <= share {
		t.values(y, e, inv, rest, t.h, t.n)
		return
	}
	for r := range t.n {
		t.values(y[r*t.apart(t.dv):], e[r*step:], inv[r*lanes:(r+1)*lanes], rest, t.h+r, 1)
	}
}

// keyRange is keys of a part, from lo on; of the keys that queries have, at come before, and of all keys, before.
type keyRange struct {
	k, v       []float32
	lo, n      int
	at, before int
}

// ranges calls f for every range of keys.
func (t *sampleQueries) ranges(f func(r keyRange)) {
	at, before := 0, 0
	for _, p := range t.parts {
		spans := t.spans
		if t.all {
			spans = []int32{0, int32(p.n)}
		}
		for ; len(spans) >= 2; spans = spans[2:] {
			lo, n := int(spans[0]), int(spans[1]-spans[0])
			f(keyRange{p.k, p.v, lo, n, at, before + lo})
			at += n
		}
		before += p.n
	}
}

// count is the number of keys.
func (t *sampleQueries) count() (n int) {
	t.ranges(func(r keyRange) { n += r.n })
	return n
}

// scores computes the chains of the scores.
func (t *sampleQueries) scores(dst, q []float32) {
	width, from := t.kHeads*t.dh*lanes, t.h/(t.heads/t.kHeads)*t.dh*lanes
	t.ranges(func(r keyRange) {
		vertical(dst[r.at*lanes:], q[(t.i*t.heads+t.h)*t.dh*lanes:], r.k[r.lo*width+from:], nil,
			&verticalProduct{m: t.n, n: r.n, k: t.dh, ar: t.apart(t.dh), ac: lanes, br: lanes, bc: width, dr: t.keys * lanes}, false)
	})
}

// finish scales scores of query or head r, adds the mask and finds the largest of each lane.
func (t *sampleQueries) finish(scores, mask []float32, r int, top *[lanes]float32) {
	if mask == nil {
		finishScores(scores, nil, top, len(scores), &oneQuery{scale: t.scale})
		return
	}
	first := t.h*t.maskStrides[0] + t.i*t.maskStrides[1]
	if t.queries == 1 {
		first += r * t.maskStrides[0]
	} else {
		first += r * t.maskStrides[1]
	}
	t.ranges(func(r keyRange) {
		for j := range r.n {
			m := mask[first+(r.before+j)*t.maskStrides[2]]
			x := (*[lanes]float32)(scores[(r.at+j)*lanes:])
			for l, v := range x {
				v = float32(v*t.scale) + m
				if v > top[l] {
					top[l] = v
				}
				x[l] = v
			}
		}
	})
}

// partialWeights sums weights, 16 partial sums for each part.
func (t *sampleQueries) partialWeights(e, scratch []float32) (all [lanes]float32) {
	var sum [lanes]float32
	t.ranges(func(r keyRange) {
		partialSums(sum[:], e[r.at*lanes:], scratch, r.n, lanes, false)
		for l, v := range sum {
			all[l] += v
		}
	})
	return all
}

// values computes the sums of e·v for n rows from head h on, times inv.
func (t *sampleQueries) values(dst, e, inv, scratch []float32, h, n int) {
	row, one := t.apart(t.dv), t.dv*lanes
	width, from := t.kvHeads*one, h/(t.heads/t.kvHeads)*one
	keys := t.count()
	if keys == 0 {
		for r := range n {
			y, zero := dst[r*row:][:one], [lanes]float32{}
			clear(y)
			laneScale(y, y, &zero, (*[lanes]float32)(inv[r*lanes:]))
		}
	}
	t.ranges(func(r keyRange) {
		v := r.v[r.lo*width+from:]
		var by []float32
		if r.at+r.n == keys {
			by = inv
		}
		p := verticalProduct{m: n, n: t.dv, k: r.n, ar: t.keys * lanes, ac: lanes, br: width, bc: lanes, dr: row}
		if !t.partial {
			vertical(dst, e[r.at*lanes:], v, by, &p, r.at > 0)
			return
		}
		partialValues(scratch, e[r.at*lanes:], v, &p)
		for i := range n {
			y, zero := dst[i*row:][:one], [lanes]float32{}
			if x := scratch[i*one:][:one]; r.at == 0 {
				copy(y, x)
			} else {
				add32Slice(y, y, x)
			}
			if by != nil {
				laneScale(y, y, &zero, (*[lanes]float32)(by[i*lanes:]))
			}
		}
	})
}

// partialValues computes rows of sums of e·v, one after the other, in 16 partial sums by key: keys that are missing in the last
// 16 count as +0. scratch has room for 17 times the rows, which begin it at the end.
func partialValues(scratch, e, v []float32, all *verticalProduct) {
	p, n := *all, all.k
	rows := p.m * p.n * lanes
	p.ac, p.br, p.dr = lanes*all.ac, lanes*all.br, p.n*lanes
	zero := scratch[lanes*rows : (lanes+1)*rows]
	clear(zero)
	for l := range lanes {
		y := scratch[l*rows : (l+1)*rows]
		if l >= n {
			clear(y)
			continue
		}
		p.k = (n - l + lanes - 1) / lanes
		vertical(y, e[l*lanes:], v[l*all.br:], nil, &p, false)
		if n%lanes > 0 && l >= n%lanes {
			add32Slice(y, y, zero)
		}
	}
	joinRows(scratch[:lanes*rows], rows)
}
