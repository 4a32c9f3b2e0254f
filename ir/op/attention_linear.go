package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// LinearAttention is https://onnx.ai/onnx/operators/onnx__LinearAttention.html, version 27: for every key head a state
// S [size, value size] that each step decays, corrects and adds to, and that the query heads of its group read:
//
//	gated, gated_delta  S = exp(decay)·S
//	delta, gated_delta  v = beta·(v - S'k)
//	all                 S = S + k v'; y = scale·S'q
//
// It computes in float64, sums in increasing index of k and q.
type LinearAttention struct {
	ChunkSize  int     `onnx:"chunk_size,64"` // a hint without effect
	KVHeads    int     `onnx:"kv_num_heads,0"`
	QHeads     int     `onnx:"q_num_heads,0"`
	Scale      float32 `onnx:"scale,0"`
	UpdateRule string  `onnx:"update_rule,gated_delta"`
	// Work asks for one more result, the room that compiled code needs: float64, left as zeros.
	Work bool `onnx:"sbtc_work,0"`
}

// Inputs of LinearAttention.
const (
	linQ = iota
	linK
	linV
	linPast
	linDecay
	linBeta
)

// Name is the operator's ONNX name.
func (*LinearAttention) Name() string { return "LinearAttention" }

func (o *LinearAttention) gated() bool {
	return o.UpdateRule == "gated" || o.UpdateRule == "gated_delta"
}
func (o *LinearAttention) delta() bool {
	return o.UpdateRule == "delta" || o.UpdateRule == "gated_delta"
}

// Infer checks shapes and which inputs the rule needs.
func (o *LinearAttention) Infer(in []*ir.Value) ([]ir.Type, error) {
	in = slices.Concat(in, make([]*ir.Value, linBeta+1-len(in)))
	switch {
	case !slices.Contains([]string{"linear", "gated", "delta", "gated_delta"}, o.UpdateRule):
		return nil, fmt.Errorf("attribute update_rule is %q, wanted linear, gated, delta or gated_delta", o.UpdateRule)
	case o.KVHeads < 1 || o.QHeads < 1 || o.QHeads%o.KVHeads != 0:
		return nil, fmt.Errorf("attributes q_num_heads %d and kv_num_heads %d; the first must be a multiple of the second", o.QHeads, o.KVHeads)
	case o.gated() != (in[linDecay] != nil) || o.delta() != (in[linBeta] != nil):
		return nil, fmt.Errorf("update_rule %s: decay is for the gated rules, beta for the delta rules, and each needs its own", o.UpdateRule)
	}
	for _, i := range []int{linK, linV, linDecay, linBeta} {
		if in[i] != nil && in[i].Type.DType != in[linQ].Type.DType {
			return nil, fmt.Errorf("input %d is %v, the query %v; they must have one element type", i, in[i].Type.DType, in[linQ].Type.DType)
		}
	}
	q, k, v := in[linQ].Type, in[linK].Type, in[linV].Type
	state := ir.Type{DType: q.DType, NoRank: true}
	if in[linPast] != nil {
		state.DType = in[linPast].Type.DType
	}
	if !q.Static() || !k.Static() || !v.Static() {
		return []ir.Type{{DType: q.DType, NoRank: true}, state}, nil
	}
	if len(q.Shape) != 3 || len(k.Shape) != 3 || len(v.Shape) != 3 || q.Shape[2]%o.QHeads != 0 || v.Shape[2]%o.KVHeads != 0 ||
		k.Shape[2] != q.Shape[2]/o.QHeads*o.KVHeads || !slices.Equal(q.Shape[:2], k.Shape[:2]) || !slices.Equal(q.Shape[:2], v.Shape[:2]) {
		return nil, fmt.Errorf("query %v, key %v, value %v for %d and %d heads; wanted [batch, steps, heads·size]", q, k, v, o.QHeads, o.KVHeads)
	}
	size, vsize := q.Shape[2]/o.QHeads, v.Shape[2]/o.KVHeads
	state = ir.Type{DType: state.DType, Shape: []int{q.Shape[0], o.KVHeads, size, vsize}}
	for i, widths := range map[int][]int{linDecay: {o.KVHeads, o.KVHeads * size}, linBeta: {o.KVHeads, 1}} {
		if t := in[i]; t != nil && t.Type.Static() && (len(t.Type.Shape) != 3 || !slices.Equal(t.Type.Shape[:2], q.Shape[:2]) || !slices.Contains(widths, t.Type.Shape[2])) {
			return nil, fmt.Errorf("input %d is %v, wanted [%d, %d, %d or %d]", i, t.Type, q.Shape[0], q.Shape[1], widths[0], widths[1])
		}
	}
	if p := in[linPast]; p != nil && p.Type.Static() && !slices.Equal(p.Type.Shape, state.Shape) {
		return nil, fmt.Errorf("past_state is %v, wanted %v", p.Type, state)
	}
	types := []ir.Type{{DType: q.DType, Shape: []int{q.Shape[0], q.Shape[1], o.QHeads * vsize}}, state}
	if o.Work {
		types = append(types, ir.Type{DType: ir.Float64, Shape: []int{size*vsize + vsize}})
	}
	return types, nil
}

func (o *LinearAttention) scaleFor(size int) float64 {
	if o.Scale != 0 {
		return float64(o.Scale)
	}
	return 1 / math.Sqrt(float64(size))
}

// Eval runs the recurrence.
func (o *LinearAttention) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in = slices.Concat(in, make([]*ir.Tensor, linBeta+1-len(in)))
	q, k, v := in[linQ].Floats(), in[linK].Floats(), in[linV].Floats()
	decay, beta, past := floatsOf(in[linDecay]), floatsOf(in[linBeta]), floatsOf(in[linPast])
	batch, steps := in[linQ].Shape[0], in[linQ].Shape[1]
	size, vsize := in[linQ].Shape[2]/o.QHeads, in[linV].Shape[2]/o.KVHeads
	group := o.QHeads / o.KVHeads
	y := make([]float64, batch*steps*o.QHeads*vsize)
	states := make([]float64, batch*o.KVHeads*size*vsize)
	copy(states, past)
	for bh := range batch * o.KVHeads {
		b, h := bh/o.KVHeads, bh%o.KVHeads
		s := states[bh*size*vsize:][:size*vsize]
		for t := range steps {
			at := b*steps + t
			kt, vt := k[(at*o.KVHeads+h)*size:][:size], slices.Clone(v[(at*o.KVHeads+h)*vsize:][:vsize])
			if o.gated() {
				n := in[linDecay].Shape[2] / o.KVHeads
				for i := range s {
					s[i] = float64(s[i] * low.Exp64(decay[(at*o.KVHeads+h)*n+i/vsize%n]))
				}
			}
			if o.delta() {
				n := in[linBeta].Shape[2]
				for m := range vt {
					var got float64
					for i, x := range kt {
						got += float64(s[i*vsize+m] * x)
					}
					vt[m] = float64(beta[at*n+h%n] * (vt[m] - got))
				}
			}
			for i, x := range kt {
				for m, w := range vt {
					s[i*vsize+m] += float64(x * w)
				}
			}
			for r := h * group; r < (h+1)*group; r++ {
				for m := range vsize {
					var sum float64
					for i, x := range q[(at*o.QHeads+r)*size:][:size] {
						sum += float64(x * s[i*vsize+m])
					}
					y[(at*o.QHeads+r)*vsize+m] = float64(o.scaleFor(size) * sum)
				}
			}
		}
	}
	sd := in[linQ].DType
	if in[linPast] != nil {
		sd = in[linPast].DType
	}
	out := []*ir.Tensor{
		ir.FromFloats(in[linQ].DType, []int{batch, steps, o.QHeads * vsize}, y),
		ir.FromFloats(sd, []int{batch, o.KVHeads, size, vsize}, states),
	}
	if o.Work {
		out = append(out, ir.NewTensor(ir.Float64, size*vsize+vsize))
	}
	return out, nil
}

// Lower calls a kernel, for 16-bit floats on their values in float32.
func (o *LinearAttention) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	op := *o
	op.Work = true
	c := &ir.Node{Op: &op, In: make([]*ir.Value, linBeta+1)}
	for i, v := range n.In {
		c.In[i] = float32Of(b, v)
	}
	types, err := op.Infer(c.In)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		c.Out = append(c.Out, &ir.Value{Type: t})
	}
	q := n.In[linQ].Type.Shape
	size, vsize := q[2]/o.QHeads, n.In[linV].Type.Shape[2]/o.KVHeads
	var gates, rates int
	if o.gated() {
		gates = c.In[linDecay].Type.Shape[2] / o.KVHeads
	}
	if o.delta() {
		rates = c.In[linBeta].Type.Shape[2]
	}
	sizes := []int{q[0], q[1], o.QHeads, o.KVHeads, size, vsize, gates, rates}
	out := slices.Clone(low.CallFor(b, c, "linearAttention", sizes, o.scaleFor(size))[:len(n.Out)])
	for i, v := range n.Out {
		if v != nil {
			out[i] = narrowed(b, out[i], v.Type.DType)
		}
	}
	return out, nil
}
