package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// conv writes a Conv of one position, which forecasters put between two Transposes, as the linear layer that it is.
// Where the channels do not come from the last axis it stays.
var conv = rewrite(func(s *site) ([]*ir.Value, error) {
	o, ok := s.n.Op.(*op.Conv)
	x := s.n.In[0]
	if !ok || o.Group != 1 || !isConst(s.n.In[1]) || !x.Type.DType.IsFloat() || len(x.Type.Shape) != 3 || !s.n.Out[0].Type.Static() {
		return nil, nil
	}
	w := s.n.In[1]
	t := from(x, "Transpose")
	if t == nil || w.Type.Shape[2] != 1 || s.n.Out[0].Type.Shape[2] != x.Type.Shape[2] ||
		slices.ContainsFunc(o.Pads, func(p int) bool { return p != 0 }) || slices.ContainsFunc(o.Strides, func(d int) bool { return d != 1 }) {
		return nil, nil
	}
	if m := sinkable(x); m == nil || m.perm[1] != 2 {
		return nil, nil
	}
	outs, ins := w.Type.Shape[0], w.Type.Shape[1]
	y := s.call("MatMul", s.transpose(x, 0, 2, 1), s.transpose(s.reshape(w, outs, ins), 1, 0))
	if c := input(s.n, 2); c != nil {
		y = s.call("Add", y, c)
	}
	return []*ir.Value{s.transpose(y, 0, 2, 1)}, nil
})
