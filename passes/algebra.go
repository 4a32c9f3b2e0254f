package passes

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// algebra writes arithmetic in the cheapest of the ways that give the same values: small powers as products, divisions
// by powers of two as products, and one operator where exporters use several.
var algebra = rewrite(func(s *site) ([]*ir.Value, error) {
	n := s.n
	if n.Out[0] == nil || !n.Out[0].Type.DType.IsFloat() {
		return nil, nil
	}
	x := n.In[0]
	var out *ir.Value
	switch n.Op.Name() {
	case "Pow":
		out = power(s, x, n.In[1])
	case "Div":
		if c := reciprocals(n.In[1]); c != nil {
			out = s.call("Mul", x, s.Const(c))
		} else if k, ok := filled(x); ok && k == 1 {
			out = s.call("Reciprocal", n.In[1])
		}
	case "Mul":
		if k, ok := filled(n.In[1]); ok && k == -1 {
			out = s.call("Neg", x)
		}
	case "Sum":
		if len(n.In) == 2 {
			out = s.call("Add", n.In...)
		}
	}
	if out == nil || !sameType(out, n.Out[0]) {
		return nil, nil
	}
	return []*ir.Value{out}, nil
})

// power writes x to the power of some constants without Pow.
func power(s *site, x, y *ir.Value) *ir.Value {
	k, ok := filled(y)
	if !ok {
		return nil
	}
	switch k {
	case 2:
		return s.call("Mul", x, x)
	case 0.5:
		return s.call("Sqrt", x)
	case -0.5:
		return s.call("Reciprocal", s.call("Sqrt", x))
	case -1:
		return s.call("Reciprocal", x)
	}
	return nil
}

// reciprocals returns 1/c where that is exact for every element: c holds powers of two, within the normal range.
func reciprocals(c *ir.Value) *ir.Tensor {
	if !isConst(c) || c.Type.DType != ir.Float32 && c.Type.DType != ir.Float64 {
		return nil
	}
	f := c.Const.Floats()
	for i, x := range f {
		m, e := math.Frexp(x)
		if math.Abs(m) != 0.5 || e < -120 || e > 120 {
			return nil
		}
		f[i] = 1 / x
	}
	return ir.FromFloats(c.Type.DType, c.Type.Shape, f)
}
