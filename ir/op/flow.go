package op

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Known is what is known of the elements of a value before the model runs: Val holds them where Mask is set and zeros
// elsewhere. A nil Mask: nothing is known.
type Known struct {
	Mask []bool
	Val  *ir.Tensor
}

// All reports whether every element is known.
func (k *Known) All() bool { return k != nil && k.Mask != nil && !slices.Contains(k.Mask, false) }

func (k *Known) at(i int) bool { return k != nil && k.Mask != nil && k.Mask[i] }

// zeroAt reports whether element i is known to be zero.
func (k *Known) zeroAt(i int) bool {
	if !k.at(i) {
		return false
	}
	if k.Val.DType == ir.Float32 {
		return ir.Data[float32](k.Val)[i] == 0
	}
	return k.Val.At(i) == 0
}

// noneKnown reports whether nothing is known of any operand.
func noneKnown(in []*Known) bool {
	return !slices.ContainsFunc(in, func(k *Known) bool { return k != nil && k.Mask != nil })
}

// Flow says how knowledge and need pass through an operator of one result, and how to compute a part of the result.
// Operators that have one implement Flower; of the others nothing is known, and they need all of their inputs.
type Flow struct {
	// Know returns what is known of the result.
	Know func(n *ir.Node, in []*Known) *Known
	// Need returns, for every input, which elements can reach the live elements of the result that are not known.
	Need func(n *ir.Node, live []bool, in []*Known) [][]bool
	// Shrink adds nodes that compute the elements of the result in the box keep, which lists increasing indices by axis
	// (nil: the whole axis), and returns their result.
	Shrink func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value
}

// Flower is implemented by operators through which liveness can be followed, unless the flow of a node is empty.
type Flower interface{ Flow(n *ir.Node) Flow }

// Shrinker gives Shrink what it builds with.
type Shrinker struct {
	B *ir.Builder
	// Get returns the elements of input i in a box.
	Get func(i int, keep [][]int) *ir.Value
	// Known is what is known of input i.
	Known func(i int) *Known
	// Box is the part of input i that is computed, by axis; nil lists are whole axes. What is needed outside is known.
	Box func(i int) [][]int
}

// Gather returns the elements of v in a box.
func (s *Shrinker) Gather(v *ir.Value, keep [][]int) *ir.Value {
	for a, list := range keep {
		if list != nil && len(list) < v.Type.Shape[a] {
			v = s.B.Add(&Gather{Axis: a}, v, s.B.Ints(list...))
		}
	}
	return v
}

// boxShape is the shape of a box in a value of the given shape.
func boxShape(shape []int, keep [][]int) []int {
	out := slices.Clone(shape)
	for a, list := range keep {
		if list != nil {
			out[a] = len(list)
		}
	}
	return out
}

// fullSet is n live elements.
func fullSet(n int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = true
	}
	return out
}

// sources lists, for every element of a value of shape out, the element of an operand of the given shape that is
// broadcast there.
func sources(shape, out []int) []int {
	if slices.Equal(shape, out) {
		return allAxes(ir.Size(out))
	}
	idx := make([]int, 0, ir.Size(out))
	strides := low.BroadcastStrides(shape, out)
	at := make([]int, len(out))
	for range ir.Size(out) {
		j := 0
		for a, i := range at {
			j += i * strides[a]
		}
		idx = append(idx, j)
		for a := len(out) - 1; a >= 0; a-- {
			if at[a]++; at[a] < out[a] {
				break
			}
			at[a] = 0
		}
	}
	return idx
}

// spread is sources, nil where every element comes from its own place.
type spread []int

func spreadOf(shape, out []int) spread {
	if slices.Equal(shape, out) {
		return nil
	}
	return sources(shape, out)
}

func (s spread) at(e int) int {
	if s == nil {
		return e
	}
	return s[e]
}

// evalKnown evaluates n with zeros for what is not known; only the elements that depend on known ones are of use.
func evalKnown(n *ir.Node, in []*Known) *ir.Tensor {
	args := make([]*ir.Tensor, len(n.In))
	for i, v := range n.In {
		switch {
		case v == nil:
		case in[i] != nil && in[i].Val != nil:
			args[i] = in[i].Val
		default:
			args[i] = ir.NewTensor(v.Type.DType, v.Type.Shape...)
		}
	}
	out, err := n.Op.Eval(args)
	if err != nil {
		return nil
	}
	return out[0]
}

// knownWhere keeps the elements of val where mask is set.
func knownWhere(mask []bool, val *ir.Tensor) *Known {
	if val == nil || !slices.Contains(mask, true) {
		return nil
	}
	return &Known{mask, val.Gather(val.Shape, func(i int) int {
		if mask[i] {
			return i
		}
		return -1
	})}
}

// aligned is the flow of operators that compute each element from those of the inputs at its place, broadcast. Absorb
// says whether a known element of input i makes the other inputs' elements irrelevant.
func aligned(absorb func(n *ir.Node, i int, k *Known, at int) bool) Flow {
	return Flow{
		Know: func(n *ir.Node, in []*Known) *Known {
			if noneKnown(in) {
				return nil
			}
			shape := n.Out[0].Type.Shape
			mask := fullSet(ir.Size(shape))
			absorbed := make([]bool, len(mask))
			for i, v := range n.In {
				if v == nil {
					continue
				}
				from := spreadOf(v.Type.Shape, shape)
				for e := range mask {
					if j := from.at(e); !in[i].at(j) {
						mask[e] = false
					} else if absorb != nil && !absorbed[e] {
						absorbed[e] = absorb(n, i, in[i], j)
					}
				}
			}
			for e := range mask {
				mask[e] = mask[e] || absorbed[e]
			}
			if !slices.Contains(mask, true) {
				return nil
			}
			return knownWhere(mask, evalKnown(n, in))
		},
		Need: func(n *ir.Node, live []bool, in []*Known) [][]bool {
			need := make([][]bool, len(n.In))
			for i, v := range n.In {
				if v == nil || v.Const != nil {
					continue
				}
				from := spreadOf(v.Type.Shape, n.Out[0].Type.Shape)
				if from == nil {
					need[i] = live
					continue
				}
				need[i] = make([]bool, v.Type.Len())
				for e, j := range from {
					need[i][j] = need[i][j] || live[e]
				}
			}
			return need
		},
		Shrink: func(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
			args := make([]*ir.Value, len(n.In))
			for i, v := range n.In {
				if v != nil {
					args[i] = s.Get(i, alignedBox(v.Type.Shape, n.Out[0].Type.Shape, keep))
				}
			}
			return s.B.Add(n.Op, args...)
		},
	}
}

// alignedBox is the box of an operand that is broadcast to a box of the result.
func alignedBox(shape, out []int, keep [][]int) [][]int {
	box := make([][]int, len(shape))
	for a, d := range shape {
		if o := len(out) - len(shape) + a; d == out[o] {
			box[a] = keep[o]
		}
	}
	return box
}

// timesZero: a product with a known zero is zero.
func timesZero(_ *ir.Node, _ int, k *Known, at int) bool {
	return k.zeroAt(at) && k.Val.DType.IsFloat()
}

var plain = aligned(nil)

// Flow of elementwise operators.
func (*unary) Flow(n *ir.Node) Flow           { return plain }
func (*Cast) Flow(n *ir.Node) Flow            { return plain }
func (*Clip) Flow(n *ir.Node) Flow            { return plain }
func (*Gelu) Flow(n *ir.Node) Flow            { return plain }
func (*LeakyRelu) Flow(n *ir.Node) Flow       { return plain }
func (*Elu) Flow(n *ir.Node) Flow             { return plain }
func (*Celu) Flow(n *ir.Node) Flow            { return plain }
func (*Selu) Flow(n *ir.Node) Flow            { return plain }
func (*ThresholdedRelu) Flow(n *ir.Node) Flow { return plain }
func (*HardSigmoid) Flow(n *ir.Node) Flow     { return plain }
func (*Swish) Flow(n *ir.Node) Flow           { return plain }
func (*Shrink) Flow(n *ir.Node) Flow          { return plain }
func (*Pow) Flow(n *ir.Node) Flow             { return plain }
func (*PRelu) Flow(n *ir.Node) Flow           { return plain }
func (*fold) Flow(n *ir.Node) Flow            { return plain }

// Flow lets a known zero factor make a product zero.
func (p *pairwise) Flow(n *ir.Node) Flow {
	if p.name == "Mul" {
		return aligned(timesZero)
	}
	return plain
}

// Flow of a condition that is known needs only the chosen input.
func (*Where) Flow(n *ir.Node) Flow {
	f := plain
	f.Know = func(n *ir.Node, in []*Known) *Known {
		shape := n.Out[0].Type.Shape
		mask := make([]bool, ir.Size(shape))
		var src [3][]int
		for i, v := range n.In {
			src[i] = sources(v.Type.Shape, shape)
		}
		for e := range mask {
			if c := src[0][e]; in[0].at(c) {
				chosen := 2
				if !in[0].zeroAt(c) {
					chosen = 1
				}
				mask[e] = in[chosen].at(src[chosen][e])
			}
		}
		return knownWhere(mask, evalKnown(n, in))
	}
	f.Need = func(n *ir.Node, live []bool, in []*Known) [][]bool {
		need := make([][]bool, 3)
		cond := sources(n.In[0].Type.Shape, n.Out[0].Type.Shape)
		for i, v := range n.In {
			need[i] = make([]bool, v.Type.Len())
			for e, j := range sources(v.Type.Shape, n.Out[0].Type.Shape) {
				known := in[0].at(cond[e])
				if known && (i == 0 || in[0].zeroAt(cond[e]) != (i == 2)) {
					continue
				}
				need[i][j] = need[i][j] || live[e]
			}
		}
		return need
	}
	return f
}
