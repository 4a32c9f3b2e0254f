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
// the other. Scores has room for twice the lanes of all parts: heads that share their keys go in pairs.
func attendOne(dst, q, mask, scores []float32, s *oneQuery, parts ...keyPart) {
	next := len(scores) / 2
	for h := 0; h < s.heads; {
		heads, at := 1, 0
		if s.heads/s.kHeads%2 == 0 {
			heads = 2
		}
		for _, p := range parts {
			panels, width := (p.n+lanes-1)/lanes, s.kHeads*s.dh*lanes
			qh, keys := q[h*s.dh:][:heads*s.dh], p.k[h/(s.heads/s.kHeads)*s.dh*lanes:]
			if heads == 2 {
				queryPair(scores[at:], qh, keys, panels, width, next)
			} else {
				queryKeys(scores[at:], qh, keys, panels, width)
			}
			at += panels * lanes
		}
		var inv [2]float32
		for i := range heads {
			inv[i] = 1 / weightKeys(scores[i*next:], mask, h+i, s, parts)
		}
		if heads == 2 && s.heads/s.kvHeads%2 == 0 {
			sumValues(dst[h*s.dv:][:2*s.dv], scores, scores[next:], h, s, parts)
		} else {
			for i := range heads {
				sumValues(dst[(h+i)*s.dv:][:s.dv], scores[i*next:], nil, h+i, s, parts)
			}
		}
		for i := range heads {
			out, by, zero := dst[(h+i)*s.dv:][:s.dv], everyLane(inv[i]), [lanes]float32{}
			laneScale(out, out, &zero, &by)
		}
		h += heads
	}
}

// weightKeys turns chains into e and returns their sum.
func weightKeys(scores, mask []float32, h int, s *oneQuery, parts []keyPart) (all float32) {
	if mask == nil && len(parts) == 1 {
		if sum, ok := keyWeights(scores, parts[0].n, s.scale); ok {
			return sum
		}
	}
	top := everyLane(-inf32)
	at, first := 0, h*s.maskHead
	for _, p := range parts {
		if mask == nil {
			finishScores(scores[at:], nil, &top, p.n, s)
		} else {
			finishScores(scores[at:], mask[first:], &top, p.n, s)
			first += p.n * s.maskKey
		}
		at += (p.n + lanes - 1) / lanes * lanes
	}
	most := everyLane(rowMax(top[:]))
	at = 0
	for _, p := range parts {
		var sum [lanes]float32
		e := scores[at:][:(p.n+lanes-1)/lanes*lanes]
		laneExp(e, e, &most, &sum)
		all += joinSums(&sum)
		at += len(e)
	}
	return all
}

// sumValues sums e·v over the keys; with e2, also e2·v, which follows.
func sumValues(dst, e, e2 []float32, h int, s *oneQuery, parts []keyPart) {
	width := s.kvHeads * s.dv * lanes
	at := 0
	for i, p := range parts {
		v := p.v[h/(s.heads/s.kvHeads)*s.dv*lanes:]
		if i == 0 && e2 != nil {
			rowProducts2(dst[:s.dv], dst[s.dv:], v, e, e2, p.n, s.dv, width)
		} else if i == 0 {
			rowProducts(dst, v, e, p.n, s.dv, width)
		} else {
			addValues(dst[:s.dv], v, e[at:], p.n, width)
			if e2 != nil {
				addValues(dst[s.dv:], v, e2[at:], p.n, width)
			}
		}
		at += (p.n + lanes - 1) / lanes * lanes
	}
}

// addValues adds the sums of e·v of another part.
func addValues(dst, v, e []float32, n, width int) {
	var part [64]float32
	for c := 0; c < len(dst); c += len(part) {
		y := dst[c:min(c+len(part), len(dst))]
		rowProducts(part[:], v[c*lanes:], e, n, len(y), width)
		add32Slice(y, y, part[:len(y)])
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
