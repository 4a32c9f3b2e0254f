package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var quantize = []Def{
	{Name: "QuantizeLinear", Since: 25, From: 10, In: Arity{2, 3}, Out: Arity{1, 1},
		Types: []Types{halfToFloat | Of(ir.Int32), halfToFloat | Of(ir.Int32, ir.Float8E8M0), quantized}, Proto: &QuantizeLinear{}},
	{Name: "DequantizeLinear", Since: 25, From: 10, In: Arity{2, 3}, Out: Arity{1, 1},
		Types: []Types{quantized | Of(ir.Int32), halfToFloat | Of(ir.Float8E8M0), quantized | Of(ir.Int32)}, Proto: &DequantizeLinear{}},
	{Name: "DynamicQuantizeLinear", Since: 11, In: Arity{1, 1}, Out: Arity{3, 3}, Types: []Types{Of(ir.Float32)}, Proto: &DynamicQuantizeLinear{}},
	{Name: "QLinearMatMul", Since: 21, From: 10, In: Arity{8, 8}, Out: Arity{1, 1},
		Types: []Types{bytesOf, halfToFloat, bytesOf, bytesOf, halfToFloat, bytesOf, halfToFloat, bytesOf}, Proto: &QLinearMatMul{}},
	{Name: "QLinearConv", Since: 10, In: Arity{8, 9}, Out: Arity{1, 1},
		Types: []Types{bytesOf, Of(ir.Float32), bytesOf, bytesOf, Of(ir.Float32), bytesOf, Of(ir.Float32), bytesOf, Of(ir.Int32)}, Proto: &QLinearConv{}},
}

var (
	halfToFloat = Of(ir.Float16, ir.BFloat16, ir.Float32)
	quantized   = Of(ir.Int2, ir.Int4, ir.Int8, ir.Int16, ir.Uint2, ir.Uint4, ir.Uint8, ir.Uint16,
		ir.Float8E4M3FN, ir.Float8E4M3FNUZ, ir.Float8E5M2, ir.Float8E5M2FNUZ, ir.Float4E2M1)
)

// Grain is the attributes that say which elements share a scale: all, if it has one element; those at the same index
// of an axis, if it is a vector; or blocks along the axis.
type Grain struct {
	Axis      int `onnx:"axis,1"`
	BlockSize int `onnx:"block_size,0"`
}

// axis checks that scales of the given shape are for x and returns the axis, -1 for one scale; rank is known.
func (g *Grain) axis(x, scale []int) (int, error) {
	if len(scale) == 0 || len(scale) == 1 && (scale[0] == 1 || len(x) == 0) {
		return -1, nil
	}
	axis := g.Axis
	if len(x) == 1 {
		axis = 0
	}
	axis, err := axisOf(axis, len(x))
	if err != nil {
		return 0, fmt.Errorf("attribute %w", err)
	}
	if g.BlockSize < 0 {
		return 0, fmt.Errorf("attribute block_size is %d, wanted at least 1, or 0 without blocks", g.BlockSize)
	}
	want := []int{x[axis]}
	if g.BlockSize > 0 {
		want = slices.Clone(x)
		if want[axis] >= 0 {
			want[axis] = (want[axis] + g.BlockSize - 1) / g.BlockSize
		}
	}
	ok := len(want) == len(scale)
	for i := 0; ok && i < len(want); i++ {
		ok = want[i] == scale[i] || want[i] < 0 || scale[i] < 0
	}
	if !ok {
		return 0, fmt.Errorf("the scale has the shape %v, wanted one element or %v for the input %v (axis %d, block_size %d)", scale, want, x, axis, g.BlockSize)
	}
	return axis, nil
}

// check is Infer's part of axis; it also checks that the zero point has the shape of the scale.
func (g *Grain) check(in []*ir.Value) error {
	if in[0].Type.NoRank || in[1].Type.NoRank {
		return nil
	}
	if _, err := g.axis(in[0].Type.Shape, in[1].Type.Shape); err != nil {
		return err
	}
	if len(in) < 3 || in[2] == nil {
		return nil
	}
	if z, s := in[2].Type, in[1].Type; z.Static() && s.Static() && z.Len() != s.Len() {
		return fmt.Errorf("the zero point is %v, the scale %v; they must have one shape", z, s)
	}
	return nil
}

// aligned returns a scale or zero point for every element of x.
func (g *Grain) aligned(t *ir.Tensor, x []int) ([]float64, error) {
	axis, err := g.axis(x, t.Shape)
	if err != nil {
		return nil, err
	}
	s, own := t.Floats(), ir.Strides(t.Shape)
	out := make([]float64, ir.Size(x))
	full := ir.Strides(x)
	for i := range out {
		at := 0
		switch {
		case axis < 0:
		case g.BlockSize == 0:
			at = i / full[axis] % x[axis]
		default:
			for a := range x {
				k := i / full[a] % x[a]
				if a == axis {
					k /= g.BlockSize
				}
				at += k * own[a]
			}
		}
		out[i] = s[at]
	}
	return out, nil
}

// align brings a scale or zero point into a shape that broadcasts to x.
func (g *Grain) align(b *ir.Builder, v *ir.Value, x []int) (*ir.Value, error) {
	axis, err := g.axis(x, v.Type.Shape)
	switch {
	case err != nil:
		return nil, err
	case axis < 0:
		return reshaped(b, v, []int{}), nil
	case g.BlockSize == 0:
		shape := slices.Repeat([]int{1}, len(x))
		shape[axis] = x[axis]
		return reshaped(b, v, shape), nil
	}
	blocks := slices.Insert(slices.Clone(v.Type.Shape), axis+1, 1)
	v = low.Copy(b, v, blocks...)
	blocks[axis+1] = g.BlockSize
	v = low.Expand(b, v, blocks)
	long := slices.Clone(x)
	long[axis] = blocks[axis] * g.BlockSize
	v = low.Copy(b, v, long...)
	return low.Slice(b, v, make([]int, len(x)), slices.Repeat([]int{1}, len(x)), x), nil
}

// QuantizeLinear is https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html, version 25: x divided by the scale in the
// precision asked for (that of the scale by default), for integers rounded half to even, plus the zero point, brought
// into the range of the result; NaN gives 0. An 8-bit float has no zero point.
type QuantizeLinear struct {
	Grain
	OutputDType ir.DType `onnx:"output_dtype"`
	Precision   ir.DType `onnx:"precision"`
	Saturate    bool     `onnx:"saturate,1"`
}

// Name is the operator's ONNX name.
func (*QuantizeLinear) Name() string { return "QuantizeLinear" }

// Infer checks scale and zero point.
func (o *QuantizeLinear) Infer(in []*ir.Value) ([]ir.Type, error) {
	t := in[0].Type
	t.DType = ir.Uint8
	if o.OutputDType != ir.Undefined {
		t.DType = o.OutputDType
	}
	if len(in) > 2 && in[2] != nil {
		if d := in[2].Type.DType; o.OutputDType != ir.Undefined && d != o.OutputDType {
			return nil, fmt.Errorf("attribute output_dtype is %v, the zero point %v", o.OutputDType, d)
		}
		t.DType = in[2].Type.DType
	}
	if !quantized.has(t.DType) {
		return nil, fmt.Errorf("attribute output_dtype is %v, wanted one of %v", t.DType, quantized)
	}
	if p := o.Precision; p != ir.Undefined && !Floats.has(p) {
		return nil, fmt.Errorf("attribute precision is %v, wanted a floating-point type", p)
	}
	return []ir.Type{t}, o.check(in)
}

// precision is the type that the division is rounded to.
func (o *QuantizeLinear) precision(scale ir.DType) ir.DType {
	switch {
	case o.Precision != ir.Undefined:
		return o.Precision
	case Floats.has(scale):
		return scale
	}
	return ir.Float32
}

// roundTo rounds every element to a type.
func roundTo(d ir.DType, x []float64) []float64 { return ir.FromFloats(d, []int{len(x)}, x).Floats() }

// Eval rounds the quotient to the precision.
func (o *QuantizeLinear) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	p := o.precision(in[1].DType)
	s, err := o.aligned(in[1], x.Shape)
	if err != nil {
		return nil, err
	}
	d, zero := ir.Uint8, make([]float64, x.Len())
	if o.OutputDType != ir.Undefined {
		d = o.OutputDType
	}
	if len(in) > 2 && in[2] != nil {
		d = in[2].DType
		if zero, err = o.aligned(in[2], x.Shape); err != nil {
			return nil, err
		}
	}
	q, s := roundTo(p, x.Floats()), roundTo(p, s)
	for i := range q {
		q[i] /= s[i]
	}
	q = roundTo(p, q)
	if !d.IsInt() {
		y := ir.FromFloats(ir.Float64, x.Shape, q)
		return (&Cast{To: d, Saturate: o.Saturate, RoundMode: "up"}).Eval([]*ir.Tensor{y})
	}
	for i := range q {
		q[i] = math.RoundToEven(q[i]) + zero[i]
	}
	return []*ir.Tensor{ir.FromFloats(d, x.Shape, q)}, nil
}

// Lower makes Maps, and for 8-bit and narrower floats a Cast.
func (o *QuantizeLinear) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x, d := n.In[0], n.Out[0].Type.DType
	p := o.precision(n.In[1].Type.DType)
	s, err := o.align(b, mappable(b, n.In[1]), x.Type.Shape)
	if err != nil {
		return nil, err
	}
	q := low.Call(castName(p), low.Call("div", low.Call(castName(p), low.X(0)), low.Call(castName(p), low.X(1))))
	if !d.IsInt() {
		c := &Cast{To: d, Saturate: o.Saturate, RoundMode: "up"}
		return c.Lower(b, &ir.Node{Op: c, In: []*ir.Value{b.Add(&low.Map{Expr: q}, x, s)}, Out: n.Out})
	}
	q = low.Call("cast_double", low.Call("round", q))
	in := []*ir.Value{x, s}
	if len(n.In) > 2 && n.In[2] != nil {
		z, err := o.align(b, n.In[2], x.Type.Shape)
		if err != nil {
			return nil, err
		}
		in = append(in, z)
		q = low.Call("add", q, low.Call("cast_double", low.X(2)))
	}
	return []*ir.Value{b.Add(&low.Map{Expr: low.Call(castName(d), q)}, in...)}, nil
}

func castName(d ir.DType) string { return "cast_" + d.String() }

// DequantizeLinear is https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html, version 25: x less the zero point,
// times the scale.
type DequantizeLinear struct {
	Grain
	OutputDType ir.DType `onnx:"output_dtype"`
}

// Name is the operator's ONNX name.
func (*DequantizeLinear) Name() string { return "DequantizeLinear" }

// Infer checks scale and zero point.
func (o *DequantizeLinear) Infer(in []*ir.Value) ([]ir.Type, error) {
	t := in[0].Type
	if t.DType = in[1].Type.DType; o.OutputDType != ir.Undefined {
		t.DType = o.OutputDType
	}
	if !halfToFloat.has(t.DType) {
		return nil, fmt.Errorf("the result would be %v; give output_dtype, one of %v", t.DType, halfToFloat)
	}
	if len(in) > 2 && in[2] != nil && in[2].Type.DType != in[0].Type.DType {
		return nil, fmt.Errorf("the zero point is %v, the input %v", in[2].Type.DType, in[0].Type.DType)
	}
	return []ir.Type{t}, o.check(in)
}

// Eval computes with float64.
func (o *DequantizeLinear) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0].Floats()
	s, err := o.aligned(in[1], in[0].Shape)
	if err != nil {
		return nil, err
	}
	if len(in) > 2 && in[2] != nil {
		z, err := o.aligned(in[2], in[0].Shape)
		if err != nil {
			return nil, err
		}
		for i := range x {
			x[i] -= z[i]
		}
	}
	for i := range x {
		x[i] = float64(x[i] * s[i])
	}
	d := in[1].DType
	if o.OutputDType != ir.Undefined {
		d = o.OutputDType
	}
	return []*ir.Tensor{ir.FromFloats(d, in[0].Shape, x)}, nil
}

// Lower makes a Map in float32.
func (o *DequantizeLinear) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := mappable(b, n.In[0])
	s, err := o.align(b, mappable(b, n.In[1]), x.Type.Shape)
	if err != nil {
		return nil, err
	}
	in := []*ir.Value{x, s}
	e := low.X(0)
	if len(n.In) > 2 && n.In[2] != nil {
		z, err := o.align(b, mappable(b, n.In[2]), x.Type.Shape)
		if err != nil {
			return nil, err
		}
		in = append(in, z)
		if exact := "cast_int64"; x.Type.DType.IsInt() {
			e = low.Call("sub", low.Call(exact, e), low.Call(exact, low.X(2)))
		} else {
			e = low.Call("sub", e, low.X(2))
		}
	}
	e = low.Call("mul", low.Call("cast_float", e), low.Call("cast_float", low.X(1)))
	return []*ir.Value{b.Add(&low.Map{Expr: low.Call(castName(n.Out[0].Type.DType), e)}, in...)}, nil
}
