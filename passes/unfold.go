package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

const (
	unfoldBytes = 64 << 10 // smaller constants stay folded
	unfoldRatio = 4        // so do those that are at most this many times the bytes they were made from
)

// unfold puts back the nodes that computed a large constant from a small one, where something still reads it: the
// compiled model computes it faster than it loads it. Weights and attention masks stay constant, since their elements
// decide which code is made.
func unfold(g *ir.Graph) (bool, error) {
	u := &unfolder{g: g, made: map[*ir.Value]*ir.Value{}}
	old := g.Nodes
	g.Nodes = nil
	for _, n := range old {
		for i, v := range n.In {
			if v == nil || v.Const == nil || decidesCode(n, i) || !grown(v) {
				continue
			}
			w, err := u.value(v)
			if err != nil {
				return u.changed, err
			}
			n.In[i] = w
		}
		g.Nodes = append(g.Nodes, n)
	}
	return u.changed, nil
}

// decidesCode reports whether the compiler looks at the elements of input i of n.
func decidesCode(n *ir.Node, i int) bool {
	switch n.Op.Name() {
	case "MatMul", "Gemm", "Conv":
		return true
	case "Attention":
		return i == 3
	}
	return false
}

func grown(v *ir.Value) bool {
	return v.Recipe != nil && bytesOf(v) > unfoldBytes && bytesOf(v) > unfoldRatio*source(v.Recipe.Def, map[*ir.Value]bool{})
}

// source is the bytes of the constants that n's value would be computed from.
func source(n *ir.Node, seen map[*ir.Value]bool) int {
	sum := 0
	for _, v := range n.In {
		switch {
		case v == nil || v.Const == nil || seen[v]: // a value that is not constant is asked for its shape only
		case grown(v):
			seen[v] = true
			sum += source(v.Recipe.Def, seen)
		default:
			seen[v] = true
			sum += bytesOf(v)
		}
	}
	return sum
}

type unfolder struct {
	g       *ir.Graph
	made    map[*ir.Value]*ir.Value
	changed bool
}

// value returns the result of v's recipe, whose node it adds to the graph unless that has been done.
func (u *unfolder) value(v *ir.Value) (*ir.Value, error) {
	if w := u.made[v.Recipe]; w != nil {
		return w, nil
	}
	def := v.Recipe.Def
	in := slices.Clone(def.In)
	for i, x := range in {
		if x != nil && x.Const != nil && grown(x) {
			w, err := u.value(x)
			if err != nil {
				return nil, err
			}
			in[i] = w
		}
	}
	names, types := make([]string, len(def.Out)), make([]ir.Type, len(def.Out))
	for i, o := range def.Out {
		if o != nil {
			names[i], types[i] = u.g.Fresh(o.Name), o.Type
		}
	}
	n, err := u.g.AddTyped(def.Op, def.Name, in, names, types)
	if err != nil {
		return nil, err
	}
	u.changed = true
	for i, o := range def.Out {
		u.made[o] = n.Out[i]
	}
	return u.made[v.Recipe], nil
}
