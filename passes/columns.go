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

// cheapColumns is how many weights a column of a layer has at most, on average, for which it may be computed twice.
const cheapColumns = 4

// makeColumns is a layer whose columns come as a move would place them, constants among them: those that are the same in all
// rows are its bias, others are added to it, as those are that were added before the move.
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
	if layer < 0 || n.In[layer].Def == nil {
		return nil
	}
	x, added := n.In[layer], (*ir.Value)(nil)
	if x.Def.Op.Name() == "sbtc.Map" {
		if x, added = layerAndConstant(x.Def); x == nil {
			return nil
		}
	}
	made := x.Def
	l, ok := made.Op.(*low.Linear)
	t := n.Out[0].Type
	if !ok || !l.Act.IsZero() || l.Strategy != "" || t.DType != ir.Float32 || l.Kind == "dense" && len(n.In) > 1 || !sameLead(t.Shape, made.In[0].Type.Shape) {
		return nil
	}
	w := made.In[1].Const
	if nonzeros(w) > cheapColumns*w.Shape[1] && (uses[n.In[layer]] != 1 || uses[x] != 1) {
		return nil
	}
	from := columnMap(n, m)
	if from == nil {
		return nil
	}
	pick := make([]int, len(from)) // columns of the layer; -1: a constant
	copies := 0
	for j, c := range from {
		if pick[j] = -1; c.from == layer {
			pick[j] = c.at
			copies++
		}
	}
	if copies > w.Shape[1] {
		return nil
	}
	rows, varied := t.Rows(), false
	share := make([]float32, rows*len(from)) // what is added to the products, row by row
	for i := range share {
		r, c := i/len(from), from[i%len(from)]
		switch v := n.In[c.from].Const; {
		case v != nil:
			share[i] = constantAt(v, r, c.at)
		case added != nil:
			share[i] = constantAt(added.Const, r, c.at)
		}
		varied = varied || share[i] != share[i%len(from)]
	}
	last := l.Operands() - 1
	in := slices.Clone(made.In[:l.Operands()])
	in[1] = b.Const(pickColumns(w, pick))
	if l.Kind == "ternary" {
		in[2] = b.Const(pickColumns(in[2].Const.Reshape(1, w.Shape[1]), pick).Reshape(len(pick)))
	}
	bias := in[last]
	if bias != nil {
		bias = b.Const(pickColumns(bias.Const.Reshape(1, w.Shape[1]), pick).Reshape(len(pick)))
	}
	if in[last] = bias; !varied && (bias == nil || added == nil) {
		row := share[:len(from)]
		for j, q := range pick {
			if q >= 0 && bias != nil {
				row[j] = ir.Data[float32](bias.Const)[j]
			}
		}
		if bias != nil || slices.ContainsFunc(row, func(v float32) bool { return v != 0 }) {
			in[last] = b.Const(ir.Of(ir.Float32, []int{len(row)}, row))
		}
		return b.Add(l, in...)
	}
	return low.Elementwise(b, "add(x0,x1)", b.Add(l, in...), b.Const(ir.Of(ir.Float32, t.Shape, share)))
}

// layerAndConstant are the operands of the sum of a value and a constant with its rows, or one for all.
func layerAndConstant(n *ir.Node) (x, c *ir.Value) {
	sum := n.Op.(*low.Map).Expr.String()
	if len(n.In) != 2 || sum != "add(x0,x1)" && sum != "add(x1,x0)" {
		return nil, nil
	}
	if x, c = n.In[0], n.In[1]; x.Const != nil {
		x, c = c, x
	}
	t := n.Out[0].Type
	if c.Const == nil || x.Def == nil || !slices.Equal(x.Type.Shape, t.Shape) || c.Type.DType != ir.Float32 || c.Type.Features() != t.Features() ||
		c.Type.Len() != t.Len() && c.Type.Len() != t.Features() {
		return nil, nil
	}
	return x, c
}

// constantAt is the element in column j of row r of a constant, which may have one row for all.
func constantAt(t *ir.Tensor, r, j int) float32 {
	x, n := ir.Data[float32](t), t.Type().Features()
	return x[(r*n+j)%len(x)]
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
