package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// perm lets a ternary layer of one row look up the sums of three rows at once, in registers, with its columns in the
// lanes: from about 15 weights on that is faster than lists of them, at any density.
func perm(g *ir.Graph) (bool, error) {
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		l, ok := n.Op.(*low.Linear)
		if !ok || l.Kind != "ternary" || l.Strategy != "" || n.In[0].Type.Rows() != 1 {
			return nil, nil
		}
		o := low.Order{Strategy: "perm"}
		if k := n.In[1].Type.Shape[0]; o.Terms(k) > low.MaxTerms {
			o.Depth = permDepth
		}
		return []*ir.Value{b.Add(&low.Linear{Kind: l.Kind, Act: l.Act, Order: o}, n.In...)}, nil
	})
}

// permDepth is a number of rows whose groups have few enough terms.
const permDepth = 6144
