package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Gemm is https://onnx.ai/onnx/operators/onnx__Gemm.html, version 13: alpha·A'·B' + beta·C for matrices A' [M, K] and
// B' [K, N], transposed first where the flag says so, and C that broadcasts to [M, N].
type Gemm struct {
	Alpha  float32 `onnx:"alpha,1"`
	Beta   float32 `onnx:"beta,1"`
	TransA bool    `onnx:"transA,0"`
	TransB bool    `onnx:"transB,0"`
}

// upgradeGemm7 has nothing to change but that C is required.
func upgradeGemm7(*ir.Builder, *Raw) ([]*ir.Value, error) { return nil, nil }

// upgradeGemm1 drops the flag that allowed C to broadcast.
func upgradeGemm1(_ *ir.Builder, n *Raw) ([]*ir.Value, error) {
	Take(n, "broadcast", int64(0))
	return nil, nil
}

// Name is the operator's ONNX name.
func (*Gemm) Name() string { return "Gemm" }

// Infer checks that the matrices and C fit.
func (o *Gemm) Infer(in []*ir.Value) ([]ir.Type, error) {
	t := ir.Type{DType: in[0].Type.DType, Shape: []int{-1, -1}}
	for i, v := range in {
		switch {
		case v == nil:
		case v.Type.DType != t.DType:
			return nil, fmt.Errorf("input %d is %v, A is %v; they must have one element type", i, v.Type.DType, t.DType)
		case i < 2 && !v.Type.NoRank && len(v.Type.Shape) != 2:
			return nil, fmt.Errorf("input %d is %v; Gemm takes matrices, MatMul others", i, v.Type)
		}
	}
	var k [2]int
	for i, trans := range []bool{o.TransA, o.TransB} {
		if k[i] = -1; in[i].Type.NoRank {
			continue
		}
		s := in[i].Type.Shape
		if trans {
			s = []int{s[1], s[0]}
		}
		t.Shape[i], k[i] = s[i], s[1-i]
	}
	if k[0] >= 0 && k[1] >= 0 && k[0] != k[1] {
		return nil, fmt.Errorf("A gives %d products a row, B %d: see transA and transB", k[0], k[1])
	}
	if len(in) > 2 && in[2] != nil && !in[2].Type.NoRank {
		full, err := broadcastOpen(in[2].Type.Shape, t.Shape)
		if err != nil || !slices.Equal(full, t.Shape) && t.Static() {
			return nil, fmt.Errorf("C is %v, the product %v", in[2].Type, t)
		}
	}
	return []ir.Type{t}, nil
}

// swapped is a matrix transposed if trans is set.
func swapped(t *ir.Tensor, trans bool) *ir.Tensor {
	if !trans {
		return t
	}
	rows, cols := t.Shape[0], t.Shape[1]
	return t.Gather([]int{cols, rows}, func(i int) int { return i%rows*cols + i/rows })
}

// Eval sums products in increasing k; where alpha or beta is not 1 integers go through float64.
func (o *Gemm) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	a, b := swapped(in[0], o.TransA), swapped(in[1], o.TransB)
	g := gemm{m: a.Shape[0], k: a.Shape[1], n: b.Shape[1], a: []int{0}, b: []int{0}}
	shape := []int{g.m, g.n}
	var c *ir.Tensor
	var at []int
	if len(in) > 2 && in[2] != nil {
		c = in[2]
		at = offsets(shape, low.BroadcastStrides(c.Shape, shape))
	}
	if !a.DType.IsFloat() && o.Alpha == 1 && (o.Beta == 1 || c == nil) {
		y := multiply(g, a.Ints(), b.Ints())
		if c != nil {
			addScaled(y, c.Ints(), at, 1)
		}
		return []*ir.Tensor{ir.FromInts(a.DType, shape, y)}, nil
	}
	y := multiply(g, a.Floats(), b.Floats())
	for i := range y {
		y[i] = float64(y[i] * float64(o.Alpha))
	}
	if c != nil {
		addScaled(y, c.Floats(), at, float64(o.Beta))
	}
	return []*ir.Tensor{ir.FromFloats(a.DType, shape, y)}, nil
}

func addScaled[T float64 | int64](y, c []T, at []int, beta T) {
	for i := range y {
		y[i] += T(beta * c[at[i]])
	}
}

// Lower gives a Linear where B is constant, with beta·C as its bias where that is constant, by column, and alpha is
// 1; else a Contract and a Map.
func (o *Gemm) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x, w, d := n.In[0], n.In[1], n.In[0].Type.DType
	var c *ir.Value
	if len(n.In) > 2 && o.Beta != 0 {
		c = n.In[2]
	}
	cols := n.Out[0].Type.Shape[1]
	dense := w.Const != nil && d.IsFloat() && w.Type.Len() > 0
	bias := dense && o.Alpha == 1 && c != nil && c.Const != nil && (c.Type.Features() == c.Type.Len() || n.Out[0].Type.Shape[0] == 1)
	if o.Alpha != 1 || c != nil && !bias {
		x, w, c = float32Of(b, x), constFloat32(b, w), float32Of(b, c)
	}
	var y *ir.Value
	if dense {
		if o.TransA {
			x = low.Transpose(b, x, 1, 0)
		}
		var by *ir.Value
		if bias {
			by, c = b.Const(columnBias(c.Const, o.Beta, cols)), nil
		}
		y = b.Add(&low.Linear{Kind: "dense"}, x, b.Const(swapped(w.Const, o.TransB)), by)
	} else {
		y = b.Add(&low.Contract{TransA: o.TransA, TransB: o.TransB}, x, w)
	}
	wide := y.Type.DType
	if d.IsInt() && (o.Alpha != 1 || c != nil && o.Beta != 1) {
		y, wide = low.Elementwise(b, "cast_double(x0)", y), ir.Float64
		if c != nil {
			c = low.Elementwise(b, "cast_double(x0)", c)
		}
	}
	e := low.X(0)
	if o.Alpha != 1 {
		e = low.Call("mul", e, low.Lit(float64(o.Alpha)))
	}
	in := []*ir.Value{y}
	if c != nil {
		term := low.X(1)
		if o.Beta != 1 {
			term = low.Call("mul", term, low.Lit(float64(o.Beta)))
		}
		e = low.Call("add", e, term)
		in = append(in, c)
	}
	if wide != d {
		e = low.Call("cast_"+d.String(), e)
	}
	if _, same := e.Input(); same {
		return []*ir.Value{y}, nil
	}
	return []*ir.Value{b.Add(&low.Map{Expr: e}, in...)}, nil
}

// constFloat32 is float32Of that keeps constants constant.
func constFloat32(b *ir.Builder, v *ir.Value) *ir.Value {
	if v.Const == nil || v.Type.DType != ir.Float16 && v.Type.DType != ir.BFloat16 {
		return float32Of(b, v)
	}
	return b.Const(ir.FromFloats(ir.Float32, v.Type.Shape, v.Const.Floats()))
}

// columnBias is beta·c as a vector of n elements, each rounded once.
func columnBias(c *ir.Tensor, beta float32, n int) *ir.Tensor {
	x := c.Floats()
	y := make([]float64, n)
	for i := range y {
		y[i] = x[i%len(x)] * float64(beta)
	}
	return ir.FromFloats(c.DType, []int{n}, y)
}
