package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var reshape = []Def{
	{Name: "Reshape", Since: 25, From: 5, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &Reshape{}},
	{Name: "Reshape", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		attrInts(b, n, "shape", 1)
		if len(n.In) < 2 {
			return nil, errors.New("attribute shape is required")
		}
		return nil, nil
	}},
	{Name: "Flatten", Since: 25, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &Flatten{}},
	{Name: "Squeeze", Since: 25, From: 13, In: Arity{1, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &Squeeze{}},
	{Name: "Squeeze", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		attrInts(b, n, "axes", 1)
		return nil, nil
	}},
	{Name: "Unsqueeze", Since: 25, From: 13, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &Unsqueeze{}},
	{Name: "Unsqueeze", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		attrInts(b, n, "axes", 1)
		if len(n.In) < 2 {
			return nil, errors.New("attribute axes is required")
		}
		return nil, nil
	}},
	{Name: "Shape", Since: 25, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &Shape{}},
	{Name: "Size", Since: 25, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &Size{}},
	{Name: "Expand", Since: 13, From: 8, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &Expand{}},
	{Name: "Transpose", Since: 25, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &Transpose{}},
}

// Reshape is https://onnx.ai/onnx/operators/onnx__Reshape.html, version 25.
type Reshape struct {
	AllowZero bool `onnx:"allowzero,0"` // a 0 in the shape is a dimension of 0, not the one of the input
}

// Name is the operator's ONNX name.
func (*Reshape) Name() string { return "Reshape" }

// Infer returns the wanted shape, with 0 and -1 replaced by what they stand for.
func (r *Reshape) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	n, err := vectorLen(in[1], "the shape")
	if err != nil {
		return nil, err
	}
	want, ok := constInts(in, 1)
	switch {
	case !ok && n < 0:
		return noRank(x.DType), nil
	case !ok:
		return oneType(x.DType, unknown(n)), nil
	}
	shape, err := r.resolve(x, want)
	return oneType(x.DType, shape), err
}

func (r *Reshape) resolve(x ir.Type, want []int) ([]int, error) {
	shape, open := slices.Clone(want), -1
	for i, d := range want {
		switch {
		case d == -1 && open >= 0:
			return nil, fmt.Errorf("the shape %v leaves two dimensions open", want)
		case d == -1:
			open = i
		case d < 0:
			return nil, fmt.Errorf("dimension %d of the shape %v", d, want)
		case d == 0 && !r.AllowZero && x.NoRank:
			shape[i] = -1
		case d == 0 && !r.AllowZero:
			if i >= len(x.Shape) {
				return nil, fmt.Errorf("the shape %v takes dimension %d of the input, which is %v", want, i, x)
			}
			shape[i] = x.Shape[i]
		}
	}
	if r.AllowZero && open >= 0 && slices.Contains(want, 0) {
		return nil, fmt.Errorf("the shape %v has both 0 and -1, which allowzero forbids", want)
	}
	if !x.Static() {
		return shape, nil
	}
	if open >= 0 {
		shape[open] = 1
		rest := ir.Size(shape)
		if rest == 0 || x.Len()%rest != 0 {
			return nil, fmt.Errorf("%v does not divide into the shape %v", x, want)
		}
		shape[open] = x.Len() / rest
	}
	if n := times(shape...); n >= 0 && n != x.Len() {
		return nil, fmt.Errorf("%v has %d elements, the shape %v has %d", x, x.Len(), want, n)
	}
	return shape, nil
}

// Eval returns the elements in the new shape.
func (r *Reshape) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape, err := r.resolve(in[0].Type(), in[1].IntsAsInt())
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{in[0].Reshape(shape...)}, nil
}

// Lower copies; a shape that is known only at run time is compared with the declared one.
func (r *Reshape) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if n.In[1].Const == nil {
		return call(b, n, "reshape", shapeOf(n.In[0]), shapeOf(n.Out[0]), r.AllowZero)
	}
	return lowCopy(b, n)
}

// lowCopy lowers an operator that only gives the elements another shape.
func lowCopy(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	return one(low.Copy(b, n.In[0], n.Out[0].Type.Shape...))
}

// Flatten is https://onnx.ai/onnx/operators/onnx__Flatten.html, version 25.
type Flatten struct {
	Axis int `onnx:"axis,1"` // from -rank to rank
}

// Name is the operator's ONNX name.
func (*Flatten) Name() string { return "Flatten" }

// Infer returns the product of the axes before Axis and that of the others.
func (f *Flatten) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return oneType(x.DType, unknown(2)), nil
	}
	a := f.Axis
	if a < 0 {
		a += len(x.Shape)
	}
	if a < 0 || a > len(x.Shape) {
		return nil, fmt.Errorf("axis %d of %v, it must be from %d to %d", f.Axis, x, -len(x.Shape), len(x.Shape))
	}
	return oneType(x.DType, []int{times(x.Shape[:a]...), times(x.Shape[a:]...)}), nil
}

// Eval returns the elements as a matrix.
func (f *Flatten) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	t, err := f.Infer([]*ir.Value{{Type: in[0].Type()}})
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{in[0].Reshape(t[0].Shape...)}, nil
}

// Lower copies.
func (*Flatten) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) { return lowCopy(b, n) }

// Squeeze is https://onnx.ai/onnx/operators/onnx__Squeeze.html, version 25.
type Squeeze struct{}

// Name is the operator's ONNX name.
func (*Squeeze) Name() string { return "Squeeze" }

// Infer drops the given axes, which must have length 1; without axes all of length 1.
func (s *Squeeze) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return noRank(x.DType), nil
	}
	if !has(in, 1) {
		if slices.Contains(x.Shape, -1) {
			return noRank(x.DType), nil
		}
		return oneType(x.DType, slices.DeleteFunc(slices.Clone(x.Shape), func(d int) bool { return d == 1 })), nil
	}
	n, err := axesLen(in[1])
	if err != nil {
		return nil, err
	}
	axes, ok := constInts(in, 1)
	switch {
	case !ok && n < 0:
		return noRank(x.DType), nil
	case !ok && n > len(x.Shape):
		return nil, fmt.Errorf("%d axes of %v", n, x)
	case !ok:
		return oneType(x.DType, unknown(len(x.Shape)-n)), nil
	}
	shape, err := squeezed(x.Shape, axes)
	return oneType(x.DType, shape), err
}

func squeezed(shape, axes []int) ([]int, error) {
	axes, err := axesOf(axes, len(shape))
	if err != nil {
		return nil, err
	}
	out := []int{}
	for i, d := range shape {
		if !slices.Contains(axes, i) {
			out = append(out, d)
		} else if d != 1 && d != -1 {
			return nil, fmt.Errorf("axis %d has length %d, only axes of length 1 can be squeezed", i, d)
		}
	}
	return out, nil
}

// Eval returns the elements in the shape without the axes.
func (s *Squeeze) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape := slices.DeleteFunc(slices.Clone(in[0].Shape), func(d int) bool { return d == 1 })
	if has(in, 1) {
		var err error
		if shape, err = squeezed(in[0].Shape, in[1].IntsAsInt()); err != nil {
			return nil, err
		}
	}
	return []*ir.Tensor{in[0].Reshape(shape...)}, nil
}

// Lower copies; axes known only at run time are checked against the declared shape.
func (s *Squeeze) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if has(n.In, 1) && n.In[1].Const == nil {
		return call(b, n, "squeeze", shapeOf(n.In[0]), shapeOf(n.Out[0]))
	}
	return lowCopy(b, n)
}

// Unsqueeze is https://onnx.ai/onnx/operators/onnx__Unsqueeze.html, version 25.
type Unsqueeze struct{}

// Name is the operator's ONNX name.
func (*Unsqueeze) Name() string { return "Unsqueeze" }

// Infer inserts axes of length 1; the axes count in the result.
func (u *Unsqueeze) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	n, err := axesLen(in[1])
	if err != nil {
		return nil, err
	}
	axes, ok := constInts(in, 1)
	switch {
	case x.NoRank || !ok && n < 0:
		return noRank(x.DType), nil
	case !ok:
		return oneType(x.DType, unknown(len(x.Shape)+n)), nil
	}
	shape, err := unsqueezed(x.Shape, axes)
	return oneType(x.DType, shape), err
}

func unsqueezed(shape, axes []int) ([]int, error) {
	axes, err := axesOf(axes, len(shape)+len(axes))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(shape)
	for _, a := range axes {
		out = slices.Insert(out, a, 1)
	}
	return out, nil
}

// Eval returns the elements in the shape with the axes.
func (u *Unsqueeze) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape, err := unsqueezed(in[0].Shape, in[1].IntsAsInt())
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{in[0].Reshape(shape...)}, nil
}

// Lower copies; axes known only at run time are checked against the declared shape.
func (u *Unsqueeze) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if n.In[1].Const == nil {
		return call(b, n, "unsqueeze", shapeOf(n.In[0]), shapeOf(n.Out[0]))
	}
	return lowCopy(b, n)
}

// Transpose is https://onnx.ai/onnx/operators/onnx__Transpose.html, version 25.
type Transpose struct {
	Perm []int `onnx:"perm"` // nil: the axes in reverse order
}

// Name is the operator's ONNX name.
func (*Transpose) Name() string { return "Transpose" }

func (t *Transpose) perm(rank int) ([]int, error) {
	if t.Perm == nil {
		p := allAxes(rank)
		slices.Reverse(p)
		return p, nil
	}
	p := slices.Sorted(slices.Values(t.Perm))
	if !slices.Equal(p, allAxes(rank)) {
		return nil, fmt.Errorf("perm %v is not a permutation of %d axes", t.Perm, rank)
	}
	return t.Perm, nil
}

// Infer permutes the dimensions.
func (t *Transpose) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return noRank(x.DType), nil
	}
	perm, err := t.perm(len(x.Shape))
	if err != nil {
		return nil, err
	}
	return oneType(x.DType, permuted(x.Shape, perm)), nil
}

func permuted(x, perm []int) []int {
	out := make([]int, len(perm))
	for i, p := range perm {
		out[i] = x[p]
	}
	return out
}

// Eval permutes the axes.
func (t *Transpose) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	perm, err := t.perm(len(x.Shape))
	if err != nil {
		return nil, err
	}
	strides := permuted(ir.Strides(x.Shape), perm)
	return []*ir.Tensor{remap(x, permuted(x.Shape, perm), func(idx []int) int { return dot(idx, strides) })}, nil
}

// Lower moves.
func (t *Transpose) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	perm, err := t.perm(len(n.In[0].Type.Shape))
	if err != nil {
		return nil, err
	}
	return one(low.Transpose(b, n.In[0], perm...))
}
