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
	partial                bool   // sums over keys are 16 partial sums of each part, by key
}

// attendSamples computes attend for every lane, or with partial attendOne. Query i has the keys in spans[2s:2s+2], which
// increase, for s from ends[i-1] to ends[i]; nil ends: every key. Scratch has room for 2·keys vectors, with partial for 17·dv
// and 16 more.
func attendSamples(dst, q, mask, scratch []float32, s *sampleAttention, ends, spans []int32, parts ...keyPart) {
	for h := range s.heads {
		for i := 0; i < s.queries; {
			t := sampleQueries{sampleAttention: s, parts: parts, h: h, i: i, n: 1, all: ends == nil}
			if ends != nil {
				t.spans = spansOf(ends, spans, i)
			}
			if i+1 < s.queries && (ends == nil || equalSpans(t.spans, spansOf(ends, spans, i+1))) {
				t.n = 2
			}
			scores, rest := scratch[:t.n*s.keys*lanes], scratch[t.n*s.keys*lanes:]
			t.scores(scores, q)
			var inv [2][lanes]float32
			for r := range t.n {
				e := scores[r*s.keys*lanes:][:t.count()*lanes]
				top, sum := everyLane(-inf32), [lanes]float32{}
				t.finish(e, mask, i+r, &top)
				laneExp(e, e, &top, &sum)
				if s.partial {
					sum = t.partialWeights(e, rest)
				}
				for l, v := range sum {
					inv[r][l] = 1 / v
				}
			}
			t.values(dst[(i*s.heads+h)*s.dv*lanes:], scores, rest, &inv)
			i += t.n
		}
	}
}

// sampleQueries are one or two queries of a head, which have the same keys. Several parts have no spans.
type sampleQueries struct {
	*sampleAttention
	parts []keyPart
	spans []int32
	all   bool // every key, without spans
	h, i  int
	n     int
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
	row, width, from := t.heads*t.dh*lanes, t.kHeads*t.dh*lanes, t.h/(t.heads/t.kHeads)*t.dh*lanes
	t.ranges(func(r keyRange) {
		vertical(dst[r.at*lanes:], q[t.i*row+t.h*t.dh*lanes:], r.k[r.lo*width+from:],
			&verticalProduct{m: t.n, n: r.n, k: t.dh, ar: row, ac: lanes, br: lanes, bc: width, dr: t.keys * lanes}, false)
	})
}

// finish scales scores of a query, adds the mask and finds the largest of each lane.
func (t *sampleQueries) finish(scores, mask []float32, query int, top *[lanes]float32) {
	if mask == nil {
		finishScores(scores, nil, top, len(scores), &oneQuery{scale: t.scale})
		return
	}
	first := t.h*t.maskStrides[0] + query*t.maskStrides[1]
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

// values computes the sums of e·v, times inv.
func (t *sampleQueries) values(dst, e, scratch []float32, inv *[2][lanes]float32) {
	row, one := t.heads*t.dv*lanes, t.dv*lanes
	width, from := t.kvHeads*one, t.h/(t.heads/t.kvHeads)*one
	if t.count() == 0 {
		for r := range t.n {
			clear(dst[r*row:][:one])
		}
	}
	t.ranges(func(r keyRange) {
		v := r.v[r.lo*width+from:]
		if !t.partial {
			vertical(dst, e[r.at*lanes:], v, &verticalProduct{m: t.n, n: t.dv, k: r.n, ar: t.keys * lanes, ac: lanes, br: width, bc: lanes, dr: row}, r.at > 0)
			return
		}
		partialValues(scratch, e[r.at*lanes:], v, r.n, t.dv, width)
		if r.at == 0 {
			copy(dst[:one], scratch)
		} else {
			add32Slice(dst[:one], dst[:one], scratch[:one])
		}
	})
	zero := [lanes]float32{}
	for r := range t.n {
		y := dst[r*row:][:one]
		laneScale(y, y, &zero, &inv[r])
	}
}

// partialValues sums e·v over n keys in 16 partial sums by key: keys that are missing in the last 16 count as +0. The sum of
// dv vectors begins scratch, of 17·dv.
func partialValues(scratch, e, v []float32, n, dv, width int) {
	one := dv * lanes
	zero := scratch[lanes*one : (lanes+1)*one]
	clear(zero)
	for l := range lanes {
		y := scratch[l*one : (l+1)*one]
		if l >= n {
			clear(y)
			continue
		}
		p := verticalProduct{m: 1, n: dv, k: (n - l + lanes - 1) / lanes, ac: lanes * lanes, br: lanes * width, bc: lanes}
		vertical(y, e[l*lanes:], v[l*width:], &p, false)
		if n%lanes > 0 && l >= n%lanes {
			add32Slice(y, y, zero)
		}
	}
	joinRows(scratch[:lanes*one], one)
}
