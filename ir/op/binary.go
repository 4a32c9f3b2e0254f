package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var binary = append(binaryDefs(), []Def{
	{Name: "Pow", Since: 15, From: 7, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Floats | Ints, Numbers}, Proto: &Pow{}},
	{Name: "Pow", Since: 1, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: align},
	{Name: "Mod", Since: 13, From: 10, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &Mod{}},
	{Name: "BitShift", Since: 11, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Uints}, Proto: &BitShift{}},
	{Name: "PRelu", Since: 16, From: 7, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &PRelu{}},
	{Name: "PRelu", Since: 6, From: 1, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: prelu6},
}...)

// pairwise is an operator without attributes on the elements of two inputs of one element type, broadcast together:
// https://onnx.ai/onnx/operators/onnx__NAME.html, at the version of the row.
type pairwise struct {
	name  string
	since int
	from  int // 7 where version 1 had the attributes axis and broadcast
	types Types
	f     func(a, b float64) float64 // on floats and booleans
	ints  func(a, b int64) int64     // on integers
	uints func(a, b uint64) uint64   // on unsigned ones, where they differ
	expr  string                     // the low expression
	to    ir.DType                   // of the result; Undefined: of the inputs
}

var pairs = []pairwise{
	{name: "Add", since: 14, from: 7, types: Numbers, f: add[float64], ints: add[int64], expr: "add(x0,x1)"},
	{name: "Sub", since: 14, from: 7, types: Numbers, f: sub[float64], ints: sub[int64], expr: "sub(x0,x1)"},
	{name: "Mul", since: 14, from: 7, types: Numbers, f: mul[float64], ints: mul[int64], expr: "mul(x0,x1)"},
	{name: "Div", since: 14, from: 7, types: Numbers, f: func(a, b float64) float64 { return a / b }, ints: quo[int64], uints: quo[uint64], expr: "div(x0,x1)"},

	{name: "Equal", since: 19, from: 7, types: Numbers | Bools | Of(ir.String), f: eq[float64], ints: eq[int64], expr: "eq(x0,x1)", to: ir.Bool},
	{name: "Less", since: 13, from: 7, types: Numbers, f: lt[float64], ints: lt[int64], uints: lt[uint64], expr: "lt(x0,x1)", to: ir.Bool},
	{name: "LessOrEqual", since: 16, from: 12, types: Numbers, f: le[float64], ints: le[int64], uints: le[uint64], expr: "le(x0,x1)", to: ir.Bool},
	{name: "Greater", since: 13, from: 7, types: Numbers, f: gt[float64], ints: gt[int64], uints: gt[uint64], expr: "gt(x0,x1)", to: ir.Bool},
	{name: "GreaterOrEqual", since: 16, from: 12, types: Numbers, f: ge[float64], ints: ge[int64], uints: ge[uint64], expr: "ge(x0,x1)", to: ir.Bool},

	{name: "And", since: 7, types: Bools, f: mul[float64], expr: "and(x0,x1)"},
	{name: "Or", since: 7, types: Bools, f: add[float64], expr: "or(x0,x1)"},
	{name: "Xor", since: 7, types: Bools, f: sub[float64], expr: "xor(x0,x1)"},

	{name: "BitwiseAnd", since: 18, types: Ints | Uints, ints: func(a, b int64) int64 { return a & b }, expr: "bitand(x0,x1)"},
	{name: "BitwiseOr", since: 18, types: Ints | Uints, ints: func(a, b int64) int64 { return a | b }, expr: "bitor(x0,x1)"},
	{name: "BitwiseXor", since: 18, types: Ints | Uints, ints: func(a, b int64) int64 { return a ^ b }, expr: "bitxor(x0,x1)"},
}

func binaryDefs() []Def {
	var defs []Def
	for i := range pairs {
		p := &pairs[i]
		types := []Types{p.types}
		defs = append(defs, Def{Name: p.name, Since: p.since, From: p.from, In: Arity{2, 2}, Out: Arity{1, 1}, Types: types, Proto: p})
		if p.from == 7 || p.since == 7 {
			defs = append(defs, Def{Name: p.name, Since: 1, In: Arity{2, 2}, Out: Arity{1, 1}, Types: types, Upgrade: align})
		}
	}
	return defs
}

type scalar interface{ float64 | int64 | uint64 }

func add[T scalar](a, b T) T { return a + b }
func sub[T scalar](a, b T) T { return a - b }
func mul[T scalar](a, b T) T { return a * b }
func eq[T scalar](a, b T) T  { return T(truth(a == b)) }
func lt[T scalar](a, b T) T  { return T(truth(a < b)) }
func le[T scalar](a, b T) T  { return T(truth(a <= b)) }
func gt[T scalar](a, b T) T  { return T(truth(a > b)) }
func ge[T scalar](a, b T) T  { return T(truth(a >= b)) }

// quo truncates; a quotient by zero, which ONNX leaves open, is 0.
func quo[T int64 | uint64](a, b T) T {
	if b == 0 {
		return 0
	}
	return a / b
}

// Name is the operator's ONNX name.
func (p *pairwise) Name() string { return p.name }

// Infer broadcasts the inputs.
func (p *pairwise) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	to := p.to
	if to == ir.Undefined {
		to = in[0].Type.DType
	}
	return typed(to, in...)
}

// Eval combines the elements.
func (p *pairwise) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in, err := together(in...)
	if err != nil {
		return nil, err
	}
	to := p.to
	if to == ir.Undefined {
		to = in[0].DType
	}
	switch d := in[0].DType; {
	case d == ir.String:
		out := ir.NewTensor(to, in[0].Shape...)
		for i, s := range ir.Data[string](in[0]) {
			out.SetFloat(i, truth(s == ir.Data[string](in[1])[i]))
		}
		return []*ir.Tensor{out}, nil
	case d == ir.Uint64 && p.uints != nil:
		out := zip(slices.Clone(ir.Data[uint64](in[0])), ir.Data[uint64](in[1]), p.uints)
		if to == ir.Uint64 {
			return []*ir.Tensor{ir.Of(to, in[0].Shape, out)}, nil
		}
		return []*ir.Tensor{ir.FromInts(to, in[0].Shape, ir.Of(d, in[0].Shape, out).Ints())}, nil
	case d.IsInt():
		return []*ir.Tensor{ir.FromInts(to, in[0].Shape, zip(in[0].Ints(), in[1].Ints(), p.ints))}, nil
	}
	return []*ir.Tensor{ir.FromFloats(to, in[0].Shape, zip(in[0].Floats(), in[1].Floats(), p.f))}, nil
}

// zip replaces the elements of a by what f makes of them and those of b.
func zip[T any](a, b []T, f func(a, b T) T) []T {
	for i := range a {
		a[i] = f(a[i], b[i])
	}
	return a
}

// Lower makes a Map; strings take a kernel.
func (p *pairwise) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if n.In[0].Type.DType == ir.String {
		shape := n.Out[0].Type.Shape
		return low.CallFor(b, n, "equalStrings", shape, low.BroadcastStrides(n.In[0].Type.Shape, shape), low.BroadcastStrides(n.In[1].Type.Shape, shape)), nil
	}
	return []*ir.Value{low.Elementwise(b, p.expr, n.In...)}, nil
}

// align turns the attributes axis and broadcast of versions 1 and 6, by which the second input's shape is matched to a
// run of the first's dimensions from axis on, into a shape that broadcasts by the rules of version 7.
func align(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	axis, broadcast := Take(n, "axis", int64(-1)), Take(n, "broadcast", int64(0)) != 0
	x, y := n.In[0].Type, n.In[1].Type
	if !broadcast {
		if x.Static() && y.Static() && !slices.Equal(x.Shape, y.Shape) {
			return nil, fmt.Errorf("%v and %v differ and attribute broadcast is 0", x, y)
		}
		return nil, nil
	}
	if axis == -1 {
		return nil, nil
	}
	if x.NoRank || !y.Static() {
		return nil, fmt.Errorf("attribute axis needs known shapes, the inputs are %v and %v", x, y)
	}
	ones := len(x.Shape) - int(axis) - len(y.Shape)
	if axis < 0 || ones < 0 {
		return nil, fmt.Errorf("attribute axis is %d: %v does not fit into %v there", axis, y, x)
	}
	n.In[1] = withShape(b, n.In[1], append(slices.Clone(y.Shape), slices.Repeat([]int{1}, ones)...))
	return nil, nil
}

// withShape returns v with another shape: a constant, or a node Reshape.
func withShape(b *ir.Builder, v *ir.Value, shape []int) *ir.Value {
	if slices.Equal(v.Type.Shape, shape) {
		return v
	}
	if v.Const != nil {
		return b.Const(v.Const.Reshape(shape...))
	}
	return b.Add(&Reshape{}, v, b.Ints(shape...))
}

// prelu6 turns a slope for each channel, axis 1, into one that broadcasts.
func prelu6(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	x, slope := n.In[0].Type, n.In[1].Type
	if !x.NoRank && len(x.Shape) > 2 && len(slope.Shape) == 1 {
		n.In[1] = withShape(b, n.In[1], append([]int{slope.Shape[0]}, slices.Repeat([]int{1}, len(x.Shape)-2)...))
	}
	return nil, nil
}
