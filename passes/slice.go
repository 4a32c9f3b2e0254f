package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// slice writes every way to take a range of an axis as Slice, moves it up past nodes that only move elements, and where
// a linear layer is read in parts, as packed query, key and value projections are, takes the parts of its weights: each
// becomes a layer of its own.
var slice = rewrite(func(s *site) ([]*ir.Value, error) {
	switch s.n.Op.(type) {
	case *op.Gather:
		return s.gatherRange()
	case *op.Split:
		return s.splitRanges()
	case *op.Slice:
		r := rangeOf(s.n)
		if r == nil {
			return nil, nil
		}
		v := s.sliceOfView(r)
		if v == nil {
			v = s.sliceOfLinear(r)
		}
		if v == nil || !sameType(v, s.n.Out[0]) {
			return nil, nil
		}
		return []*ir.Value{v}, nil
	}
	return nil, nil
})

// gatherRange writes a Gather of consecutive constant indices as Slice.
func (s *site) gatherRange() ([]*ir.Value, error) {
	x, idx := s.n.In[0], s.n.In[1]
	if !isConst(idx) || idx.Type.Len() == 0 || !x.Type.Static() || len(idx.Type.Shape) > 1 {
		return nil, nil
	}
	a := axis(s.n.Op.(*op.Gather).Axis, x)
	at := idx.Const.IntsAsInt()
	for i := range at {
		if at[i] < 0 {
			at[i] += x.Type.Shape[a]
		}
		if at[i] != at[0]+i || at[i] < 0 || at[i] >= x.Type.Shape[a] {
			return nil, nil
		}
	}
	return []*ir.Value{s.reshape(s.slice(x, a, at[0], at[0]+len(at)), s.n.Out[0].Type.Shape...)}, nil
}

// splitRanges writes a Split as one Slice for each result.
func (s *site) splitRanges() ([]*ir.Value, error) {
	x := s.n.In[0]
	if !x.Type.Static() || slices.ContainsFunc(s.n.Out, func(v *ir.Value) bool { return v == nil || !v.Type.Static() }) ||
		input(s.n, 1) != nil && !isConst(s.n.In[1]) {
		return nil, nil
	}
	a := axis(s.n.Op.(*op.Split).Axis, x)
	out := make([]*ir.Value, len(s.n.Out))
	lo := 0
	for i, v := range s.n.Out {
		hi := lo + v.Type.Shape[a]
		out[i] = s.slice(x, a, lo, hi)
		lo = hi
	}
	return out, nil
}

// A span is the range [lo, hi) of one axis.
type span struct{ axis, lo, hi int }

// rangeOf returns the range that a Slice takes of a single axis, nil if it does anything else.
func rangeOf(n *ir.Node) *span {
	x := n.In[0].Type
	if !x.Static() || !n.Out[0].Type.Static() || n.Out[0].Type.Len() == 0 {
		return nil
	}
	starts, ok := ints(n.In[1], nil)
	if !ok || !isConst(n.In[2]) {
		return nil
	}
	all := make([]int, len(starts))
	for i := range all {
		all[i] = i
	}
	axes, ok1 := ints(input(n, 3), all)
	steps, ok2 := ints(input(n, 4), slices.Repeat([]int{1}, len(starts)))
	if !ok1 || !ok2 || slices.ContainsFunc(steps, func(d int) bool { return d != 1 }) {
		return nil
	}
	var r *span
	for i, a := range axes {
		a = axis(a, n.In[0])
		d := x.Shape[a]
		if n.Out[0].Type.Shape[a] == d {
			continue
		}
		if r != nil {
			return nil
		}
		lo := starts[i]
		if lo < 0 {
			lo += d
		}
		lo = max(lo, 0)
		r = &span{a, lo, lo + n.Out[0].Type.Shape[a]}
	}
	return r
}

// manyParts is more ranges than a packed projection has: to move them up would cost a Reshape for each.
const manyParts = 8

// sliceOfView takes the range before a chain of moves instead of after. That needs an axis that holds the outer part of
// one axis of the source, and does not pay where it would repeat a Transpose
// or many Reshapes.
func (s *site) sliceOfView(r *span) *ir.Value {
	w := viewOf(s.n.In[0], false)
	if len(w.chain) == 0 || isConst(w.src) || len(w.axes[r.axis]) != 1 {
		return nil
	}
	f := w.axes[r.axis][0]
	strides := ir.Strides(w.src.Type.Shape)
	a := slices.IndexFunc(strides, func(t int) bool { return t <= f.stride })
	for a+1 < len(strides) && w.src.Type.Shape[a] == 1 {
		a++
	}
	whole := w.src.Type.Shape[a] * strides[a]
	if f.stride%strides[a] != 0 || f.size*f.stride != whole {
		return nil
	}
	part := (r.hi - r.lo) * f.stride
	each := f.stride / strides[a]
	w.src = s.slice(w.src, a, r.lo*each, r.hi*each)
	shape := slices.Clone(s.n.Out[0].Type.Shape)
	w.axes = slices.Clone(w.axes)
	for i, fs := range w.axes {
		w.axes[i] = slices.Clone(fs)
		for j, g := range fs {
			if g.stride >= whole {
				w.axes[i][j].stride = g.stride / whole * part
			}
		}
	}
	w.axes[r.axis] = merge(factor{r.hi - r.lo, f.stride})
	plan := w.plan(shape)
	copies := slices.ContainsFunc(plan, func(m move) bool { return m.perm != nil })
	if readers := s.uses[s.n.In[0]]; copies && readers > 1 || len(plan) > 0 && readers > manyParts {
		return nil
	}
	return w.build(s, shape)
}

// sliceOfLinear takes a range of features of x·W + c from the constants, if the layer is read in such ranges only and
// no feature is read twice.
func (s *site) sliceOfLinear(r *span) *ir.Value {
	v := s.n.In[0]
	if r.axis != len(v.Type.Shape)-1 || !s.readInParts(v) {
		return nil
	}
	return s.partOf(v, r)
}

// partOf computes the range of features of v, nil where v is no linear layer.
func (s *site) partOf(v *ir.Value, r *span) *ir.Value {
	if n := from(v, "MatMul"); n != nil {
		if w := n.In[1]; isConst(w) && len(w.Type.Shape) == 2 {
			return s.call("MatMul", n.In[0], s.slice(w, 1, r.lo, r.hi))
		}
		return nil
	}
	n := from(v, "Add")
	if n == nil {
		n = from(v, "Mul")
	}
	if n == nil {
		return nil
	}
	x, c := withConst(n)
	if x == nil || !sameType(x, v) || !s.single(x) {
		return nil
	}
	y := s.partOf(x, r)
	if y == nil {
		return nil
	}
	if last := len(c.Type.Shape) - 1; last >= 0 && c.Type.Shape[last] != 1 {
		c = s.slice(c, last, r.lo, r.hi)
	}
	return s.call(n.Op.Name(), y, c)
}

// readInParts reports whether all readers of v take ranges of its last axis that do not overlap.
func (s *site) readInParts(v *ir.Value) bool {
	read := make([]int, v.Type.Features())
	readers := 0
	for _, n := range s.readers[v] {
		if !isOp(n, "Slice") || n.In[0] != v {
			return false
		}
		r := rangeOf(n)
		if r == nil || r.axis != len(v.Type.Shape)-1 {
			return false
		}
		readers++
		for i := r.lo; i < r.hi; i++ {
			if read[i]++; read[i] > 1 {
				return false
			}
		}
	}
	return readers > 0 && readers == s.uses[v]
}
