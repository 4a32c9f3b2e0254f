package op

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var elementwise = []Def{
	{Name: "Identity", Since: 25, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &Identity{}},
}

// Identity is https://onnx.ai/onnx/operators/onnx__Identity.html, version 25.
type Identity struct{}

// Name is the operator's ONNX name.
func (*Identity) Name() string { return "Identity" }

// Infer returns the type of the input.
func (*Identity) Infer(in []*ir.Value) ([]ir.Type, error) {
	t := in[0].Type
	t.Layout = ir.RowMajor
	return []ir.Type{t}, nil
}

// Eval returns the input.
func (*Identity) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) { return in[:1], nil }

// Lower copies the input.
func (*Identity) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return []*ir.Value{low.Copy(b, n.In[0], n.In[0].Type.Shape...)}, nil
}
