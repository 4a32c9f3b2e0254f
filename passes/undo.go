package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// undo replaces a static index map that undoes another one by the value that both began with.
func undo(g *ir.Graph) (bool, error) {
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		second, ok := permutation(n)
		if !ok || n.In[0].Def == nil {
			return nil, nil
		}
		inner := n.In[0].Def
		for isView(inner) && inner.In[0].Def != nil { // the same elements in the same order
			inner = inner.In[0].Def
		}
		first, ok := permutation(inner)
		if !ok || !inverse(first, second) {
			return nil, nil
		}
		x := inner.In[0]
		if !slices.Equal(x.Type.Shape, n.Out[0].Type.Shape) {
			x = low.Copy(b, x, n.Out[0].Type.Shape...)
		}
		return []*ir.Value{x}, nil
	})
}

// permutation is the only part of a move that gives each element of its one input another place.
func permutation(n *ir.Node) (low.Part, bool) {
	m, ok := n.Op.(*low.Move)
	if !ok || len(m.Parts) != 1 || len(n.In) != 1 {
		return low.Part{}, false
	}
	p, size := m.Parts[0], n.Out[0].Type.Len()
	return p, ir.Size(p.Dims) == size && n.In[0].Type.Len() == size && size > 0
}

func isView(n *ir.Node) bool {
	m, ok := n.Op.(*low.Move)
	return ok && m.Parts == nil && m.Layout() == n.In[0].Type.Layout
}

// inverse reports whether the second part takes every element back to where the first found it.
func inverse(first, second low.Part) bool {
	from := make([]int, ir.Size(first.Dims)) // by place after the first
	for i := range from {
		from[i] = -1
	}
	to, in := first.Places()
	for i, o := range to {
		from[o] = in[i]
	}
	to, in = second.Places()
	for i, o := range to {
		if from[in[i]] != o {
			return false
		}
		from[in[i]] = -1 // a place read twice is no permutation
	}
	return !slices.ContainsFunc(from, func(i int) bool { return i >= 0 })
}
