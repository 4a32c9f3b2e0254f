package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var slice = []Def{
	{Name: "Slice", Since: 13, From: 10, In: Arity{3, 5}, Out: Arity{1, 1}, Types: []Types{Any, Indices}, Proto: &Slice{}},
	{Name: "Slice", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		attrInts(b, n, "starts", 1)
		attrInts(b, n, "ends", 2)
		attrInts(b, n, "axes", 3)
		if !has(n.In, 1) || !has(n.In, 2) {
			return nil, errors.New("attributes starts and ends are required")
		}
		return nil, nil
	}},
	{Name: "Split", Since: 18, In: Arity{1, 2}, Out: Arity{1, -1}, Types: []Types{Any, Int64s}, Proto: &Split{}},
	{Name: "Split", Since: 13, In: Arity{1, 2}, Out: Arity{1, -1}, Types: []Types{Any, Int64s}, Upgrade: upgradeSplit},
	{Name: "Split", Since: 2, In: Arity{1, 1}, Out: Arity{1, -1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		attrInts(b, n, "split", 1)
		return nil, nil
	}},
	{Name: "Split", Since: 1, In: Arity{1, 2}, Out: Arity{1, -1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		if !has(n.In, 1) {
			return nil, nil
		}
		if n.In[1].Const == nil {
			return nil, errors.New("input split of Split-1 must be constant")
		}
		n.In[1] = b.Ints(n.In[1].Const.IntsAsInt()...)
		return nil, nil
	}},
	{Name: "Concat", Since: 13, From: 4, In: Arity{1, -1}, Out: Arity{1, 1}, Proto: &Concat{}},
	{Name: "Concat", Since: 1, In: Arity{1, -1}, Out: Arity{1, 1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		n.Attrs["axis"] = Take(n, "axis", int64(1))
		return nil, nil
	}},
}

// Slice is https://onnx.ai/onnx/operators/onnx__Slice.html, version 13. Its inputs are the value, starts, ends, axes
// (default: the first ones) and steps (default: 1).
type Slice struct{}

// Name is the operator's ONNX name.
func (*Slice) Name() string { return "Slice" }

// Infer returns the number of elements that each axis keeps.
func (s *Slice) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return noRank(x.DType), nil
	}
	for i := 1; i < len(in); i++ {
		if in[i] == nil {
			continue
		}
		if n, err := vectorLen(in[i], "the list"); err != nil {
			return nil, err
		} else if m, _ := vectorLen(in[1], "starts"); n >= 0 && m >= 0 && n != m {
			return nil, fmt.Errorf("%d elements in %v, %d in starts", n, in[i], m)
		}
		if in[i].Type.DType != in[1].Type.DType {
			return nil, fmt.Errorf("%v is %v, starts are %v", in[i], in[i].Type, in[1].Type)
		}
	}
	lists := make([][]int, 5)
	known := true
	for i := 1; i < len(in); i++ {
		var ok bool
		lists[i], ok = constInts(in, i)
		known = known && ok
	}
	shape := slices.Clone(x.Shape)
	axes, ok := constInts(in, 3)
	if !known && !ok {
		return oneType(x.DType, unknown(len(shape))), nil
	}
	if !has(in, 3) {
		n, _ := vectorLen(in[1], "starts")
		if n < 0 {
			return oneType(x.DType, unknown(len(shape))), nil
		}
		axes = allAxes(n)
	}
	axes, err := eachAxis(axes, len(shape))
	if err != nil {
		return nil, err
	}
	if !known {
		for _, a := range axes {
			shape[a] = -1
		}
		return oneType(x.DType, shape), nil
	}
	for i, a := range axes {
		sp, err := spanOf(lists, i, shape[a])
		if err != nil {
			return nil, err
		}
		shape[a] = sp.n
	}
	return oneType(x.DType, shape), nil
}

// A span is n elements of an axis.
type span struct{ start, step, n int }

// spanOf is what entry i of the operands leaves of an axis of length d, -1 if that is unknown.
func spanOf(lists [][]int, i, d int) (span, error) {
	if len(lists[1]) != len(lists[2]) || i >= len(lists[1]) || lists[4] != nil && i >= len(lists[4]) {
		return span{}, fmt.Errorf("%d starts, %d ends, %d steps", len(lists[1]), len(lists[2]), len(lists[4]))
	}
	start, end, step := lists[1][i], lists[2][i], 1
	if lists[4] != nil {
		step = lists[4][i]
	}
	if step == 0 {
		return span{}, errors.New("step 0")
	}
	if d < 0 {
		return span{n: -1}, nil
	}
	if start < 0 {
		start += d
	}
	if end < 0 {
		end += d
	}
	if step > 0 {
		step = min(step, d+1) // longer steps mean the same and could overflow
		start, end = min(max(start, 0), d), min(max(end, 0), d)
		return span{start, step, max(0, (end-start+step-1)/step)}, nil
	}
	step = max(step, -d-1)
	start, end = max(min(start, d-1), 0), max(min(end, d-1), -1)
	if d == 0 {
		return span{0, step, 0}, nil
	}
	return span{start, step, max(0, (start-end-step-1)/-step)}, nil
}

// maps returns which elements stay, axis by axis.
func (s *Slice) maps(shape []int, lists [][]int) ([][]int, error) {
	axes := lists[3]
	if axes == nil {
		axes = allAxes(len(lists[1]))
	}
	axes, err := eachAxis(axes, len(shape))
	if err != nil {
		return nil, err
	}
	maps := identityMaps(shape)
	for i, a := range axes {
		sp, err := spanOf(lists, i, shape[a])
		if err != nil {
			return nil, err
		}
		maps[a] = counting(sp.start, sp.step, sp.n)
	}
	return maps, nil
}

// Eval picks the elements.
func (s *Slice) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	maps, err := s.maps(in[0].Shape, [][]int{nil, intsAt(in, 1), intsAt(in, 2), intsAt(in, 3), intsAt(in, 4)})
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{pick(in[0], maps, nil)}, nil
}

// Lower moves; operands that are known only at run time go to a kernel.
func (s *Slice) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	lists := make([][]int, 5)
	for i := 1; i < len(n.In); i++ {
		var ok bool
		if lists[i], ok = constInts(n.In, i); !ok {
			return call(b, n, sliceKernel(n.In), shapeOf(n.In[0]), shapeOf(n.Out[0]))
		}
	}
	maps, err := s.maps(n.In[0].Type.Shape, lists)
	if err != nil {
		return nil, err
	}
	return one(lowPick(b, n.In[0], maps, nil, n.Out[0].Type.Shape))
}

// sliceKernel names the kernel for the operands that a node has, which are all of one type.
func sliceKernel(in []*ir.Value) string {
	return []string{"sliceAll", "sliceAxes", "sliceSteps"}[len(in)-3]
}

// Concat is https://onnx.ai/onnx/operators/onnx__Concat.html, version 13.
type Concat struct {
	Axis int `onnx:"axis,-9223372036854775808"`
}

// Name is the operator's ONNX name.
func (*Concat) Name() string { return "Concat" }

// Infer adds up the lengths of the axis; all other dimensions must be equal.
func (c *Concat) Infer(in []*ir.Value) ([]ir.Type, error) {
	if c.Axis == required {
		return nil, errors.New("attribute axis is required")
	}
	if slices.Contains(in, nil) {
		return nil, errors.New("an input is omitted")
	}
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	var first *ir.Value
	for _, v := range in {
		if !v.Type.NoRank && first == nil {
			first = v
		}
	}
	if first == nil {
		return noRank(in[0].Type.DType), nil
	}
	shape := slices.Clone(first.Type.Shape)
	axis, err := axisOf(c.Axis, len(shape))
	if err != nil {
		return nil, err
	}
	var along []int
	for _, v := range in {
		if v.Type.NoRank {
			along = append(along, -1)
			continue
		}
		if len(v.Type.Shape) != len(shape) {
			return nil, fmt.Errorf("%v is %v and %v is %v, they must have as many dimensions", first, first.Type, v, v.Type)
		}
		along = append(along, v.Type.Shape[axis])
		for i, d := range v.Type.Shape {
			if i == axis || d < 0 {
				continue
			}
			if shape[i] >= 0 && shape[i] != d {
				return nil, fmt.Errorf("%v is %v and %v is %v, they may differ in axis %d only", first, first.Type, v, v.Type, axis)
			}
			shape[i] = d
		}
	}
	shape[axis] = 0
	for _, d := range along {
		if d < 0 {
			shape[axis] = -1
			break
		}
		shape[axis] += d
	}
	return oneType(first.Type.DType, shape), nil
}

// Eval copies one input after the other.
func (c *Concat) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	axis, err := axisOf(c.Axis, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(in[0].Shape)
	for _, t := range in[1:] {
		shape[axis] += t.Shape[axis]
	}
	out := ir.NewTensor(in[0].DType, shape...)
	strides, base := ir.Strides(shape), 0
	for _, t := range in {
		i := 0
		eachIndex(t.Shape, func(idx []int) {
			out.CopyElem(base+dot(idx, strides), t, i)
			i++
		})
		base += t.Shape[axis] * strides[axis]
	}
	return []*ir.Tensor{out}, nil
}

// Lower moves.
func (c *Concat) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	axis, err := axisOf(c.Axis, len(n.In[0].Type.Shape))
	if err != nil {
		return nil, err
	}
	return one(low.Concat(b, axis, n.In...))
}
