package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// masks gives constant masks of activations one form. Index assignment (ScatterND of constants at constant places)
// becomes Where, and Where that clears elements becomes a product with zeros and ones: a product with a constant zero
// is zero, whatever the other factor (docs/DESIGN.md, Numerics).
var masks = rewrite(func(s *site) ([]*ir.Value, error) {
	var v *ir.Value
	switch o := s.n.Op.(type) {
	case *op.ScatterND:
		v = s.assigned(o)
	case *op.Where:
		v = s.cleared()
	}
	if v == nil || !sameType(v, s.n.Out[0]) {
		return nil, nil
	}
	return []*ir.Value{v}, nil
})

// assigned is ScatterND of constants as Where.
func (s *site) assigned(o *op.ScatterND) *ir.Value {
	x, at, values := s.n.In[0], s.n.In[1], s.n.In[2]
	if o.Reduction != "none" || isConst(x) || !isConst(at) || !isConst(values) || !x.Type.Static() || !x.Type.DType.IsFloat() {
		return nil
	}
	zero := s.Const(ir.NewTensor(x.Type.DType, x.Type.Shape...))
	ones := s.Const(ir.FromFloats(x.Type.DType, values.Type.Shape, slices.Repeat([]float64{1}, values.Type.Len())))
	set := s.Add(o, zero, at, ones)
	value := s.Add(o, zero, at, values)
	if !isConst(set) || !isConst(value) {
		return nil
	}
	cond := s.Const(ir.FromFloats(ir.Bool, x.Type.Shape, set.Const.Floats()))
	return s.call("Where", cond, value, x)
}

// cleared is Where with a constant condition and zeros on one side as a product.
func (s *site) cleared() *ir.Value {
	cond := s.n.In[0]
	if !isConst(cond) || !s.n.Out[0].Type.DType.IsFloat() {
		return nil
	}
	keep := cond.Const.Floats()
	x, zero := s.n.In[1], s.n.In[2]
	if isConst(x) {
		x, zero = zero, x
		for i, c := range keep {
			keep[i] = 1 - c
		}
	}
	if isConst(x) || !allZero(zero) {
		return nil
	}
	return s.call("Mul", x, s.Const(ir.FromFloats(x.Type.DType, cond.Type.Shape, keep)))
}
