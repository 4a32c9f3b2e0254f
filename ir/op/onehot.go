package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var onehot = []Def{
	{Name: "OneHot", Since: 11, From: 9, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Numbers, Numbers, Any}, Proto: &OneHot{}},
	{Name: "Compress", Since: 11, From: 9, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Bools}, Proto: &Compress{}},
	{Name: "NonZero", Since: 13, From: 9, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &NonZero{}},
}

// OneHot is https://onnx.ai/onnx/operators/onnx__OneHot.html, version 11. Its inputs are the indices, the depth and
// the two values off and on. An index outside [-depth, depth) turns nothing on; a fraction is cut off.
type OneHot struct {
	Axis int `onnx:"axis,-1"` // of the result
}

// Name is the operator's ONNX name.
func (*OneHot) Name() string { return "OneHot" }

// Infer inserts the depth into the shape of the indices.
func (o *OneHot) Infer(in []*ir.Value) ([]ir.Type, error) {
	i, d, v := in[0].Type, in[1].Type, in[2].Type
	if d.Static() && (d.Len() != 1 || len(d.Shape) > 1) {
		return nil, fmt.Errorf("depth %v is %v, it must be one number", in[1], d)
	}
	if v.Static() && !slices.Equal(v.Shape, []int{2}) {
		return nil, fmt.Errorf("values %v are %v, they must be two: off and on", in[2], v)
	}
	if i.NoRank {
		return noRank(v.DType), nil
	}
	axis, err := axisOf(o.Axis, len(i.Shape)+1)
	if err != nil {
		return nil, err
	}
	depth := -1
	if in[1].Const != nil {
		if depth, err = depthOf(in[1].Const); err != nil {
			return nil, err
		}
	}
	return oneType(v.DType, slices.Insert(slices.Clone(i.Shape), axis, depth)), nil
}

func depthOf(t *ir.Tensor) (int, error) {
	d := t.Floats()[0]
	if !(d >= 0 && d < 1<<31) {
		return 0, fmt.Errorf("depth %v", d)
	}
	return int(d), nil
}

// Eval turns on what each index names.
func (o *OneHot) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	depth, err := depthOf(in[1])
	if err != nil {
		return nil, err
	}
	axis, err := axisOf(o.Axis, len(in[0].Shape)+1)
	if err != nil {
		return nil, err
	}
	idx, strides := in[0].Floats(), ir.Strides(in[0].Shape)
	shape := slices.Insert(slices.Clone(in[0].Shape), axis, depth)
	return []*ir.Tensor{remap(in[2], shape, func(at []int) int {
		i := math.Trunc(idx[dot(at[:axis], strides[:axis])+dot(at[axis+1:], strides[axis:])])
		if i < 0 {
			i += float64(depth)
		}
		if i == float64(at[axis]) {
			return 1
		}
		return 0
	})}, nil
}

// Lower calls a kernel.
func (o *OneHot) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	shape := n.Out[0].Type.Shape
	axis, err := axisOf(o.Axis, len(shape))
	if err != nil {
		return nil, err
	}
	return callWide(b, n, "oneHot", shape[axis], ir.Size(shape[axis+1:]))
}

// Compress is https://onnx.ai/onnx/operators/onnx__Compress.html, version 11: it keeps the slices along the axis for
// which the condition holds. Slices beyond the condition are dropped.
type Compress struct {
	Axis *int `onnx:"axis"` // nil: the elements as a vector
}

// Name is the operator's ONNX name.
func (*Compress) Name() string { return "Compress" }

// flat returns the shape that the condition applies to and the axis.
func (c *Compress) flat(shape []int) ([]int, int, error) {
	if c.Axis == nil {
		return []int{times(shape...)}, 0, nil
	}
	axis, err := axisOf(*c.Axis, len(shape))
	return slices.Clone(shape), axis, err
}

// Infer returns as many slices as the condition keeps.
func (c *Compress) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	n, err := vectorLen(in[1], "the condition")
	if err != nil {
		return nil, err
	}
	if x.NoRank && c.Axis == nil {
		return oneType(x.DType, unknown(1)), nil
	}
	if x.NoRank {
		return noRank(x.DType), nil
	}
	shape, axis, err := c.flat(x.Shape)
	if err != nil {
		return nil, err
	}
	if d := shape[axis]; d >= 0 && n > d {
		return nil, fmt.Errorf("a condition of %d elements on an axis of length %d", n, d)
	}
	shape[axis] = -1
	if cond, ok := constInts(in, 1); ok {
		shape[axis] = len(kept(cond))
	}
	return oneType(x.DType, shape), nil
}

// kept lists where the condition holds.
func kept(cond []int) []int {
	out := []int{}
	for i, c := range cond {
		if c != 0 {
			out = append(out, i)
		}
	}
	return out
}

// Eval picks the slices.
func (c *Compress) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape, axis, err := c.flat(in[0].Shape)
	if err != nil {
		return nil, err
	}
	maps := identityMaps(shape)
	maps[axis] = kept(in[1].IntsAsInt())
	return []*ir.Tensor{pick(in[0].Reshape(shape...), maps, nil)}, nil
}

// Lower moves by a constant condition; another goes to a kernel.
func (c *Compress) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0]
	shape, axis, err := c.flat(x.Type.Shape)
	if err != nil {
		return nil, err
	}
	if cond, ok := constInts(n.In, 1); ok {
		maps := identityMaps(shape)
		maps[axis] = kept(cond)
		flat := &ir.Value{Type: ir.Type{DType: x.Type.DType, Shape: shape}}
		if m := boxes(flat, maps, nil, n.Out[0].Type.Shape); m != nil {
			return one(b.Add(m, x))
		}
	}
	return call(b, n, "compress", ir.Size(shape[:axis]), shape[axis], ir.Size(shape[axis+1:]))
}

// NonZero is https://onnx.ai/onnx/operators/onnx__NonZero.html, version 13: the indices of the elements that are not
// zero, an axis a row; a scalar has none.
type NonZero struct{}

// Name is the operator's ONNX name.
func (*NonZero) Name() string { return "NonZero" }

// Infer returns a matrix whose number of columns depends on the values.
func (*NonZero) Infer(in []*ir.Value) ([]ir.Type, error) {
	if in[0].Type.NoRank {
		return oneType(ir.Int64, unknown(2)), nil
	}
	return oneType(ir.Int64, []int{len(in[0].Type.Shape), -1}), nil
}

// Eval lists the indices in row-major order.
func (*NonZero) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	rows := make([][]int64, len(x.Shape))
	zero, i, count := zeros(x), 0, 0
	eachIndex(x.Shape, func(idx []int) {
		i++
		if zero[i-1] {
			return
		}
		count++
		for k, p := range idx {
			rows[k] = append(rows[k], int64(p))
		}
	})
	return []*ir.Tensor{ir.Of(ir.Int64, []int{len(rows), count}, slices.Concat(rows...))}, nil
}

func zeros(x *ir.Tensor) []bool {
	out := make([]bool, x.Len())
	switch v := x.Any().(type) {
	case []string:
		for i := range out {
			out[i] = v[i] == ""
		}
	case []complex64:
		for i := range out {
			out[i] = v[i] == 0
		}
	case []complex128:
		for i := range out {
			out[i] = v[i] == 0
		}
	default:
		for i, f := range x.Floats() {
			out[i] = f == 0
		}
	}
	return out
}

// Lower calls a kernel, which compares the number of indices with the declared one.
func (*NonZero) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return callWide(b, n, "nonZero", shapeOf(n.In[0]))
}
