package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// gathers writes a GatherElements whose indices are repeated over all further axes, as exporters spell that a query or a
// time step is picked, as one of whole slices: a Gather, or a GatherND where each slice before the axis has its own indices.
var gathers = rewrite(func(s *site) ([]*ir.Value, error) {
	o, ok := s.n.Op.(*op.GatherElements)
	x, e := s.n.In[0], from(input(s.n, 1), "Expand")
	if !ok || e == nil || !x.Type.Static() || !s.n.Out[0].Type.Static() || !e.In[0].Type.Static() {
		return nil, nil
	}
	a, out := axis(o.Axis, x), s.n.Out[0].Type.Shape
	idx := slices.Concat(slices.Repeat([]int{1}, len(out)-len(e.In[0].Type.Shape)), e.In[0].Type.Shape)
	for k, d := range x.Type.Shape {
		if k != a && d != out[k] || k > a && idx[k] != 1 {
			return nil, nil
		}
	}
	if idx[a] != out[a] || ir.Size(out[a+1:]) == 1 {
		return nil, nil
	}
	if ir.Size(idx[:a]) == 1 {
		return []*ir.Value{s.Add(&op.Gather{Axis: a}, x, s.reshape(e.In[0], out[a]))}, nil
	}
	if !slices.Equal(idx[:a], out[:a]) || e.In[0].Type.DType != ir.Int64 {
		return nil, nil
	}
	vectors := append(slices.Clone(out[:a+1]), 1)
	return []*ir.Value{s.Add(&op.GatherND{BatchDims: a}, x, s.reshape(e.In[0], vectors...))}, nil
})
