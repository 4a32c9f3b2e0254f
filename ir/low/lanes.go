package low

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// InLanes returns a graph that computes n samples at once, where g computes one, in the same order of arithmetic: the
// samples are the lanes of vectors. Inputs and outputs have the samples one after the other along their first axis, which is 1
// in g. The error names an operator that has no such form. n is Lanes, or any number if all is SingleRows.
//
// Values are row-major with the samples as a further last axis, or in panels, one for each row, with the samples as its rows.
// Both are the same in memory. Single rows are always in panels, one for 16 samples.
func InLanes(g *ir.Graph, n int) (*ir.Graph, error) {
	all := &ir.Graph{Name: g.Name}
	l := &laner{b: ir.NewBuilder(all, ""), n: n, rows: SingleRows(g), of: map[*ir.Value]*laned{}, consts: map[*ir.Value]*ir.Value{}}
	if !l.rows && n != ir.Lanes {
		return nil, fmt.Errorf("%d samples of several rows have no form for lanes", n)
	}
	for _, v := range g.In {
		if err := l.input(all, v); err != nil {
			return nil, err
		}
	}
	for _, v := range g.Out {
		all.Claim(v.Name)
	}
	for _, n := range g.Nodes {
		l.b = ir.BuilderFor(all, n)
		err := l.node(n)
		if err == nil {
			err = cmp.Or(l.err, l.b.Err())
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
	}
	for _, v := range g.Out {
		if err := l.output(all, v); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// SingleRows reports whether all values of g that are no constants are float32 of one row, and only layers and expressions
// compute them.
func SingleRows(g *ir.Graph) bool {
	for _, n := range g.Nodes {
		switch op := n.Op.(type) {
		case *Linear, *Map:
		case *Move:
			if op.Parts != nil || op.Layout() != ir.RowMajor || n.In[0].Type.Features() != n.Out[0].Type.Features() {
				return false
			}
		default:
			return false
		}
		for _, v := range n.Out {
			if v.Type.Rows() != 1 || v.Type.DType != ir.Float32 {
				return false
			}
		}
	}
	return !slices.ContainsFunc(g.In, func(v *ir.Value) bool { return v.Type.Rows() != 1 })
}

// laner builds the graph.
type laner struct {
	b      *ir.Builder
	n      int  // samples
	rows   bool // of one row each
	err    error
	of     map[*ir.Value]*laned    // what a value of one sample has become
	consts map[*ir.Value]*ir.Value // results that are a constant in another shape or layout
}

// laned is a value for all samples, in the forms that have been asked for: flat, row-major with the samples last, or panels.
type laned struct{ flat, panels *ir.Value }

var errNoLanes = errors.New("it has no form for samples in lanes")

func (l *laner) input(all *ir.Graph, v *ir.Value) error {
	if v.Type.DType != ir.Float32 || len(v.Type.Shape) == 0 || v.Type.Shape[0] != 1 || v.Type.Len() == 0 {
		return fmt.Errorf("input %q is %v", v.Name, v.Type)
	}
	in := &ir.Value{Name: v.Name, Type: ir.Type{DType: v.Type.DType, Shape: l.ofSamples(v.Type)}}
	all.In = append(all.In, in)
	all.Claim(v.Name)
	l.b = ir.NewBuilder(all, v.Name)
	l.fromSamples(v, in)
	return l.b.Err()
}

// ofSamples is the shape of all samples one after the other.
func (l *laner) ofSamples(t ir.Type) []int {
	return append([]int{l.n}, t.Shape[1:]...)
}

// inRows is the shape of a value of one row with all samples as rows.
func (l *laner) inRows(t ir.Type) []int {
	last := len(t.Shape) - 1
	return append(slices.Clone(t.Shape[:last]), l.n, t.Shape[last])
}

func (l *laner) output(all *ir.Graph, v *ir.Value) error {
	x := l.of[v]
	if x == nil || len(v.Type.Shape) == 0 || v.Type.Shape[0] != 1 {
		return fmt.Errorf("output %q is %v, and does not depend on samples or is not one", v.Name, v.Type)
	}
	l.b = ir.NewBuilder(all, v.Name)
	out := &Move{Shape: l.ofSamples(v.Type)}
	var in *ir.Value
	if l.rows {
		in = l.panels(v)
	} else if in = l.turned(Copy(l.b, l.flat(v), v.Type.Len(), ir.Lanes)); out.Shape[len(out.Shape)-1] != v.Type.Len() {
		in = Relayout(l.b, in, ir.RowMajor)
	}
	if err := l.b.Err(); err != nil {
		return err
	}
	n, err := all.Add(out, []*ir.Value{in}, v.Name)
	if err == nil {
		all.Out = append(all.Out, n.Out[0])
	}
	return err
}

// fromSamples makes v of its samples one after the other, row-major.
func (l *laner) fromSamples(v, samples *ir.Value) {
	rows := Relayout(l.b, Copy(l.b, samples, l.n, v.Type.Len()), ir.Panels)
	if l.rows {
		l.put(v, l.b.Add(&Move{Shape: l.inRows(v.Type), Pack: true}, rows))
		return
	}
	l.put(v, Copy(l.b, l.turned(rows), append(slices.Clone(v.Type.Shape), ir.Lanes)...))
}

// samples are those of v one after the other, row-major.
func (l *laner) samples(v *ir.Value) *ir.Value {
	rows := Relayout(l.b, l.turned(Copy(l.b, l.flat(v), v.Type.Len(), ir.Lanes)), ir.RowMajor)
	return Copy(l.b, rows, append([]int{ir.Lanes}, v.Type.Shape...)...)
}

// put notes what v is for all samples: row-major with the samples last, or in panels.
func (l *laner) put(v, all *ir.Value) {
	x := &laned{}
	if all.Type.Layout == ir.Panels {
		x.panels = all
	} else {
		x.flat = all
	}
	l.of[v] = x
}

func (l *laner) turned(v *ir.Value) *ir.Value {
	return l.b.Add(&Move{Shape: exchanged(v.Type.Shape), Turn: true, Pack: v.Type.Layout != ir.Panels}, v)
}

// flat is v row-major with the samples last. A constant is repeated for each.
func (l *laner) flat(v *ir.Value) *ir.Value {
	x := l.lanesOf(v)
	if l.rows {
		l.err = errNoLanes
		return x.panels
	}
	if x.flat == nil {
		x.flat = l.turned(x.panels)
	}
	return x.flat
}

// panels is v in panels.
func (l *laner) panels(v *ir.Value) *ir.Value {
	x := l.lanesOf(v)
	if x.panels == nil {
		x.panels = l.turned(x.flat)
	}
	return x.panels
}

func (l *laner) lanesOf(v *ir.Value) *laned {
	if l.of[v] == nil {
		c := l.constant(v)
		shape := append(slices.Clone(v.Type.Shape), ir.Lanes)
		l.put(v, Box(l.b, c, shape, 0, append(ir.Strides(v.Type.Shape), 0)))
	}
	return l.of[v]
}

// constant is v row-major, which is the same for all samples.
func (l *laner) constant(v *ir.Value) *ir.Value {
	if c := l.consts[v]; c != nil {
		return c
	}
	return v
}

// depends reports whether v differs from sample to sample.
func (l *laner) depends(v *ir.Value) bool { return v != nil && v.Const == nil && l.consts[v] == nil }

func (l *laner) node(n *ir.Node) error {
	if !slices.ContainsFunc(n.In, l.depends) {
		m, ok := n.Op.(*Move)
		if !ok || m.Parts != nil {
			return errNoLanes
		}
		l.consts[n.Out[0]] = l.b.Const(l.constant(n.In[0]).Const.Reshape(m.Shape...))
		return nil
	}
	for _, v := range n.Out {
		if v != nil && (v.Type.DType != ir.Float32 || len(v.Type.Shape) == 0) {
			return errNoLanes
		}
	}
	switch op := n.Op.(type) {
	case *Linear:
		in := append([]*ir.Value{l.panels(n.In[0])}, n.In[1:op.Operands()]...)
		extra, err := l.aligned(n.In[op.Operands():], n.Out[0].Type)
		if err != nil {
			return err
		}
		l.put(n.Out[0], l.b.Add(op, append(in, extra...)...))
		return nil
	case *Map:
		return l.mapped(n, op)
	case *Normalize:
		return l.normalized(n, op)
	case *Reduce:
		l.put(n.Out[0], l.b.Add(op, l.flat(n.In[0])))
		return nil
	case *Attend:
		return l.attended(n, op)
	case *Move:
		return l.moved(n, op)
	}
	return errNoLanes
}

// aligned are the values that an expression over t in panels reads.
func (l *laner) aligned(in []*ir.Value, t ir.Type) ([]*ir.Value, error) {
	out := make([]*ir.Value, len(in))
	for i, v := range in {
		c := l.constant(v)
		switch rows := ir.Size(v.Type.Shape[:max(0, len(v.Type.Shape)-1)]); {
		case !l.depends(v) && rows == 1:
			out[i] = c
		case v.Type.Rows() == t.Rows() && v.Type.Features() == t.Features() && (l.depends(v) || !l.rows):
			out[i] = l.panels(v)
		default:
			return nil, fmt.Errorf("%q, %v, is not one row beside %v", v.Name, v.Type, t)
		}
	}
	return out, nil
}

// mapped is an expression over panels, or one over row-major values that are broadcast.
func (l *laner) mapped(n *ir.Node, op *Map) error {
	for _, v := range n.In {
		if v.Type.DType != ir.Float32 {
			return errNoLanes
		}
	}
	if in, err := l.aligned(n.In, n.Out[0].Type); err == nil || l.rows {
		if err != nil {
			return err
		}
		l.put(n.Out[0], l.b.Add(op, in...))
		return nil
	}
	in := make([]*ir.Value, len(n.In))
	for i, v := range n.In {
		if in[i] = l.constant(v); l.depends(v) {
			in[i] = l.flat(v)
		} else {
			in[i] = l.b.Const(in[i].Const.Reshape(append(slices.Clone(v.Type.Shape), 1)...))
		}
	}
	l.put(n.Out[0], l.b.Add(op, in...))
	return nil
}

// normalized is done in panels where it was; other rows have partial sums, which are for one sample after the other.
func (l *laner) normalized(n *ir.Node, op *Normalize) error {
	if op.Rows || slices.ContainsFunc(n.In[1:], l.depends) {
		return errNoLanes
	}
	same := *op
	same.Axis++
	if n.In[0].Type.Layout == ir.Panels {
		l.put(n.Out[0], l.b.Add(&same, append([]*ir.Value{l.panels(n.In[0])}, n.In[1:]...)...))
		return nil
	}
	l.fromSamples(n.Out[0], l.b.Add(&same, append([]*ir.Value{l.samples(n.In[0])}, n.In[1:]...)...))
	return nil
}

func (l *laner) attended(n *ir.Node, op *Attend) error {
	if on, _ := Kept(n.In); op.Partials == 0 && on != nil || n.In[0].Type.Shape[0] != 1 {
		return errNoLanes
	}
	same := *op
	same.Lanes = true
	in := slices.Clone(n.In)
	for i, v := range in {
		switch {
		case v == nil:
		case i == 3 && l.depends(v):
			return errNoLanes
		case i == 3:
			in[i] = l.constant(v)
		default:
			in[i] = l.flat(v)
		}
	}
	l.put(n.Out[0], l.b.Add(&same, in...))
	return nil
}

// moved is a move of what all samples have in common places; nothing moves where only shape or layout change.
func (l *laner) moved(n *ir.Node, op *Move) error {
	if l.rows {
		l.put(n.Out[0], l.b.Add(&Move{Shape: l.inRows(n.Out[0].Type), Pack: true}, l.panels(n.In[0])))
		return nil
	}
	if op.Parts == nil {
		l.put(n.Out[0], Copy(l.b, l.flat(n.In[0]), append(slices.Clone(op.Shape), ir.Lanes)...))
		return nil
	}
	same := &Move{Shape: append(slices.Clone(op.Shape), ir.Lanes), Fill: op.Fill}
	for _, p := range op.Parts {
		p.Dims = append(slices.Clone(p.Dims), ir.Lanes)
		p.Out, p.OutStrides = p.Out*ir.Lanes, withLanes(p.OutStrides)
		p.In, p.InStrides = p.In*ir.Lanes, withLanes(p.InStrides)
		same.Parts = append(same.Parts, p)
	}
	in := make([]*ir.Value, len(n.In))
	for i, v := range n.In {
		in[i] = l.flat(v)
	}
	l.put(n.Out[0], l.b.Add(same, in...))
	return nil
}

// withLanes are strides where every element has become one for each sample.
func withLanes(strides []int) []int {
	out := make([]int, len(strides), len(strides)+1)
	for i, s := range strides {
		out[i] = s * ir.Lanes
	}
	return append(out, 1)
}

// exchanged is a shape with its last two axes exchanged.
func exchanged(shape []int) []int {
	out := slices.Clone(shape)
	if n := len(out); n >= 2 {
		out[n-1], out[n-2] = out[n-2], out[n-1]
	}
	return out
}

func (m *Move) inferTurn(t ir.Type, in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	n := len(x.Shape)
	if len(in) != 1 || m.Parts != nil || n < 2 || t.Layout == x.Layout || !slices.Equal(t.Shape, exchanged(x.Shape)) || t.DType != ir.Float32 ||
		x.Layout == ir.RowMajor && x.Shape[n-1] != ir.Lanes || x.Layout == ir.Panels && x.Shape[n-2] != ir.Lanes {
		return nil, fmt.Errorf("%v turned to %v", x, t)
	}
	return []ir.Type{t}, nil
}

func (m *Move) turned(x *ir.Tensor) *ir.Tensor {
	n := len(x.Shape)
	a, b := x.Shape[n-2], x.Shape[n-1]
	return x.Gather(m.Shape, func(i int) int { return i/(a*b)*(a*b) + i%a*b + i/a%b })
}

// oneLane are the types of one of the samples that lie last.
func (a *Attend) oneLane(in []*ir.Value) ([]*ir.Value, error) {
	out := slices.Clone(in)
	for i, v := range in {
		if v == nil || i == 3 {
			continue
		}
		t := v.Type
		if n := len(t.Shape); n != 4 || t.Shape[3] != ir.Lanes || t.Layout != ir.RowMajor {
			return nil, fmt.Errorf("%v has no %d samples along a fourth axis", t, ir.Lanes)
		}
		if t.Shape = t.Shape[:3]; a.Partials == Partials && i > 0 {
			t.Layout = ir.Panels
		}
		out[i] = &ir.Value{Name: v.Name, Type: t}
	}
	return out, nil
}

func (a *Attend) inferLanes(in []*ir.Value) ([]ir.Type, error) {
	if len(in) > 4 && a.Partials != Partials {
		return nil, errArity
	}
	one, err := a.oneLane(in)
	if err != nil {
		return nil, err
	}
	each := *a
	each.Lanes = false
	types, err := each.Infer(one)
	for i := range types {
		types[i].Shape, types[i].Layout = append(slices.Clone(types[i].Shape), ir.Lanes), ir.RowMajor
	}
	return types, err
}

// evalLanes computes one sample after the other.
func (a *Attend) evalLanes(in []*ir.Tensor) ([]*ir.Tensor, error) {
	each := *a
	each.Lanes = false
	var all *ir.Tensor
	for l := range ir.Lanes {
		one := slices.Clone(in)
		for i, t := range in {
			if t != nil && i != 3 {
				one[i] = t.Gather(t.Shape[:3], func(j int) int { return j*ir.Lanes + l })
			}
		}
		out, err := each.Eval(one)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = ir.NewTensor(ir.Float32, append(slices.Clone(out[0].Shape), ir.Lanes)...)
		}
		for i := range out[0].Len() {
			all.CopyElem(i*ir.Lanes+l, out[0], i)
		}
	}
	return []*ir.Tensor{all}, nil
}
