package op

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// ConvInteger is https://onnx.ai/onnx/operators/onnx__ConvInteger.html, version 10: the convolution in int32 of 8-bit
// integers less their zero points: X's a scalar, W's a scalar or one by filter. Padding counts as X's zero point.
type ConvInteger struct {
	Window
	Group int `onnx:"group,1"`
}

// Name is the operator's ONNX name.
func (*ConvInteger) Name() string { return "ConvInteger" }

func (o *ConvInteger) conv() *Conv { return &Conv{Window: o.Window, Group: o.Group} }

// Infer checks zero points and the convolution.
func (o *ConvInteger) Infer(in []*ir.Value) ([]ir.Type, error) {
	for i := 2; i < len(in); i++ {
		if in[i] == nil {
			continue
		}
		z, x := in[i].Type, in[i-2].Type
		if z.DType != x.DType {
			return nil, fmt.Errorf("zero point %s is %v, its operand %v", in[i], z.DType, x.DType)
		}
		if !z.Static() || !x.Static() {
			continue
		}
		if n := z.Len(); n != 1 && !(i == 3 && len(z.Shape) == 1 && len(x.Shape) > 0 && n == x.Shape[0]) {
			return nil, fmt.Errorf("zero point %s is %v; wanted one, or for W one by filter", in[i], z)
		}
	}
	shape, err := o.conv().shape(in[:2])
	return []ir.Type{{DType: ir.Int32, Shape: shape, NoRank: shape == nil}}, err
}

// Eval computes with int64 and keeps the low bits.
func (o *ConvInteger) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	var m [2]*ir.Tensor
	for i := range m {
		x := in[i].Ints()
		if len(in) > i+2 && in[i+2] != nil {
			z := in[i+2].Ints()
			for j := range x {
				x[j] -= z[j*len(z)/len(x)]
			}
		}
		m[i] = ir.FromInts(ir.Int32, in[i].Shape, x)
	}
	return o.conv().Eval(m[:])
}

// Lower subtracts zero points in int32 and convolves.
func (o *ConvInteger) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	var m [2]*ir.Value
	for i := range m {
		x := n.In[i]
		if len(n.In) <= i+2 || n.In[i+2] == nil {
			m[i] = low.Elementwise(b, "cast_int32(x0)", x)
			continue
		}
		m[i] = low.Elementwise(b, "sub(cast_int32(x0),cast_int32(x1))", x, byFirst(b, n.In[i+2], len(x.Type.Shape)))
	}
	c := o.conv()
	return c.Lower(b, &ir.Node{Op: c, In: m[:], Out: n.Out})
}

// byFirst makes a vector by element of the first of rank axes; one element becomes a scalar.
func byFirst(b *ir.Builder, v *ir.Value, rank int) *ir.Value {
	if v.Type.Len() == 1 {
		return reshaped(b, v, []int{})
	}
	shape := []int{v.Type.Len()}
	for len(shape) < rank {
		shape = append(shape, 1)
	}
	return reshaped(b, v, shape)
}
