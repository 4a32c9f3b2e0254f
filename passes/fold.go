package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// foldLimit bounds the bytes that folding one node may take.
const foldLimit = 64 << 20

// fold computes nodes whose inputs are all constant, and those that only ask for the shape of a value. The constants
// remember what they were, see unfold. A graph output that becomes constant stays the result of an Identity. A node whose
// Eval fails stays: the error is the compiled model's to report.
func fold(g *ir.Graph) (bool, error) {
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		args, ok := foldable(n)
		if !ok || isIdentityOutput(g, n) {
			return nil, nil
		}
		res, err := n.Op.Eval(args)
		if err != nil {
			return nil, nil
		}
		out := make([]*ir.Value, len(n.Out))
		for i, v := range n.Out {
			if v == nil {
				continue
			}
			if _, err := ir.Refine(res[i].Type(), v.Type); err != nil {
				return nil, nil
			}
			out[i] = b.Const(res[i])
			out[i].Recipe = v
			if slices.Contains(g.Out, v) {
				out[i] = b.Add(&op.Identity{}, out[i])
			}
		}
		return out, nil
	})
}

// foldable returns the operands that n is to be evaluated on.
func foldable(n *ir.Node) (args []*ir.Tensor, ok bool) {
	if random(n) || bytesOf(n.Out...) > foldLimit {
		return nil, false
	}
	if isOp(n, "Shape") || isOp(n, "Size") {
		t := n.In[0].Type
		return []*ir.Tensor{{DType: t.DType, Shape: t.Shape}}, t.Static()
	}
	for _, v := range n.In {
		switch {
		case v == nil:
			args = append(args, nil)
		case v.Const == nil:
			return nil, false
		default:
			args = append(args, v.Const)
		}
	}
	return args, true
}

// bytesOf is the memory of values of static type; others count as nothing.
func bytesOf(vs ...*ir.Value) int {
	n := 0
	for _, v := range vs {
		if v != nil && v.Type.Static() {
			n += v.Type.Len() * max(8, v.Type.DType.Bits()) / 8
		}
	}
	return n
}

func isIdentityOutput(g *ir.Graph, n *ir.Node) bool {
	return isOp(n, "Identity") && slices.Contains(g.Out, n.Out[0])
}
