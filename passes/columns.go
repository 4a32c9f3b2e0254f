package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// layerColumns makes the order, choice and joining of columns part of the layers beside them. A layer whose weights are mostly
// zero costs no more for rows or columns of zeros: it reads all columns of a value instead of those that were picked out
// of it, and computes constant columns as its bias. The columns of any layer come in the order in which they are read.
func layerColumns(g *ir.Graph) (bool, error) {
	uses := g.Uses()
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		var out *ir.Value
		switch op := n.Op.(type) {
		case *low.Linear:
			out = readColumns(b, n, op)
		case *low.Move:
			out = makeColumns(b, n, op, uses)
		}
		if out == nil {
			return nil, nil
		}
		uses[out] = uses[n.Out[0]]
		return []*ir.Value{out}, nil
	})
}

// column is where a column of a value comes from.
type column struct{ from, at int }

// columnMap tells where the columns of a move's result come from, the same for all rows; nil if it is not so.
func columnMap(n *ir.Node, m *low.Move) []column {
	t := n.Out[0].Type
	if m.Parts == nil || m.Layout() != ir.RowMajor || t.Len() == 0 {
		return nil
	}
	features := t.Features()
	of := make([]column, t.Len())
	for i := range of {
		of[i].from = -1
	}
	for _, p := range m.Parts {
		x := n.In[p.From].Type
		if x.Rows() != t.Rows() || x.Layout != ir.RowMajor {
			return nil
		}
		out, in := p.Places()
		for i, o := range out {
			if in[i]/x.Features() != o/features {
				return nil
			}
			of[o] = column{p.From, in[i] % x.Features()}
		}
	}
	first := of[:features]
	for r := range t.Rows() {
		if !slices.Equal(first, of[r*features:(r+1)*features]) {
			return nil
		}
	}
	if slices.ContainsFunc(first, func(c column) bool { return c.from < 0 }) {
		return nil
	}
	return first
}

// sameLead reports whether two shapes differ only in the last axis.
func sameLead(a, b []int) bool {
	return len(a) == len(b) && len(a) > 0 && slices.Equal(a[:len(a)-1], b[:len(b)-1])
}

// readColumns is a layer that reads all columns of a value instead of those picked out of it.
func readColumns(b *ir.Builder, n *ir.Node, l *low.Linear) *ir.Value {
	x := n.In[0]
	if l.Kind == "dense" || l.Strategy != "" || x.Def == nil {
		return nil
	}
	m, ok := x.Def.Op.(*low.Move)
	if !ok || len(x.Def.In) != 1 {
		return nil
	}
	all := x.Def.In[0]
	from := columnMap(x.Def, m)
	k := all.Type.Features()
	if from == nil || !sameLead(all.Type.Shape, x.Type.Shape) || k > maxIndexed {
		return nil
	}
	at := make([]int, k) // the row of the weights for each column, plus 1
	for i, c := range from {
		if at[c.at] != 0 {
			return nil
		}
		at[c.at] = i + 1
	}
	w := n.In[1].Const
	cols := w.Shape[1]
	padded := withZero(w)
	in := slices.Clone(n.In)
	in[0] = all
	in[1] = b.Const(padded.Gather([]int{k, cols}, func(i int) int {
		if r := at[i/cols]; r > 0 {
			return (r-1)*cols + i%cols
		}
		return padded.Len() - 1
	}))
	return b.Add(l, in...)
}

// withZero is a constant's elements and a zero.
func withZero(t *ir.Tensor) *ir.Tensor {
	n := t.Len()
	out := ir.NewTensor(t.DType, n+1)
	for i := range n {
		out.CopyElem(i, t, i)
	}
	return out
}

// makeColumns is a layer whose columns come as a move would place them, constants that are the same in all rows among them.
func makeColumns(b *ir.Builder, n *ir.Node, m *low.Move, uses map[*ir.Value]int) *ir.Value {
	layer := -1
	for i, v := range n.In {
		if v.Const == nil && layer >= 0 {
			return nil
		}
		if v.Const == nil {
			layer = i
		}
	}
	if layer < 0 || n.In[layer].Def == nil || uses[n.In[layer]] != 1 {
		return nil
	}
	made := n.In[layer].Def
	l, ok := made.Op.(*low.Linear)
	t := n.Out[0].Type
	if !ok || !l.Act.IsZero() || l.Strategy != "" || t.DType != ir.Float32 || l.Kind == "dense" && len(n.In) > 1 || !sameLead(t.Shape, made.In[0].Type.Shape) {
		return nil
	}
	from := columnMap(n, m)
	if from == nil {
		return nil
	}
	w := made.In[1].Const
	bias, biased := make([]float32, len(from)), made.In[l.Operands()-1] != nil
	pick := make([]int, len(from)) // columns of the layer; -1: a constant
	copies := 0
	for j, c := range from {
		if pick[j] = c.at; c.from == layer {
			if copies++; biased {
				bias[j] = ir.Data[float32](made.In[l.Operands()-1].Const)[c.at]
			}
			continue
		}
		pick[j] = -1
		v, ok := constantColumn(n.In[c.from].Const, c.at)
		if !ok {
			return nil
		}
		bias[j] = v
	}
	if copies > w.Shape[1] {
		return nil
	}
	biased = biased || slices.ContainsFunc(bias, func(v float32) bool { return v != 0 })
	in := slices.Clone(made.In[:l.Operands()])
	in[1] = b.Const(pickColumns(w, pick))
	if l.Kind == "ternary" {
		in[2] = b.Const(pickColumns(in[2].Const.Reshape(1, w.Shape[1]), pick).Reshape(len(pick)))
	}
	if biased {
		in[l.Operands()-1] = b.Const(ir.Of(ir.Float32, []int{len(bias)}, bias))
	}
	return b.Add(l, in...)
}

// constantColumn is the value of column j of t, if it is the same in all rows.
func constantColumn(t *ir.Tensor, j int) (float32, bool) {
	x, n := ir.Data[float32](t), t.Type().Features()
	for i := j; i < len(x); i += n {
		if x[i] != x[j] {
			return 0, false
		}
	}
	return x[j], true
}

// pickColumns picks columns of a matrix; -1 stands for one of zeros.
func pickColumns(w *ir.Tensor, pick []int) *ir.Tensor {
	padded, n := withZero(w), w.Shape[1]
	return padded.Gather([]int{w.Shape[0], len(pick)}, func(i int) int {
		if j := pick[i%len(pick)]; j >= 0 {
			return i/len(pick)*n + j
		}
		return padded.Len() - 1
	})
}
