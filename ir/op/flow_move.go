package op

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// first says that input 0 alone holds elements.
var first = []int{0}

// moving is the flow of operators that only place elements: their Eval on tensors of indices tells where each element
// of the result comes from. The data inputs (nil: all) hold the elements; the others must be constant.
func moving(n *ir.Node, data []int, shrink func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value) Flow {
	for i, v := range n.In {
		if data != nil && !slices.Contains(data, i) && v != nil && v.Const == nil {
			return Flow{} // where elements go is known only when the model runs
		}
	}
	return Flow{
		Know: func(n *ir.Node, in []*Known) *Known {
			informed := fills(n.Op)
			for i, k := range in {
				informed = informed || k != nil && k.Mask != nil && (data == nil || slices.Contains(data, i))
			}
			if !informed {
				return nil
			}
			from := origins(n, data)
			if from == nil {
				return nil
			}
			mask := make([]bool, len(from))
			for e, o := range from {
				mask[e] = o.input < 0 || in[o.input].at(o.elem)
			}
			return knownWhere(mask, evalKnown(n, in))
		},
		Need: func(n *ir.Node, live []bool, in []*Known) [][]bool {
			from := origins(n, data)
			if from == nil {
				return nil
			}
			need := make([][]bool, len(n.In))
			for i, v := range n.In {
				if v != nil {
					need[i] = make([]bool, v.Type.Len())
				}
			}
			for e, o := range from {
				if live[e] && o.input >= 0 {
					need[o.input][o.elem] = true
				}
			}
			return need
		},
		Shrink: func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
			if shrink != nil {
				if v := shrink(s, n, keep); v != nil {
					return v
				}
			}
			return whole(s, n, keep)
		},
	}
}

// fills reports whether an operator of moving makes elements of its own.
func fills(o ir.Op) bool {
	switch o.(type) {
	case *Pad, *Trilu:
		return true
	}
	return false
}

// whole computes all of the result and keeps a part.
func whole(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	args := make([]*ir.Value, len(n.In))
	for i, v := range n.In {
		if v != nil {
			args[i] = s.Get(i, make([][]int, len(v.Type.Shape)))
		}
	}
	return s.Gather(s.B.Add(n.Op, args...), keep)
}

// origin is an element of an input; input -1 is what an operator fills in.
type origin struct{ input, elem int }

// origins lists where the elements of the result come from; nil if an operand that decides it is not constant.
func origins(n *ir.Node, data []int) []origin {
	_, isPad := n.Op.(*Pad)
	args := make([]*ir.Tensor, len(n.In))
	all := []origin{{-1, 0}} // 0 is what operators fill in
	for i, v := range n.In {
		switch {
		case v == nil:
		case data == nil || slices.Contains(data, i):
			at := make([]int64, v.Type.Len())
			for e := range at {
				at[e] = int64(len(all))
				all = append(all, origin{i, e})
			}
			args[i] = ir.Of(ir.Int64, v.Type.Shape, at)
		case v.Const == nil:
			return nil
		case i == padFill && isPad:
			args[i] = ir.NewTensor(ir.Int64, v.Type.Shape...)
		default:
			args[i] = v.Const
		}
	}
	out, err := n.Op.Eval(args)
	if err != nil {
		return nil
	}
	at := ir.Data[int64](out[0])
	from := make([]origin, len(at))
	for e, j := range at {
		from[e] = all[j]
	}
	return from
}

// Flow permutes boxes.
func (t *Transpose) Flow(n *ir.Node) Flow {
	return moving(n, first, func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
		perm, err := t.perm(len(keep))
		if err != nil {
			return nil
		}
		box := make([][]int, len(keep))
		for i, p := range perm {
			box[p] = keep[i]
		}
		return s.B.Add(t, s.Get(0, box))
	})
}

// Flow of reshapes keeps boxes along axes that they leave as they are, axes of length 1 aside.
func (*Reshape) Flow(n *ir.Node) Flow { return reshaping(n) }

// Flow is that of a reshape.
func (*Flatten) Flow(n *ir.Node) Flow { return reshaping(n) }

// Flow is that of a reshape.
func (*Squeeze) Flow(n *ir.Node) Flow { return reshaping(n) }

// Flow is that of a reshape.
func (*Unsqueeze) Flow(n *ir.Node) Flow { return reshaping(n) }

// reshaping is moving for operators whose result has the elements of the input in their order.
func reshaping(n *ir.Node) Flow {
	f := moving(n, first, reshapeBox)
	if f.Know == nil || n.Out[0].Type.Len() != n.In[0].Type.Len() {
		return f
	}
	f.Know = func(n *ir.Node, in []*Known) *Known {
		if noneKnown(in[:1]) {
			return nil
		}
		return &Known{in[0].Mask, in[0].Val.Reshape(n.Out[0].Type.Shape...)}
	}
	f.Need = func(n *ir.Node, live []bool, in []*Known) [][]bool {
		need := make([][]bool, len(n.In))
		need[0] = live
		return need
	}
	return f
}

// reshapeBox maps the smallest groups of axes that correspond, axes of length 1 aside: one axis to one, and several
// where the kept part is a box of the input, too. Of other groups the input is taken whole.
func reshapeBox(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	to := n.Out[0].Type.Shape
	box, late := make([][]int, len(n.In[0].Type.Shape)), make([][]int, len(to))
	shape := slices.Clone(to)
	if !reshapeGroups(n, func(fi, i, tj, j int) {
		if !slices.ContainsFunc(keep[tj:j], func(l []int) bool { return l != nil }) {
			return
		}
		if part := boxAmong(boxElems(to[tj:j], keep[tj:j]), n.In[0].Type.Shape[fi:i]); part != nil {
			copy(box[fi:], part)
			copy(shape[tj:], boxShape(to[tj:j], keep[tj:j]))
		} else {
			copy(late[tj:], keep[tj:j])
		}
	}) {
		return nil
	}
	return s.Gather(s.B.Add(&Reshape{}, s.Get(0, box), s.B.Ints(shape...)), late)
}

// Late reports which axes of the part keep of the result can only be cut down once the input was reshaped whole.
func (*Reshape) Late(n *ir.Node, keep [][]int) []bool {
	to, late := n.Out[0].Type.Shape, make([]bool, len(keep))
	reshapeGroups(n, func(fi, i, tj, j int) {
		if !slices.ContainsFunc(keep[tj:j], func(l []int) bool { return l != nil }) {
			return
		}
		if boxAmong(boxElems(to[tj:j], keep[tj:j]), n.In[0].Type.Shape[fi:i]) == nil {
			for a := tj; a < j; a++ {
				late[a] = keep[a] != nil
			}
		}
	})
	return late
}

// reshapeGroups calls f for the smallest groups of axes, fi to i of the input and tj to j of the result, that hold the
// same elements, axes of length 1 aside; it reports whether there are such.
func reshapeGroups(n *ir.Node, f func(fi, i, tj, j int)) bool {
	from, to := n.In[0].Type.Shape, n.Out[0].Type.Shape
	i, j := 0, 0
	for i < len(from) || j < len(to) {
		switch {
		case i < len(from) && from[i] == 1:
			i++
			continue
		case j < len(to) && to[j] == 1:
			j++
			continue
		}
		fi, tj, p, q := i, j, 1, 1
		for p != q || p == 1 {
			if p <= q && i < len(from) {
				p *= from[i]
				i++
			} else if j < len(to) {
				q *= to[j]
				j++
			} else {
				return false
			}
		}
		f(fi, i, tj, j)
	}
	return true
}

// boxAmong is the box of a tensor of the given shape that the elements, which increase, make up; nil if they make up none.
func boxAmong(elems, shape []int) [][]int {
	box, strides, size := make([][]int, len(shape)), ir.Strides(shape), 1
	for a, d := range shape {
		on, count := make([]bool, d), 0
		for _, e := range elems {
			if at := e / strides[a] % d; !on[at] {
				on[at] = true
				count++
			}
		}
		if size *= count; count == d {
			continue
		}
		for at, b := range on {
			if b {
				box[a] = append(box[a], at)
			}
		}
	}
	if size != len(elems) {
		return nil
	}
	return box
}

// Flow of a slice with constant operands is a smaller box of the input.
func (*Slice) Flow(n *ir.Node) Flow { return moving(n, first, axisBox) }

// Flow of constant indices is a box of the input.
func (g *Gather) Flow(n *ir.Node) Flow {
	return moving(n, first, func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
		switch len(n.In[1].Type.Shape) {
		case 1:
			return axisBox(s, n, keep)
		case 0:
			return g.shrinkScalar(s, n, keep)
		}
		return nil
	})
}

// shrinkScalar takes one index along the axis, which goes.
func (g *Gather) shrinkScalar(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	if n.In[1].Const == nil {
		return nil
	}
	shape := n.In[0].Type.Shape
	axis, i := g.Axis, n.In[1].Const.IntsAsInt()[0]
	if axis < 0 {
		axis += len(shape)
	}
	if i < 0 {
		i += shape[axis]
	}
	x := s.Get(0, slices.Concat(keep[:axis], [][]int{{i}}, keep[axis:]))
	return s.B.Add(&Reshape{}, x, s.B.Ints(boxShape(n.Out[0].Type.Shape, keep)...))
}

// Flow divides a box among the inputs.
func (c *Concat) Flow(n *ir.Node) Flow {
	return moving(n, nil, func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
		axis := c.Axis
		if axis < 0 {
			axis += len(keep)
		}
		if keep[axis] == nil {
			keep = slices.Clone(keep)
			keep[axis] = allAxes(n.Out[0].Type.Shape[axis])
		}
		var parts []*ir.Value
		at := 0
		for i, v := range n.In {
			box := slices.Clone(keep)
			box[axis] = nil
			for _, k := range keep[axis] {
				if k >= at && k < at+v.Type.Shape[axis] {
					box[axis] = append(box[axis], k-at)
				}
			}
			if at += v.Type.Shape[axis]; box[axis] != nil {
				parts = append(parts, s.Get(i, box))
			}
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return s.B.Add(&Concat{Axis: axis}, parts...)
	})
}
