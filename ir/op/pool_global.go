package op

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// GlobalPool is https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html and GlobalMaxPool, version 22: the mean or
// maximum of every channel of X [batch, channels, ...], the spatial axes kept with length 1. A NaN is the largest.
type GlobalPool struct {
	name, fn string
}

// Name is the operator's ONNX name.
func (o *GlobalPool) Name() string { return o.name }

// Infer keeps batch and channels.
func (*GlobalPool) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return openTypes(x.DType, 1), nil
	}
	if len(x.Shape) < 2 {
		return nil, fmt.Errorf("X is %v, wanted [batch, channels, ...]", x)
	}
	return []ir.Type{{DType: x.DType, Shape: oneEach(x.Shape)}}, nil
}

// oneEach is a shape with length 1 along the spatial axes.
func oneEach(x []int) []int {
	out := []int{x[0], x[1]}
	for range x[2:] {
		out = append(out, 1)
	}
	return out
}

// Eval computes channel by channel.
func (o *GlobalPool) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return eachChannel(in[0], func(x []float64) float64 {
		y := 0.0
		if o.fn == "max" {
			y = math.Inf(-1)
			for _, v := range x {
				if v > y || v != v {
					y = v
				}
			}
			return y
		}
		for _, v := range x {
			y += v
		}
		return y / float64(len(x))
	}), nil
}

func eachChannel(t *ir.Tensor, f func(x []float64) float64) []*ir.Tensor {
	x, shape := t.Floats(), oneEach(t.Shape)
	y := make([]float64, ir.Size(shape))
	for i := range y {
		n := len(x) / len(y)
		y[i] = f(x[i*n:][:n])
	}
	return []*ir.Tensor{ir.FromFloats(t.DType, shape, y)}
}

// Lower reduces the spatial axes.
func (o *GlobalPool) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return []*ir.Value{low.ReduceAxes(b, o.fn, n.In[0], spatialAxes(n.In[0]), true)}, nil
}

func spatialAxes(x *ir.Value) (axes []int) {
	for i := 2; i < len(x.Type.Shape); i++ {
		axes = append(axes, i)
	}
	return axes
}

// GlobalLpPool is https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html, version 22: the p-norm of every channel.
type GlobalLpPool struct {
	P int `onnx:"p,2"`
}

// Name is the operator's ONNX name.
func (*GlobalLpPool) Name() string { return "GlobalLpPool" }

// Infer keeps batch and channels.
func (o *GlobalLpPool) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.P < 1 {
		return nil, fmt.Errorf("attribute p is %d, wanted at least 1", o.P)
	}
	return (&GlobalPool{}).Infer(in)
}

// Eval computes channel by channel.
func (o *GlobalLpPool) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return eachChannel(in[0], func(x []float64) float64 {
		y := 0.0
		for _, v := range x {
			y += power(math.Abs(v), o.P)
		}
		return root(y, o.P)
	}), nil
}

// Lower reduces the spatial axes; where p is above 2, as an LpPool with one window.
func (o *GlobalLpPool) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	if o.P <= 2 {
		return []*ir.Value{low.ReduceAxes(b, []string{"l1", "l2"}[o.P-1], x, spatialAxes(x), true)}, nil
	}
	size := ir.Size(x.Type.Shape[2:])
	if size == 0 {
		return nil, fmt.Errorf("X is %v, a channel has no elements", x.Type)
	}
	flat := low.Copy(b, x, x.Type.Shape[0], x.Type.Shape[1], size)
	p := &LpPool{Window: Window{AutoPad: "NOTSET", KernelShape: []int{size}}, P: o.P}
	v := &ir.Value{Type: ir.Type{DType: x.Type.DType, Shape: []int{x.Type.Shape[0], x.Type.Shape[1], 1}}}
	out, err := p.Lower(b, &ir.Node{Op: p, In: []*ir.Value{flat}, Out: []*ir.Value{v}})
	if err != nil {
		return nil, err
	}
	return []*ir.Value{reshaped(b, out[0], n.Out[0].Type.Shape)}, nil
}
