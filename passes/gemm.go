package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// gemm writes a Gemm of constant weights as MatMul and Add, the one form that a linear layer has from here on.
var gemm = rewrite(func(s *site) ([]*ir.Value, error) {
	o, ok := s.n.Op.(*op.Gemm)
	if !ok || !isConst(s.n.In[1]) || !s.n.Out[0].Type.DType.IsFloat() || !s.n.Out[0].Type.Static() {
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
})
