package passes

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// integers writes products of 8-bit integers with constant weights, of which few are not zero or which are ternary, as
// products of float32, which have kernels for such weights: as long as no sum reaches 2^24 every step is exact, in any
// order. What QLinearMatMul and QLinearConv do to the sums is written out.
var integers = rewrite(func(s *site) ([]*ir.Value, error) {
	switch s.n.Op.(type) {
	case *op.MatMulInteger, *op.ConvInteger:
		if y := s.exactSums(s.n.In[0], s.n.In[1], input(s.n, 2), input(s.n, 3)); y != nil {
			return []*ir.Value{s.cast(ir.Int32, y)}, nil
		}
	case *op.QLinearMatMul, *op.QLinearConv:
		if y := s.exactSums(s.n.In[0], s.n.In[3], s.n.In[2], s.n.In[5]); y != nil {
			return []*ir.Value{s.requantized(y)}, nil
		}
	}
	return nil, nil
})

// maxExact bounds the integers that float32 holds without gaps, maxFactor an 8-bit integer less its zero point, and
// that zero point's share of the sum, which may be added on its own.
const (
	maxExact  = 1 << 24
	maxFactor = 2 * 255
)

// exactSums is the product of x and w less their zero points, which may be omitted, in float32; nil if it is not exact
// or not worth it.
func (s *site) exactSums(x, w, xZero, wZero *ir.Value) *ir.Value {
	if !isConst(w) || wZero != nil && !isConst(wZero) || !s.n.Out[0].Type.Static() || !x.Type.Static() ||
		xZero != nil && !xZero.Type.Static() {
		return nil
	}
	conv := s.window()
	if conv == nil && (len(w.Type.Shape) != 2 || len(x.Type.Shape) < 2) {
		return nil
	}
	weights := s.less(w, wZero, conv != nil)
	if isConst(x) || !s.worth(weights.Const, conv != nil) {
		return nil
	}
	x = s.less(x, s.byRow(xZero, len(x.Type.Shape)), false)
	if conv != nil {
		return s.Add(conv, x, weights)
	}
	return s.call("MatMul", x, weights)
}

// window is the Conv that the sums of an integer convolution are, nil for products of matrices.
func (s *site) window() ir.Op {
	switch o := s.n.Op.(type) {
	case *op.ConvInteger:
		return &op.Conv{Window: o.Window, Group: o.Group}
	case *op.QLinearConv:
		return &op.Conv{Window: o.Window, Group: o.Group}
	}
	return nil
}

// less is x less its zero point, as float32. That of a convolution's weights is one or one for each filter.
func (s *site) less(x, zero *ir.Value, filters bool) *ir.Value {
	y := s.cast(ir.Float32, x)
	if zero == nil || isConst(zero) && allZero(zero) {
		return y
	}
	if zero.Type.Len() == 1 {
		zero = s.reshape(zero)
	} else if filters {
		zero = s.byFirst(zero, len(x.Type.Shape))
	}
	return s.call("Sub", y, s.cast(ir.Float32, zero))
}

// byFirst is a vector by index of the first of rank axes.
func (s *site) byFirst(v *ir.Value, rank int) *ir.Value {
	shape := []int{v.Type.Len()}
	for len(shape) < rank {
		shape = append(shape, 1)
	}
	return s.reshape(v, shape...)
}

// byRow is what a matrix product takes by row: of one axis it stands for the last but one.
func (s *site) byRow(v *ir.Value, rank int) *ir.Value {
	if v != nil && len(v.Type.Shape) == 1 && v.Type.Len() > 1 && rank > 1 {
		return s.reshape(v, v.Type.Len(), 1)
	}
	return v
}

// worth reports whether w has a kernel that gains by its zeros or its one scale, and its sums with 8-bit integers stay
// below 2^24.
func (s *site) worth(w *ir.Tensor, filters bool) bool {
	terms := w.Shape[0]
	if filters {
		terms = w.Len() / max(1, w.Shape[0])
		w = w.Reshape(w.Shape[0], terms)
	}
	largest := 0.0
	for _, v := range w.Floats() {
		largest = max(largest, math.Abs(v))
	}
	kind := w.Weights()
	return float64(terms)*maxFactor*largest <= maxExact && (kind.Scales != nil || 100*kind.NonZero < sparseBelow*w.Len())
}

// requantized multiplies sums by a_scale·b_scale/y_scale, each step rounded to the type of the scales, rounds half to
// even, adds the zero point and saturates. A convolution has a bias in the sums.
func (s *site) requantized(sums *ir.Value) *ir.Value {
	in := s.n.In
	a, b, y, zero := s.byRow(in[1], len(in[0].Type.Shape)), in[4], s.reshape(in[6]), s.reshape(in[7])
	if s.window() != nil {
		rank := len(sums.Type.Shape) - 1
		if bias := input(s.n, 8); bias != nil {
			sums = s.call("Add", s.double(sums), s.double(s.byFirst(bias, rank)))
		}
		if a = s.reshape(a); b.Type.Len() > 1 {
			b = s.byFirst(b, rank)
		}
	}
	if b.Type.Len() == 1 {
		b = s.reshape(b)
	}
	if a.Type.Len() == 1 {
		a = s.reshape(a)
	}
	scale := s.call("Div", s.call("Mul", a, b), y)
	q := s.call("Add", s.call("Round", s.call("Mul", s.double(sums), s.double(scale))), s.double(zero))
	d := s.n.Out[0].Type.DType
	lo, hi := d.IntRange()
	q = s.call("Clip", q, s.scalar(ir.Float64, float64(lo)), s.scalar(ir.Float64, float64(hi)))
	return s.cast(d, q)
}

func (s *site) cast(to ir.DType, v *ir.Value) *ir.Value {
	return s.Add(&op.Cast{To: to, Saturate: true, RoundMode: "up"}, v)
}

func (s *site) double(v *ir.Value) *ir.Value {
	if v.Type.DType == ir.Float64 {
		return v
	}
	return s.cast(ir.Float64, v)
}
