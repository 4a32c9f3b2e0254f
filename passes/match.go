package passes

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// A site is the node that a rewrite looks at, with the means to look around it and to add nodes in its place.
type site struct {
	*ir.Builder
	n       *ir.Node
	g       *ir.Graph
	uses    map[*ir.Value]int
	readers map[*ir.Value][]*ir.Node
}

// maxSweeps bounds the repetition of one pass; a pass that reaches it undoes its own work.
const maxSweeps = 1000

// rewrite makes a pass of a function that looks at one node and returns what takes the place of its results, or nil.
// The pass visits the graph until nothing changes and removes what has become dead, so that uses counts live readers.
func rewrite(f func(s *site) ([]*ir.Value, error)) func(g *ir.Graph) (bool, error) {
	return func(g *ir.Graph) (changed bool, err error) {
		for range maxSweeps {
			uses, readers := g.Uses(), map[*ir.Value][]*ir.Node{}
			for _, n := range g.Nodes {
				for _, v := range n.In {
					readers[v] = append(readers[v], n)
				}
			}
			ch, err := g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
				if len(n.In) == 0 || n.In[0] == nil || n.Out[0] == nil {
					return nil, nil // no pattern looks at such nodes
				}
				return f(&site{b, n, g, uses, readers})
			})
			if err != nil || !ch {
				return changed, err
			}
			changed = true
			if _, err := deadcode(g); err != nil {
				return changed, err
			}
		}
		panic("the pass does not come to an end")
	}
}

// single reports whether v has one reader.
func (s *site) single(v *ir.Value) bool { return s.uses[v] == 1 }

// Add appends a node with one result and returns it; if all inputs are constant it returns the constant instead.
func (s *site) Add(o ir.Op, in ...*ir.Value) *ir.Value {
	args := make([]*ir.Tensor, len(in))
	for i, v := range in {
		if v.Const == nil {
			return s.Builder.Add(o, in...)
		}
		args[i] = v.Const
	}
	res, err := o.Eval(args)
	if err != nil {
		return s.Builder.Add(o, in...)
	}
	return s.Const(res[0])
}

// call adds a node of an operator without attributes.
func (s *site) call(name string, in ...*ir.Value) *ir.Value {
	o, err := op.New(name, in)
	if err != nil {
		panic(err)
	}
	return s.Add(o, in...)
}

// reshape gives v another shape, by a Reshape unless it has that shape.
func (s *site) reshape(v *ir.Value, shape ...int) *ir.Value {
	if slices.Equal(v.Type.Shape, shape) {
		return v
	}
	return s.Add(&op.Reshape{AllowZero: slices.Contains(shape, 0)}, v, s.Ints(shape...))
}

// transpose permutes the axes of v.
func (s *site) transpose(v *ir.Value, perm ...int) *ir.Value {
	return s.Add(&op.Transpose{Perm: perm}, v)
}

// slice takes the range [lo, hi) of an axis.
func (s *site) slice(v *ir.Value, axis, lo, hi int) *ir.Value {
	if lo == 0 && hi == v.Type.Shape[axis] {
		return v
	}
	return s.call("Slice", v, s.Ints(lo), s.Ints(hi), s.Ints(axis))
}

// scalar returns a constant of one element.
func (s *site) scalar(d ir.DType, x float64) *ir.Value {
	return s.Const(ir.FromFloats(d, nil, []float64{x}))
}

// isOp reports whether n is a node of the operator called name.
func isOp(n *ir.Node, name string) bool { return n.Op.Name() == name }

// from returns the node of the operator called name whose first result v is, or nil.
func from(v *ir.Value, name string) *ir.Node {
	if v == nil || v.Def == nil || v.Def.Op.Name() != name || v.Def.Out[0] != v {
		return nil
	}
	return v.Def
}

// isConst reports whether v is a constant.
func isConst(v *ir.Value) bool { return v != nil && v.Const != nil }

// input returns input i of n, nil if it is omitted.
func input(n *ir.Node, i int) *ir.Value {
	if i < len(n.In) {
		return n.In[i]
	}
	return nil
}

// number returns the value of a constant of one element.
func number(v *ir.Value) (x float64, ok bool) {
	if !isConst(v) || v.Const.Len() != 1 || v.Type.DType == ir.String || v.Type.DType.IsComplex() {
		return 0, false
	}
	return v.Const.At(0), true
}

// filled returns the value that all elements of a constant have.
func filled(v *ir.Value) (x float64, ok bool) {
	if !isConst(v) || v.Const.Len() == 0 || v.Type.DType == ir.String || v.Type.DType.IsComplex() {
		return 0, false
	}
	f := v.Const.Floats()
	return f[0], !slices.ContainsFunc(f, func(y float64) bool { return y != f[0] })
}

// withConst splits the operands of a binary node into the one that is not constant and the one that is.
func withConst(n *ir.Node) (x, c *ir.Value) {
	switch a, b := n.In[0], n.In[1]; {
	case isConst(b) && !isConst(a):
		return a, b
	case isConst(a) && !isConst(b):
		return b, a
	}
	return nil, nil
}

// ints returns the elements of a constant operand, def if it is omitted.
func ints(v *ir.Value, def []int) (x []int, ok bool) {
	if v == nil {
		return def, true
	}
	if v.Const == nil {
		return nil, false
	}
	return v.Const.IntsAsInt(), true
}

// about reports whether x is y up to the rounding of a float32 or two.
func about(x, y float64) bool { return math.Abs(x-y) <= 0x1p-22*math.Abs(y) }

// sameType reports whether two values have one static type.
func sameType(a, b *ir.Value) bool { return a.Type.Static() && ir.Same(a.Type, b.Type) }

// axis counts a negative axis of v from the end.
func axis(a int, v *ir.Value) int {
	if a < 0 {
		a += len(v.Type.Shape)
	}
	return a
}

// random reports whether n gives another result each time it runs.
func random(n *ir.Node) bool {
	switch n.Op.Name() {
	case "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial":
		return true
	case "Dropout":
		return input(n, 2) != nil && !allZero(n.In[2])
	}
	return false
}

// allZero reports whether v is a constant of zeros, or of nothing that is true.
func allZero(v *ir.Value) bool {
	x, ok := filled(v)
	return ok && x == 0
}
