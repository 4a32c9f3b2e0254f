package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// attendOne is an attention of one query over keys or values that are in panels, nil if n is none: its keys lie in the
// lanes, so that nothing is to be transposed.
func (l *layouter) attendOne(n *ir.Node, op *low.Attend) *ir.Value {
	q, k, v := n.In[0], n.In[1], n.In[2]
	if q.Type.Rows() != 1 || op.Finite != nil && !everyKey(op.Finite[0], k.Type.Shape[1]) {
		return nil
	}
	one := *op
	one.Finite, one.Partials = nil, low.Partials
	if x, times := repeated(k); times > 1 && times == op.KVHeads {
		one.KHeads, k = 1, x
	}
	if !inPanels(k) && !inPanels(v) {
		return nil
	}
	if in := l.knownKeys(k, v); in != nil && len(n.In) == 3 {
		return l.b.Add(&one, append([]*ir.Value{l.in(q, ir.RowMajor)}, in...)...)
	}
	in := []*ir.Value{l.in(q, ir.RowMajor), l.in(k, ir.Panels), l.in(v, ir.Panels)}
	return l.b.Add(&one, append(in, n.In[3:]...)...)
}

// knownKeys takes keys and values apart that are computed rows and constant ones, wherever these stand among one another; the
// order of keys has no meaning. It is nil if k and v are not of that kind.
func (l *layouter) knownKeys(k, v *ir.Value) (in []*ir.Value) {
	var first windowed
	for i, x := range []*ir.Value{k, v} {
		keys, n := x.Type.Rows(), x.Type.Features()
		w := windowed{features: n}
		if !w.find(x, keys, func(t, f int) int { return t*n + f }) || w.rest == nil || i > 0 && !slices.Equal(w.row, first.row) {
			return nil
		}
		rest := w.constant()
		rest.Shape = []int{1, rest.Shape[0], n}
		live := w.x
		if shape := []int{1, w.rows, n}; !slices.Equal(live.Type.Shape, shape) {
			live = l.b.Add(&low.Move{Shape: shape, Pack: inPanels(live)}, live)
		}
		in = append(in, l.in(live, ir.Panels), l.in(l.b.Const(rest), ir.Panels))
		first = w
	}
	return []*ir.Value{in[0], in[2], nil, in[1], in[3]}
}

func everyKey(s []low.Span, keys int) bool { return slices.Equal(s, []low.Span{{Lo: 0, Hi: keys}}) }

// repeated returns x and n for a value that is n copies of x side by side in every row; itself and 1 for any other.
func repeated(v *ir.Value) (x *ir.Value, n int) {
	if v.Def == nil {
		return v, 1
	}
	m, ok := v.Def.Op.(*low.Move)
	if !ok || len(m.Parts) < 2 {
		return v, 1
	}
	x = v.Def.In[m.Parts[0].From]
	parts, ok := m.RowParts(v.Def.In)
	f := x.Type.Features()
	if !ok || f*len(parts) != v.Type.Features() || x.Type.Rows() != v.Type.Rows() {
		return v, 1
	}
	seen := make([]bool, len(parts))
	for _, p := range parts {
		whole := low.RowPart{From: p.From, Rows: v.Type.Rows(), Cols: f, DstStep: 1, SrcStep: 1, ToCol: p.ToCol}
		if p.Rows == 1 {
			whole.DstStep, whole.SrcStep = p.DstStep, p.SrcStep
		}
		if p != whole || v.Def.In[p.From] != x || p.ToCol%f != 0 || seen[p.ToCol/f] {
			return v, 1
		}
		seen[p.ToCol/f] = true
	}
	return x, len(parts)
}
