package runtime

import (
	"math/rand/v2"
	"testing"
)

// TestAttendOne compares with the attention by definition, in the order that the partial sums have.
func TestAttendOne(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(150) {
			r := rand.New(rand.NewPCG(seed, 17))
			group := 1 + r.IntN(4)
			s := oneQuery{kHeads: 1 + r.IntN(2), dh: 1 + r.IntN(40), dv: 1 + r.IntN(80), scale: 0.37}
			s.heads = s.kHeads * group
			s.kvHeads = []int{1, s.kHeads, s.heads}[r.IntN(3)]
			kind := r.IntN(3)
			var parts []keyPart
			var ks, vs [][]float32
			all, room := 0, 0
			for range 1 + r.IntN(3) {
				n := 1 + r.IntN(200)
				k, v := operand32(r, n*s.kHeads*s.dh, kind), operand32(r, n*s.kvHeads*s.dv, kind)
				lay := func(x []float32, f int) []float32 {
					y := make([]float32, (n+lanes-1)/lanes*lanes*f)
					packPanels(y, x, n, f)
					return y
				}
				parts = append(parts, keyPart{lay(k, s.kHeads*s.dh), lay(v, s.kvHeads*s.dv), n})
				ks, vs = append(ks, k), append(vs, v)
				all += n
				room += (n + lanes - 1) / lanes * lanes
			}
			q := operand32(r, s.heads*s.dh, kind)
			var mask []float32
			if r.IntN(2) == 0 {
				s.maskHead, s.maskKey = all, 1
				mask = operand32(r, s.heads*all, kind)
			}
			want := attendedOne(&s, q, mask, parts, ks, vs, all)
			dst, check := guarded(t, len(want), r.IntN(5))
			attendOne(dst, q, mask, make([]float32, 2*room), &s, parts...)
			check()
			if !sameFloats(dst, want) {
				t.Errorf("seed %d: %+v differs", seed, s)
			}
		}
	})
}

func attendedOne(s *oneQuery, q, mask []float32, parts []keyPart, ks, vs [][]float32, all int) []float32 {
	out := make([]float32, s.heads*s.dv)
	for h := range s.heads {
		var scores []float32
		top := -inf32
		for i, p := range parts {
			for j := range p.n {
				key := ks[i][(j*s.kHeads+h/(s.heads/s.kHeads))*s.dh:]
				x := float32(chain(func(c int) float32 { return q[h*s.dh+c] }, func(c int) float32 { return key[c] }, 0, s.dh) * s.scale)
				if mask != nil {
					x += mask[h*all+len(scores)]
				}
				if x > top {
					top = x
				}
				scores = append(scores, x)
			}
		}
		for c := range s.dv {
			var sum, acc float32
			e := scores
			for i, p := range parts {
				sum += partials(p.n, func(a float32, j int) float32 {
					if j < 0 {
						return a
					}
					return a + expneg32(e[j]-top)
				})
				part := partials(p.n, func(a float32, j int) float32 {
					if j < 0 {
						return fma32(0, 0, a)
					}
					return fma32(expneg32(e[j]-top), vs[i][(j*s.kvHeads+h/(s.heads/s.kvHeads))*s.dv+c], a)
				})
				if i > 0 {
					part = acc + part
				}
				acc = part
				e = e[p.n:]
			}
			out[h*s.dv+c] = acc * (1 / sum)
		}
	}
	return out
}
