package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// CausalConvWithState is https://onnx.ai/onnx/operators/onnx__CausalConvWithState.html, version 27: a convolution by
// channel of X [batch, channels, length], preceded by the k-1 positions of past_state or zeros, with W [channels, 1, k],
// then silu if activation says so; and the last k-1 positions as the next state.
type CausalConvWithState struct {
	Activation string `onnx:"activation,none"`
}

// Name is the operator's ONNX name.
func (*CausalConvWithState) Name() string { return "CausalConvWithState" }

// Infer checks shapes.
func (o *CausalConvWithState) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameTypes(in); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"none", "silu", "swish"}, o.Activation) {
		return nil, fmt.Errorf("attribute activation is %q, wanted none, silu or swish", o.Activation)
	}
	x, w := in[0].Type, in[1].Type
	if x.NoRank || w.NoRank {
		return openTypes(x.DType, 2), nil
	}
	if len(x.Shape) != 3 || len(w.Shape) != 3 || !fitsShape(w.Shape, []int{x.Shape[1], 1, -1}) || w.Shape[2] == 0 {
		return nil, fmt.Errorf("the input is %v, the weight %v; wanted [batch, channels, length] and [channels, 1, k]", x, w)
	}
	state := ir.Type{DType: x.DType, Shape: []int{x.Shape[0], x.Shape[1], -1}}
	if w.Shape[2] > 0 {
		state.Shape[2] = w.Shape[2] - 1
	}
	for i, want := range [][]int{{x.Shape[1]}, state.Shape} {
		if v := at(in, 2+i); v != nil && !v.Type.NoRank && !fitsShape(v.Type.Shape, want) {
			return nil, fmt.Errorf("input %d is %v, wanted the shape %v", 2+i, v.Type, want)
		}
	}
	return []ir.Type{{DType: x.DType, Shape: x.Shape}, state}, nil
}

// at is element i of a list, or nil.
func at[T any](list []*T, i int) *T {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// Eval computes channel by channel.
func (o *CausalConvWithState) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, w, bias, past := in[0].Floats(), in[1].Floats(), floatsOf(at(in, 2)), floatsOf(at(in, 3))
	channels, length, k := in[0].Shape[1], in[0].Shape[2], in[1].Shape[2]
	y, state := make([]float64, len(x)), make([]float64, 0, in[0].Shape[0]*channels*(k-1))
	for c := range in[0].Shape[0] * channels {
		row := make([]float64, k-1, k-1+length)
		if past != nil {
			copy(row, past[c*(k-1):])
		}
		row = append(row, x[c*length:][:length]...)
		for t := range length {
			var acc float64
			if bias != nil {
				acc = bias[c%channels]
			}
			if acc = addDot(acc, row[t:t+k], w[c%channels*k:][:k]); o.Activation != "none" {
				acc = float64(acc * low.Sigmoid64(acc))
			}
			y[c*length+t] = acc
		}
		state = append(state, row[length:]...)
	}
	d := in[0].DType
	return []*ir.Tensor{ir.FromFloats(d, in[0].Shape, y), ir.FromFloats(d, []int{in[0].Shape[0], channels, k - 1}, state)}, nil
}

// Lower makes a Concat and a Conv.
func (o *CausalConvWithState) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x, d := n.In[0], n.In[0].Type.DType
	batch, channels, length, k := x.Type.Shape[0], x.Type.Shape[1], x.Type.Shape[2], n.In[1].Type.Shape[2]
	whole := []int{batch, channels, length + k - 1}
	padded := low.Pad(b, x, []int{0, 0, k - 1}, whole, nil)
	if past := at(n.In, 3); past != nil {
		padded = low.Concat(b, 2, past, x)
	}
	state := low.Slice(b, padded, []int{0, 0, length}, []int{1, 1, 1}, []int{batch, channels, k - 1})
	conv := &Conv{Window: Window{AutoPad: "NOTSET"}, Group: channels}
	t := ir.Type{DType: ir.Float32, Shape: x.Type.Shape}
	in := []*ir.Value{float32Of(b, padded), float32Of(b, n.In[1]), float32Of(b, at(n.In, 2))}
	out, err := conv.Lower(b, &ir.Node{Op: conv, In: in, Out: []*ir.Value{{Type: t}}})
	if err != nil {
		return nil, err
	}
	y := out[0]
	if o.Activation != "none" {
		y = low.Elementwise(b, "silu(x0)", y)
	}
	return []*ir.Value{narrowed(b, y, d), state}[:len(n.Out)], nil
}
