package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var gather = []Def{
	{Name: "Gather", Since: 13, From: 1, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Indices}, Proto: &Gather{}},
	{Name: "GatherElements", Since: 13, From: 11, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Indices}, Proto: &GatherElements{}},
	{Name: "GatherND", Since: 13, From: 11, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &GatherND{}},
}

// indexOf counts a negative index from the end of an axis of length d.
func indexOf(i, d int) (int, error) {
	if i < -d || i >= d {
		return 0, fmt.Errorf("index %d of an axis of length %d", i, d)
	}
	if i < 0 {
		i += d
	}
	return i, nil
}

// Gather is https://onnx.ai/onnx/operators/onnx__Gather.html, version 13.
type Gather struct {
	Axis int `onnx:"axis,0"`
}

// Name is the operator's ONNX name.
func (*Gather) Name() string { return "Gather" }

// Infer replaces the axis by the shape of the indices; constant indices must be in range.
func (g *Gather) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, i := in[0].Type, in[1].Type
	if x.NoRank || i.NoRank {
		return noRank(x.DType), nil
	}
	axis, err := axisOf(g.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	if idx, ok := constInts(in, 1); ok && x.Shape[axis] >= 0 {
		for _, i := range idx {
			if _, err := indexOf(i, x.Shape[axis]); err != nil {
				return nil, err
			}
		}
	}
	return oneType(x.DType, slices.Concat(x.Shape[:axis], i.Shape, x.Shape[axis+1:])), nil
}

// maps returns the picked elements axis by axis, the indices as one axis.
func (g *Gather) maps(shape, idx []int) (maps [][]int, axis int, err error) {
	if axis, err = axisOf(g.Axis, len(shape)); err != nil {
		return nil, 0, err
	}
	maps = identityMaps(shape)
	maps[axis] = make([]int, len(idx))
	for k, i := range idx {
		if maps[axis][k], err = indexOf(i, shape[axis]); err != nil {
			return nil, 0, err
		}
	}
	return maps, axis, nil
}

// Eval picks the slices.
func (g *Gather) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, i := in[0], in[1]
	maps, axis, err := g.maps(x.Shape, i.IntsAsInt())
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{pick(x, maps, nil).Reshape(slices.Concat(x.Shape[:axis], i.Shape, x.Shape[axis+1:])...)}, nil
}

// Lower moves by constant indices; others go to a kernel.
func (g *Gather) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0]
	if idx, ok := constInts(n.In, 1); ok {
		maps, _, err := g.maps(x.Type.Shape, idx)
		if err != nil {
			return nil, err
		}
		if v := lowPick(b, x, maps, nil, n.Out[0].Type.Shape); v != nil {
			return one(v)
		}
	}
	axis, err := axisOf(g.Axis, len(x.Type.Shape))
	if err != nil {
		return nil, err
	}
	return call(b, n, "gather", ir.Size(x.Type.Shape[:axis]), x.Type.Shape[axis], ir.Size(x.Type.Shape[axis+1:]))
}

// GatherElements is https://onnx.ai/onnx/operators/onnx__GatherElements.html, version 13.
type GatherElements struct {
	Axis int `onnx:"axis,0"`
}

// Name is the operator's ONNX name.
func (*GatherElements) Name() string { return "GatherElements" }

// Infer returns the shape of the indices, which must not exceed the input outside the axis.
func (g *GatherElements) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, i := in[0].Type, in[1].Type
	if x.NoRank || i.NoRank {
		i.DType = x.DType
		return []ir.Type{i}, nil
	}
	return oneType(x.DType, i.Shape), elementsFit(g.Axis, x, i)
}

// elementsFit checks the shape of indices against the value that they index along an axis.
func elementsFit(axis int, x, i ir.Type) error {
	axis, err := axisOf(axis, len(x.Shape))
	if err != nil {
		return err
	}
	if len(x.Shape) != len(i.Shape) {
		return fmt.Errorf("indices are %v, the value is %v: they must have as many dimensions", i, x)
	}
	for k, d := range i.Shape {
		if k != axis && d > x.Shape[k] && x.Shape[k] >= 0 {
			return fmt.Errorf("indices are %v, the value is %v: dimension %d is larger", i, x, k)
		}
	}
	return nil
}

// Eval picks one element by index.
func (g *GatherElements) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, idx := in[0], in[1].IntsAsInt()
	axis, err := axisOf(g.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	own, ind := ir.Strides(x.Shape), ir.Strides(in[1].Shape)
	out := remap(x, in[1].Shape, func(at []int) int {
		i, e := indexOf(idx[dot(at, ind)], x.Shape[axis])
		if e != nil {
			err = e
			return -1
		}
		return dot(at, own) + (i-at[axis])*own[axis]
	})
	return []*ir.Tensor{out}, err
}

// Lower calls a kernel.
func (g *GatherElements) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	axis, err := axisOf(g.Axis, len(n.In[0].Type.Shape))
	if err != nil {
		return nil, err
	}
	return call(b, n, "gatherElements", shapeOf(n.In[0]), shapeOf(n.In[1]), axis)
}

// GatherND is https://onnx.ai/onnx/operators/onnx__GatherND.html, version 13.
type GatherND struct {
	BatchDims int `onnx:"batch_dims,0"`
}

// Name is the operator's ONNX name.
func (*GatherND) Name() string { return "GatherND" }

// Infer returns the shape of the indices without their last axis, then what one index vector picks.
func (g *GatherND) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, i := in[0].Type, in[1].Type
	if x.NoRank || i.NoRank {
		return noRank(x.DType), nil
	}
	if len(i.Shape) == 0 || len(x.Shape) == 0 {
		return nil, errors.New("the value and the indices need at least one dimension")
	}
	if g.BatchDims < 0 || g.BatchDims >= min(len(i.Shape), len(x.Shape)) {
		return nil, fmt.Errorf("batch_dims %d of %v by %v", g.BatchDims, x, i)
	}
	for k := range g.BatchDims {
		if a, b := x.Shape[k], i.Shape[k]; a >= 0 && b >= 0 && a != b {
			return nil, fmt.Errorf("batch_dims %d of %v by %v: axis %d differs", g.BatchDims, x, i, k)
		}
	}
	last := i.Shape[len(i.Shape)-1]
	if last < 0 {
		return noRank(x.DType), nil
	}
	if last < 1 || last+g.BatchDims > len(x.Shape) {
		return nil, fmt.Errorf("index vectors of %d elements into %v with batch_dims %d", last, x, g.BatchDims)
	}
	return oneType(x.DType, slices.Concat(i.Shape[:len(i.Shape)-1], x.Shape[g.BatchDims+last:])), nil
}

// Eval picks what the index vectors name.
func (g *GatherND) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, idx := in[0], in[1].IntsAsInt()
	rank := len(in[1].Shape) - 1
	last := in[1].Shape[rank]
	own, outer := ir.Strides(x.Shape), ir.Strides(in[1].Shape[:rank])
	shape := slices.Concat(in[1].Shape[:rank], x.Shape[g.BatchDims+last:])
	var err error
	out := remap(x, shape, func(at []int) int {
		from := dot(at[:g.BatchDims], own[:g.BatchDims]) + dot(at[rank:], own[g.BatchDims+last:])
		vec := idx[dot(at[:rank], outer)*last:]
		for k := range last {
			i, e := indexOf(vec[k], x.Shape[g.BatchDims+k])
			if e != nil {
				err = e
				return -1
			}
			from += i * own[g.BatchDims+k]
		}
		return from
	})
	return []*ir.Tensor{out}, err
}

// Lower calls a kernel.
func (g *GatherND) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x, i := n.In[0].Type.Shape, n.In[1].Type.Shape
	last := i[len(i)-1]
	inner := ir.Size(x[g.BatchDims+last:])
	return call(b, n, "gatherND", ir.Size(x[:g.BatchDims]), append([]int{}, x[g.BatchDims:g.BatchDims+last]...), inner)
}
