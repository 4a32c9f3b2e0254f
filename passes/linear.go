package passes

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// linear gives linear layers one form, MatMul with a constant and Add: Gemm of constant weights becomes that, and a
// number that the product is multiplied by goes into the weights, which stay ternary if they were.
var linear = rewrite(func(s *site) ([]*ir.Value, error) {
	if o, ok := s.n.Op.(*op.Gemm); ok {
		return s.gemm(o)
	}
	x, c := scaling(s.n)
	if c == 0 || math.IsInf(c, 0) || math.IsNaN(c) || !sameType(x, s.n.Out[0]) {
		return nil, nil
	}
	n := from(x, "MatMul")
	if n == nil || !s.single(x) || !isConst(n.In[1]) || len(n.In[1].Type.Shape) != 2 || s.uses[n.In[1]] != 1 {
		return nil, nil
	}
	w := s.call("Mul", n.In[1], s.scalar(x.Type.DType, c))
	return []*ir.Value{s.call("MatMul", n.In[0], w)}, nil
})

func (s *site) gemm(o *op.Gemm) ([]*ir.Value, error) {
	if !isConst(s.n.In[1]) || !s.n.Out[0].Type.DType.IsFloat() || !s.n.Out[0].Type.Static() {
		return nil, nil
	}
	x, w, c := s.n.In[0], s.n.In[1], input(s.n, 2)
	if o.TransA {
		x = s.transpose(x, 1, 0)
	}
	if o.TransB {
		w = s.transpose(w, 1, 0)
	}
	if o.Alpha != 1 {
		w = s.call("Mul", w, s.scalar(w.Type.DType, float64(o.Alpha)))
	}
	y := s.call("MatMul", x, w)
	if c == nil || o.Beta == 0 {
		return []*ir.Value{y}, nil
	}
	if o.Beta != 1 {
		c = s.call("Mul", c, s.scalar(c.Type.DType, float64(o.Beta)))
	}
	return []*ir.Value{s.call("Add", y, c)}, nil
}
