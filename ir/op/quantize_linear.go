package op

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// DynamicQuantizeLinear is https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html, version 11: quantization to
// uint8 of the range from the smallest to the largest element, 0 included, every step rounded to float32. Where all is
// 0 the scale is 0 and so are the results.
type DynamicQuantizeLinear struct{}

// Name is the operator's ONNX name.
func (*DynamicQuantizeLinear) Name() string { return "DynamicQuantizeLinear" }

// Infer returns the types of the result, the scale and the zero point.
func (*DynamicQuantizeLinear) Infer(in []*ir.Value) ([]ir.Type, error) {
	y := in[0].Type
	y.DType = ir.Uint8
	return []ir.Type{y, {DType: ir.Float32}, {DType: ir.Uint8}}, nil
}

// Eval rounds every step.
func (*DynamicQuantizeLinear) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := ir.Data[float32](in[0])
	var lo, hi float32
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	scale := (hi - lo) / 255
	zero := ir.FromFloats(ir.Uint8, nil, []float64{math.RoundToEven(float64(0 - lo/scale))})
	s := ir.Of(ir.Float32, nil, []float32{scale})
	y, err := (&QuantizeLinear{}).Eval([]*ir.Tensor{in[0], s, zero})
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{y[0], s, zero}, nil
}

// Lower makes Reduces and Maps.
func (*DynamicQuantizeLinear) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	flat := low.Copy(b, x, x.Type.Len())
	lo := low.ReduceAxes(b, "min", flat, []int{0}, false)
	hi := low.ReduceAxes(b, "max", flat, []int{0}, false)
	scale := low.Elementwise(b, "div(sub(max(x1,0),min(x0,0)),255)", lo, hi)
	zero := low.Elementwise(b, "cast_uint8(round(sub(0,div(min(x0,0),x1))))", lo, scale)
	y := low.Elementwise(b, "cast_uint8(add(cast_double(round(div(x0,x1))),cast_double(x2)))", x, scale, zero)
	return []*ir.Value{y, scale, zero}, nil
}

// Inputs of QLinearMatMul and QLinearConv: operands a and b with scale and zero point, then those of the result.
const (
	qA = iota
	qAScale
	qAZero
	qB
	qBScale
	qBZero
	qYScale
	qYZero
	qBias
)

// requantize rounds acc·scale half to even, adds the zero point and saturates; scales and zero points are by element.
func requantize(d ir.DType, shape []int, acc, scale, zero []float64) *ir.Tensor {
	y := make([]float64, len(acc))
	for i := range y {
		y[i] = math.RoundToEven(float64(acc[i]*scale[i])) + zero[i]
	}
	return ir.FromFloats(d, shape, y)
}

// lowerRequantize is requantize with operands that broadcast.
func lowerRequantize(b *ir.Builder, d ir.DType, acc, scale, zero *ir.Value) *ir.Value {
	return low.Elementwise(b, castName(d)+"(add(round(mul(cast_double(x0),cast_double(x1))),cast_double(x2)))", acc, scale, zero)
}

// combinedScale is a·b/y, each step rounded to the type of the scales.
func combinedScale(a, b, y *ir.Value, build *ir.Builder) *ir.Value {
	c := castName(a.Type.DType)
	return low.Elementwise(build, c+"(div("+c+"(mul(x0,x1)),x2))", a, b, y)
}

// QLinearMatMul is https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html, version 21, for 8-bit integers: the product
// as MatMulInteger gives it, times a_scale·b_scale/y_scale (each step rounded to the type of the scales), rounded half
// to even, plus the zero point. Scales of a can be by row, those of b by column; y's are one element.
type QLinearMatMul struct{}

// Name is the operator's ONNX name.
func (*QLinearMatMul) Name() string { return "QLinearMatMul" }

// Infer checks scales and zero points.
func (*QLinearMatMul) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := (&MatMulInteger{}).Infer([]*ir.Value{in[qA], in[qB], in[qAZero], in[qBZero]})
	if err != nil {
		return nil, err
	}
	if err := checkScales(in, qYScale); err != nil {
		return nil, err
	}
	for i, s := range []int{qAScale, qBScale} {
		if v, m := in[s].Type, in[[]int{qA, qB}[i]].Type; v.Static() && m.Static() {
			if _, err := zeroPointShape(v.Shape, m.Shape, i == 0); err != nil {
				return nil, err
			}
		}
	}
	t[0].DType = in[qYZero].Type.DType
	return t, nil
}

// checkScales checks that scales have one type and that those of the result have one element.
func checkScales(in []*ir.Value, y int) error {
	for _, i := range []int{qBScale, qYScale} {
		if in[i].Type.DType != in[qAScale].Type.DType {
			return fmt.Errorf("input %d is %v, input %d %v; scales must have one element type", i, in[i].Type.DType, qAScale, in[qAScale].Type.DType)
		}
	}
	for i := y; i <= y+1; i++ {
		if t := in[i].Type; t.Static() && t.Len() != 1 {
			return fmt.Errorf("input %d is %v, wanted one element", i, t)
		}
	}
	return nil
}

// Eval computes the product with integers.
func (*QLinearMatMul) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	c, err := (&MatMulInteger{}).Eval([]*ir.Tensor{in[qA], in[qB], in[qAZero], in[qBZero]})
	if err != nil {
		return nil, err
	}
	shape := c[0].Shape
	scale := func(i, m int) ([]float64, error) { // by element of the result
		s, err := zeroPointShape(in[i].Shape, in[m].Shape, m == qA)
		if err != nil {
			return nil, err
		}
		return broadcastTo(in[i].Reshape(s...), shape).Floats(), nil
	}
	a, err := scale(qAScale, qA)
	if err != nil {
		return nil, err
	}
	b, err := scale(qBScale, qB)
	if err != nil {
		return nil, err
	}
	d, ys, yz := in[qAScale].DType, in[qYScale].Floats()[0], in[qYZero].Floats()[0]
	for i := range a {
		a[i] *= b[i]
	}
	a = roundTo(d, a)
	zero := make([]float64, len(a))
	for i := range a {
		a[i] /= ys
		zero[i] = yz
	}
	return []*ir.Tensor{requantize(in[qYZero].DType, shape, c[0].Floats(), roundTo(d, a), zero)}, nil
}

// Lower multiplies in int32 and scales in float64.
func (*QLinearMatMul) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	m := &MatMulInteger{}
	t := n.Out[0].Type
	t.DType = ir.Int32
	in := []*ir.Value{n.In[qA], n.In[qB], n.In[qAZero], n.In[qBZero]}
	c, err := m.Lower(b, &ir.Node{Op: m, In: in, Out: []*ir.Value{{Type: t}}})
	if err != nil {
		return nil, err
	}
	var s [2]*ir.Value
	for i, at := range []int{qAScale, qBScale} {
		shape, err := zeroPointShape(n.In[at].Type.Shape, n.In[[]int{qA, qB}[i]].Type.Shape, i == 0)
		if err != nil {
			return nil, err
		}
		s[i] = reshaped(b, n.In[at], shape)
	}
	scale := combinedScale(s[0], s[1], reshaped(b, n.In[qYScale], []int{}), b)
	return []*ir.Value{lowerRequantize(b, n.Out[0].Type.DType, c[0], scale, reshaped(b, n.In[qYZero], []int{}))}, nil
}

// QLinearConv is https://onnx.ai/onnx/operators/onnx__QLinearConv.html, version 10: the convolution as ConvInteger
// gives it plus an int32 bias, times x_scale·w_scale/y_scale (each step rounded to float32), rounded half to even, plus
// the zero point. Scales and zero points of w can be by filter.
type QLinearConv struct {
	Window
	Group int `onnx:"group,1"`
}

// Name is the operator's ONNX name.
func (*QLinearConv) Name() string { return "QLinearConv" }

func (o *QLinearConv) conv() *ConvInteger { return &ConvInteger{Window: o.Window, Group: o.Group} }

// Infer checks scales, zero points and the bias.
func (o *QLinearConv) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := o.conv().Infer([]*ir.Value{in[qA], in[qB], in[qAZero], in[qBZero]})
	if err != nil {
		return nil, err
	}
	if err := checkScales(in, qYScale); err != nil {
		return nil, err
	}
	for i, v := range in {
		if i != qBScale && i != qBias || v == nil {
			continue
		}
		if w := in[qB].Type; v.Type.Static() && w.Static() && v.Type.Len() != w.Shape[0] && (i == qBias || v.Type.Len() != 1) {
			return nil, fmt.Errorf("input %d is %v, wanted one element for each of %d filters", i, v.Type, w.Shape[0])
		}
	}
	t[0].DType = in[qYZero].Type.DType
	return t, nil
}

// Eval computes the convolution with integers.
func (o *QLinearConv) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	c, err := o.conv().Eval([]*ir.Tensor{in[qA], in[qB], in[qAZero], in[qBZero]})
	if err != nil {
		return nil, err
	}
	acc, shape := c[0].Ints(), c[0].Shape
	plane := ir.Size(shape[2:])
	if len(in) > qBias && in[qBias] != nil {
		bias := in[qBias].Ints()
		for i := range acc {
			acc[i] += bias[i/plane%shape[1]]
		}
	}
	sum := ir.FromInts(ir.Int32, shape, acc)
	w, x, y, z := in[qBScale].Floats(), in[qAScale].Floats()[0], in[qYScale].Floats()[0], in[qYZero].Floats()[0]
	scale, zero := make([]float64, len(acc)), make([]float64, len(acc))
	for i := range scale {
		f := i / plane % shape[1] % len(w)
		scale[i], zero[i] = x*w[f], z
	}
	scale = roundTo(ir.Float32, scale)
	for i := range scale {
		scale[i] /= y
	}
	return []*ir.Tensor{requantize(in[qYZero].DType, shape, sum.Floats(), roundTo(ir.Float32, scale), zero)}, nil
}

// Lower convolves in int32 and scales in float64.
func (o *QLinearConv) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	conv := o.conv()
	t := n.Out[0].Type
	t.DType = ir.Int32
	in := []*ir.Value{n.In[qA], n.In[qB], n.In[qAZero], n.In[qBZero]}
	c, err := conv.Lower(b, &ir.Node{Op: conv, In: in, Out: []*ir.Value{{Type: t}}})
	if err != nil {
		return nil, err
	}
	acc, rank := c[0], len(t.Shape)
	if len(n.In) > qBias && n.In[qBias] != nil {
		acc = low.Elementwise(b, "add(x0,x1)", acc, byFirst(b, n.In[qBias], rank-1))
	}
	one := func(i int) *ir.Value { return reshaped(b, n.In[i], []int{}) }
	scale := combinedScale(one(qAScale), byFirst(b, n.In[qBScale], rank-1), one(qYScale), b)
	return []*ir.Value{lowerRequantize(b, n.Out[0].Type.DType, acc, scale, one(qYZero))}, nil
}
