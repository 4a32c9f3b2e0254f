package low

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// Attention of one query. Inputs are q [1, 1, Heads·dh], k [1, T, KHeads·dh], v [1, T, KVHeads·dv], the mask or nothing,
// and any number of further pairs of keys and values, which come after the first in the mask; keys and values are in
// panels, the rest and the result row-major. Query head h reads head h / (Heads/KHeads) of the keys and head
// h / (Heads/KVHeads) of the values.
//
// Scores and weights e are those of Attend. The sum of e over the keys of one pair, and that of e·v, are 16 partial sums by
// the key's position in the pair, as Reduce joins them, where e·v adds fma(e, v, ·) and keys that are missing in the last
// 16 count as fma(+0, +0, ·). Sums of pairs are added in order.

// Pairs are the keys and values of an attention of one query.
func Pairs[T any](in []T) (keys, values []T) {
	keys, values = append(keys, in[1]), append(values, in[2])
	for i := 4; i+1 < len(in); i += 2 {
		keys, values = append(keys, in[i]), append(values, in[i+1])
	}
	return keys, values
}

// OfKeys is the number of heads of the keys.
func (a *Attend) OfKeys() int {
	if a.KHeads != 0 {
		return a.KHeads
	}
	return a.KVHeads
}

func (a *Attend) inferOne(in []*ir.Value) ([]ir.Type, error) {
	if len(in) < 3 || len(in) > 4 && len(in)%2 == 1 {
		return nil, errArity
	}
	q, kh := in[0].Type, a.OfKeys()
	if q.DType != ir.Float32 || len(q.Shape) != 3 || q.Rows() != 1 || q.Layout != ir.RowMajor || a.Finite != nil {
		return nil, fmt.Errorf("one query is not %v", q)
	}
	if a.Heads < 1 || a.KVHeads < 1 || kh < 1 || a.Heads%kh != 0 || a.Heads%a.KVHeads != 0 || q.Shape[2]%a.Heads != 0 {
		return nil, fmt.Errorf("%d, %d and %d heads", a.Heads, kh, a.KVHeads)
	}
	ks, vs := Pairs(in)
	v0, all := vs[0].Type, 0
	for i, k := range ks {
		k, v := k.Type, vs[i].Type
		for _, t := range []ir.Type{k, v} {
			if t.DType != ir.Float32 || len(t.Shape) != 3 || t.Shape[0] != 1 || t.Layout != ir.Panels || t.Len() == 0 {
				return nil, fmt.Errorf("keys and values %v and %v", k, v)
			}
		}
		if k.Shape[1] != v.Shape[1] || k.Shape[2] != q.Shape[2]/a.Heads*kh || v.Shape[2] != v0.Shape[2] || v.Shape[2]%a.KVHeads != 0 {
			return nil, fmt.Errorf("attention of %v over %v and %v", q, k, v)
		}
		all += k.Shape[1]
	}
	if len(in) > 3 && in[3] != nil {
		m := in[3].Type
		full := []int{1, a.Heads, 1, all}
		if s, err := broadcast(m.Shape, full); err != nil || ir.Size(s) != ir.Size(full) || m.DType != ir.Float32 || m.Layout != ir.RowMajor {
			return nil, fmt.Errorf("mask %v for scores %v", m, full)
		}
	}
	return []ir.Type{{DType: ir.Float32, Shape: []int{1, 1, v0.Shape[2] / a.KVHeads * a.Heads}}}, nil
}

func (a *Attend) evalOne(in []*ir.Tensor) ([]*ir.Tensor, error) {
	ks, vs := Pairs(in)
	dh, dv, all := in[0].Shape[2]/a.Heads, vs[0].Shape[2]/a.KVHeads, 0
	for _, k := range ks {
		all += k.Shape[1]
	}
	var mask []float32
	if len(in) > 3 && in[3] != nil {
		mask = ir.Data[float32](expand(in[3], []int{1, a.Heads, 1, all}))
	}
	q, out := ir.Data[float32](in[0]), ir.NewTensor(ir.Float32, 1, 1, a.Heads*dv)
	y := ir.Data[float32](out)
	for h := range a.Heads {
		kc, vc := h/(a.Heads/a.OfKeys())*dh, h/(a.Heads/a.KVHeads)*dv
		var scores []float32
		top := float32(math.Inf(-1))
		for _, k := range ks {
			x, width := ir.Data[float32](k), k.Shape[2]
			for j := range k.Shape[1] {
				var s float32
				for c := range dh {
					s = fma32(q[h*dh+c], x[j*width+kc+c], s)
				}
				s *= a.Scale
				if mask != nil {
					s += mask[h*all+len(scores)]
				}
				if s > top {
					top = s
				}
				scores = append(scores, s)
			}
		}
		for i := range scores {
			scores[i] -= top
		}
		e := apply("expneg(x0)", scores)
		var sum float32
		at := 0
		for _, k := range ks {
			sum += reduceRow("sum", Partials, k.Shape[1], 0, func(j int) float32 { return e[at+j] }, fma32)
			at += k.Shape[1]
		}
		inv := 1 / sum
		for c := range dv {
			var o float32
			at := 0
			for i, v := range vs {
				x, width, n := ir.Data[float32](v), v.Shape[2], v.Shape[1]
				var p [Partials]float32
				for j := range (n + Partials - 1) / Partials * Partials {
					ej, vj := float32(0), float32(0)
					if j < n {
						ej, vj = e[at+j], x[j*width+vc+c]
					}
					p[j%Partials] = fma32(ej, vj, p[j%Partials])
				}
				for s := Partials / 2; s > 0; s /= 2 {
					for l := range s {
						p[l] += p[l+s]
					}
				}
				if i > 0 {
					p[0] = o + p[0]
				}
				o = p[0]
				at += n
			}
			y[h*dv+c] = o * inv
		}
	}
	return []*ir.Tensor{out}, nil
}
