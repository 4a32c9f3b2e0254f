package low

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
)

// Linear multiplies the rows of x [..., K] by a constant matrix w [K, N] and applies an epilogue.
//
//	dense    inputs x, w, bias: each output is one chain acc = fma(x_k, w_k, acc) from the bias (or +0), k increasing
//	         (float64: acc + the rounded product)
//	sparse   as dense, without the terms whose weight is zero; SparseCode does not change that
//	ternary  inputs x, w (int8: -1, 0, 1), scale [N], bias: the sum of x_k over w_k = 1 less x_k over w_k = -1, in the
//	         order that Order names; the first term t is taken as it is (t or 0-t), an empty sum is +0; then
//	         fma(scale, sum, bias), or scale·sum without a bias
//
// Further inputs are what Act reads as x1, x2, ...; x0 is the sum.
type Linear struct {
	Kind string `onnx:"kind,dense"`
	Act  Expr   `onnx:"act"`
	Order
	Code Code `onnx:"code"` // of the weights of a layer with a strategy and panels
	planned
}

// Name is the operator's name in the text form.
func (*Linear) Name() string { return "sbtc.Linear" }

// Operands is the number of inputs before those of the epilogue; an absent bias or scale is nil. The bias is the last.
func (l *Linear) Operands() int {
	if l.Kind == "ternary" {
		return 4
	}
	return 3
}

// Infer checks shapes; the result has the layout of x.
func (l *Linear) Infer(in []*ir.Value) ([]ir.Type, error) {
	if l.Kind != "dense" && l.Kind != "sparse" && l.Kind != "ternary" {
		return nil, fmt.Errorf("unknown kind %q", l.Kind)
	}
	if len(in) < l.Operands() || in[0] == nil || in[1] == nil {
		return nil, errArity
	}
	x, w := in[0].Type, in[1].Type
	if len(w.Shape) != 2 || len(x.Shape) == 0 || w.Shape[0] != x.Features() {
		return nil, fmt.Errorf("%v times %v", x, w)
	}
	if in[1].Const == nil {
		return nil, fmt.Errorf("%s is not constant", in[1])
	}
	for _, v := range in[2:l.Operands()] {
		if v != nil && (v.Type.DType != x.DType || v.Type.Len() != w.Shape[1] || v.Const == nil) {
			return nil, fmt.Errorf("%s is %v, wanted a constant of %d %v", v, v.Type, w.Shape[1], x.DType)
		}
	}
	if l.Kind == "ternary" && (in[2] == nil || w.DType != ir.Int8 || x.DType != ir.Float32) || l.Kind != "ternary" && w.DType != x.DType || l.Kind == "sparse" && x.DType != ir.Float32 {
		return nil, fmt.Errorf("%s weights of %v for %v", l.Kind, w, x)
	}
	if l.Kind != "sparse" || l.Order != SparseCode {
		if err := l.Order.check(w.Shape[0]); err != nil {
			return nil, err
		}
		if l.Strategy != "" && l.Kind != "ternary" {
			return nil, fmt.Errorf("a %s layer has no strategy %q", l.Kind, l.Strategy)
		}
	}
	if err := l.Code.check(); err != nil {
		return nil, err
	}
	t := ir.Type{DType: x.DType, Shape: append(append([]int{}, x.Shape[:len(x.Shape)-1]...), w.Shape[1]), Layout: x.Layout}
	return l.Act.after(t, in[l.Operands():])
}

// after is the type of an epilogue: the expression of a value of type t and of further inputs aligned with it.
func (e Expr) after(t ir.Type, extra []*ir.Value) ([]ir.Type, error) {
	if e.Inputs() == 0 {
		if len(extra) > 0 {
			return nil, errArity
		}
		return []ir.Type{t}, nil
	}
	dts := []ir.DType{t.DType}
	for _, v := range extra {
		dts = append(dts, v.Type.DType)
		if s, err := broadcast(t.Shape, v.Type.Shape); err != nil || ir.Size(s) != t.Len() {
			return nil, fmt.Errorf("%s is %v beside %v", v, v.Type, t)
		}
	}
	d, err := e.Type(dts)
	if err != nil {
		return nil, err
	}
	t.DType = d
	return []ir.Type{t}, alignLayouts(t, extra)
}

// finish evaluates an epilogue.
func (e Expr) finish(y *ir.Tensor, extra []*ir.Tensor) ([]*ir.Tensor, error) {
	if e.Inputs() == 0 {
		return []*ir.Tensor{y}, nil
	}
	in := []*ir.Tensor{y}
	for _, t := range extra {
		in = append(in, expand(t, y.Shape))
	}
	out, err := e.Eval(in)
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{out.Reshape(y.Shape...)}, nil
}

// Eval computes row by row.
func (l *Linear) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, w := in[0], in[1]
	shape := append(append([]int{}, x.Shape[:len(x.Shape)-1]...), w.Shape[1])
	var y *ir.Tensor
	switch {
	case l.Kind == "ternary":
		y = ir.Of(x.DType, shape, l.ternary(float32s(x), w, in[2], in[3]))
	case x.DType == ir.Float64:
		y = ir.Of(x.DType, shape, dense(ir.Data[float64](x), ir.Data[float64](w), w.Shape[0], w.Shape[1], orNil[float64](in[2]), fma64))
	default:
		var bias []float32
		if in[2] != nil {
			bias = float32s(in[2])
		}
		layer := dense[float32]
		if l.Kind == "sparse" {
			layer = sparse
		}
		y = fromFloat32s(x.DType, shape, layer(float32s(x), float32s(w), w.Shape[0], w.Shape[1], bias, fma32))
	}
	return l.Act.finish(y, in[l.Operands():])
}

func orNil[T ir.Elem](t *ir.Tensor) []T {
	if t == nil {
		return nil
	}
	return ir.Data[T](t)
}

func dense[T float32 | float64](x, w []T, k, n int, bias []T, fma func(a, b, c T) T) []T {
	if k == 0 || n == 0 {
		return make([]T, 0)
	}
	rows := len(x) / k
	y := make([]T, rows*n)
	for r := range rows {
		acc := y[r*n : r*n+n]
		copy(acc, bias)
		for i := range k {
			xi, wi := x[r*k+i], w[i*n:i*n+n]
			for j, wij := range wi {
				acc[j] = fma(xi, wij, acc[j])
			}
		}
	}
	return y
}

// sparse is dense that leaves out weights of zero.
func sparse(x, w []float32, k, n int, bias []float32, fma func(a, b, c float32) float32) []float32 {
	if k == 0 || n == 0 {
		return make([]float32, 0)
	}
	columns := make([][]int, k) // of the nonzero weights, by row
	for i, v := range w {
		if v != 0 {
			columns[i/n] = append(columns[i/n], i%n)
		}
	}
	y := make([]float32, len(x)/k*n)
	for r := range len(x) / k {
		acc := y[r*n : r*n+n]
		copy(acc, bias)
		for i, js := range columns {
			for _, j := range js {
				acc[j] = fma(x[r*k+i], w[i*n+j], acc[j])
			}
		}
	}
	return y
}
