package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var norm = []Def{
	{Name: "LayerNormalization", Since: 17, In: Arity{2, 3}, Out: Arity{1, 3}, Types: []Types{Floats}, Proto: &LayerNormalization{}},
	{Name: "RMSNormalization", Since: 23, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &RMSNormalization{}},
	{Name: "InstanceNormalization", Since: 22, From: 1, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &InstanceNormalization{}},
	{Name: "GroupNormalization", Since: 21, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &GroupNormalization{}},
	{Name: "GroupNormalization", Since: 18, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: groupNorm18},
}

// stash is the element type that statistics are computed in.
func stash(n int) (ir.DType, error) {
	switch d := ir.DType(n); d {
	case ir.Float32, ir.BFloat16, ir.Float16, ir.Float64:
		return d, nil
	}
	return ir.Undefined, fmt.Errorf("attribute stash_type is %d, want that of a floating-point type: 1 for float", n)
}

// normalize centres (unless rms) and scales rows of n elements in float64, in place, and returns means and 1/deviations.
func normalize(x []float64, n int, eps float64, rms bool) (means, invs []float64) {
	for r := 0; n > 0 && r < len(x); r += n {
		row := x[r : r+n]
		mean, v := 0.0, 0.0
		if !rms {
			for _, e := range row {
				mean += e
			}
			mean /= float64(n)
		}
		for i, e := range row {
			row[i] = e - mean
			v += float64(row[i] * row[i])
		}
		inv := 1 / math.Sqrt(v/float64(n)+eps)
		for i := range row {
			row[i] *= inv
		}
		means, invs = append(means, mean), append(invs, inv)
	}
	return means, invs
}

// LayerNormalization is https://onnx.ai/onnx/operators/onnx__LayerNormalization.html, version 17.
type LayerNormalization struct {
	Axis      int     `onnx:"axis,-1"`
	Epsilon   float32 `onnx:"epsilon,1e-05"`
	StashType int     `onnx:"stash_type,1"`
}

// Name is the operator's ONNX name.
func (*LayerNormalization) Name() string { return "LayerNormalization" }

// Infer checks that scale and bias broadcast to the input; mean and 1/deviation keep the axes that are not normalized.
func (o *LayerNormalization) Infer(in []*ir.Value) ([]ir.Type, error) {
	d, err := stash(o.StashType)
	if err != nil {
		return nil, err
	}
	if err := broadcastsTo(in[0].Type, in[1:]...); err != nil {
		return nil, err
	}
	t, _ := alike(in, 3)
	t[1].DType, t[2].DType = d, d
	if in[0].Type.NoRank {
		return t, nil
	}
	axis, err := axisOf(o.Axis, len(t[0].Shape))
	if err != nil {
		return nil, err
	}
	for i := 1; i < 3; i++ {
		t[i].Shape = slices.Clone(t[i].Shape)
		for a := axis; a < len(t[i].Shape); a++ {
			t[i].Shape[a] = 1
		}
	}
	return t, nil
}

// broadcastsTo checks that values have the element type of x and broadcast to its shape.
func broadcastsTo(x ir.Type, vs ...*ir.Value) error {
	for _, v := range vs {
		if v == nil {
			continue
		}
		if v.Type.DType != x.DType {
			return fmt.Errorf("%v is %v beside an input of %v, they must have one element type", v, v.Type.DType, x.DType)
		}
		if !v.Type.Static() || !x.Static() {
			continue
		}
		if s, err := low.Broadcast(x.Shape, v.Type.Shape); err != nil || !slices.Equal(s, x.Shape) {
			return fmt.Errorf("%v is %v, which does not broadcast to %v", v, v.Type, x)
		}
	}
	return nil
}

// Eval computes rows in order.
func (o *LayerNormalization) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	axis, err := axisOf(o.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	y := x.Floats()
	means, invs := normalize(y, ir.Size(x.Shape[axis:]), float64(o.Epsilon), false)
	for i, t := range in[1:] {
		if t != nil {
			y = zip(y, broadcastTo(t, x.Shape).Floats(), []func(a, b float64) float64{mul[float64], add[float64]}[i])
		}
	}
	kept := slices.Clone(x.Shape)
	for a := axis; a < len(kept); a++ {
		kept[a] = 1
	}
	for len(means) < ir.Size(kept) { // rows without elements
		means, invs = append(means, math.NaN()), append(invs, math.NaN())
	}
	d := ir.DType(o.StashType)
	return []*ir.Tensor{ir.FromFloats(x.DType, x.Shape, y), ir.FromFloats(d, kept, means), ir.FromFloats(d, kept, invs)}, nil
}

// Lower makes a Normalize; if mean or 1/deviation are wanted, Reduces and Maps.
func (o *LayerNormalization) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	axis, err := axisOf(o.Axis, len(x.Type.Shape))
	if err != nil {
		return nil, err
	}
	out := make([]*ir.Value, len(n.Out))
	if len(n.Out) > 1 {
		wide := computeIn(b, x)
		axes := allAxes(len(x.Type.Shape))[axis:]
		mean := low.ReduceAxes(b, "mean", wide, axes, true)
		d := low.Elementwise(b, "sub(x0,x1)", wide, mean)
		v := low.ReduceAxes(b, "mean", low.Elementwise(b, "mul(x0,x0)", d), axes, true)
		inv := low.Elementwise(b, fmt.Sprintf("rsqrt(add(x0,%s))", lit(o.Epsilon)), v)
		for i, s := range []*ir.Value{mean, inv} {
			if i+1 < len(n.Out) && n.Out[i+1] != nil {
				out[i+1] = castTo(b, s, ir.DType(o.StashType))
				if out[i+1] == s {
					out[i+1] = low.Copy(b, s, s.Type.Shape...)
				}
			}
		}
	}
	if n.Out[0] != nil {
		out[0] = normalized(b, "layernorm", x, axis, o.Epsilon, n.In[1:])
	}
	return out, nil
}

// computeIn is x in the type that floats of its width are computed in.
func computeIn(b *ir.Builder, x *ir.Value) *ir.Value {
	if x.Type.DType == ir.Float64 {
		return x
	}
	return castTo(b, x, ir.Float32)
}

// normalized adds a Normalize of rows from axis on with scale and bias, in float32 for narrower floats.
func normalized(b *ir.Builder, fn string, x *ir.Value, axis int, eps float32, affine []*ir.Value) *ir.Value {
	d, rowShape := x.Type.DType, x.Type.Shape[axis:]
	in := []*ir.Value{computeIn(b, x)}
	fits := true
	for i, v := range affine {
		if v == nil {
			continue
		}
		shape := v.Type.Shape
		for len(shape) > len(rowShape) && shape[0] == 1 {
			shape = shape[1:]
		}
		fits = fits && slices.Equal(shape, rowShape) && len(in) == i+1
		in = append(in, computeIn(b, v))
	}
	op := &low.Normalize{Fn: fn, Axis: axis, Epsilon: eps, Partials: low.Partials}
	if fits {
		return castTo(b, b.Add(op, in...), d)
	}
	in[0] = b.Add(op, in[0])
	expr := map[bool]string{true: "x0", false: "mul(x0,x1)"}[affine[0] == nil]
	if len(affine) > 1 && affine[1] != nil {
		expr = fmt.Sprintf("add(%s,x%d)", expr, len(in)-1)
	}
	return castTo(b, low.Elementwise(b, expr, in...), d)
}

// RMSNormalization is https://onnx.ai/onnx/operators/onnx__RMSNormalization.html, version 23.
type RMSNormalization struct {
	Axis      int     `onnx:"axis,-1"`
	Epsilon   float32 `onnx:"epsilon,1e-05"`
	StashType int     `onnx:"stash_type,1"`
}

// Name is the operator's ONNX name.
func (*RMSNormalization) Name() string { return "RMSNormalization" }

// Infer checks that the scale broadcasts to the input; the result has the scale's element type.
func (o *RMSNormalization) Infer(in []*ir.Value) ([]ir.Type, error) {
	if _, err := stash(o.StashType); err != nil {
		return nil, err
	}
	x := in[0].Type
	if !x.NoRank {
		if _, err := axisOf(o.Axis, len(x.Shape)); err != nil {
			return nil, err
		}
	}
	x.DType, x.Layout = in[1].Type.DType, ir.RowMajor
	return []ir.Type{x}, broadcastsTo(x, in[1])
}

// Eval computes rows in order.
func (o *RMSNormalization) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	axis, err := axisOf(o.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	y := x.Floats()
	normalize(y, ir.Size(x.Shape[axis:]), float64(o.Epsilon), true)
	zip(y, broadcastTo(in[1], x.Shape).Floats(), mul[float64])
	return []*ir.Tensor{ir.FromFloats(in[1].DType, x.Shape, y)}, nil
}

// Lower makes a Normalize.
func (o *RMSNormalization) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x, scale := n.In[0], n.In[1]
	axis, err := axisOf(o.Axis, len(x.Type.Shape))
	if err != nil {
		return nil, err
	}
	d := scale.Type.DType
	if wide := computeIn(b, x); d == ir.Float64 || wide.Type.DType == ir.Float64 {
		x, scale = castTo(b, x, ir.Float64), castTo(b, scale, ir.Float64)
	} else {
		x, scale = wide, computeIn(b, scale)
	}
	return one(castTo(b, normalized(b, "rmsnorm", x, axis, o.Epsilon, []*ir.Value{scale}), d))
}

// InstanceNormalization is https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html, version 22: each channel of
// each sample by itself.
type InstanceNormalization struct {
	Epsilon float32 `onnx:"epsilon,1e-05"`
}

// Name is the operator's ONNX name.
func (*InstanceNormalization) Name() string { return "InstanceNormalization" }

// Infer checks that there are scale and bias for every channel.
func (*InstanceNormalization) Infer(in []*ir.Value) ([]ir.Type, error) { return perChannel(in) }

// perChannel is Infer for inputs of one element type, all but the first vectors of one element a channel.
func perChannel(in []*ir.Value) ([]ir.Type, error) {
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	return alikeChannels(in, 1)
}

// alikeChannels checks that the inputs after the first are vectors of one element for each channel, axis 1, of the first.
func alikeChannels(in []*ir.Value, outs int) ([]ir.Type, error) {
	x := in[0].Type
	if !x.NoRank && len(x.Shape) < 2 {
		return nil, fmt.Errorf("%v is %v, which has no channels: want [N, C, ...]", in[0], x)
	}
	for _, v := range in[1:] {
		if v.Type.Static() && (len(v.Type.Shape) != 1 || !x.NoRank && x.Shape[1] >= 0 && v.Type.Shape[0] != x.Shape[1]) {
			return nil, fmt.Errorf("%v is %v, want one element for each channel of %v", v, v.Type, x)
		}
	}
	return alike(in, outs)
}

// Eval computes channel by channel.
func (o *InstanceNormalization) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	return evalGroups(x, in[1], in[2], x.Shape[1], o.Epsilon), nil
}

// evalGroups normalizes each of the groups of channels of every sample and scales by channel.
func evalGroups(x, scale, bias *ir.Tensor, groups int, eps float32) []*ir.Tensor {
	y := x.Floats()
	c := x.Shape[1]
	plane := ir.Size(x.Shape[2:])
	normalize(y, c/max(groups, 1)*plane, float64(eps), false)
	s, t := scale.Floats(), bias.Floats()
	for i := range y {
		k := i / plane % c
		y[i] = float64(y[i]*s[k]) + t[k]
	}
	return []*ir.Tensor{ir.FromFloats(x.DType, x.Shape, y)}
}

// Lower makes a Normalize of each channel.
func (o *InstanceNormalization) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return one(lowerGroups(b, n, n.In[0].Type.Shape[1], o.Epsilon))
}

func lowerGroups(b *ir.Builder, n *ir.Node, groups int, eps float32) *ir.Value {
	x := computeIn(b, n.In[0])
	shape := x.Type.Shape
	rows := low.Copy(b, x, shape[0]*groups, ir.Size(shape[1:])/max(groups, 1))
	y := b.Add(&low.Normalize{Fn: "layernorm", Axis: 1, Epsilon: eps, Partials: low.Partials}, rows)
	s, t := channelwise(b, computeIn(b, n.In[1]), len(shape)), channelwise(b, computeIn(b, n.In[2]), len(shape))
	y = low.Elementwise(b, "fma(x0,x1,x2)", low.Copy(b, y, shape...), s, t)
	return castTo(b, y, n.In[0].Type.DType)
}

// channelwise reshapes a vector to broadcast along axis 1 of rank axes.
func channelwise(b *ir.Builder, v *ir.Value, rank int) *ir.Value {
	if rank == 2 {
		return v
	}
	shape := slices.Repeat([]int{1}, rank-1)
	shape[0] = v.Type.Shape[0]
	if v.Const != nil {
		return b.Const(v.Const.Reshape(shape...))
	}
	return low.Copy(b, v, shape...)
}

// GroupNormalization is https://onnx.ai/onnx/operators/onnx__GroupNormalization.html, version 21.
type GroupNormalization struct {
	Epsilon   float32 `onnx:"epsilon,1e-05"`
	NumGroups int     `onnx:"num_groups"`
	StashType int     `onnx:"stash_type,1"`
}

// groupNorm18 repeats scale and bias, one for each group, for the channels of the group.
func groupNorm18(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	groups, _ := n.Attrs["num_groups"].(int64)
	x := n.In[0].Type
	if x.NoRank || len(x.Shape) < 2 || x.Shape[1] < 0 || groups < 1 || x.Shape[1]%int(groups) != 0 {
		return nil, fmt.Errorf("attribute num_groups is %d, the input %v", groups, x)
	}
	g, c := int(groups), x.Shape[1]
	for i := 1; i < 3; i++ {
		v := n.In[i]
		if v.Type.Static() && !slices.Equal(v.Type.Shape, []int{g}) {
			return nil, fmt.Errorf("%v is %v, want one element for each of %d groups", v, v.Type, g)
		}
		v = withShape(b, v, []int{g, 1})
		if v.Const != nil {
			n.In[i] = b.Const(broadcastTo(v.Const, []int{g, c / g}).Reshape(c))
			continue
		}
		n.In[i] = withShape(b, b.Add(&Expand{}, v, b.Ints(g, c/g)), []int{c})
	}
	return nil, nil
}

// Name is the operator's ONNX name.
func (*GroupNormalization) Name() string { return "GroupNormalization" }

// Infer checks that the channels divide into the groups.
func (o *GroupNormalization) Infer(in []*ir.Value) ([]ir.Type, error) {
	if _, err := stash(o.StashType); err != nil {
		return nil, err
	}
	if x := in[0].Type; o.NumGroups < 1 || !x.NoRank && len(x.Shape) > 1 && x.Shape[1] > 0 && x.Shape[1]%o.NumGroups != 0 {
		return nil, fmt.Errorf("attribute num_groups is %d, which does not divide the channels of %v", o.NumGroups, x)
	}
	return perChannel(in)
}

// Eval computes group by group.
func (o *GroupNormalization) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return evalGroups(in[0], in[1], in[2], o.NumGroups, o.Epsilon), nil
}

// Lower makes a Normalize of each group.
func (o *GroupNormalization) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return one(lowerGroups(b, n, o.NumGroups, o.Epsilon))
}
