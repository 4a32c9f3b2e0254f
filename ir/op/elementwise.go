package op

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var elementwise = append(unaryDefs(), []Def{
	{Name: "Identity", Since: 25, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &Identity{}},
	{Name: "IsInf", Since: 20, From: 10, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats | Float8s}, Proto: &IsInf{}},
	{Name: "Dropout", Since: 22, From: 12, In: Arity{1, 3}, Out: Arity{1, 2}, Types: []Types{Floats | Float8s, Floats | Float8s, Bools}, Proto: &Dropout{}},
	{Name: "Dropout", Since: 10, From: 7, In: Arity{1, 1}, Out: Arity{1, 2}, Types: []Types{Floats}, Upgrade: dropout7},
	{Name: "Dropout", Since: 6, From: 1, In: Arity{1, 1}, Out: Arity{1, 2}, Types: []Types{Floats}, Upgrade: dropout1},
}...)

// Float8s are the 8-bit floats that have been ONNX types the longest.
var Float8s = Of(ir.Float8E4M3FN, ir.Float8E4M3FNUZ, ir.Float8E5M2, ir.Float8E5M2FNUZ)

// unary is an operator without attributes that computes each element of the result from the element of the input at
// its place: https://onnx.ai/onnx/operators/onnx__NAME.html, at the version of the row.
type unary struct {
	name  string
	since int
	from  int
	types Types
	f     func(float64) float64 // on floats and booleans
	ints  func(int64) int64     // on integers
	uints func(int64) int64     // on unsigned ones, held in the same bits; nil: ints
	expr  string                // the low expression
	to    ir.DType              // of the result; Undefined: of the input
}

var unaries = []unary{
	{name: "Abs", since: 13, from: 1, types: Numbers, f: math.Abs, ints: abs64, uints: same64, expr: "abs(x0)"},
	{name: "Neg", since: 13, from: 1, types: Floats | Ints, f: func(x float64) float64 { return -x }, ints: func(x int64) int64 { return -x }, expr: "neg(x0)"},
	{name: "Sign", since: 13, from: 9, types: Numbers, f: sign64, ints: func(x int64) int64 { return int64(sign64(float64(x))) },
		uints: func(x int64) int64 { return int64(truth(x != 0)) }, expr: "sign(x0)"},
	{name: "Floor", since: 13, from: 1, types: Floats, f: math.Floor, expr: "floor(x0)"},
	{name: "Ceil", since: 13, from: 1, types: Floats, f: math.Ceil, expr: "ceil(x0)"},
	{name: "Round", since: 22, from: 11, types: Floats, f: math.RoundToEven, expr: "round(x0)"},
	{name: "Sqrt", since: 13, from: 1, types: Floats, f: math.Sqrt, expr: "sqrt(x0)"},
	{name: "Reciprocal", since: 13, from: 1, types: Floats, f: func(x float64) float64 { return 1 / x }, expr: "reciprocal(x0)"},

	{name: "Exp", since: 13, from: 1, types: Floats, f: low.Exp64, expr: "exp(x0)"},
	{name: "Log", since: 13, from: 1, types: Floats, f: low.Log64, expr: "log(x0)"},
	{name: "Erf", since: 13, from: 9, types: Numbers, f: low.Erf64, ints: erfInt, uints: func(x int64) int64 { return 0 }, expr: "erf(x0)"},
	{name: "Sin", since: 22, from: 7, types: Floats, f: low.Sin64, expr: "sin(x0)"},
	{name: "Cos", since: 22, from: 7, types: Floats, f: low.Cos64, expr: "cos(x0)"},
	{name: "Tan", since: 22, from: 7, types: Floats, f: low.Tan64, expr: "tan(x0)"},
	{name: "Asin", since: 22, from: 7, types: Floats, f: low.Asin64, expr: "asin(x0)"},
	{name: "Acos", since: 22, from: 7, types: Floats, f: low.Acos64, expr: "acos(x0)"},
	{name: "Atan", since: 22, from: 7, types: Floats, f: low.Atan64, expr: "atan(x0)"},
	{name: "Sinh", since: 22, from: 9, types: Floats, f: low.Sinh64, expr: "sinh(x0)"},
	{name: "Cosh", since: 22, from: 9, types: Floats, f: low.Cosh64, expr: "cosh(x0)"},
	{name: "Tanh", since: 13, from: 1, types: Floats, f: low.Tanh64, expr: "tanh(x0)"},
	{name: "Asinh", since: 22, from: 9, types: Floats, f: low.Asinh64, expr: "asinh(x0)"},
	{name: "Acosh", since: 22, from: 9, types: Floats, f: low.Acosh64, expr: "acosh(x0)"},
	{name: "Atanh", since: 22, from: 9, types: Floats, f: low.Atanh64, expr: "atanh(x0)"},

	{name: "Relu", since: 14, from: 1, types: Floats | Ints, f: relu64, ints: func(x int64) int64 { return max(x, 0) }, expr: "relu(x0)"},
	{name: "Sigmoid", since: 13, from: 1, types: Floats, f: low.Sigmoid64, expr: "sigmoid(x0)"},
	{name: "HardSwish", since: 22, from: 14, types: Floats, f: func(x float64) float64 { return x * clamp64(x/6+0.5, 0, 1) }, expr: "hardswish(x0)"},
	{name: "Mish", since: 22, from: 18, types: Floats, f: func(x float64) float64 { return x * low.Tanh64(low.Softplus64(x)) },
		// tanh(log(1 + e)) = e(e+2) / (e(e+2) + 2)
		expr: "t0=exp(clampmin(40,x0));t1=mul(t0,add(t0,2));mul(x0,div(t1,add(t1,2)))"},
	{name: "Softplus", since: 22, from: 1, types: Floats, f: low.Softplus64, expr: "softplus(x0)"},
	{name: "Softsign", since: 22, from: 1, types: Floats, f: func(x float64) float64 { return x / (1 + math.Abs(x)) }, expr: "softsign(x0)"},

	{name: "IsNaN", since: 20, from: 9, types: Floats | Float8s, f: func(x float64) float64 { return truth(x != x) }, expr: "isnan(x0)", to: ir.Bool},
	{name: "Not", since: 1, types: Bools, f: func(x float64) float64 { return 1 - x }, expr: "not(x0)"},
	{name: "BitwiseNot", since: 18, types: Ints | Uints, ints: func(x int64) int64 { return ^x }, expr: "bitnot(x0)"},
}

func unaryDefs() []Def {
	var defs []Def
	for i := range unaries {
		u := &unaries[i]
		defs = append(defs, Def{Name: u.name, Since: u.since, From: u.from, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{u.types}, Proto: u})
	}
	return defs
}

// Name is the operator's ONNX name.
func (u *unary) Name() string { return u.name }

// Infer returns the shape of the input.
func (u *unary) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := alike(in, 1)
	if u.to != ir.Undefined {
		t[0].DType = u.to
	}
	return t, err
}

// Eval applies the function to every element.
func (u *unary) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	to := u.to
	if to == ir.Undefined {
		to = x.DType
	}
	if !x.DType.IsInt() {
		return []*ir.Tensor{ir.FromFloats(to, x.Shape, each(x.Floats(), u.f))}, nil
	}
	f := u.ints
	if x.DType.IsUnsigned() && u.uints != nil {
		f = u.uints
	}
	return []*ir.Tensor{ir.FromInts(to, x.Shape, each(x.Ints(), f))}, nil
}

// Lower makes a Map.
func (u *unary) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if u.name == "Erf" && n.In[0].Type.DType.IsInt() {
		x := low.Elementwise(b, castExpr(ir.Float64, "x0"), n.In[0])
		y := low.Elementwise(b, u.expr, x)
		return []*ir.Value{low.Elementwise(b, castExpr(x.Type.DType, "x0"), y)}, nil
	}
	return []*ir.Value{low.Elementwise(b, u.expr, mappable(b, n.In[0]))}, nil
}

// each replaces the elements of x by what f makes of them.
func each[T any](x []T, f func(T) T) []T {
	for i, v := range x {
		x[i] = f(v)
	}
	return x
}

// evalFloats is Eval of an operator that applies f to every element.
func evalFloats(x *ir.Tensor, f func(float64) float64) []*ir.Tensor {
	return []*ir.Tensor{ir.FromFloats(x.DType, x.Shape, each(x.Floats(), f))}
}

func abs64(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

func same64(x int64) int64 { return x }

// sign64 keeps NaN and the zeros.
func sign64(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

func truth(c bool) float64 {
	if c {
		return 1
	}
	return 0
}

// clamp64 keeps NaN.
func clamp64(x, lo, hi float64) float64 {
	if x < lo {
		x = lo
	}
	if x > hi {
		x = hi
	}
	return x
}

func relu64(x float64) float64 {
	if x < 0 {
		return 0
	}
	return x
}

// erfInt is erf of an integer, truncated.
func erfInt(x int64) int64 { return int64(low.Erf64(float64(x))) }

// Identity is https://onnx.ai/onnx/operators/onnx__Identity.html, version 25.
type Identity struct{}

// Name is the operator's ONNX name.
func (*Identity) Name() string { return "Identity" }

// Infer returns the type of the input.
func (*Identity) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval returns the input.
func (*Identity) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) { return in[:1], nil }

// Lower copies the input.
func (*Identity) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return []*ir.Value{low.Copy(b, n.In[0], n.In[0].Type.Shape...)}, nil
}

// IsInf is https://onnx.ai/onnx/operators/onnx__IsInf.html, version 20.
type IsInf struct {
	DetectNegative bool `onnx:"detect_negative,1"`
	DetectPositive bool `onnx:"detect_positive,1"`
}

// Name is the operator's ONNX name.
func (*IsInf) Name() string { return "IsInf" }

// Infer returns booleans of the input's shape.
func (*IsInf) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := alike(in, 1)
	t[0].DType = ir.Bool
	return t, err
}

// Eval tests every element.
func (o *IsInf) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := each(in[0].Floats(), func(x float64) float64 {
		return truth(o.DetectPositive && math.IsInf(x, 1) || o.DetectNegative && math.IsInf(x, -1))
	})
	return []*ir.Tensor{ir.FromFloats(ir.Bool, in[0].Shape, x)}, nil
}

// Lower makes a Map.
func (o *IsInf) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	expr := map[[2]bool]string{{true, true}: "isinf(x0)", {false, true}: "isposinf(x0)", {true, false}: "isneginf(x0)",
		{false, false}: "and(isnan(x0),isinf(x0))"}[[2]bool{o.DetectNegative, o.DetectPositive}]
	return []*ir.Value{low.Elementwise(b, expr, mappable(b, n.In[0]))}, nil
}
