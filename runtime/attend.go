// SPDX-License-Identifier: MIT-0

package runtime

// attendShape is the shape of an attention over q [batch, queries, heads·dh], k [batch, keys, kvHeads·dh] and v
// [batch, keys, kvHeads·dv].
type attendShape struct {
	batch, queries, keys int
	heads, kvHeads       int
	dh, dv               int
	scale                float32
	panels               bool   // q, k, v and the result are panels
	from, to             int    // panels of the result that are computed; to 0: all
	queryStep, keyStep   int    // rows from one sample to the next in panels; 0: as many as it has
	maskStrides          [4]int // of the additive mask, by batch, head, query and key
}

// attendGeneric computes, for every query of every head, the scores of its keys (chains of fma over dh, times scale,
// plus the mask if there is one), e = expneg(score - max), and the chains of fma(e, v) over the keys, times 1/sum(e).
// Query i has the keys in spans[2s:2s+2], which increase, for s from ends[i-1] to ends[i]; nil ends: every key. Room for
// the scores of four queries and, with keys and dv rounded up to even, keys·(dh+dv) + 4·dh + 4·keys elements of scratch is needed.
func attendGeneric(dst, q, k, v, mask, scores []float32, scratch []float64, s *attendShape, ends, spans []int32) {
	keys, dv := s.keys+s.keys&1, s.dv+s.dv&1
	kw, scratch := scratch[:keys*s.dh], scratch[keys*s.dh:]
	vw, scratch := scratch[:keys*dv], scratch[keys*dv:]
	qw, ew := scratch[:4*s.dh], scratch[4*s.dh:4*s.dh+4*keys]
	for b := range s.batch {
		from, to := s.inRange(b)
		for h := range s.heads {
			if from == to {
				break
			}
			g := h / (s.heads / s.kvHeads)
			if h%(s.heads/s.kvHeads) == 0 { // the first head of the group
				for j := range s.keys {
					for c := range s.dh {
						kw[(j/2*s.dh+c)*2+j%2] = float64(k[s.at(s.keyRow(b)+j, g*s.dh+c, s.kvHeads*s.dh)])
					}
					for c := range s.dv {
						vw[(c/2*s.keys+j)*2+c%2] = float64(v[s.at(s.keyRow(b)+j, g*s.dv+c, s.kvHeads*s.dv)])
					}
				}
			}
			for i := from; i < to; i += 4 {
				n := min(4, to-i)
				for l := range 4 {
					r := s.queryRow(b) + i + min(l, n-1)
					for c := range s.dh {
						qw[c*4+l] = float64(q[s.at(r, h*s.dh+c, s.heads*s.dh)])
					}
				}
				t := attendTile{s, mask, qw, kw, vw, ew, b, h, i}
				if ends == nil {
					t.run(dst, scores, 0, n, []int32{0, int32(s.keys)})
					continue
				}
				for from := 0; from < n; {
					to := from + 1
					own := spansOf(ends, spans, i+from)
					for to < n && equalSpans(own, spansOf(ends, spans, i+to)) {
						to++
					}
					t.run(dst, scores, from, to, own)
					from = to
				}
			}
		}
	}
	if s.panels {
		s.lastRow(dst)
	}
}

// inRange are the queries of sample b that are computed.
func (s *attendShape) inRange(b int) (from, to int) {
	if s.to == 0 {
		return 0, s.queries
	}
	from, to = max(0, s.from*lanes-s.queryRow(b)), min(s.queries, s.to*lanes-s.queryRow(b))
	return from, max(from, to)
}

// lastRow fills the lanes beyond the last row, if its panel is computed.
func (s *attendShape) lastRow(dst []float32) {
	if n := s.heads * s.dv; s.queryStep > 0 {
		for b := range s.batch {
			if end := b*s.queryStep + s.queries; s.to == 0 || s.from*lanes < end && end <= s.to*lanes {
				copyLastRow(dst[b*s.queryStep*n:], s.queries, n)
			}
		}
		return
	}
	if rows := s.batch * s.queries; s.to == 0 || s.to*lanes >= rows {
		copyLastRow(dst, rows, s.heads*s.dv)
	}
}

// queryRow is the row of the first query of sample b, keyRow of its first key.
func (s *attendShape) queryRow(b int) int {
	if s.queryStep > 0 {
		return b * s.queryStep
	}
	return b * s.queries
}

func (s *attendShape) keyRow(b int) int {
	if s.keyStep > 0 {
		return b * s.keyStep
	}
	return b * s.keys
}

// at is the position of feature c of row r among n features.
func (s *attendShape) at(r, c, n int) int {
	if s.panels {
		return r/lanes*n*lanes + c*lanes + r%lanes
	}
	return r*n + c
}

// spansOf are the ranges of keys of query i.
func spansOf(ends, spans []int32, i int) []int32 {
	lo := int32(0)
	if i > 0 {
		lo = ends[i-1]
	}
	return spans[2*lo : 2*ends[i]]
}

func equalSpans(a, b []int32) bool {
	if len(a) != len(b) {
		return false
	}
	for i, v := range a {
		if v != b[i] {
			return false
		}
	}
	return true
}

// attendTile is the attention of four queries from i of one head: their features, the keys and the values of the
// group, and room for the weights, all widened and in the order of tile4x2.
type attendTile struct {
	*attendShape
	mask           []float32
	qw, kw, vw, ew []float64
	b, h, i        int
}

// run computes the queries i+from to i+to, which have the same keys. Scores are kept four queries side by side.
func (t *attendTile) run(dst, scores []float32, from, to int, spans []int32) {
	top := [4]float32{-inf32, -inf32, -inf32, -inf32}
	n := 0
	for p := spans; len(p) >= 2; p = p[2:] {
		for j := int(p[0]); j < int(p[1]); {
			pair := j / 2
			var acc [8]float64
			tile4x2(&acc, t.qw, t.kw[pair*2*t.dh:(pair+1)*2*t.dh])
			for ; j < int(p[1]) && j/2 == pair; j++ {
				for l := from; l < to; l++ {
					x := float32(float32(acc[j%2*4+l]) * t.scale)
					if m := &t.maskStrides; t.mask != nil {
						x += t.mask[t.b*m[0]+t.h*m[1]+(t.i+l)*m[2]+j*m[3]]
					}
					if x > top[l] {
						top[l] = x
					}
					scores[n*4+l] = x
				}
				n++
			}
		}
	}
	scores = scores[:4*n]
	for e := range n {
		p := (*[4]float32)(scores[e*4:])
		p[0], p[1], p[2], p[3] = p[0]-top[0], p[1]-top[1], p[2]-top[2], p[3]-top[3]
	}
	expneg32Slice(scores, scores)
	var sum [4]float32
	for e := range n {
		p, w := (*[4]float32)(scores[e*4:]), (*[4]float64)(t.ew[e*4:])
		for l, x := range p {
			sum[l] += x
			w[l] = float64(x)
		}
	}
	for c := 0; c < t.dv; c += 2 {
		var acc [8]float64
		ew := t.ew
		for p := spans; len(p) >= 2; p = p[2:] {
			lo, hi := int(p[0]), int(p[1])
			tile4x2(&acc, ew[:4*(hi-lo)], t.vw[c*t.keys+2*lo:c*t.keys+2*hi])
			ew = ew[4*(hi-lo):]
		}
		for l := from; l < to; l++ {
			r, inv := t.queryRow(t.b)+t.i+l, 1/sum[l]
			dst[t.at(r, t.h*t.dv+c, t.heads*t.dv)] = float32(acc[l]) * inv
			if c+1 < t.dv {
				dst[t.at(r, t.h*t.dv+c+1, t.heads*t.dv)] = float32(acc[4+l]) * inv
			}
		}
	}
}
