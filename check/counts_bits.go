package check

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// constant is a constant operand of a node and its size.
type constant struct {
	value *ir.Value
	Counts
}

// constantsOf sizes the constant operands of a low node as they would be in a dense layer.
func constantsOf(n *ir.Node) (out []constant) {
	linear, _ := n.Op.(*low.Linear)
	ternary := linear != nil && linear.Kind == "ternary"
	seen := map[*ir.Value]bool{}
	for i, v := range n.In {
		if v == nil || v.Const == nil || seen[v] {
			continue
		}
		seen[v] = true
		t := v.Const
		c := constant{value: v, Counts: Counts{Params: t.Len(), NonZero: nonZeros(t), BitsDense: t.Len() * t.DType.Bits()}}
		switch {
		case ternary && i == 1: // signs
			c.BitsDense = 32 * t.Len()
		case ternary && i == 2: // scales, which a dense layer does not have
			c.Counts = Counts{}
		case t.DType == ir.String || t.DType == ir.Int64 || t.DType == ir.Bool: // labels, indices, axes, conditions
			c.Counts = Counts{}
		}
		out = append(out, c)
	}
	return out
}

func nonZeros(t *ir.Tensor) int {
	if t.DType == ir.String {
		return t.Len()
	}
	n := 0
	for _, x := range parts(t) {
		if x != 0 {
			n++
		}
	}
	return min(n, t.Len()) // a complex element has two parts
}
