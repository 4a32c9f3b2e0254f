package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var batchnorm = []Def{
	{Name: "BatchNormalization", Since: 15, From: 14, In: Arity{5, 5}, Out: Arity{1, 3}, Types: []Types{Floats}, Proto: &BatchNormalization{}},
	{Name: "BatchNormalization", Since: 9, In: Arity{5, 5}, Out: Arity{1, 5}, Types: []Types{Floats}, Upgrade: batchNorm9},
	{Name: "BatchNormalization", Since: 7, From: 1, In: Arity{5, 5}, Out: Arity{1, 5}, Types: []Types{Floats}, Upgrade: batchNorm7},
}

// BatchNormalization is https://onnx.ai/onnx/operators/onnx__BatchNormalization.html, version 15: (x - mean) scale /
// sqrt(var + epsilon) + bias by channel. In training mode the mean and variance are those of the batch, and the second
// and third results are the given ones moved towards them.
type BatchNormalization struct {
	Epsilon      float32 `onnx:"epsilon,1e-05"`
	Momentum     float32 `onnx:"momentum,0.9"`
	TrainingMode bool    `onnx:"training_mode,0"`
}

// batchNorm9 accepts inference only, where there is one result.
func batchNorm9(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	for i, name := range n.Out[1:] {
		if name != "" {
			return nil, fmt.Errorf("output %d %q makes this training, which is not supported before opset 14; export the model in inference mode", i+1, name)
		}
	}
	n.Out, n.Types = n.Out[:1], n.Types[:1]
	return nil, nil
}

// batchNorm7 drops is_test, which the number of results tells, and gives every element of a sample statistics of its own
// where spatial is 0.
func batchNorm7(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	Take(n, "is_test", int64(0))
	if Take(n, "spatial", int64(1)) != 0 {
		return nil, nil
	}
	x := n.In[0].Type
	if x.NoRank || len(x.Shape) < 2 || slices.Contains(x.Shape[1:], -1) {
		return nil, fmt.Errorf("attribute spatial is 0, which needs a known shape, the input is %v", x)
	}
	if _, err := batchNorm9(b, n); err != nil {
		return nil, err
	}
	eps, size := Take(n, "epsilon", float32(1e-5)), ir.Size(x.Shape[1:])
	in := []*ir.Value{withShape(b, n.In[0], []int{x.Shape[0], size})}
	for _, v := range n.In[1:] {
		in = append(in, withShape(b, v, []int{size}))
	}
	y := b.Add(&BatchNormalization{Epsilon: eps, Momentum: 0.9}, in...)
	return one(b.Add(&Reshape{}, y, b.Ints(x.Shape...)))
}

// Name is the operator's ONNX name.
func (*BatchNormalization) Name() string { return "BatchNormalization" }

// Infer checks the vectors; the running statistics have their inputs' element type.
func (o *BatchNormalization) Infer(in []*ir.Value) ([]ir.Type, error) {
	for _, pair := range [][2]int{{1, 2}, {3, 4}} {
		if err := sameElements(in[pair[0]], in[pair[1]]); err != nil {
			return nil, err
		}
	}
	x := in[0].Type
	if !x.NoRank && len(x.Shape) < 2 { // one channel
		x.Shape = append(slices.Clone(x.Shape), 1, 1)[:2]
	}
	t, err := alikeChannels(append([]*ir.Value{{Name: in[0].Name, Type: x}}, in[1:]...), 3)
	if err != nil {
		return nil, err
	}
	t[0] = in[0].Type
	t[0].Layout = ir.RowMajor
	for i := 1; i < 3; i++ {
		t[i] = in[2+i].Type
	}
	if !o.TrainingMode {
		t = t[:1]
	}
	return t, nil
}

// channels returns the number of channels and of elements of one in one sample.
func channels(shape []int) (c, plane int) {
	if len(shape) < 2 {
		return 1, 1
	}
	return shape[1], ir.Size(shape[2:])
}

// Eval computes element by element.
func (o *BatchNormalization) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0].Floats()
	c, plane := channels(in[0].Shape)
	scale, bias, mean, variance := in[1].Floats(), in[2].Floats(), in[3].Floats(), in[4].Floats()
	out := make([]*ir.Tensor, 1, 3)
	if o.TrainingMode {
		m, v := batchStatistics(x, c, plane)
		move := func(old, now []float64) *ir.Tensor {
			p := float64(o.Momentum)
			return ir.FromFloats(in[3].DType, in[3].Shape, zip(old, now, func(a, b float64) float64 {
				return float64(a*p) + float64(b*(1-p))
			}))
		}
		out = append(out, move(mean, m), move(variance, v))
		mean, variance = m, v
	}
	for i := range x {
		k := i / plane % c
		x[i] = float64((x[i]-mean[k])/math.Sqrt(variance[k]+float64(o.Epsilon))*scale[k]) + bias[k]
	}
	out[0] = ir.FromFloats(in[0].DType, in[0].Shape, x)
	return out, nil
}

// batchStatistics are the means and variances of the channels over all samples.
func batchStatistics(x []float64, c, plane int) (mean, variance []float64) {
	mean, variance = make([]float64, c), make([]float64, c)
	n := float64(len(x) / max(c, 1))
	for i, v := range x {
		mean[i/plane%c] += v
	}
	for k := range mean {
		mean[k] /= n
	}
	for i, v := range x {
		k := i / plane % c
		d := v - mean[k]
		variance[k] += float64(d * d)
	}
	for k := range variance {
		variance[k] /= n
	}
	return mean, variance
}

// Lower makes a Map, of two constants by channel where scale and statistics are constant.
func (o *BatchNormalization) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	d, shape := x.Type.DType, x.Type.Shape
	wide := ir.Float32
	for _, v := range n.In {
		if v.Type.DType == ir.Float64 {
			wide = ir.Float64
		}
	}
	if o.TrainingMode && len(shape) < 2 {
		return nil, errors.New("training mode of an input without channels is not supported: give it the shape [N, C]")
	}
	rank := max(len(shape), 2)
	if len(shape) < 2 {
		rank = 2 // the vectors have one element
	}
	x = castTo(b, x, wide)
	vec := make([]*ir.Value, 5)
	for i := 1; i < 5; i++ {
		vec[i] = castTo(b, n.In[i], wide)
	}
	out := make([]*ir.Value, len(n.Out))
	if o.TrainingMode {
		axes := slices.Delete(allAxes(rank), 1, 2)
		mean := low.ReduceAxes(b, "mean", x, axes, true)
		dev := low.Elementwise(b, "sub(x0,x1)", x, mean)
		variance := low.ReduceAxes(b, "mean", low.Elementwise(b, "mul(x0,x0)", dev), axes, true)
		for i, s := range []*ir.Value{mean, variance} {
			flat := low.Copy(b, s, shape[1])
			if i+1 < len(n.Out) && n.Out[i+1] != nil {
				p := lit(o.Momentum)
				y := low.Elementwise(b, fmt.Sprintf("add(mul(x0,%[1]s),mul(x1,sub(1,%[1]s)))", p), vec[3+i], flat)
				out[i+1] = castTo(b, y, n.Out[i+1].Type.DType)
			}
			vec[3+i] = flat
		}
	}
	if n.Out[0] == nil {
		return out, nil
	}
	for i := 1; i < 5; i++ {
		if len(shape) < 2 {
			vec[i] = low.Copy(b, vec[i])
		} else {
			vec[i] = channelwise(b, vec[i], rank)
		}
	}
	if n.In[1].Const != nil && n.In[2].Const != nil && n.In[3].Const != nil && n.In[4].Const != nil && !o.TrainingMode && len(shape) > 1 {
		factor, offset := o.constants(n.In, wide)
		y := low.Elementwise(b, "fma(x0,x1,x2)", x, channelwise(b, b.Const(factor), rank), channelwise(b, b.Const(offset), rank))
		out[0] = castTo(b, y, d)
		return out, nil
	}
	expr := fmt.Sprintf("add(mul(mul(sub(x0,x3),rsqrt(add(x4,%s))),x1),x2)", lit(o.Epsilon))
	out[0] = castTo(b, low.Elementwise(b, expr, x, vec[1], vec[2], vec[3], vec[4]), d)
	return out, nil
}

// constants folds scale, bias, mean and variance into a factor and an offset.
func (o *BatchNormalization) constants(in []*ir.Value, d ir.DType) (factor, offset *ir.Tensor) {
	scale, bias, mean, variance := in[1].Const.Floats(), in[2].Const.Floats(), in[3].Const.Floats(), in[4].Const.Floats()
	for k := range scale {
		scale[k] /= math.Sqrt(variance[k] + float64(o.Epsilon))
		bias[k] -= float64(mean[k] * scale[k])
	}
	return ir.FromFloats(d, in[1].Type.Shape, scale), ir.FromFloats(d, in[1].Type.Shape, bias)
}
