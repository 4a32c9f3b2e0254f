package op

import (
	"errors"
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var generate = []Def{
	{Name: "ConstantOfShape", Since: 25, From: 9, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Int64s}, Proto: &ConstantOfShape{}},
	{Name: "Range", Since: 27, From: 11, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Floats | Ints}, Proto: &Range{}},
	{Name: "EyeLike", Since: 22, From: 9, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Numbers | Bools}, Proto: &EyeLike{}},
	{Name: "HannWindow", Since: 17, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Indices}, Proto: &CosineWindow{name: "HannWindow", a0: 0.5, a1: 0.5}},
	{Name: "HammingWindow", Since: 17, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Indices}, Proto: &CosineWindow{name: "HammingWindow", a0: 25.0 / 46, a1: 21.0 / 46}},
	{Name: "BlackmanWindow", Since: 17, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Indices}, Proto: &CosineWindow{name: "BlackmanWindow", a0: 0.42, a1: 0.5, a2: 0.08}},
	random("RandomNormal", 0), random("RandomNormalLike", 1), random("RandomUniform", 0), random("RandomUniformLike", 1),
	random("Bernoulli", 1), random("Multinomial", 1),
}

// maxGenerated bounds what an operator makes out of nothing.
const maxGenerated = math.MaxInt32

// Random is an operator with random results: they are not reproducible, so it is rejected.
type Random struct {
	DType      int      `onnx:"dtype"`
	High       float32  `onnx:"high"`
	Low        float32  `onnx:"low"`
	Mean       float32  `onnx:"mean"`
	Scale      float32  `onnx:"scale"`
	Seed       *float32 `onnx:"seed"`
	Shape      []int    `onnx:"shape"`
	SampleSize int      `onnx:"sample_size"`
	name       string
}

func random(name string, inputs int) Def {
	return Def{Name: name, Since: 22, From: 1, In: Arity{inputs, inputs}, Out: Arity{1, 1}, Proto: &Random{name: name}}
}

var errRandom = errors.New("random results are not supported: give the model the values as an input or a constant")

// Name is the operator's ONNX name.
func (o *Random) Name() string { return o.name }

// Infer rejects the operator.
func (*Random) Infer([]*ir.Value) ([]ir.Type, error) { return nil, errRandom }

// Eval rejects the operator.
func (*Random) Eval([]*ir.Tensor) ([]*ir.Tensor, error) { return nil, errRandom }

// Lower rejects the operator.
func (*Random) Lower(*ir.Builder, *ir.Node) ([]*ir.Value, error) { return nil, errRandom }

// ConstantOfShape is https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html, version 25.
type ConstantOfShape struct {
	Value *ir.Tensor `onnx:"value"` // one element; nil: float 0
}

// Name is the operator's ONNX name.
func (*ConstantOfShape) Name() string { return "ConstantOfShape" }

func (o *ConstantOfShape) dtype() ir.DType {
	if o.Value == nil {
		return ir.Float32
	}
	return o.Value.DType
}

// Infer reads a constant shape; the length of any other gives the rank.
func (o *ConstantOfShape) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.Value != nil && o.Value.Len() != 1 {
		return nil, fmt.Errorf("attribute value is %v, want one element", o.Value.Type())
	}
	if shape, ok := constInts(in, 0); ok {
		return oneType(o.dtype(), shape), generated(shape)
	}
	n, err := vectorLen(in[0], "the shape")
	if err != nil || n < 0 {
		return noRank(o.dtype()), err
	}
	return oneType(o.dtype(), unknown(n)), nil
}

func generated(shape []int) error {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d > 0 && n > maxGenerated/d {
			return fmt.Errorf("shape %v has more than %d elements", shape, maxGenerated)
		}
		n *= max(d, 1)
	}
	return nil
}

// Eval repeats the value.
func (o *ConstantOfShape) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape := in[0].IntsAsInt()
	if err := generated(shape); err != nil {
		return nil, err
	}
	if o.Value == nil {
		return []*ir.Tensor{ir.NewTensor(ir.Float32, shape...)}, nil
	}
	return []*ir.Tensor{o.Value.Gather(shape, func(int) int { return 0 })}, nil
}

// Lower expands a constant; a run-time shape is compared with the static one by the kernel zerosOfShape.
func (o *ConstantOfShape) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	t := n.Out[0].Type
	value := o.Value
	if value == nil {
		value = ir.NewTensor(ir.Float32)
	}
	if n.In[0].Const != nil {
		return one(low.Expand(b, b.Const(value.Reshape()), t.Shape))
	}
	if err := static(n); err != nil {
		return nil, err
	}
	zero := &ConstantOfShape{Value: ir.NewTensor(t.DType, 1)}
	y := callOn(b, zero, "zerosOfShape", t, n.In, shapeOf(n.Out[0]))
	switch x, ok := uniform(value); {
	case ok && x == 0:
	case t.DType == ir.Bool:
		y = low.Elementwise(b, "not(x0)", y)
	case inMap(t.DType):
		y = low.Elementwise(b, "add(x0,x1)", y, b.Const(value.Reshape()))
	default:
		return nil, fmt.Errorf("%v of a shape known only at run time is not compiled, but for zeros", t.DType)
	}
	return one(y)
}

// Range is https://onnx.ai/onnx/operators/onnx__Range.html, version 27: element i is start + i·delta, rounded once.
type Range struct {
	StashType int `onnx:"stash_type,1"`
}

// Name is the operator's ONNX name.
func (*Range) Name() string { return "Range" }

// Infer counts the elements of constant operands.
func (o *Range) Infer(in []*ir.Value) ([]ir.Type, error) {
	if _, err := stash(o.StashType); err != nil {
		return nil, err
	}
	if err := sameElements(in...); err != nil {
		return nil, err
	}
	known := true
	args := make([]*ir.Tensor, 3)
	for i, v := range in {
		if v.Type.Static() && v.Type.Len() != 1 {
			return nil, scalarError([]string{"start", "limit", "delta"}[i], v.Type)
		}
		args[i] = v.Const
		known = known && v.Const != nil
	}
	n, err := -1, error(nil)
	if known {
		n, err = rangeLen(args)
	}
	return oneType(in[0].Type.DType, []int{n}), err
}

// rangeLen is max(0, ceil((limit - start) / delta)).
func rangeLen(in []*ir.Tensor) (int, error) {
	count := 0.0
	if in[0].DType.IsInt() {
		start, limit, delta := in[0].Ints()[0], in[1].Ints()[0], in[2].Ints()[0]
		span, step := uint64(limit)-uint64(start), uint64(delta)
		if delta < 0 {
			start, limit, span, step = limit, start, -span, -step
		}
		if limit > start && delta != 0 {
			count = float64((span-1)/step) + 1
		}
	} else {
		count = max(0, math.Ceil((in[1].At(0)-in[0].At(0))/in[2].At(0)))
	}
	switch {
	case in[2].At(0) == 0:
		return 0, errors.New("delta is 0")
	case !(count <= maxGenerated):
		return 0, fmt.Errorf("%v elements, more than %d", count, maxGenerated)
	}
	return int(count), nil
}

// Eval counts up from start.
func (o *Range) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	n, err := rangeLen(in)
	if err != nil {
		return nil, err
	}
	d := in[0].DType
	out := ir.NewTensor(d, n)
	for i := range n {
		if d.IsInt() {
			out.SetInt(i, in[0].Ints()[0]+int64(i)*in[2].Ints()[0])
		} else {
			out.SetFloat(i, in[0].At(0)+float64(float64(i)*in[2].At(0)))
		}
	}
	return []*ir.Tensor{out}, nil
}

// Lower makes a constant, or calls a kernel that checks the number of elements.
func (o *Range) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if y, err := constantResult(b, n); y != nil || err != nil {
		return y, err
	}
	if err := static(n); err != nil {
		return nil, err
	}
	d := n.Out[0].Type.DType
	in := make([]*ir.Value, 3)
	for i, v := range n.In {
		if in[i] = v; d.IsFloat() {
			in[i] = computeIn(b, v)
		}
	}
	fn := "rangeInts"
	if d.IsFloat() {
		fn = "rangeFloats"
	}
	t := ir.Type{DType: in[0].Type.DType, Shape: n.Out[0].Type.Shape}
	return one(castTo(b, callOn(b, n.Op, fn, t, in), d))
}

// constantResult returns the result of a node whose inputs are all constant as a copy of a constant, nil if they are not.
func constantResult(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	in := make([]*ir.Tensor, len(n.In))
	for i, v := range n.In {
		if v.Const == nil {
			return nil, nil
		}
		in[i] = v.Const
	}
	out, err := n.Op.Eval(in)
	if err != nil {
		return nil, err
	}
	return one(low.Copy(b, b.Const(out[0]), out[0].Shape...))
}

// EyeLike is https://onnx.ai/onnx/operators/onnx__EyeLike.html, version 22.
type EyeLike struct {
	DType ir.DType `onnx:"dtype"` // Undefined: the input's
	K     int      `onnx:"k,0"`
}

// Name is the operator's ONNX name.
func (*EyeLike) Name() string { return "EyeLike" }

// Infer returns the shape of the input.
func (o *EyeLike) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, _ := alike(in, 1)
	if !t[0].NoRank && len(t[0].Shape) != 2 {
		return nil, fmt.Errorf("%v is %v, want a matrix", in[0], in[0].Type)
	}
	if o.DType != ir.Undefined {
		t[0].DType = o.DType
	}
	if !(Numbers | Bools).has(t[0].DType) {
		return nil, fmt.Errorf("attribute dtype is %v, want one of %v", t[0].DType, Numbers|Bools)
	}
	return t, nil
}

// Eval puts ones on a diagonal.
func (o *EyeLike) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	d := o.DType
	if d == ir.Undefined {
		d = in[0].DType
	}
	return []*ir.Tensor{o.eye(d, in[0].Shape)}, nil
}

func (o *EyeLike) eye(d ir.DType, shape []int) *ir.Tensor {
	out := ir.NewTensor(d, shape...)
	for i := range shape[0] {
		if j := i + o.K; j >= 0 && j < shape[1] {
			out.SetInt(i*shape[1]+j, 1)
		}
	}
	return out
}

// Lower makes a constant.
func (o *EyeLike) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	t := n.Out[0].Type
	return one(low.Copy(b, b.Const(o.eye(t.DType, t.Shape)), t.Shape...))
}

// CosineWindow is https://onnx.ai/onnx/operators/onnx__HannWindow.html, onnx__HammingWindow.html and
// onnx__BlackmanWindow.html, version 17: a0 - a1 cos(t) + a2 cos(2t), t = 2 pi i/n, n the size, less 1 unless periodic.
type CosineWindow struct {
	OutputDatatype ir.DType `onnx:"output_datatype,1"`
	Periodic       bool     `onnx:"periodic,1"`
	name           string
	a0, a1, a2     float64
}

// Name is the operator's ONNX name.
func (o *CosineWindow) Name() string { return o.name }

// Infer reads a constant size.
func (o *CosineWindow) Infer(in []*ir.Value) ([]ir.Type, error) {
	if !Numbers.has(o.OutputDatatype) {
		return nil, fmt.Errorf("attribute output_datatype is %v, want one of %v", o.OutputDatatype, Numbers)
	}
	size := in[0]
	if size.Type.Static() && size.Type.Len() != 1 {
		return nil, scalarError("size", size.Type)
	}
	n := -1
	if size.Const != nil {
		n = size.Const.IntsAsInt()[0]
		if n < 0 || n > maxGenerated {
			return nil, fmt.Errorf("size is %d", n)
		}
	}
	return oneType(o.OutputDatatype, []int{n}), nil
}

// Eval computes in float64.
func (o *CosineWindow) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	size := in[0].IntsAsInt()[0]
	if size < 0 || size > maxGenerated {
		return nil, fmt.Errorf("size is %d", size)
	}
	n := float64(size)
	if !o.Periodic {
		n--
	}
	x := make([]float64, size)
	for i := range x {
		t := 2 * math.Pi * float64(i) / n
		x[i] = o.a0 - float64(o.a1*low.Cos64(t)) + float64(o.a2*low.Cos64(2*t))
	}
	return []*ir.Tensor{ir.FromFloats(o.OutputDatatype, []int{size}, x)}, nil
}

// Lower makes a constant, or calls a kernel that checks the size.
func (o *CosineWindow) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if y, err := constantResult(b, n); y != nil || err != nil {
		return y, err
	}
	if err := static(n); err != nil {
		return nil, err
	}
	wide := *o
	wide.OutputDatatype = ir.Float64
	t := ir.Type{DType: ir.Float64, Shape: n.Out[0].Type.Shape}
	return one(castTo(b, callOn(b, &wide, "window", t, n.In, o.a0, o.a1, o.a2, o.Periodic), o.OutputDatatype))
}
