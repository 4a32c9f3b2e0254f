package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Operators on any number of inputs, and choice: Where and Clip.
var variadic = []Def{
	{Name: "Max", Since: 13, From: 1, In: Arity{1, -1}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &fold{name: "Max", step: "max",
		f: larger[float64], ints: larger[int64], uints: larger[uint64]}},
	{Name: "Min", Since: 13, From: 1, In: Arity{1, -1}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &fold{name: "Min", step: "min",
		f: smaller[float64], ints: smaller[int64], uints: smaller[uint64]}},
	{Name: "Sum", Since: 13, From: 1, In: Arity{1, -1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &fold{name: "Sum", step: "add", f: add[float64]}},
	{Name: "Mean", Since: 13, From: 1, In: Arity{1, -1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &fold{name: "Mean", step: "add", f: add[float64], mean: true}},
	{Name: "Where", Since: 16, From: 9, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Bools, Any}, Proto: &Where{}},
	{Name: "Clip", Since: 13, From: 11, In: Arity{1, 3}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &Clip{}},
	{Name: "Clip", Since: 6, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: clip6},
	{Name: "Clip", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: clip1},
}

// fold is an operator that combines any number of inputs, broadcast together, from left to right:
// https://onnx.ai/onnx/operators/onnx__NAME.html, at the version of the row.
type fold struct {
	name  string
	f     func(a, b float64) float64
	ints  func(a, b int64) int64
	uints func(a, b uint64) uint64
	step  string // low function
	mean  bool   // divided by the number of inputs
}

// larger and smaller return a NaN if there is one.
func larger[T scalar](a, b T) T {
	if a > b || a != a {
		return a
	}
	return b
}

func smaller[T scalar](a, b T) T {
	if a < b || a != a {
		return a
	}
	return b
}

// Name is the operator's ONNX name.
func (o *fold) Name() string { return o.name }

// Infer broadcasts the inputs.
func (o *fold) Infer(in []*ir.Value) ([]ir.Type, error) {
	if i := slices.Index(in, nil); i >= 0 {
		return nil, fmt.Errorf("input %d is required", i)
	}
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	return typed(in[0].Type.DType, in...)
}

// Eval combines the inputs from left to right; sums of floats are not narrowed before the end.
func (o *fold) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in, err := together(in...)
	if err != nil {
		return nil, err
	}
	d, shape := in[0].DType, in[0].Shape
	switch {
	case d == ir.Uint64:
		x := slices.Clone(ir.Data[uint64](in[0]))
		for _, t := range in[1:] {
			zip(x, ir.Data[uint64](t), o.uints)
		}
		return []*ir.Tensor{ir.Of(d, shape, x)}, nil
	case d.IsInt():
		x := in[0].Ints()
		for _, t := range in[1:] {
			zip(x, t.Ints(), o.ints)
		}
		return []*ir.Tensor{ir.FromInts(d, shape, x)}, nil
	}
	x := in[0].Floats()
	for _, t := range in[1:] {
		zip(x, t.Floats(), o.f)
	}
	if o.mean {
		each(x, func(v float64) float64 { return v / float64(len(in)) })
	}
	return []*ir.Tensor{ir.FromFloats(d, shape, x)}, nil
}

// Lower makes a Map.
func (o *fold) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	expr := "x0"
	for i := range n.In[1:] {
		expr = fmt.Sprintf("%s(%s,x%d)", o.step, expr, i+1)
	}
	if len(n.In) == 1 {
		return []*ir.Value{low.Copy(b, n.In[0], n.In[0].Type.Shape...)}, nil
	}
	if o.mean {
		expr = fmt.Sprintf("div(%s,%d)", expr, len(n.In))
	}
	return mapped(b, n, "%s", expr)
}

// Where is https://onnx.ai/onnx/operators/onnx__Where.html, version 16, on all element types.
type Where struct{}

// Name is the operator's ONNX name.
func (*Where) Name() string { return "Where" }

// Infer broadcasts the inputs.
func (*Where) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameElements(in[1:]...); err != nil {
		return nil, err
	}
	return typed(in[1].Type.DType, in...)
}

// Eval takes each element from the second input where the first is true, else from the third.
func (*Where) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in, err := together(in...)
	if err != nil {
		return nil, err
	}
	out := in[2].Clone()
	for i, c := range ir.Data[bool](in[0]) {
		if c {
			out.CopyElem(i, in[1], i)
		}
	}
	return []*ir.Tensor{out}, nil
}

// Lower makes a Map; types that no expression takes need a kernel.
func (*Where) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if inMap(n.In[1].Type.DType) {
		return mapped(b, n, "where(x0,x1,x2)")
	}
	shape := n.Out[0].Type.Shape
	args := []any{shape}
	for _, v := range n.In {
		args = append(args, low.BroadcastStrides(v.Type.Shape, shape))
	}
	return low.CallFor(b, n, "where", args...), nil
}

// Clip is https://onnx.ai/onnx/operators/onnx__Clip.html, version 13. Where the least value is above the largest, all
// elements become the largest.
type Clip struct{}

// Name is the operator's ONNX name.
func (*Clip) Name() string { return "Clip" }

// Infer returns the type of the input.
func (*Clip) Infer(in []*ir.Value) ([]ir.Type, error) {
	for i, v := range in[1:] {
		if v != nil && v.Type.Static() && (v.Type.Len() != 1 || len(v.Type.Shape) > 1) {
			return nil, fmt.Errorf("input %s %s is %v, want a scalar", []string{"min", "max"}[i], v, v.Type)
		}
	}
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	return alike(in, 1)
}

// Eval raises elements to the least and lowers them to the largest value; NaN stays.
func (*Clip) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	for i, bound := range in[1:] {
		if bound == nil {
			continue
		}
		p := pairwise{f: atLeast[float64], ints: atLeast[int64], uints: atLeast[uint64]}
		if i == 1 {
			p = pairwise{f: atMost[float64], ints: atMost[int64], uints: atMost[uint64]}
		}
		out, err := p.Eval([]*ir.Tensor{x, bound.Reshape()})
		if err != nil {
			return nil, err
		}
		x = out[0]
	}
	return []*ir.Tensor{x}, nil
}

func atLeast[T scalar](x, lo T) T {
	if x < lo {
		return lo
	}
	return x
}

func atMost[T scalar](x, hi T) T {
	if x > hi {
		return hi
	}
	return x
}

// Lower makes a Map of the input and the bounds that are given.
func (*Clip) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	expr, in := "x0", []*ir.Value{n.In[0]}
	for i, v := range n.In[1:] {
		if v == nil {
			continue
		}
		fn := []string{"clampmax", "clampmin"}[i] // the larger of bound and element, the smaller
		if x, ok := uniform(v.Const); ok && (v.Type.DType != ir.Int64 && v.Type.DType != ir.Uint64 || int64(x) < 1<<53 && int64(x) > -1<<53) {
			expr = fmt.Sprintf("%s(%s,%s)", fn, low.Lit(x), expr)
			continue
		}
		if len(v.Type.Shape) > 0 {
			v = low.Copy(b, v)
		}
		in = append(in, v)
		expr = fmt.Sprintf("%s(x%d,%s)", fn, len(in)-1, expr)
	}
	if !strings.Contains(expr, "(") {
		return []*ir.Value{low.Copy(b, n.In[0], n.In[0].Type.Shape...)}, nil
	}
	return []*ir.Value{low.Elementwise(b, expr, in...)}, nil
}

// clip6 turns the attributes min and max, by default the limits of float32, into inputs.
func clip6(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	const largest = 0x1.fffffep127
	return nil, clipBounds(b, n, float32(-largest), float32(largest))
}

// clip1 is clip6 without default limits.
func clip1(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	if err := clipBounds(b, n, nil, nil); err != nil {
		return nil, err
	}
	return one(b.Add(&Clip{}, n.In...))
}

func clipBounds(b *ir.Builder, n *Raw, lo, hi any) error {
	for i, name := range []string{"min", "max"} {
		v, ok := n.Attrs[name]
		if !ok {
			v = []any{lo, hi}[i]
		}
		delete(n.Attrs, name)
		switch x := v.(type) {
		case nil:
			n.In = append(n.In, nil)
		case float32:
			n.In = append(n.In, b.Const(ir.FromFloats(n.In[0].Type.DType, nil, []float64{float64(x)})))
		default:
			return fmt.Errorf("attribute %s: wrong kind of value", name)
		}
	}
	return nil
}
