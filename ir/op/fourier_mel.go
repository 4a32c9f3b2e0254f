package op

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// MelWeightMatrix is https://onnx.ai/onnx/operators/onnx__MelWeightMatrix.html, version 17: the weights [dft_length/2 +
// 1, num_mel_bins] of triangles evenly spaced on the mel scale between two frequencies.
type MelWeightMatrix struct {
	OutputDType ir.DType `onnx:"output_datatype,1"`
}

// Name is the operator's ONNX name.
func (*MelWeightMatrix) Name() string { return "MelWeightMatrix" }

// Infer takes the shape from constants.
func (o *MelWeightMatrix) Infer(in []*ir.Value) ([]ir.Type, error) {
	if !o.OutputDType.IsInt() && !Floats.has(o.OutputDType) {
		return nil, fmt.Errorf("attribute output_datatype is %v, wanted a number type", o.OutputDType)
	}
	for i, v := range in {
		if v.Type.Static() && v.Type.Len() != 1 {
			return nil, fmt.Errorf("input %d is %v, wanted one element", i, v.Type)
		}
	}
	t := ir.Type{DType: o.OutputDType, Shape: []int{-1, -1}}
	if c := in[1].Const; c != nil {
		t.Shape[0] = max(0, c.IntsAsInt()[0]/2+1)
	}
	if c := in[0].Const; c != nil {
		t.Shape[1] = max(0, c.IntsAsInt()[0])
	}
	return []ir.Type{t}, nil
}

// Eval draws triangle by triangle.
func (o *MelWeightMatrix) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	bands, length, rate := in[0].IntsAsInt()[0], in[1].IntsAsInt()[0], in[2].Floats()[0]
	if bands < 0 || length < 0 || bands > 1<<20 || length > 1<<24 {
		return nil, fmt.Errorf("%d mel bins of a DFT of length %d", bands, length)
	}
	const ln10 = 2.302585092994046
	mel := func(f float64) float64 { return float64(2595 * (low.Log64(1+f/700) / ln10)) }
	lo, hi := mel(in[3].Floats()[0]), mel(in[4].Floats()[0])
	step := (hi - lo) / float64(bands+2)
	bins := length/2 + 1
	edge := make([]int, bands+2)
	for i := range edge {
		m := float64(float64(i)*step) + lo
		f := float64(700 * (low.Pow64(10, m/2595) - 1))
		edge[i] = int(math.Floor(float64(float64(length+1)*f) / rate))
		if edge[i] < 0 || edge[i] > bins {
			return nil, fmt.Errorf("the edge %v Hz of a mel bin lies beyond the %d bins of the spectrum", f, bins)
		}
	}
	y := make([]float64, bins*bands)
	for i := range bands {
		left, center, right := edge[i], edge[i+1], edge[i+2]
		if center >= bins {
			return nil, fmt.Errorf("the center of mel bin %d lies beyond the %d bins of the spectrum", i, bins)
		}
		for j := left; j <= center; j++ {
			if center == left {
				y[j*bands+i] = 1
			} else {
				y[j*bands+i] = float64(j-left) / float64(center-left)
			}
		}
		for j := center; j < right; j++ {
			y[j*bands+i] = float64(right-j) / float64(right-center)
		}
	}
	return []*ir.Tensor{ir.FromFloats(o.OutputDType, []int{bins, bands}, y)}, nil
}

// Lower calls a kernel in float64.
func (o *MelWeightMatrix) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	in := make([]*ir.Value, len(n.In))
	for i, v := range n.In {
		if in[i] = int64Of(b, v); i > 2 {
			in[i] = narrowed(b, v, ir.Float64)
		}
	}
	t := n.Out[0].Type
	t.DType = ir.Float64
	c := &ir.Node{Op: &MelWeightMatrix{OutputDType: ir.Float64}, In: in, Out: []*ir.Value{{Type: t}}}
	out := low.CallFor(b, c, "melWeightMatrix", t.Shape)
	return []*ir.Value{narrowed(b, out[0], o.OutputDType)}, nil
}
