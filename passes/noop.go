package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// noop removes nodes that change nothing. The sign of a zero does not count (docs/DESIGN.md, Numerics).
var noop = rewrite(func(s *site) ([]*ir.Value, error) {
	v := same(s)
	if v == nil || !sameType(v, s.n.Out[0]) {
		return nil, nil
	}
	out := make([]*ir.Value, len(s.n.Out))
	out[0] = v
	for _, o := range s.n.Out[1:] {
		if o != nil && s.uses[o] > 0 {
			return nil, nil
		}
	}
	return out, nil
})

// same returns the input that the first result equals, types aside, or nil.
func same(s *site) *ir.Value {
	n := s.n
	switch n.Op.Name() {
	case "Identity", "Cast", "CastLike", "Reshape", "Expand", "Squeeze", "Unsqueeze", "Flatten":
		return n.In[0] // as far as the type stays
	case "Dropout":
		if !random(n) {
			return n.In[0]
		}
	case "Concat", "Sum", "Max", "Min", "Mean":
		if len(n.In) == 1 {
			return n.In[0]
		}
		return onlyNonEmpty(n)
	case "Transpose":
		if t := n.Op.(*op.Transpose); slices.IsSorted(t.Perm) && (t.Perm != nil || len(n.In[0].Type.Shape) < 2) {
			return n.In[0]
		}
	case "Slice":
		if steps, ok := ints(input(n, 4), nil); ok && !slices.ContainsFunc(steps, func(d int) bool { return d < 0 }) {
			return n.In[0]
		}
	case "Pad", "Tile":
		neutral := 0.0
		if isOp(n, "Tile") {
			neutral = 1
		}
		if x, ok := filled(input(n, 1)); ok && x == neutral {
			return n.In[0]
		}
	case "Where":
		if c, ok := filled(n.In[0]); ok && c != 0 {
			return n.In[1]
		} else if ok {
			return n.In[2]
		}
	case "Neg", "Not":
		if m := from(n.In[0], n.Op.Name()); m != nil {
			return m.In[0]
		}
	}
	return neutral(n)
}

// neutral returns the operand that a binary operator leaves alone because of the other.
func neutral(n *ir.Node) *ir.Value {
	const any = -1 // both sides
	at, c := 1, 0.0
	switch n.Op.Name() {
	case "Add":
		at = any
	case "Sub":
	case "Mul":
		at, c = any, 1
	case "Div", "Pow":
		c = 1
	default:
		return nil
	}
	for i := range 2 {
		if x, ok := filled(n.In[i]); ok && x == c && (at == any || at == i) {
			return n.In[1-i]
		}
	}
	return nil
}

// onlyNonEmpty returns the one input of a Concat that has elements.
func onlyNonEmpty(n *ir.Node) *ir.Value {
	if !isOp(n, "Concat") {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(n.In), func(v *ir.Value) bool { return v.Type.Static() && v.Type.Len() == 0 })
	if len(rest) == 1 {
		return rest[0]
	}
	return nil
}
