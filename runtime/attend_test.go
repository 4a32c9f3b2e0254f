package runtime

import (
	"math/rand/v2"
	"testing"
)

// attendCase makes an attention of random sizes; spans are none, causal, or random ones, some empty.
func attendCase(r *rand.Rand) (s attendShape, ends, spans []int32) {
	s.batch, s.queries, s.keys = 1+r.IntN(3), 1+r.IntN(40), 1+r.IntN(40)
	s.kvHeads = 1 + r.IntN(2)
	s.heads = s.kvHeads * (1 + r.IntN(2))
	s.dh, s.dv = 1+r.IntN(20), 1+r.IntN(30)
	s.scale, s.panels = 0.37, r.IntN(2) == 0
	kind := r.IntN(3)
	for i := 0; i < s.queries && kind > 0; i++ {
		if kind == 1 {
			spans = append(spans, 0, int32(min(i+1, s.keys)))
		} else {
			for j := r.IntN(9); j < s.keys; j += r.IntN(9) {
				end := min(j+1+r.IntN(20), s.keys)
				spans = append(spans, int32(j), int32(end))
				j = end + 1
			}
		}
		ends = append(ends, int32(len(spans)/2))
	}
	return s, ends, spans
}

func TestAttend(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(150) {
			r := rand.New(rand.NewPCG(seed, 7))
			s, ends, spans := attendCase(r)
			kind := r.IntN(3)
			rows, keys := s.batch*s.queries, s.batch*s.keys
			q, k, v := operand32(r, rows*s.heads*s.dh, kind), operand32(r, keys*s.kvHeads*s.dh, kind), operand32(r, keys*s.kvHeads*s.dv, kind)
			var mask []float32
			if r.IntN(2) == 0 {
				mask = operand32(r, s.heads*s.queries*s.keys, kind)
				s.maskStrides = [4]int{0, s.queries * s.keys, s.keys, 1}
			}
			want := attended(&s, q, k, v, mask, ends, spans)
			laid := func(x []float32, rows, n int) []float32 {
				if !s.panels {
					return x
				}
				y := make([]float32, (rows+lanes-1)/lanes*lanes*n)
				packPanels(y, x, rows, n)
				return y
			}
			dst := laid(make([]float32, len(want)), rows, s.heads*s.dv)
			room := lanes * (s.keys + 2*s.dv)
			for _, p := range [][2]int{{rows, s.heads * (s.dh + s.dv)}, {keys, s.kvHeads * (s.dh + s.dv)}} {
				room += (p[0] + lanes - 1) / lanes * lanes * p[1]
			}
			scratch := make([]float64, (s.keys+1)*(s.dh+s.dv+1)+4*s.dh+4*s.keys+4)
			panels := (rows + lanes - 1) / lanes
			ranges := []int{0, 0}
			if s.panels && panels > 1 {
				ranges = []int{0, 1 + r.IntN(panels-1), panels}
			}
			for i, to := range ranges[1:] {
				s.from, s.to = ranges[i], to
				attend(dst, laid(q, rows, s.heads*s.dh), laid(k, keys, s.kvHeads*s.dh), laid(v, keys, s.kvHeads*s.dv), mask, make([]float32, room), scratch, &s, ends, spans)
			}
			if !sameFloats(dst, laid(want, rows, s.heads*s.dv)) {
				t.Errorf("seed %d, kind %d, %+v, spans %v: differs", seed, kind, s, spans)
			}
		}
	})
}

// attended is the attention by definition, row-major.
func attended(s *attendShape, q, k, v, mask []float32, ends, spans []int32) []float32 {
	out := make([]float32, s.batch*s.queries*s.heads*s.dv)
	for o := range out {
		c, h, i, b := o%s.dv, o/s.dv%s.heads, o/s.dv/s.heads%s.queries, o/s.dv/s.heads/s.queries
		g := h / (s.heads / s.kvHeads)
		var js []int
		for j := range s.keys {
			seen := ends == nil
			for p := 0; ends != nil && p < int(ends[i]); p++ {
				if (i == 0 || p >= int(ends[i-1])) && int(spans[2*p]) <= j && j < int(spans[2*p+1]) {
					seen = true
				}
			}
			if seen {
				js = append(js, j)
			}
		}
		top, sum, acc := -inf32, float32(0), float32(0)
		scores := make([]float32, len(js))
		for n, j := range js {
			qr, kr := q[((b*s.queries+i)*s.heads+h)*s.dh:], k[((b*s.keys+j)*s.kvHeads+g)*s.dh:]
			x := float32(chain(func(c int) float32 { return qr[c] }, func(c int) float32 { return kr[c] }, 0, s.dh) * s.scale)
			if m := &s.maskStrides; mask != nil {
				x += mask[b*m[0]+h*m[1]+i*m[2]+j*m[3]]
			}
			if x > top {
				top = x
			}
			scores[n] = x
		}
		for n, j := range js {
			e := expneg32(scores[n] - top)
			sum += e
			acc = fma32(e, v[((b*s.keys+j)*s.kvHeads+g)*s.dv+c], acc)
		}
		out[o] = acc * (1 / sum)
	}
	return out
}
