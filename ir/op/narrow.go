package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// elementwiser is an operator whose result has the shape that some of its inputs broadcast to.
type elementwiser interface {
	elements(in []*ir.Value) []*ir.Value // those inputs
}

func (*unary) elements(in []*ir.Value) []*ir.Value    { return in[:1] }
func (*Identity) elements(in []*ir.Value) []*ir.Value { return in[:1] }
func (*Cast) elements(in []*ir.Value) []*ir.Value     { return in[:1] }
func (*CastLike) elements(in []*ir.Value) []*ir.Value { return in[:1] }
func (*pairwise) elements(in []*ir.Value) []*ir.Value { return in }
func (*fold) elements(in []*ir.Value) []*ir.Value     { return in }
func (*Where) elements(in []*ir.Value) []*ir.Value    { return in }

// settle passes shapes that a model declares of the results of n, the last node of g, back to operands whose shapes
// depend on run-time values, and from there on to all that is computed from them.
func settle(g *ir.Graph, n *ir.Node) error {
	for changed := narrow(n); changed; {
		changed = false
		for _, n := range g.Nodes {
			types, err := n.Op.Infer(n.In)
			if err != nil {
				return fmt.Errorf("%v: %w", n, err)
			}
			for i, v := range n.Out {
				if v == nil {
					continue
				}
				if v.Type, err = ir.Refine(types[i], v.Type); err != nil {
					return fmt.Errorf("%v: %w", n, err)
				}
			}
			changed = narrow(n) || changed
		}
	}
	return nil
}

// narrow gives an operand of unknown shape the shape of the result, if all other operands are single elements.
func narrow(n *ir.Node) bool {
	e, ok := n.Op.(elementwiser)
	if !ok || n.Out[0] == nil || !n.Out[0].Type.Static() {
		return false
	}
	var open *ir.Value
	for _, v := range e.elements(n.In) {
		switch {
		case !v.Type.Static() && open == nil:
			open = v
		case !v.Type.Static(), v.Type.Len() != 1:
			return false
		}
	}
	shape := n.Out[0].Type.Shape
	if open == nil || open.Def == nil || !open.Type.NoRank && len(open.Type.Shape) != len(shape) || open.Type.NoRank && len(n.In) > 1 {
		return false
	}
	open.Type.NoRank, open.Type.Shape = false, slices.Clone(shape)
	return true
}
