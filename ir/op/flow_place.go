package op

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Flow repeats elements.
func (*Expand) Flow(n *ir.Node) Flow {
	return moving(n, first, func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
		shape := n.Out[0].Type.Shape
		x := s.Get(0, alignedBox(n.In[0].Type.Shape, shape, keep))
		return s.B.Add(&Expand{}, x, s.B.Ints(boxShape(shape, keep)...))
	})
}

// Flow repeats elements; a part of one copy is a box of the input.
func (*Tile) Flow(n *ir.Node) Flow { return moving(n, first, axisBox) }

// Flow of a constant triangle keeps elements or clears them.
func (*Trilu) Flow(n *ir.Node) Flow { return moving(n, first, axisBox) }

// Flow of constant indices takes elements.
func (*GatherElements) Flow(n *ir.Node) Flow { return moving(n, first, points) }

// Flow of constant indices takes elements.
func (*GatherND) Flow(n *ir.Node) Flow { return moving(n, first, points) }

// Flow moves elements between axes.
func (*DepthToSpace) Flow(n *ir.Node) Flow { return moving(n, first, axisBox) }

// Flow moves elements between axes.
func (*SpaceToDepth) Flow(n *ir.Node) Flow { return moving(n, first, axisBox) }

// Flow of constant indices places updates over the data.
func (o *ScatterND) Flow(n *ir.Node) Flow { return placing(n, o.Reduction) }

// Flow of constant indices places updates over the data.
func (o *ScatterElements) Flow(n *ir.Node) Flow { return placing(n, o.Reduction) }

func placing(n *ir.Node, reduction string) Flow {
	if reduction != "none" {
		return Flow{}
	}
	return moving(n, placed(n), axisBox)
}

// padFill is the input of Pad with the constant that it fills in.
const padFill = 2

// Flow of constant operands places the input among copies of a constant or of its own elements.
func (p *Pad) Flow(n *ir.Node) Flow {
	return moving(n, first, func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
		if p.Mode != "constant" {
			return nil
		}
		axes, _ := constInts(n.In, 3)
		maps, err := p.maps(n.In[0].Type.Shape, n.In[1].Const.IntsAsInt(), axes)
		if err != nil {
			return nil
		}
		box, pads := make([][]int, len(keep)), make([]int, 2*len(keep))
		for a, list := range keep {
			if list == nil {
				list = allAxes(len(maps[a]))
			}
			for _, i := range list { // the input's elements stand together
				switch from := maps[a][i]; {
				case from >= 0:
					box[a] = append(box[a], from)
				case box[a] == nil:
					pads[a]++
				default:
					pads[len(keep)+a]++
				}
			}
			if box[a] == nil {
				return nil
			}
		}
		x := s.Get(0, box)
		if !slices.ContainsFunc(pads, func(d int) bool { return d != 0 }) {
			return x
		}
		return s.B.Add(p, x, s.B.Ints(pads...), input(n, padFill))
	})
}

// input is input i of n, nil if it is omitted.
func input(n *ir.Node, i int) *ir.Value {
	if i < len(n.In) {
		return n.In[i]
	}
	return nil
}

// axisBox is for operators that, in the box, pick indices of one input along each axis on its own: a box of that input
// is all that is left, put in order where the indices do not increase.
func axisBox(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	shape := n.Out[0].Type.Shape
	from, elems := origins(n, placed(n)), boxElems(shape, keep)
	if from == nil || len(elems) == 0 || from[elems[0]].input < 0 {
		return nil
	}
	input := from[elems[0]].input
	in := n.In[input].Type.Shape
	if len(in) != len(shape) {
		return nil
	}
	dims, own := boxShape(shape, keep), ir.Strides(in)
	strides, pick := ir.Strides(dims), make([][]int, len(in))
	for a, d := range dims {
		for i := range d {
			pick[a] = append(pick[a], from[elems[i*strides[a]]].elem/own[a]%in[a])
		}
	}
	for e, at := range elems {
		elem := 0
		for a, list := range pick {
			elem += list[e/strides[a]%dims[a]] * own[a]
		}
		if from[at] != (origin{input, elem}) {
			return nil
		}
	}
	box, order := make([][]int, len(in)), make([][]int, len(in))
	for a, list := range pick {
		box[a] = slices.Compact(slices.Sorted(slices.Values(list)))
		if !slices.Equal(box[a], list) {
			for _, i := range list {
				at, _ := slices.BinarySearch(box[a], i)
				order[a] = append(order[a], at)
			}
		}
		if len(box[a]) == in[a] {
			box[a] = nil
		}
	}
	y := s.Get(input, box)
	for a, list := range order {
		if list != nil {
			y = s.B.Add(&Gather{Axis: a}, y, s.B.Ints(list...))
		}
	}
	return y
}

// placed lists the inputs of an operator of axisBox that hold elements.
func placed(n *ir.Node) []int {
	switch n.Op.(type) {
	case *ScatterND, *ScatterElements:
		return []int{0, 2}
	}
	return first
}

// points is for operators that pick single elements of input 0: from the smallest box that holds them.
func points(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	if y := axisBox(s, n, keep); y != nil {
		return y
	}
	from, in := origins(n, first), n.In[0].Type.Shape
	elems := boxElems(n.Out[0].Type.Shape, keep)
	if from == nil || len(elems) == 0 || len(in) == 0 {
		return nil
	}
	own, box := ir.Strides(in), make([][]int, len(in))
	for a := range in {
		for _, e := range elems {
			box[a] = append(box[a], from[e].elem/own[a]%in[a])
		}
		box[a] = slices.Compact(slices.Sorted(slices.Values(box[a])))
	}
	strides, at := ir.Strides(boxShape(in, box)), ir.NewTensor(ir.Int64, boxShape(n.Out[0].Type.Shape, keep)...)
	for i, e := range elems {
		j := 0
		for a := range in {
			k, _ := slices.BinarySearch(box[a], from[e].elem/own[a]%in[a])
			j += k * strides[a]
		}
		at.SetInt(i, int64(j))
	}
	for a := range box {
		if len(box[a]) == in[a] {
			box[a] = nil
		}
	}
	return s.B.Add(&Gather{}, s.B.Add(&Reshape{}, s.Get(0, box), s.B.Ints(-1)), s.B.Const(at))
}
