package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// layernorm recognises LayerNormalization where exporters for opsets before 17 spell it out: d = x - mean(x), then
// d / sqrt(mean(d²) + epsilon), then a product with one constant and a sum with another.
var layernorm = rewrite(func(s *site) ([]*ir.Value, error) {
	v := s.normalized()
	if v == nil {
		v = s.affine()
	}
	if v == nil || !sameType(v, s.n.Out[0]) {
		return nil, nil
	}
	return []*ir.Value{v}, nil
})

// normalized matches the part without the affine map and gives it a scale of ones.
func (s *site) normalized() *ir.Value {
	d, spread := s.quotient()
	centre := from(d, "Sub")
	add := from(s.lone(spread, "Sqrt"), "Add")
	if centre == nil || add == nil || !s.single(add.Out[0]) {
		return nil
	}
	variance, e := withConst(add)
	eps, ok := number(e)
	x := centre.In[0]
	axes, ok1 := s.mean(centre.In[1])
	axes2, ok2 := s.mean(variance)
	if !ok || !ok1 || !ok2 || centre.In[1].Def.In[0] != x || !slices.Equal(axes, axes2) || !s.square(variance.Def.In[0], d) {
		return nil
	}
	shape := x.Type.Shape
	first := len(shape) - len(axes)
	for i, a := range axes {
		if a != first+i {
			return nil
		}
	}
	ones := slices.Repeat([]float64{1}, ir.Size(shape[first:]))
	scale := s.Const(ir.FromFloats(x.Type.DType, shape[first:], ones))
	return s.Add(&op.LayerNormalization{Axis: first - len(shape), Epsilon: float32(eps), StashType: 1}, x, scale)
}

// quotient returns d and r where the node divides d by r.
func (s *site) quotient() (d, r *ir.Value) {
	switch {
	case isOp(s.n, "Div"):
		return s.n.In[0], s.n.In[1]
	case isOp(s.n, "Mul"):
		for i := range 2 {
			if r := s.lone(s.n.In[i], "Reciprocal"); r != nil {
				return s.n.In[1-i], r
			}
		}
	}
	return nil, nil
}

// lone returns the operand of v where v is the result of the operator called name and has no other reader.
func (s *site) lone(v *ir.Value, name string) *ir.Value {
	if n := from(v, name); n != nil && s.single(v) {
		return n.In[0]
	}
	return nil
}

// mean returns the axes, increasing, where v is a ReduceMean that keeps the rank and has no other reader.
func (s *site) mean(v *ir.Value) (axes []int, ok bool) {
	n := from(v, "ReduceMean")
	if n == nil || !s.single(v) || !v.Type.Static() || !n.In[0].Type.Static() || len(v.Type.Shape) != len(n.In[0].Type.Shape) {
		return nil, false
	}
	axes, ok = ints(input(n, 1), nil)
	for i, a := range axes {
		axes[i] = axis(a, n.In[0])
	}
	slices.Sort(axes)
	return axes, ok && len(axes) > 0
}

// square reports whether v is d², read once, and d is read here and by the quotient only.
func (s *site) square(v, d *ir.Value) bool {
	if !s.single(v) {
		return false
	}
	if n := from(v, "Mul"); n != nil {
		return n.In[0] == d && n.In[1] == d && s.uses[d] == 3
	}
	n := from(v, "Pow")
	if n == nil || n.In[0] != d || s.uses[d] != 2 {
		return false
	}
	k, ok := filled(n.In[1])
	return ok && k == 2
}

// affine merges a constant product into the scale of a LayerNormalization that has none yet, a sum into its bias.
func (s *site) affine() *ir.Value {
	if !isOp(s.n, "Mul") && !isOp(s.n, "Add") {
		return nil
	}
	y, c := withConst(s.n)
	n := from(y, "LayerNormalization")
	if n == nil || !s.single(y) || len(n.Out) > 1 || input(n, 2) != nil {
		return nil
	}
	scale := n.In[1]
	extra := len(c.Type.Shape) - len(scale.Type.Shape)
	if extra < 0 || c.Type.Len() != scale.Type.Len() || !slices.Equal(c.Type.Shape[extra:], scale.Type.Shape) {
		return nil
	}
	c = s.reshape(c, scale.Type.Shape...)
	if isOp(s.n, "Add") {
		return s.Add(n.Op, n.In[0], scale, c)
	}
	if one, ok := filled(scale); !ok || one != 1 {
		return nil
	}
	return s.Add(n.Op, n.In[0], c)
}
