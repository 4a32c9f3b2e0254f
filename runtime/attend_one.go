// SPDX-License-Identifier: MIT-0

package runtime

// oneQuery is the shape of an attention of one query of heads·dh features over keys in panels of kHeads·dh features and
// values of kvHeads·dv. The mask of key j for head h is element h·maskHead + j·maskKey.
type oneQuery struct {
	heads, kHeads, kvHeads int
	dh, dv                 int
	scale                  float32
	maskHead, maskKey      int
}

// keyPart is keys and values, in panels.
type keyPart struct {
	k, v []float32
	n    int
}

// attendOne computes, for every head, the scores of all keys (chains of fma over dh, times scale, plus the mask if there is
// one), e = expneg(score - max), and the sums of e·v, times 1/sum(e): sums over rows as in rowProducts, of one part after
// the other. Scores has room for the lanes of all parts.
func attendOne(dst, q, mask, scores []float32, s *oneQuery, parts ...keyPart) {
	for h := range s.heads {
		top := everyLane(-inf32)
		from, first := scores, h*s.maskHead
		for _, p := range parts {
			panels := (p.n + lanes - 1) / lanes
			width := s.kHeads * s.dh * lanes
			queryKeys(from, q[h*s.dh:][:s.dh], p.k[h/(s.heads/s.kHeads)*s.dh*lanes:], panels, width)
			if mask == nil {
				finishScores(from, nil, &top, p.n, s)
			} else {
				finishScores(from, mask[first:], &top, p.n, s)
				first += p.n * s.maskKey
			}
			from = from[panels*lanes:]
		}
		most := everyLane(rowMax(top[:]))
		out := dst[h*s.dv:][:s.dv]
		from = scores
		var sum, zero [lanes]float32
		all := float32(0)
		for i, p := range parts {
			e := from[:(p.n+lanes-1)/lanes*lanes]
			sum = zero
			laneExp(e, e, &most, &sum)
			all += joinSums(&sum)
			v, width := p.v[h/(s.heads/s.kvHeads)*s.dv*lanes:], s.kvHeads*s.dv*lanes
			if i == 0 {
				rowProducts(out, v, e, p.n, s.dv, width)
			} else {
				var part [64]float32
				for c := 0; c < s.dv; c += len(part) {
					y := out[c:min(c+len(part), s.dv)]
					rowProducts(part[:], v[c*lanes:], e, p.n, len(y), width)
					add32Slice(y, y, part[:len(y)])
				}
			}
			from = from[len(e):]
		}
		inv := everyLane(1 / all)
		laneScale(out, out, &zero, &inv)
	}
}

// finishScoresGeneric scales the scores of n keys, adds the mask and keeps the largest of each lane; lanes without a key get -Inf.
func finishScoresGeneric(scores, mask []float32, top *[lanes]float32, n int, s *oneQuery) {
	for p := 0; p < n; p += lanes {
		x := (*[lanes]float32)(scores[p:])
		for l := range x {
			if p+l >= n {
				x[l] = -inf32
				continue
			}
			v := float32(x[l] * s.scale)
			if mask != nil {
				v += mask[(p+l)*s.maskKey]
			}
			if v > top[l] {
				top[l] = v
			}
			x[l] = v
		}
	}
}
