package op

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Pow is https://onnx.ai/onnx/operators/onnx__Pow.html, version 15. Integers to integer powers keep the low
// bits, 1/x being truncated and 1/0 counted as 0; an integer to a float's power is computed as a float and truncated.
type Pow struct{}

// Name is the operator's ONNX name.
func (*Pow) Name() string { return "Pow" }

// Infer broadcasts the inputs; the result has the base's element type.
func (*Pow) Infer(in []*ir.Value) ([]ir.Type, error) { return typed(in[0].Type.DType, in...) }

// Eval raises the elements of the first input to the powers in the second.
func (*Pow) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in, err := together(in...)
	if err != nil {
		return nil, err
	}
	x, y := in[0], in[1]
	if !x.DType.IsInt() || !y.DType.IsInt() {
		return []*ir.Tensor{ir.FromFloats(x.DType, x.Shape, zip(x.Floats(), y.Floats(), low.Pow64))}, nil
	}
	unsigned := y.DType == ir.Uint64
	return []*ir.Tensor{ir.FromInts(x.DType, x.Shape, zip(x.Ints(), y.Ints(), func(x, y int64) int64 {
		switch {
		case y >= 0 || unsigned:
			return powInt(x, uint64(y))
		case x == 1 || x == -1:
			return powInt(x, uint64(-y))
		}
		return 0
	}))}, nil
}

func powInt(x int64, y uint64) int64 {
	p := int64(1)
	for ; y > 0; y >>= 1 {
		if y&1 == 1 {
			p *= x
		}
		x *= x
	}
	return p
}

// powers are exponents that need no general power; the results are as accurate.
var powers = map[float64]string{
	1: "x0", 2: "mul(x0,x0)", 3: "mul(mul(x0,x0),x0)", 4: "t0=mul(x0,x0);mul(t0,t0)", -1: "reciprocal(x0)",
	0.5: "where(eq(x0,-inf),inf,sqrt(x0))",
}

// Lower makes a Map, on the wider of the two kinds.
func (*Pow) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x, y := n.In[0], n.In[1]
	dx, dy := x.Type.DType, y.Type.DType
	if e, ok := uniform(y.Const); ok && dx.IsFloat() && powers[e] != "" && y.Type.Len() == 1 && len(y.Type.Shape) <= len(x.Type.Shape) {
		return []*ir.Value{low.Elementwise(b, powers[e], x)}, nil
	}
	wide := ir.Float64
	switch {
	case dx.IsInt() && dy == ir.Uint64:
		wide = ir.Uint64
	case dx.IsInt() && dy.IsInt():
		wide = ir.Int64
	case dx.IsFloat() && dx != ir.Float64 && (dy.IsFloat() && dy != ir.Float64 || dy.Bits() <= 16):
		wide = ir.Float32
	}
	p := low.Elementwise(b, "pow(x0,x1)", castTo(b, x, wide), castTo(b, y, wide))
	return []*ir.Value{castTo(b, p, dx)}, nil
}

// uniform returns the value of t's elements if there are any and all are equal.
func uniform(t *ir.Tensor) (float64, bool) {
	if t == nil || t.Len() == 0 || t.DType == ir.String || t.DType.IsComplex() {
		return 0, false
	}
	x := t.Floats()
	for _, v := range x {
		if v != x[0] {
			return 0, false
		}
	}
	return x[0], true
}

// Mod is https://onnx.ai/onnx/operators/onnx__Mod.html, version 13. The remainder has the sign of the divisor, with
// fmod that of the dividend; an integer modulo zero, which ONNX leaves open, is 0.
type Mod struct {
	Fmod bool `onnx:"fmod,0"`
}

// Name is the operator's ONNX name.
func (*Mod) Name() string { return "Mod" }

// Infer broadcasts the inputs.
func (*Mod) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	return typed(in[0].Type.DType, in...)
}

// Eval computes the remainders.
func (o *Mod) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	p := pairwise{f: low.Mod64, ints: modulo, uints: rem[uint64]}
	if o.Fmod {
		p.f, p.ints = low.Fmod64, rem[int64]
	}
	return p.Eval(in)
}

func rem[T int64 | uint64](a, b T) T {
	if b == 0 {
		return 0
	}
	return a % b
}

func modulo(a, b int64) int64 {
	r := rem(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

// Lower makes a Map.
func (o *Mod) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if o.Fmod {
		return mapped(b, n, "fmod(x0,x1)")
	}
	return mapped(b, n, "mod(x0,x1)")
}

// BitShift is https://onnx.ai/onnx/operators/onnx__BitShift.html, version 11. A shift by the width or more gives 0.
type BitShift struct {
	Direction string `onnx:"direction"`
}

// Name is the operator's ONNX name.
func (*BitShift) Name() string { return "BitShift" }

// Infer broadcasts the inputs.
func (o *BitShift) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.Direction != "LEFT" && o.Direction != "RIGHT" {
		return nil, fmt.Errorf("attribute direction is %q, want \"LEFT\" or \"RIGHT\"", o.Direction)
	}
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	return typed(in[0].Type.DType, in...)
}

// Eval shifts the elements of the first input by those of the second.
func (o *BitShift) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	p := pairwise{ints: func(a, b int64) int64 { return int64(uint64(a) << uint64(b)) }}
	if o.Direction == "RIGHT" {
		p.ints = func(a, b int64) int64 { return int64(uint64(a) >> uint64(b)) }
	}
	return p.Eval(in)
}

// Lower makes a Map.
func (o *BitShift) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if o.Direction == "RIGHT" {
		return mapped(b, n, "shr(x0,x1)")
	}
	return mapped(b, n, "shl(x0,x1)")
}

// PRelu is https://onnx.ai/onnx/operators/onnx__PRelu.html, version 16.
type PRelu struct{}

// Name is the operator's ONNX name.
func (*PRelu) Name() string { return "PRelu" }

// Infer checks that the slope broadcasts to the first input.
func (*PRelu) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	t, err := typed(in[0].Type.DType, in...)
	if err != nil {
		return nil, err
	}
	if x := in[0].Type; x.Static() && t[0].Static() && !ir.Same(x, t[0]) {
		return nil, fmt.Errorf("slope %v does not broadcast to %v", in[1].Type, x)
	}
	return t, nil
}

// Eval multiplies negative elements by the slope.
func (*PRelu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	p := pairwise{f: prelu[float64], ints: prelu[int64], uints: func(a, b uint64) uint64 { return a }}
	return p.Eval(in)
}

func prelu[T float64 | int64](x, slope T) T {
	if x < 0 {
		return x * slope
	}
	return x
}

// Lower makes a Map.
func (*PRelu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return mapped(b, n, "where(lt(x0,0),mul(x1,x0),x0)")
}
