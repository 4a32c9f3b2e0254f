package passes

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// batchnorm writes BatchNormalization with constant statistics as a product and a sum with a vector by channel. It
// does not go into the weights of the layer before, which would no longer be ternary.
var batchnorm = rewrite(func(s *site) ([]*ir.Value, error) {
	o, ok := s.n.Op.(*op.BatchNormalization)
	if !ok || o.TrainingMode || slices.ContainsFunc(s.n.In[1:], func(v *ir.Value) bool { return !isConst(v) }) {
		return nil, nil
	}
	x := s.n.In[0]
	if x.Type.NoRank || len(x.Type.Shape) < 2 || slices.ContainsFunc(s.n.Out[1:], func(v *ir.Value) bool { return v != nil }) {
		return nil, nil
	}
	gamma, beta, mean, variance := s.n.In[1].Const.Floats(), s.n.In[2].Const.Floats(), s.n.In[3].Const.Floats(), s.n.In[4].Const.Floats()
	scale, shift := make([]float64, len(gamma)), make([]float64, len(gamma))
	top, far := 0.0, 0.0
	for i, g := range gamma {
		scale[i] = g / math.Sqrt(variance[i]+float64(o.Epsilon))
		offset := float64(mean[i] * scale[i])
		shift[i] = beta[i] - offset
		top, far = max(top, math.Abs(g), math.Abs(beta[i])), max(far, math.Abs(offset))
	}
	byChannel := func(f []float64) *ir.Value {
		shape := append([]int{len(f)}, slices.Repeat([]int{1}, len(x.Type.Shape)-2)...)
		return s.Const(ir.FromFloats(x.Type.DType, shape, f))
	}
	if far > 8*top { // x·scale and shift would cancel: what remains of them is rounding
		centred := s.call("Sub", x, byChannel(mean))
		return []*ir.Value{s.call("Add", s.call("Mul", centred, byChannel(scale)), byChannel(beta))}, nil
	}
	return []*ir.Value{s.call("Add", s.call("Mul", x, byChannel(scale)), byChannel(shift))}, nil
})
