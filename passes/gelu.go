package passes

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// gelu recognises x·(1+erf(x/√2))/2 and x·(1+tanh(√(2/π)·(x+0.044715·x³)))/2 as Gelu, and x·sigmoid(c·x) as Swish,
// however the products are grouped.
var gelu = rewrite(func(s *site) ([]*ir.Value, error) {
	if !isOp(s.n, "Mul") && !isOp(s.n, "Div") || s.n.Out[0].Type.DType != ir.Float32 {
		return nil, nil
	}
	c, leaves := s.product(s.n.Out[0])
	if len(leaves) != 2 {
		return nil, nil
	}
	for i, x := range leaves {
		var o op.Op
		gate := leaves[1-i]
		switch {
		case about(c, 0.5) && s.erfGate(gate, x):
			o = &op.Gelu{Approximate: "none"}
		case about(c, 0.5) && s.tanhGate(gate, x):
			o = &op.Gelu{Approximate: "tanh"}
		case c == 1:
			a, ok := s.sigmoidGate(gate, x)
			if !ok {
				continue
			}
			o = &op.Swish{Alpha: float32(a)}
		default:
			continue
		}
		if v := s.Add(o, x); sameType(v, s.n.Out[0]) {
			return []*ir.Value{v}, nil
		}
	}
	return nil, nil
})

// product writes v as a number times values: it looks through products, quotients by numbers and small powers that
// nobody else reads. Values of v's type are its leaves, or v itself is.
func (s *site) product(v *ir.Value) (c float64, leaves []*ir.Value) {
	n := v.Def
	if n == nil || n != s.n && !s.single(v) {
		return 1, []*ir.Value{v}
	}
	if x, k := scaling(n); k != 0 {
		c, leaves = s.product(x)
		return c * k, leaves
	}
	if k, ok := filled(input(n, 1)); ok && isOp(n, "Pow") && (k == 2 || k == 3) {
		for range int(k) {
			leaves = append(leaves, n.In[0])
		}
		return 1, leaves
	}
	if !isOp(n, "Mul") {
		return 1, []*ir.Value{v}
	}
	c, leaves = s.product(n.In[0])
	d, more := s.product(n.In[1])
	return c * d, append(leaves, more...)
}

// plusOne returns u where v is u + 1 and nobody else reads v or u.
func (s *site) plusOne(v *ir.Value) *ir.Value {
	n := from(v, "Add")
	if n == nil || !s.single(v) {
		return nil
	}
	u, k := withConst(n)
	if one, ok := number(k); !ok || one != 1 || !s.single(u) {
		return nil
	}
	return u
}

// erfGate reports whether v is 1 + erf(x/√2).
func (s *site) erfGate(v, x *ir.Value) bool {
	n := from(s.plusOne(v), "Erf")
	if n == nil {
		return false
	}
	c, leaves := s.product(n.In[0])
	return about(c, math.Sqrt2/2) && all(leaves, x, 1)
}

// tanhGate reports whether v is 1 + tanh(√(2/π)·(x + 0.044715·x³)).
func (s *site) tanhGate(v, x *ir.Value) bool {
	n := from(s.plusOne(v), "Tanh")
	if n == nil {
		return false
	}
	c, leaves := s.product(n.In[0])
	if !about(c, math.Sqrt(2/math.Pi)) {
		return false
	}
	if len(leaves) == 2 { // x·(1 + 0.044715·x²)
		for i := range leaves {
			if u := s.plusOne(leaves[1-i]); u != nil && leaves[i] == x {
				k, squares := s.product(u)
				return about(k, 0.044715) && all(squares, x, 2)
			}
		}
		return false
	}
	sum := from(leaves[0], "Add")
	if len(leaves) != 1 || sum == nil || !s.single(leaves[0]) {
		return false
	}
	for i := range 2 {
		if sum.In[i] == x {
			k, cubes := s.product(sum.In[1-i])
			return about(k, 0.044715) && all(cubes, x, 3)
		}
	}
	return false
}

// sigmoidGate returns a where v is sigmoid(a·x).
func (s *site) sigmoidGate(v, x *ir.Value) (a float64, ok bool) {
	n := from(v, "Sigmoid")
	if n == nil || !s.single(v) {
		return 0, false
	}
	a, leaves := s.product(n.In[0])
	return a, all(leaves, x, 1)
}

// all reports whether vs is v, n times.
func all(vs []*ir.Value, v *ir.Value, n int) bool {
	for _, w := range vs {
		if w != v {
			return false
		}
	}
	return len(vs) == n
}
