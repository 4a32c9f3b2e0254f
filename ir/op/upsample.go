package op

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
)

// Upsample is https://onnx.ai/onnx/operators/onnx__Upsample.html, version 9: Resize of coordinates that are divided
// by the scales and, in mode nearest, rounded down.
type Upsample struct {
	Mode string `onnx:"mode,nearest"` // or linear
}

// Name is the operator's ONNX name.
func (*Upsample) Name() string { return "Upsample" }

func (u *Upsample) resize() *Resize {
	return &Resize{Mode: u.Mode, Transform: "asymmetric", Nearest: "floor", Policy: "stretch"}
}

// Infer scales the dimensions.
func (u *Upsample) Infer(in []*ir.Value) ([]ir.Type, error) {
	if u.Mode != "nearest" && u.Mode != "linear" {
		return nil, fmt.Errorf("mode %q, it must be nearest or linear", u.Mode)
	}
	return u.resize().Infer([]*ir.Value{in[0], nil, in[1]})
}

// Eval resizes.
func (u *Upsample) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return u.resize().Eval([]*ir.Tensor{in[0], nil, in[1]})
}

// Lower calls a kernel.
func (u *Upsample) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	m := *n
	m.Op, m.In = u.resize(), []*ir.Value{n.In[0], nil, n.In[1]}
	return u.resize().Lower(b, &m)
}
