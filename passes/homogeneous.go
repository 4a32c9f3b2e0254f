package passes

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// homogeneous takes the factor of a ternary layer, if it is one for all columns, behind its ReLU into the scales of the
// ternary layers that read it: relu(a·x) is a·relu(x) for a positive a. The layer then has no product.
func homogeneous(g *ir.Graph) (bool, error) {
	readers := map[*ir.Value][]*ir.Node{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			readers[v] = append(readers[v], n)
		}
	}
	factors := map[*ir.Value]float32{} // of results whose layers have lost theirs
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		l, ok := n.Op.(*low.Linear)
		if !ok || l.Kind != "ternary" {
			return nil, nil
		}
		in := slices.Clone(n.In)
		a, scaled := factors[in[0]]
		if scaled {
			in[2] = b.Const(times(in[2].Const, a))
		}
		own := float32(0)
		if out := n.Out[0]; !slices.Contains(g.Out, out) {
			own = commonFactor(n, l, readers[out])
		}
		if own != 0 {
			in[2] = b.Const(ir.FromFloats(ir.Float32, in[2].Type.Shape, slices.Repeat([]float64{1}, in[2].Type.Len())))
		}
		if !scaled && own == 0 {
			return nil, nil
		}
		out := b.Add(&low.Linear{Kind: l.Kind, Act: l.Act, Order: l.Order}, in...)
		if own != 0 {
			factors[out] = own
		}
		return []*ir.Value{out}, nil
	})
}

// commonFactor is the factor of the layer n that its readers can take, 0 if there is none.
func commonFactor(n *ir.Node, l *low.Linear, readers []*ir.Node) float32 {
	s := ir.Data[float32](n.In[2].Const)
	if len(s) == 0 || len(readers) == 0 || n.In[3] != nil || l.Act.String() != "relu(x0)" || s[0] == 1 || s[0] < 0x1p-20 || s[0] > 0x1p20 {
		return 0
	}
	for _, v := range s {
		if v != s[0] {
			return 0
		}
	}
	for _, r := range readers {
		m, ok := r.Op.(*low.Linear)
		if !ok || m.Kind != "ternary" || slices.Index(r.In[1:], n.Out[0]) >= 0 {
			return 0
		}
		for i, v := range ir.Data[float32](times(r.In[2].Const, s[0])) {
			if size := math.Abs(float64(v)); (size < 0x1p-126 || size > math.MaxFloat32) && ir.Data[float32](r.In[2].Const)[i] != 0 {
				return 0
			}
		}
	}
	return s[0]
}

// times is a float32 constant times a factor.
func times(t *ir.Tensor, a float32) *ir.Tensor {
	x := slices.Clone(ir.Data[float32](t))
	for i := range x {
		x[i] *= a
	}
	return ir.Of(ir.Float32, t.Shape, x)
}
