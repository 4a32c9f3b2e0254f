package passes

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// scales merges constant factors and summands that follow each other, and takes those of a linear layer's features into
// its weights and bias: a factor by column leaves a ternary matrix ternary, with a scale for each column. A factor before
// a layer scales rows of the weights. It goes there only if no layer that reads it is ternary, which it would not be
// any more; a summand goes along into the bias, but never alone, as the sum may be much smaller than its terms.
var scales = rewrite(func(s *site) ([]*ir.Value, error) {
	if len(s.n.In) != 2 || !s.n.Out[0].Type.Static() || !s.n.Out[0].Type.DType.IsFloat() {
		return nil, nil
	}
	var v *ir.Value
	switch {
	case isOp(s.n, "MatMul"):
		v = s.scaledRows()
	case isOp(s.n, "Add") || isOp(s.n, "Sub"):
		v = s.summand()
	case isOp(s.n, "Mul") || isOp(s.n, "Div"):
		v = s.factor()
	}
	if v == nil || !sameType(v, s.n.Out[0]) {
		return nil, nil
	}
	return []*ir.Value{v}, nil
})

// steady returns the operand of a binary node that is not constant, if it has the result's type, and the one that is, of
// finite numbers; x is nil for other nodes, and for differences and quotients of a constant.
func steady(n *ir.Node) (x, c *ir.Value) {
	x, c = withConst(n)
	if x == nil || !sameType(x, n.Out[0]) || (isOp(n, "Sub") || isOp(n, "Div")) && c == n.In[0] || !finite(c) {
		return nil, nil
	}
	return x, c
}

func finite(c *ir.Value) bool {
	return !slices.ContainsFunc(c.Const.Floats(), func(f float64) bool { return math.IsInf(f, 0) || math.IsNaN(f) })
}

// summand merges the summand of a sum with that of the sum before.
func (s *site) summand() *ir.Value {
	x, c := steady(s.n)
	if x == nil || !s.single(x) || x.Def == nil || !isOp(x.Def, "Add") && !isOp(x.Def, "Sub") {
		return nil
	}
	y, d := steady(x.Def)
	if y == nil {
		return nil
	}
	if isOp(x.Def, "Sub") {
		d = s.call("Neg", d)
	}
	return s.merge("Add", y, s.call(s.n.Op.Name(), d, c), c, d)
}

// merge applies the constant both, made of a and b, unless it has more elements than each.
func (s *site) merge(name string, y, both, a, b *ir.Value) *ir.Value {
	if !isConst(both) || both.Type.Len() > max(a.Type.Len(), b.Type.Len()) || !finite(both) {
		return nil
	}
	return s.call(name, y, both)
}

// factor merges a factor with the one before, or takes it into the layer before.
func (s *site) factor() *ir.Value {
	x, c := steady(s.n)
	if x == nil || !s.single(x) || x.Def == nil {
		return nil
	}
	name := s.n.Op.Name()
	if isOp(x.Def, "Mul") {
		y, d := steady(x.Def)
		if y == nil {
			return nil
		}
		return s.merge("Mul", y, s.call(name, d, c), c, d)
	}
	if c = byFeature(s, c, x.Type.Features()); c == nil {
		return nil
	}
	y, bias := x, (*ir.Value)(nil)
	if isOp(x.Def, "Add") || isOp(x.Def, "Sub") {
		if y, bias = steady(x.Def); y == nil || !s.single(y) {
			return nil
		}
	}
	layer := s.layer(from(y, "MatMul"))
	if layer == nil {
		return nil
	}
	w := s.call(name, layer.In[1], c)
	if !finite(w) {
		return nil
	}
	z := s.call("MatMul", layer.In[0], w)
	if bias == nil {
		return z
	}
	return s.merge(x.Def.Op.Name(), z, s.call(name, bias, c), bias, c)
}

// layer returns n if it is a product with constant weights that nothing else reads.
func (s *site) layer(n *ir.Node) *ir.Node {
	if n == nil || !isConst(n.In[1]) || len(n.In[1].Type.Shape) != 2 || len(n.In[0].Type.Shape) < 2 || s.uses[n.In[1]] != 1 {
		return nil
	}
	return n
}

// byFeature is a constant as the vector of n features that it is along the last axis, nil if it varies along others.
func byFeature(s *site, c *ir.Value, n int) *ir.Value {
	switch {
	case c.Type.Len() == 1:
		return s.call("Expand", s.reshape(c), s.Ints(n))
	case c.Type.Len() == n && c.Type.Features() == n:
		return s.reshape(c, n)
	}
	return nil
}

// scaledRows takes a factor by feature, and a summand after it, into a layer, if all layers that read them can do so.
func (s *site) scaledRows() *ir.Value {
	layer := s.layer(s.n)
	if layer == nil {
		return nil
	}
	x, shift := layer.In[0], (*ir.Value)(nil)
	if !s.onlyDense(x) || x.Def == nil {
		return nil
	}
	if isOp(x.Def, "Add") || isOp(x.Def, "Sub") {
		y, c := steady(x.Def)
		if y == nil {
			return nil
		}
		if shift = byFeature(s, c, x.Type.Features()); shift == nil {
			return nil
		}
		if isOp(x.Def, "Sub") {
			shift = s.call("Neg", shift)
		}
		if s.biases(x) > 2*x.Type.Features() {
			return nil // more additions than what goes
		}
		if x = y; !s.single(x) || x.Def == nil {
			return nil
		}
	}
	if !isOp(x.Def, "Mul") && !isOp(x.Def, "Div") {
		return nil
	}
	y, c := steady(x.Def)
	if y == nil {
		return nil
	}
	if c = byFeature(s, c, x.Type.Features()); c == nil {
		return nil
	}
	w := s.call(x.Def.Op.Name(), layer.In[1], s.reshape(c, c.Type.Len(), 1))
	if !finite(w) {
		return nil
	}
	z := s.call("MatMul", y, w)
	if shift != nil {
		z = s.call("Add", z, s.reshape(s.call("MatMul", s.reshape(shift, 1, shift.Type.Len()), layer.In[1]), w.Type.Shape[1]))
	}
	return z
}

// onlyDense reports whether layers alone read v, none of which is ternary.
func (s *site) onlyDense(v *ir.Value) bool {
	if len(s.readers[v]) != s.uses[v] {
		return false // it is an output
	}
	for _, n := range s.readers[v] {
		if !isOp(n, "MatMul") || n.In[0] != v || s.layer(n) == nil {
			return false
		}
		if w := n.In[1].Const; w.DType == ir.Float32 {
			if signs, _ := splitColumns(w); signs != nil {
				return false
			}
		}
	}
	return true
}

// biases is the number of features of the layers that read v without having a bias.
func (s *site) biases(v *ir.Value) (sum int) {
	for _, n := range s.readers[v] {
		y := n.Out[0]
		if !s.single(y) || len(s.readers[y]) != 1 || !isOp(s.readers[y][0], "Add") {
			sum += y.Type.Features()
			continue
		}
		if x, _ := steady(s.readers[y][0]); x == nil {
			sum += y.Type.Features()
		}
	}
	return sum
}
