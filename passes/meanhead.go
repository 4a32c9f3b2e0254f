package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// meanhead takes a mean over rows before a linear layer instead of after it, which then has fewer rows to multiply: the
// mean of x·W + b is W times that of x, and b.
var meanhead = rewrite(func(s *site) ([]*ir.Value, error) {
	n := s.n
	o, ok := n.Op.(*op.Reduce)
	if !ok || o.Name() != "ReduceMean" || !n.Out[0].Type.DType.IsFloat() || !isConst(input(n, 1)) || !n.In[0].Type.Static() || !n.Out[0].Type.Static() {
		return nil, nil
	}
	y, bias := n.In[0], (*ir.Value)(nil)
	old := []*ir.Node{n}
	if add := from(y, "Add"); add != nil && s.single(y) {
		if x, c := withConst(add); x != nil && sameType(x, y) {
			y, bias, old = x, c, append(old, add)
		}
	}
	layer := from(y, "MatMul")
	if layer == nil || !s.single(y) || !isConst(layer.In[1]) || len(layer.In[1].Type.Shape) != 2 {
		return nil, nil
	}
	x, rank := layer.In[0], len(y.Type.Shape)
	axes := n.In[1].Const.IntsAsInt()
	for i := range axes {
		axes[i] = axis(axes[i], y)
	}
	if len(x.Type.Shape) != rank || len(axes) == 0 || slices.Contains(axes, rank-1) {
		return nil, nil
	}
	first := len(s.g.Nodes)
	mean := *o
	mean.KeepDims = true
	z := s.call("MatMul", s.Add(&mean, x, n.In[1]), layer.In[1])
	if bias != nil {
		z = s.call("Add", z, s.Add(&mean, s.call("Expand", bias, s.Ints(y.Type.Shape...)), n.In[1]))
	}
	z = s.reshape(z, n.Out[0].Type.Shape...)
	if workOf(s.g.Nodes[first:]...) >= workOf(append(old, layer)...) || !sameType(z, n.Out[0]) {
		return nil, nil
	}
	return []*ir.Value{z}, nil
})
