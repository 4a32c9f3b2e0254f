package op

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Flow of a product with a constant matrix: an element needs the features that its column has weights for.
func (m *MatMul) Flow(n *ir.Node) Flow {
	return Flow{Know: m.know, Need: m.need, Shrink: m.shrink}
}

// weights returns the constant matrix [K, N] that multiplies the last axis of the other operand, nil if there is none.
func (*MatMul) weights(n *ir.Node) *ir.Tensor {
	w := n.In[1].Const
	if w == nil || len(w.Shape) != 2 || len(n.In[0].Type.Shape) < 2 || !w.DType.IsFloat() {
		return nil
	}
	return w
}

// pattern is the nonzero weights, row-major.
func pattern(w *ir.Tensor) []bool {
	out := make([]bool, w.Len())
	for i, v := range w.Floats() {
		out[i] = v != 0
	}
	return out
}

// rowsOf calls f once for every different row of set, which has k columns, with the rows that are equal to it.
func rowsOf(set []bool, k int, f func(row []bool, rows []int)) {
	at := map[string]int{}
	var groups [][]int
	for r := 0; r*k < len(set); r++ {
		key := make([]byte, k)
		for i, on := range set[r*k : r*k+k] {
			if on {
				key[i] = 1
			}
		}
		g, ok := at[string(key)]
		if !ok {
			g = len(groups)
			at[string(key)] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], r)
	}
	for _, rows := range groups {
		f(set[rows[0]*k:rows[0]*k+k], rows)
	}
}

func (m *MatMul) know(n *ir.Node, in []*Known) *Known {
	w := m.weights(n)
	if w == nil {
		return m.knowProduct(n, in)
	}
	k, cols := w.Shape[0], w.Shape[1]
	nonzero := pattern(w)
	have := make([]bool, n.In[0].Type.Len())
	if in[0] != nil && in[0].Mask != nil {
		have = in[0].Mask
	}
	mask := make([]bool, n.Out[0].Type.Len())
	rowsOf(have, k, func(row []bool, rows []int) {
		col := fullSet(cols)
		for i, on := range row {
			for j := range cols {
				col[j] = col[j] && (on || !nonzero[i*cols+j])
			}
		}
		for _, r := range rows {
			copy(mask[r*cols:], col)
		}
	})
	return m.knowRows(n, in, mask)
}

// knowRows computes those rows of a product with a constant matrix in which some element is known, where mask is set.
func (m *MatMul) knowRows(n *ir.Node, in []*Known, mask []bool) *Known {
	var rows []int
	cols, k := n.Out[0].Type.Features(), n.In[0].Type.Features()
	for r := 0; r*cols < len(mask); r++ {
		if slices.Contains(mask[r*cols:r*cols+cols], true) {
			rows = append(rows, r)
		}
	}
	if rows == nil {
		return nil
	}
	x := ir.NewTensor(n.In[0].Type.DType, len(rows), k)
	if !noneKnown(in[:1]) {
		x = in[0].Val.Gather(x.Shape, func(i int) int { return rows[i/k]*k + i%k })
	}
	y, err := m.Eval([]*ir.Tensor{x, n.In[1].Const})
	if err != nil {
		return nil
	}
	at := make([]int, len(mask)) // of each element in y
	for i := range at {
		at[i] = -1
	}
	for i, r := range rows {
		for j := range cols {
			if mask[r*cols+j] {
				at[r*cols+j] = i*cols + j
			}
		}
	}
	return &Known{mask, y[0].Gather(n.Out[0].Type.Shape, func(i int) int { return at[i] })}
}

func (m *MatMul) need(n *ir.Node, live []bool, in []*Known) [][]bool {
	w := m.weights(n)
	if w == nil {
		return m.needFactors(n, live)
	}
	k, cols := w.Shape[0], w.Shape[1]
	nonzero := pattern(w)
	need := make([]bool, n.In[0].Type.Len())
	rowsOf(live, cols, func(row []bool, rows []int) {
		feature := make([]bool, k)
		for i := range feature {
			for j, on := range row {
				if on && nonzero[i*cols+j] {
					feature[i] = true
					break
				}
			}
		}
		for _, r := range rows {
			copy(need[r*k:], feature)
		}
	})
	return [][]bool{need, nil}
}

// shrink leaves out rows, columns, and features that are not computed; what is known of these is added as a constant.
func (m *MatMul) shrink(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	w := m.weights(n)
	if w == nil {
		return m.shrinkProduct(s, n, keep)
	}
	last := len(keep) - 1
	known := s.Known(0)
	shape := n.In[0].Type.Shape
	rows := boxElems(shape[:last], keep[:last])
	columns := keep[last]
	if columns == nil {
		columns = allAxes(w.Shape[1])
	}
	weights := w.Floats()
	used, fixed := allAxes(w.Shape[0]), []int(nil)
	if box := s.Box(0); box != nil && box[last] != nil {
		used = box[last]
		for i := range w.Shape[0] {
			if _, ok := slices.BinarySearch(used, i); !ok && known != nil && known.Mask != nil {
				fixed = append(fixed, i)
			}
		}
	}
	if len(used) == 0 {
		return whole(s, n, keep)
	}
	box := slices.Clone(keep)
	box[last] = used
	if len(used) == w.Shape[0] {
		box[last] = nil
	}
	y := s.B.Add(m, s.Get(0, box), s.B.Const(boxOf(w, [][]int{used, columns})))
	share := make([]float64, 0, len(rows)*len(columns))
	for _, r := range rows {
		for _, j := range columns {
			sum := 0.0
			for _, i := range fixed {
				sum += float64(known.Val.At(r*w.Shape[0]+i) * weights[i*w.Shape[1]+j])
			}
			share = append(share, sum)
		}
	}
	if !slices.ContainsFunc(share, func(v float64) bool { return v != 0 }) {
		return y
	}
	shareShape := y.Type.Shape
	if cols := len(columns); sameRows(share, cols) {
		share, shareShape = share[:cols], []int{cols}
	}
	return s.B.Add(byName["Add"][0].make(), y, s.B.Const(ir.FromFloats(w.DType, shareShape, share)))
}

// sameRows reports whether all rows of n elements are equal.
func sameRows(x []float64, n int) bool {
	for i, v := range x {
		if v != x[i%n] {
			return false
		}
	}
	return true
}

// boxOf is a box of a tensor; nil lists are whole axes.
func boxOf(t *ir.Tensor, keep [][]int) *ir.Tensor {
	elems := boxElems(t.Shape, keep)
	return t.Gather(boxShape(t.Shape, keep), func(i int) int { return elems[i] })
}

// BoxOf is a box of a tensor; nil lists are whole axes.
func BoxOf(t *ir.Tensor, keep [][]int) *ir.Tensor { return boxOf(t, keep) }

// boxElems lists the elements of a box of a tensor of the given shape, row-major.
func boxElems(shape []int, keep [][]int) []int {
	out := []int{0}
	for a, d := range shape {
		list := keep[a]
		if list == nil {
			list = allAxes(d)
		}
		next := make([]int, 0, len(out)*len(list))
		for _, o := range out {
			for _, i := range list {
				next = append(next, o*d+i)
			}
		}
		out = next
	}
	return out
}

// grouped is the flow of operators that mix the elements along axes and nothing else. If keeps is set, the result has
// the input's shape. Fixed, if not nil, returns the known elements that do not depend on the input.
func grouped(axes func(n *ir.Node) []int, fixed func(n *ir.Node, in []*Known) []bool) Flow {
	return Flow{
		Know: func(n *ir.Node, in []*Known) *Known {
			for i, v := range n.In[1:] {
				if v != nil && !in[i+1].All() {
					return nil
				}
			}
			group, size := groups(n, axes(n))
			all := fullSet(size)
			for e, g := range group {
				all[g] = all[g] && in[0].at(e)
			}
			mask := make([]bool, n.Out[0].Type.Len())
			out, _ := resultGroups(n, axes(n))
			for e, g := range out {
				mask[e] = all[g]
			}
			if fixed != nil {
				for e, on := range fixed(n, in) {
					mask[e] = mask[e] || on
				}
			}
			if !slices.Contains(mask, true) {
				return nil
			}
			return knownWhere(mask, evalKnown(n, in))
		},
		Need: func(n *ir.Node, live []bool, in []*Known) [][]bool {
			group, size := groups(n, axes(n))
			out, _ := resultGroups(n, axes(n))
			some := make([]bool, size)
			for e, g := range out {
				some[g] = some[g] || live[e]
			}
			need := make([][]bool, len(n.In))
			need[0] = make([]bool, len(group))
			for e, g := range group {
				need[0][e] = some[g]
			}
			for i, v := range n.In[1:] {
				if v != nil && v.Const == nil {
					need[i+1] = fullSet(v.Type.Len())
				}
			}
			return need
		},
	}
}

// groups numbers the elements of input 0 by their index along all but the given axes.
func groups(n *ir.Node, axes []int) (group []int, size int) {
	return numbered(n.In[0].Type.Shape, axes)
}

// resultGroups is groups for the result, whether it keeps the axes, keeps them with length 1, or drops them.
func resultGroups(n *ir.Node, axes []int) (group []int, size int) {
	in, out := n.In[0].Type.Shape, n.Out[0].Type.Shape
	if slices.Equal(in, out) {
		return numbered(out, axes)
	}
	return allAxes(ir.Size(out)), ir.Size(out)
}

func numbered(shape, axes []int) (group []int, size int) {
	size = 1
	strides := make([]int, len(shape))
	for a := len(shape) - 1; a >= 0; a-- {
		if !slices.Contains(axes, a) {
			strides[a] = size
			size *= shape[a]
		}
	}
	own := ir.Strides(shape)
	group = make([]int, ir.Size(shape))
	for e := range group {
		for a, s := range strides {
			group[e] += e / own[a] % shape[a] * s
		}
	}
	return group, size
}

// shrinkGroups computes the groups that the box touches and keeps the box.
func shrinkGroups(s *Shrinker, n *ir.Node, keep [][]int, axes []int) *ir.Value {
	box, late := slices.Clone(keep), make([][]int, len(keep))
	for _, a := range axes {
		box[a], late[a] = nil, keep[a]
	}
	args := []*ir.Value{s.Get(0, box)}
	for i, v := range n.In[1:] {
		args = append(args, nil)
		if v != nil {
			args[i+1] = s.Get(i+1, alignedBox(v.Type.Shape, n.Out[0].Type.Shape, box))
		}
	}
	return s.Gather(s.B.Add(n.Op, args...), late)
}

// along is the flow of operators that keep the shape and mix elements along axes.
func along(axes func(n *ir.Node) []int, fixed func(n *ir.Node, in []*Known) []bool) Flow {
	f := grouped(axes, fixed)
	f.Shrink = func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value { return shrinkGroups(s, n, keep, axes(n)) }
	return f
}

func from(axis, rank int) []int {
	if axis < 0 {
		axis += rank
	}
	return allAxes(rank)[axis:]
}

// Flow mixes one axis.
func (o *Softmax) Flow(n *ir.Node) Flow {
	return along(func(n *ir.Node) []int { return from(o.Axis, len(n.In[0].Type.Shape))[:1] }, nil)
}

// Flow mixes the last axes; where the scale is zero the result is the bias, whatever the input.
func (o *LayerNormalization) Flow(n *ir.Node) Flow {
	return along(func(n *ir.Node) []int { return from(o.Axis, len(n.In[0].Type.Shape)) },
		func(n *ir.Node, in []*Known) []bool { return scaledByZero(n, in) })
}

// Flow mixes the last axes; where the scale is zero so is the result.
func (o *RMSNormalization) Flow(n *ir.Node) Flow {
	return along(func(n *ir.Node) []int { return from(o.Axis, len(n.In[0].Type.Shape)) },
		func(n *ir.Node, in []*Known) []bool { return scaledByZero(n, in) })
}

func scaledByZero(n *ir.Node, in []*Known) []bool {
	zero := make([]bool, n.In[1].Type.Len())
	for j := range zero {
		zero[j] = in[1].zeroAt(j)
	}
	if !slices.Contains(zero, true) {
		return nil
	}
	mask := make([]bool, n.Out[0].Type.Len())
	for e, j := range sources(n.In[1].Type.Shape, n.Out[0].Type.Shape) {
		mask[e] = zero[j]
	}
	return mask
}

// Flow mixes the reduced axes.
func (o *Reduce) Flow(n *ir.Node) Flow {
	var list []int
	if len(n.In) > 1 && n.In[1] != nil {
		if n.In[1].Const == nil {
			return Flow{}
		}
		list = n.In[1].Const.IntsAsInt()
	}
	reduced, err := o.axes(list, len(n.In[0].Type.Shape))
	if err != nil {
		return Flow{}
	}
	axes := func(*ir.Node) []int { return reduced }
	f := grouped(axes, nil)
	f.Shrink = func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
		box := make([][]int, len(n.In[0].Type.Shape))
		j := 0
		for a := range box {
			if slices.Contains(axes(n), a) {
				if o.KeepDims {
					j++
				}
				continue
			}
			box[a] = keep[j]
			j++
		}
		args := []*ir.Value{s.Get(0, box)}
		if len(n.In) > 1 {
			args = append(args, n.In[1])
		}
		return s.B.Add(o, args...)
	}
	return f
}
