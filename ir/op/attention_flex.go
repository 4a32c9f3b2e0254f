package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// FlexAttention is https://onnx.ai/onnx/operators/onnx_aionnxpreview_FlexAttention.html, version 1 of ai.onnx.preview:
// attention of 4-axis inputs whose scores and probabilities pass through graphs of the model, in the element type that
// softmax_precision names (float32 by default, float64 for such inputs).
type FlexAttention struct {
	ProbMod          *ir.Graph `onnx:"prob_mod"`
	Captures         int       `onnx:"sbtc_captures,0"`
	Scale            *float32  `onnx:"scale"`
	ScoreMod         *ir.Graph `onnx:"score_mod"`
	SoftmaxPrecision ir.DType  `onnx:"softmax_precision"`
}

// Name is the operator's name with its domain.
func (*FlexAttention) Name() string { return "ai.onnx.preview.FlexAttention" }

func (o *FlexAttention) plain() *Attention { return &Attention{Scale: o.Scale} }

// precision is the element type of scores.
func (o *FlexAttention) precision(q ir.DType) ir.DType {
	switch {
	case o.SoftmaxPrecision != ir.Undefined:
		return o.SoftmaxPrecision
	case q == ir.Float64:
		return q
	}
	return ir.Float32
}

// Infer checks shapes and the graphs.
func (o *FlexAttention) Infer(in []*ir.Value) ([]ir.Type, error) {
	if len(in) != 3+o.Captures {
		return nil, fmt.Errorf("%d inputs, wanted Q, K, V", len(in))
	}
	if err := sameTypes(in[:3]); err != nil {
		return nil, err
	}
	p := o.precision(in[0].Type.DType)
	if !Floats.has(p) {
		return nil, fmt.Errorf("attribute softmax_precision is %v, wanted a floating-point type", p)
	}
	types, err := o.plain().Infer(in[:3])
	if err != nil {
		return nil, err
	}
	if !types[0].NoRank && len(types[0].Shape) != 4 {
		return nil, errors.New("Q, K and V must have 4 axes")
	}
	scores := types[3]
	scores.DType = p
	for _, g := range []*ir.Graph{o.ScoreMod, o.ProbMod} {
		if g == nil {
			continue
		}
		args := append([]*ir.Value{{Name: "scores", Type: scores}}, in[3:]...)
		if err := feeds(g, args); err != nil {
			return nil, err
		}
		if len(g.Out) != 1 {
			return nil, fmt.Errorf("the body %s has %d results, wanted one", g.Name, len(g.Out))
		}
		if _, err := ir.Refine(g.Out[0].Type, scores); err != nil {
			return nil, fmt.Errorf("the result of the body %s: %w", g.Name, err)
		}
	}
	return types[:1], nil
}

// Eval computes scores, runs the graphs, and sums.
func (o *FlexAttention) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	p := o.precision(in[0].DType)
	d, err := o.plain().dims([]*ir.Type{typeOf(in[0]), typeOf(in[1]), typeOf(in[2]), nil, nil, nil, nil})
	if err != nil {
		return nil, err
	}
	q, k, v := in[0].Floats(), in[1].Floats(), in[2].Floats()
	shape := []int{d.batch, d.heads, d.queries, d.keys}
	s := make([]float64, ir.Size(shape))
	key := func(row int) int { // the first key of the head that row of the scores reads
		bh := row / d.queries
		return (bh/d.heads*d.kvHeads + bh%d.heads/(d.heads/d.kvHeads)) * d.keys
	}
	for i := range s {
		r, j := i/d.keys, i%d.keys
		var dot float64
		for c, x := range q[r*d.size:][:d.size] {
			dot += float64(x * k[(key(r)+j)*d.size+c])
		}
		s[i] = float64(dot * o.plain().scale(d.size))
	}
	mod := func(g *ir.Graph) error {
		if g == nil {
			return nil
		}
		out, err := g.Eval(append([]*ir.Tensor{ir.FromFloats(p, shape, s)}, in[3:]...))
		if err != nil {
			return err
		}
		if !slices.Equal(out[0].Shape, shape) {
			return fmt.Errorf("the result of the body %s is %v, wanted the shape %v", g.Name, out[0].Type(), shape)
		}
		s = out[0].Floats()
		return nil
	}
	if err := mod(o.ScoreMod); err != nil {
		return nil, err
	}
	for r := range d.batch * d.heads * d.queries {
		row := s[r*d.keys:][:d.keys]
		copy(row, (&Attention{}).weights(row, func(int) float64 { return 0 }))
	}
	if err := mod(o.ProbMod); err != nil {
		return nil, err
	}
	y := make([]float64, d.batch*d.heads*d.queries*d.vsize)
	for i := range y {
		r, c := i/d.vsize, i%d.vsize
		for j, w := range s[r*d.keys:][:d.keys] {
			y[i] += float64(w * v[(key(r)+j)*d.vsize+c])
		}
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, []int{d.batch, d.heads, d.queries, d.vsize}, y)}, nil
}

func typeOf(t *ir.Tensor) *ir.Type {
	typ := t.Type()
	return &typ
}

// Lower is that of Attention without graphs; else products, a Normalize and the nodes of the graphs.
func (o *FlexAttention) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if o.ScoreMod == nil && o.ProbMod == nil {
		return o.plain().Lower(b, &ir.Node{Op: o.plain(), In: n.In[:3], Out: n.Out})
	}
	q, k, v := n.In[0], n.In[1], n.In[2]
	p := o.precision(q.Type.DType)
	d, err := o.plain().dims([]*ir.Type{&q.Type, &k.Type, &v.Type, nil, nil, nil, nil})
	if err != nil {
		return nil, err
	}
	wide := ir.Float32
	if p == ir.Float64 || q.Type.DType == ir.Float64 {
		wide = ir.Float64
	}
	group := d.heads / max(1, d.kvHeads)
	grouped := func(x *ir.Value, g int) *ir.Value {
		s := x.Type.Shape
		return low.Copy(b, narrowed(b, x, wide), d.batch, d.kvHeads, g, s[2], s[3])
	}
	s := b.Add(&low.Contract{TransB: true}, grouped(q, group), grouped(k, 1))
	s = b.Add(&low.Map{Expr: low.Call("mul", low.X(0), low.Lit(o.plain().scale(d.size)))}, s)
	s = low.Copy(b, s, d.batch, d.heads, d.queries, d.keys)
	l := &inliner{b: b}
	mod := func(g *ir.Graph, x *ir.Value) (*ir.Value, error) {
		if g == nil {
			return x, nil
		}
		out, err := l.graph(g, append([]*ir.Value{narrowed(b, x, p)}, n.In[3:]...))
		if err != nil {
			return nil, err
		}
		return narrowed(b, out[0], wide), nil
	}
	if s, err = mod(o.ScoreMod, s); err != nil {
		return nil, err
	}
	s = b.Add(&low.Normalize{Fn: "softmax", Axis: 3, Partials: low.Partials}, s)
	if s, err = mod(o.ProbMod, s); err != nil {
		return nil, err
	}
	y := b.Add(&low.Contract{}, low.Copy(b, s, d.batch, d.kvHeads, group, d.queries, d.keys), grouped(v, 1))
	y = low.Copy(b, y, d.batch, d.heads, d.queries, d.vsize)
	return []*ir.Value{narrowed(b, y, n.Out[0].Type.DType)}, nil
}
