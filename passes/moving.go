package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// moving lets windows move over time where time is: the transposes that exporters put around pooling, since it works on the
// last axis, go behind it, and the copies of the first and last step that are joined to a series become edges of the windows.
func moving(g *ir.Graph) (bool, error) {
	uses := g.Uses()
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		op, ok := n.Op.(*low.Reduce)
		if !ok || op.Window == 0 {
			return nil, nil
		}
		x, r := n.In[0], *op
		rank := len(x.Type.Shape)
		turned := false
		if y := untransposed(b, x, uses); y != nil && r.Axes[0] == rank-1 {
			x, r.Axes, turned = y, []int{rank - 2}, true
		}
		edges := r.Before == 0 && r.After == 0
		if y, before, after := withoutEdges(x, r.Axes[0]); y != nil && edges && before < r.Window && after < r.Window {
			x, r.Before, r.After, r.Edge = y, before, after, true
		} else if !turned {
			return nil, nil
		}
		v := b.Add(&r, x)
		if turned {
			v = transposeLast(b, v)
		}
		return []*ir.Value{v}, nil
	})
}

// transposeLast swaps the last two axes.
func transposeLast(b *ir.Builder, v *ir.Value) *ir.Value {
	perm := make([]int, len(v.Type.Shape))
	for i := range perm {
		perm[i] = i
	}
	k := len(perm) - 2
	perm[k], perm[k+1] = k+1, k
	return low.Transpose(b, v, perm...)
}

// untransposed is what v is the transpose of, in its last two axes, nil if it is none; an elementwise operator between is
// computed before.
func untransposed(b *ir.Builder, v *ir.Value, uses map[*ir.Value]int) *ir.Value {
	shape := v.Type.Shape
	if v.Def == nil || len(shape) < 2 {
		return nil
	}
	switch op := v.Def.Op.(type) {
	case *low.Map:
		if uses[v] != 1 || v.Def.In[0].Type.Len() != v.Type.Len() || slices.ContainsFunc(v.Def.In[1:], func(in *ir.Value) bool { return in.Type.Len() != 1 }) {
			return nil
		}
		if x := untransposed(b, v.Def.In[0], uses); x != nil {
			return b.Add(op, slices.Concat([]*ir.Value{x}, v.Def.In[1:])...)
		}
	case *low.Move:
		x := v.Def.In[0]
		if isView(v.Def) && slices.Equal(x.Type.Shape, shape) {
			return untransposed(b, x, uses)
		}
		p, ok := permutation(v.Def)
		k := len(shape) - 2
		before := slices.Concat(shape[:k], []int{shape[k+1], shape[k]})
		if !ok || !slices.Equal(x.Type.Shape, before) {
			return nil
		}
		to, from := p.Places()
		outer, inner := shape[k], shape[k+1]
		for i, o := range to {
			matrix, r, c := o/(outer*inner), o/inner%outer, o%inner
			if from[i] != matrix*outer*inner+c*outer+r {
				return nil
			}
		}
		return x
	}
	return nil
}

// withoutEdges is x if v is it with copies of its first and last element along an axis joined to it, and how many of each.
func withoutEdges(v *ir.Value, axis int) (x *ir.Value, before, after int) {
	if v.Def == nil {
		return nil, 0, 0
	}
	m, ok := v.Def.Op.(*low.Move)
	if !ok || m.Parts == nil || len(v.Def.In) < 2 {
		return nil, 0, 0
	}
	n, inner := v.Type.Shape[axis], ir.Size(v.Type.Shape[axis+1:])
	for i, x := range v.Def.In {
		d := x.Type.Shape
		if len(d) != len(v.Type.Shape) || !slices.Equal(d[:axis], v.Type.Shape[:axis]) || !slices.Equal(d[axis+1:], v.Type.Shape[axis+1:]) || d[axis] == 0 {
			continue
		}
		j := slices.IndexFunc(m.Parts, func(p low.Part) bool { return p.From == i && ir.Size(p.Dims) == x.Type.Len() && p.In == 0 })
		from := placesIn(v, x)
		if j < 0 || from == nil {
			continue
		}
		before = m.Parts[j].Out / inner % n
		if after = n - before - d[axis]; after < 0 {
			continue
		}
		same := func(e int) bool {
			o, p, c := e/inner/n, e/inner%n, e%inner
			return from[e] == (o*d[axis]+min(max(p-before, 0), d[axis]-1))*inner+c
		}
		if !slices.ContainsFunc(allIndices(len(from)), func(e int) bool { return !same(e) }) {
			return x, before, after
		}
	}
	return nil, 0, 0
}

func allIndices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// placesIn lists for every element of v the element of x that it is a copy of, nil if some is none.
func placesIn(v, x *ir.Value) []int {
	if v == x {
		return allIndices(x.Type.Len())
	}
	if v.Def == nil {
		return nil
	}
	m, ok := v.Def.Op.(*low.Move)
	switch {
	case !ok:
		return nil
	case m.Parts == nil:
		return placesIn(v.Def.In[0], x)
	}
	out := slices.Repeat([]int{-1}, v.Type.Len())
	for _, p := range m.Parts {
		from := placesIn(v.Def.In[p.From], x)
		if from == nil {
			return nil
		}
		to, in := p.Places()
		for i, o := range to {
			out[o] = from[in[i]]
		}
	}
	if slices.Contains(out, -1) {
		return nil
	}
	return out
}
