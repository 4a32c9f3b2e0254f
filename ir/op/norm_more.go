package op

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var normMore = []Def{
	{Name: "LpNormalization", Since: 22, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &LpNormalization{}},
	{Name: "LRN", Since: 13, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &LRN{}},
	{Name: "MeanVarianceNormalization", Since: 13, From: 9, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats},
		Proto: &MeanVarianceNormalization{Axes: []int{0, 2, 3}}},
}

// LpNormalization is https://onnx.ai/onnx/operators/onnx__LpNormalization.html, version 22: division by the p-norm
// along an axis; a row of norm 0 gives 0.
type LpNormalization struct {
	Axis int `onnx:"axis,-1"`
	P    int `onnx:"p,2"`
}

// Name is the operator's ONNX name.
func (*LpNormalization) Name() string { return "LpNormalization" }

// Infer returns the type of the input.
func (o *LpNormalization) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.P != 1 && o.P != 2 {
		return nil, fmt.Errorf("attribute p is %d, want 1 or 2", o.P)
	}
	if x := in[0].Type; !x.NoRank {
		if _, err := axisOf(o.Axis, len(x.Shape)); err != nil {
			return nil, err
		}
	}
	return alike(in, 1)
}

// Eval divides row by row.
func (o *LpNormalization) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	axis, err := axisOf(o.Axis, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	x := in[0].Floats()
	for _, row := range rows(in[0].Shape, []int{axis}) {
		norm := 0.0
		for _, i := range row {
			if o.P == 1 {
				norm += math.Abs(x[i])
			} else {
				norm += float64(x[i] * x[i])
			}
		}
		if o.P == 2 {
			norm = math.Sqrt(norm)
		}
		for _, i := range row {
			if x[i] /= norm; norm == 0 {
				x[i] = 0
			}
		}
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, in[0].Shape, x)}, nil
}

// Lower makes a Reduce and a Map.
func (o *LpNormalization) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	axis, err := axisOf(o.Axis, len(n.In[0].Type.Shape))
	if err != nil {
		return nil, err
	}
	x := computeIn(b, n.In[0])
	norm := low.ReduceAxes(b, map[int]string{1: "l1", 2: "l2"}[o.P], x, []int{axis}, true)
	y := low.Elementwise(b, "where(eq(x1,0),0,div(x0,x1))", x, norm)
	return one(castTo(b, y, n.In[0].Type.DType))
}

// LRN is https://onnx.ai/onnx/operators/onnx__LRN.html, version 13: x / (bias + alpha/size · s)^beta, s the sum of the
// squares of the elements at the same place in size channels around.
type LRN struct {
	Alpha float32 `onnx:"alpha,0.0001"`
	Beta  float32 `onnx:"beta,0.75"`
	Bias  float32 `onnx:"bias,1"`
	Size  int     `onnx:"size"`
}

// Name is the operator's ONNX name.
func (*LRN) Name() string { return "LRN" }

// Infer returns the type of the input.
func (o *LRN) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.Size < 1 || o.Size > 1<<20 {
		return nil, fmt.Errorf("attribute size is %d, want at least 1", o.Size)
	}
	if x := in[0].Type; !x.NoRank && len(x.Shape) < 2 {
		return nil, fmt.Errorf("%v is %v, which has no channels: want [N, C, ...]", in[0], x)
	}
	return alike(in, 1)
}

// Eval sums the channels around in order.
func (o *LRN) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0].Floats()
	y := make([]float64, len(x))
	c, plane := in[0].Shape[1], ir.Size(in[0].Shape[2:])
	before := (o.Size - 1) / 2
	for i, v := range x {
		k, s := i/plane%c, 0.0
		for j := max(0, k-before); j < min(c, k-before+o.Size); j++ {
			e := x[i+(j-k)*plane]
			s += float64(e * e)
		}
		y[i] = v / low.Pow64(float64(o.Bias)+float64(float64(o.Alpha)/float64(o.Size)*s), float64(o.Beta))
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, in[0].Shape, y)}, nil
}

// Lower sums windows of the padded squares and makes a Map.
func (o *LRN) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := computeIn(b, n.In[0])
	shape := x.Type.Shape
	c, plane, size := shape[1], ir.Size(shape[2:]), o.Size
	sq := low.Copy(b, low.Elementwise(b, "mul(x0,x0)", x), shape[0], c, plane)
	lanes := c + size - 1
	sq = low.Pad(b, sq, []int{0, (size - 1) / 2, 0}, []int{shape[0], lanes, plane}, nil)
	windows := low.Box(b, sq, []int{shape[0], c, size, plane}, 0, []int{lanes * plane, plane, plane, 1})
	sum := low.Copy(b, low.ReduceAxes(b, "sum", windows, []int{2}, false), shape...)
	expr := fmt.Sprintf("div(x0,pow(add(%s,mul(%s,x1)),%s))", lit(o.Bias), low.Lit(float64(o.Alpha)/float64(size)), lit(o.Beta))
	return one(castTo(b, low.Elementwise(b, expr, x, sum), n.In[0].Type.DType))
}

// MeanVarianceNormalization is https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html, version 13: (x -
// mean) / (deviation + 1e-9) over the axes.
type MeanVarianceNormalization struct {
	Axes []int `onnx:"axes"`
}

// Name is the operator's ONNX name.
func (*MeanVarianceNormalization) Name() string { return "MeanVarianceNormalization" }

// Infer returns the type of the input.
func (o *MeanVarianceNormalization) Infer(in []*ir.Value) ([]ir.Type, error) {
	if x := in[0].Type; !x.NoRank {
		if _, err := axesOf(o.Axes, len(x.Shape)); err != nil {
			return nil, err
		}
	}
	return alike(in, 1)
}

const meanVarianceEpsilon = 1e-9

// Eval normalizes row by row. The variance is the mean of the squared distances from the mean.
func (o *MeanVarianceNormalization) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	axes, err := axesOf(o.Axes, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	x := in[0].Floats()
	for _, row := range rows(in[0].Shape, axes) {
		mean, v := 0.0, 0.0
		for _, i := range row {
			mean += x[i]
		}
		mean /= float64(len(row))
		for _, i := range row {
			x[i] -= mean
			v += float64(x[i] * x[i])
		}
		dev := math.Sqrt(v/float64(len(row))) + meanVarianceEpsilon
		for _, i := range row {
			x[i] /= dev
		}
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, in[0].Shape, x)}, nil
}

// Lower makes Reduces and Maps.
func (o *MeanVarianceNormalization) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	axes, err := axesOf(o.Axes, len(n.In[0].Type.Shape))
	if err != nil {
		return nil, err
	}
	x := computeIn(b, n.In[0])
	d := low.Elementwise(b, "sub(x0,x1)", x, low.ReduceAxes(b, "mean", x, axes, true))
	v := low.ReduceAxes(b, "mean", low.Elementwise(b, "mul(x0,x0)", d), axes, true)
	y := low.Elementwise(b, fmt.Sprintf("div(x0,add(sqrt(x1),%v))", meanVarianceEpsilon), d, v)
	return one(castTo(b, y, n.In[0].Type.DType))
}
