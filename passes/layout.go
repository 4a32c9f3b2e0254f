package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// layout holds activations of several rows in panels from the first linear layer on, for as long as operators work row
// by row, and inserts the changes of layout. Reductions over features become one chain per lane.
func layout(g *ir.Graph) (bool, error) {
	l := &layouter{other: map[*ir.Value]*ir.Value{}, spread: spreader{}}
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		l.b = b
		if out := l.panels(n); out != nil {
			if inPanels(out) && slices.Contains(g.Out, n.Out[0]) {
				out = b.Add(&low.Move{Shape: out.Type.Shape}, out)
			}
			return []*ir.Value{out}, nil
		}
		return l.rowMajor(n), nil
	})
}

type layouter struct {
	b      *ir.Builder
	other  map[*ir.Value]*ir.Value // a value in its other layout, where it was made
	spread spreader
}

// in returns v in the layout to.
func (l *layouter) in(v *ir.Value, to ir.Layout) *ir.Value {
	if v == nil || v.Type.Layout == to {
		return v
	}
	if w := l.other[v]; w != nil {
		return w
	}
	w := low.Relayout(l.b, v, to)
	l.other[v], l.other[w] = w, v
	return w
}

// panels returns the result of n in panels, nil if n is not to work on panels.
func (l *layouter) panels(n *ir.Node) *ir.Value {
	switch op := n.Op.(type) {
	case *low.Linear:
		x := n.In[0]
		if x.Type.DType != ir.Float32 || x.Type.Rows() < 2 || !inPanels(x) && fewRows(op, n.In[1].Const, x.Type.Rows()) {
			return nil
		}
		k := op.Operands()
		in := append([]*ir.Value{l.in(x, ir.Panels)}, n.In[1:k]...)
		return l.b.Add(op, append(in, l.align(n.In[k:], n.Out[0].Type)...)...)
	case *low.Map:
		t := n.Out[0].Type
		if t.DType != ir.Float32 || !slices.ContainsFunc(n.In, inPanels) || !slices.ContainsFunc(n.In, func(v *ir.Value) bool {
			return inPanels(v) && sameRows(v.Type, t)
		}) {
			return nil
		}
		in := l.spread.all(l.b, n.In, t)
		for _, v := range in {
			if v.Type.DType != ir.Float32 || !sameRows(v.Type, t) && !oneRow(v.Type, t) {
				return nil
			}
		}
		return l.b.Add(op, l.align(in, t)...)
	case *low.Normalize:
		if op.Rows {
			return l.b.Add(op, append([]*ir.Value{l.in(n.In[0], ir.Panels)}, n.In[1:]...)...)
		}
		if x := n.In[0]; inPanels(x) && op.Axis == len(x.Type.Shape)-1 {
			chain := *op
			chain.Partials = chain.PanelPartials()
			return l.b.Add(&chain, n.In...)
		}
	case *low.Reduce:
		partial := *op
		partial.Partials = low.Partials
		if x := n.In[0]; inPanels(x) {
			if _, err := partial.Infer(n.In); err == nil {
				return l.b.Add(&partial, x)
			}
		}
	case *low.Attend:
		if one := l.attendOne(n, op); one != nil {
			return one
		}
		if keys, _ := low.Kept(n.In); keys != nil || slices.ContainsFunc(n.In[:3], inPanels) {
			in := []*ir.Value{l.in(n.In[0], ir.Panels), l.in(n.In[1], ir.Panels), l.in(n.In[2], ir.Panels)}
			return l.b.Add(op, append(in, n.In[3:]...)...)
		}
	case *low.Move:
		x := n.In[0]
		if t := n.Out[0].Type; op.Parts == nil && inPanels(x) && sameRows(x.Type, t) {
			return l.b.Add(&low.Move{Shape: t.Shape, Pack: true}, x)
		}
		return l.rows(n, op)
	}
	return nil
}

// rows is a move of rows, some of which are in panels: the result is so too if it has several.
func (l *layouter) rows(n *ir.Node, op *low.Move) *ir.Value {
	t := n.Out[0].Type
	if op.Parts == nil || t.DType != ir.Float32 || !slices.ContainsFunc(n.In, inPanels) {
		return nil
	}
	if _, ok := op.RowParts(n.In); !ok {
		return nil
	}
	rows := *op
	rows.Pack = t.Rows() > 1
	in := slices.Clone(n.In)
	for i, v := range in {
		if v.Const != nil && rows.Pack && v.Type.Rows() > 1 { // constants cost nothing to bring into panels
			in[i] = l.in(v, ir.Panels)
		}
	}
	return l.b.Add(&rows, in...)
}

func inPanels(v *ir.Value) bool { return v != nil && v.Type.Layout == ir.Panels }

func sameRows(a, b ir.Type) bool { return a.Rows() == b.Rows() && a.Features() == b.Features() }

// oneRow reports whether v is the same for all rows of t.
func oneRow(v, t ir.Type) bool {
	return v.Layout == ir.RowMajor && v.Rows() == 1 && (v.Features() == t.Features() || v.Features() == 1)
}

// align returns the values that an expression over t reads: one-row values as they are, others in panels.
func (l *layouter) align(in []*ir.Value, t ir.Type) []*ir.Value {
	out := make([]*ir.Value, len(in))
	for i, v := range in {
		if out[i] = v; !oneRow(v.Type, t) {
			out[i] = l.in(v, ir.Panels)
		}
	}
	return out
}

// rowMajor gives n row-major inputs; it returns nil if they are so already.
func (l *layouter) rowMajor(n *ir.Node) []*ir.Value {
	if !slices.ContainsFunc(n.In, inPanels) {
		return nil
	}
	if m, ok := n.Op.(*low.Move); ok && m.Pack {
		return nil
	}
	in := make([]*ir.Value, len(n.In))
	for i, v := range n.In {
		in[i] = l.in(v, ir.RowMajor)
	}
	return l.b.AddN(len(n.Out), n.Op, in...)
}
