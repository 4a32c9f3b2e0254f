package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var loss = []Def{
	{Name: "NegativeLogLikelihoodLoss", Since: 22, From: 12, In: Arity{2, 3}, Out: Arity{1, 1}, Types: []Types{Floats, Indices, Floats}, Proto: &NegativeLogLikelihoodLoss{}},
	{Name: "SoftmaxCrossEntropyLoss", Since: 13, From: 12, In: Arity{2, 3}, Out: Arity{1, 2}, Types: []Types{Floats, Indices, Floats}, Proto: &SoftmaxCrossEntropyLoss{}},
}

// lossAttrs are the attributes of the losses.
type lossAttrs struct {
	IgnoreIndex *int   `onnx:"ignore_index"` // nil: none
	Reduction   string `onnx:"reduction,mean"`
}

// infer checks input [N, C, d...], target [N, d...] and weight [C]; the loss is a scalar or one for each target.
func (o *lossAttrs) infer(in []*ir.Value) ([]ir.Type, error) {
	if o.Reduction != "none" && o.Reduction != "sum" && o.Reduction != "mean" {
		return nil, fmt.Errorf("attribute reduction is %q, want \"none\", \"sum\" or \"mean\"", o.Reduction)
	}
	x, y := in[0].Type, in[1].Type
	if !x.NoRank && len(x.Shape) < 2 {
		return nil, fmt.Errorf("%v is %v, want [N, C, ...]", in[0], x)
	}
	if x.Static() && y.Static() && !slices.Equal(y.Shape, slices.Delete(slices.Clone(x.Shape), 1, 2)) {
		return nil, fmt.Errorf("the target %v is %v, want the shape of %v without axis 1", in[1], y, x)
	}
	if has(in, 2) {
		if err := sameElements(in[0], in[2]); err != nil {
			return nil, err
		}
		if w := in[2].Type; x.Static() && w.Static() && !slices.Equal(w.Shape, x.Shape[1:2]) {
			return nil, fmt.Errorf("the weight %v is %v, want one element for each of %d classes", in[2], w, x.Shape[1])
		}
	}
	t := ir.Type{DType: x.DType, Shape: []int{}}
	if o.Reduction == "none" {
		t.Shape, t.NoRank = slices.Clone(y.Shape), y.NoRank
	}
	return []ir.Type{t}, nil
}

// eval sums -x[class] weight[class] over targets in order; the mean is divided by the sum of the weights used.
func (o *lossAttrs) eval(x []float64, shape []int, d ir.DType, in []*ir.Tensor) (*ir.Tensor, error) {
	classes, plane := shape[1], ir.Size(shape[2:])
	target := in[1].IntsAsInt()
	each := make([]float64, len(target))
	sum, weights := 0.0, 0.0
	for i, c := range target {
		if o.IgnoreIndex != nil && c == *o.IgnoreIndex {
			continue
		}
		if c < 0 || c >= classes {
			return nil, fmt.Errorf("target %d is class %d of %d", i, c, classes)
		}
		w := 1.0
		if has(in, 2) {
			w = in[2].At(c)
		}
		each[i] = -x[(i/plane*classes+c)*plane+i%plane] * w
		sum += each[i]
		weights += w
	}
	switch o.Reduction {
	case "none":
		return ir.FromFloats(d, in[1].Shape, each), nil
	case "mean":
		sum /= weights
	}
	return ir.FromFloats(d, nil, []float64{sum}), nil
}

// lower calls the kernel nllLoss on log-probabilities x.
func (o *lossAttrs) lower(b *ir.Builder, n *ir.Node, x *ir.Value) *ir.Value {
	in := []*ir.Value{x, n.In[1]}
	if has(n.In, 2) {
		in = append(in, computeIn(b, n.In[2]))
	} else {
		in = append(in, nil)
	}
	ignore := 0
	if o.IgnoreIndex != nil {
		ignore = *o.IgnoreIndex
	}
	t := ir.Type{DType: x.Type.DType, Shape: n.Out[0].Type.Shape}
	shape := x.Type.Shape
	op := &NegativeLogLikelihoodLoss{*o}
	y := callOn(b, op, "nllLoss", t, in, shape[1], ir.Size(shape[2:]), o.Reduction, o.IgnoreIndex != nil, ignore)
	return castTo(b, y, n.Out[0].Type.DType)
}

// NegativeLogLikelihoodLoss is https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html, version 22. A target
// that is no class and not ignored is an error.
type NegativeLogLikelihoodLoss struct{ lossAttrs }

// Name is the operator's ONNX name.
func (*NegativeLogLikelihoodLoss) Name() string { return "NegativeLogLikelihoodLoss" }

// Infer checks the shapes.
func (o *NegativeLogLikelihoodLoss) Infer(in []*ir.Value) ([]ir.Type, error) { return o.infer(in) }

// Eval goes through the targets in order.
func (o *NegativeLogLikelihoodLoss) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	y, err := o.eval(in[0].Floats(), in[0].Shape, in[0].DType, in)
	return []*ir.Tensor{y}, err
}

// Lower calls a kernel.
func (o *NegativeLogLikelihoodLoss) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	return one(o.lower(b, n, computeIn(b, n.In[0])))
}

// SoftmaxCrossEntropyLoss is https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html, version 13: the negative
// log-likelihood loss of LogSoftmax along axis 1, which is the second result.
type SoftmaxCrossEntropyLoss struct{ lossAttrs }

// Name is the operator's ONNX name.
func (*SoftmaxCrossEntropyLoss) Name() string { return "SoftmaxCrossEntropyLoss" }

// Infer checks the shapes.
func (o *SoftmaxCrossEntropyLoss) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := o.infer(in)
	if err != nil {
		return nil, err
	}
	logs, err := alike(in, 1)
	return append(t, logs...), err
}

// Eval takes the loss of log-probabilities in float64.
func (o *SoftmaxCrossEntropyLoss) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	wide := ir.FromFloats(ir.Float64, x.Shape, x.Floats())
	logs, err := (&Softmax{name: "LogSoftmax", Axis: 1}).Eval([]*ir.Tensor{wide})
	if err != nil {
		return nil, err
	}
	p := logs[0].Floats()
	y, err := o.eval(p, x.Shape, x.DType, in)
	return []*ir.Tensor{y, ir.FromFloats(x.DType, x.Shape, p)}, err
}

// Lower makes a Normalize and calls a kernel.
func (o *SoftmaxCrossEntropyLoss) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	logs := alongLast(b, computeIn(b, n.In[0]), 1, func(x *ir.Value, axis int) *ir.Value {
		return b.Add(&low.Normalize{Fn: "logsoftmax", Axis: axis, Partials: low.Partials}, x)
	})
	out := make([]*ir.Value, len(n.Out))
	if n.Out[0] != nil {
		out[0] = o.lower(b, n, logs)
	}
	if len(n.Out) > 1 && n.Out[1] != nil {
		out[1] = castTo(b, logs, n.Out[1].Type.DType)
	}
	return out, nil
}
