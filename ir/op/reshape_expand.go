package op

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Shape is https://onnx.ai/onnx/operators/onnx__Shape.html, version 25.
type Shape struct {
	Start int  `onnx:"start,0"`
	End   *int `onnx:"end"` // nil: all axes from Start
}

// Name is the operator's ONNX name.
func (*Shape) Name() string { return "Shape" }

// span clamps the axes to [0, rank]; a span that ends before it starts is empty.
func (s *Shape) span(rank int) (lo, hi int) {
	clamp := func(a int) int {
		if a < 0 {
			a += rank
		}
		return min(max(a, 0), rank)
	}
	lo, hi = clamp(s.Start), rank
	if s.End != nil {
		hi = clamp(*s.End)
	}
	return lo, max(lo, hi)
}

// Infer returns a vector of as many elements as there are axes in the span.
func (s *Shape) Infer(in []*ir.Value) ([]ir.Type, error) {
	if in[0].Type.NoRank {
		return oneType(ir.Int64, unknown(1)), nil
	}
	lo, hi := s.span(len(in[0].Type.Shape))
	return oneType(ir.Int64, []int{hi - lo}), nil
}

// Eval returns the dimensions.
func (s *Shape) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	lo, hi := s.span(len(in[0].Shape))
	out := make([]int64, 0, hi-lo)
	for _, d := range in[0].Shape[lo:hi] {
		out = append(out, int64(d))
	}
	return []*ir.Tensor{ir.Of(ir.Int64, []int{len(out)}, out)}, nil
}

// Lower gives a constant.
func (s *Shape) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	lo, hi := s.span(len(n.In[0].Type.Shape))
	return one(low.Copy(b, b.Ints(n.In[0].Type.Shape[lo:hi]...), hi-lo))
}

// Size is https://onnx.ai/onnx/operators/onnx__Size.html, version 25.
type Size struct{}

// Name is the operator's ONNX name.
func (*Size) Name() string { return "Size" }

// Infer returns a scalar.
func (*Size) Infer(in []*ir.Value) ([]ir.Type, error) { return oneType(ir.Int64, nil), nil }

// Eval counts the elements.
func (*Size) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return []*ir.Tensor{ir.Of(ir.Int64, nil, []int64{int64(in[0].Len())})}, nil
}

// Lower gives a constant.
func (*Size) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	return one(low.Copy(b, b.Ints(n.In[0].Type.Len())))
}

// Expand is https://onnx.ai/onnx/operators/onnx__Expand.html, version 13.
type Expand struct{}

// Name is the operator's ONNX name.
func (*Expand) Name() string { return "Expand" }

// Infer broadcasts the shape of the input with the wanted one, both ways.
func (e *Expand) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	n, err := vectorLen(in[1], "the shape")
	if err != nil {
		return nil, err
	}
	want, ok := constInts(in, 1)
	switch {
	case x.NoRank || !ok && n < 0:
		return noRank(x.DType), nil
	case !ok:
		return oneType(x.DType, unknown(max(n, len(x.Shape)))), nil
	}
	for _, d := range want {
		if d < 0 {
			return nil, fmt.Errorf("dimension %d of the shape %v", d, want)
		}
	}
	return typed(x.DType, in[0], &ir.Value{Name: "shape", Type: ir.Type{DType: x.DType, Shape: want}})
}

// Eval repeats along the axes of length 1.
func (e *Expand) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape, err := low.Broadcast(in[0].Shape, in[1].IntsAsInt())
	if err != nil {
		return nil, err
	}
	for _, d := range shape {
		if d < 0 {
			return nil, fmt.Errorf("dimension %d of the shape %v", d, shape)
		}
	}
	return []*ir.Tensor{broadcastTo(in[0], shape)}, nil
}

// Lower moves; a shape that is known only at run time is compared with the declared one.
func (e *Expand) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if n.In[1].Const == nil {
		return call(b, n, "expand", shapeOf(n.In[0]), shapeOf(n.Out[0]))
	}
	if err := static(n); err != nil {
		return nil, err
	}
	return one(low.Expand(b, n.In[0], n.Out[0].Type.Shape))
}
