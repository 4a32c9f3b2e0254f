package passes

import (
	"crypto/sha256"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// signs lets ternary layers share what they can. One whose signs are those of an earlier layer, perhaps with other columns
// negated, gets that layer's, and its scales the other sign there: so both have the same code. Layers that have the same input,
// too, come to stand one after the other, where their sums are computed once (low.SharedSums).
func signs(g *ir.Graph) (bool, error) {
	first := map[[sha256.Size]byte]*ir.Value{} // by the signs, with every column beginning with +1
	changed, err := g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		l, ok := n.Op.(*low.Linear)
		if !ok || l.Kind != "ternary" {
			return nil, nil
		}
		key := positive(n.In[1].Const)
		w := first[key]
		switch {
		case w == nil:
			first[key] = n.In[1]
			return nil, nil
		case w == n.In[1]:
			return nil, nil
		}
		in := slices.Clone(n.In)
		in[1], in[2] = w, negated(b, n.In[2], n.In[1].Const, w.Const)
		return []*ir.Value{b.Add(&low.Linear{Kind: l.Kind, Act: l.Act, Order: l.Order}, in...)}, nil
	})
	return gather(g) || changed, err
}

// begins are the first signs of the columns that are not 0.
func begins(w *ir.Tensor) []int8 {
	x, n := ir.Data[int8](w), w.Shape[1]
	first := make([]int8, n)
	for i, s := range x {
		if j := i % n; first[j] == 0 {
			first[j] = s
		}
	}
	return first
}

// positive identifies signs up to those of whole columns.
func positive(w *ir.Tensor) [sha256.Size]byte {
	first := begins(w)
	b := make([]byte, 0, w.Len()+16)
	for i, s := range ir.Data[int8](w) {
		b = append(b, byte(s*first[i%len(first)]))
	}
	for _, d := range w.Shape {
		b = append(b, byte(d), byte(d>>8), byte(d>>16), byte(d>>24))
	}
	return sha256.Sum256(b)
}

// negated is scale with the other sign in columns where is and want begin with different signs.
func negated(b *ir.Builder, scale *ir.Value, is, want *ir.Tensor) *ir.Value {
	x, y := begins(is), begins(want)
	if slices.Equal(x, y) {
		return scale
	}
	s := slices.Clone(ir.Data[float32](scale.Const))
	for j := range s {
		if x[j] != y[j] {
			s[j] = -s[j]
		}
	}
	return b.Const(ir.Of(ir.Float32, scale.Type.Shape, s))
}

// gather moves layers to behind an earlier one with the same sums, if what else they read is there.
func gather(g *ir.Graph) (changed bool) {
	for i, n := range g.Nodes {
		if l, ok := n.Op.(*low.Linear); !ok || l.Kind != "ternary" {
			continue
		}
		later := map[*ir.Value]bool{}
		end := i + 1
		for j, m := range g.Nodes[i:] {
			if j += i; low.SameSums(n, m) && !slices.ContainsFunc(m.In, func(v *ir.Value) bool { return later[v] }) {
				if j > end {
					copy(g.Nodes[end+1:j+1], g.Nodes[end:j])
					g.Nodes[end] = m
					changed = true
				}
				end++
			}
			for _, v := range m.Out {
				later[v] = v != nil
			}
		}
	}
	return changed
}
