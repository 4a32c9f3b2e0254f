package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// work is the amount of arithmetic of a graph: multiply-adds, of constant matrices only those by nonzero weights, and
// one for every element of any other result, but for reshapes and slices.
func work(g *ir.Graph) int { return workOf(g.Nodes...) }

func workOf(nodes ...*ir.Node) int {
	sum := 0
	for _, n := range nodes {
		sum += nodeWork(n)
	}
	return sum
}

func nodeWork(n *ir.Node) int {
	if slices.ContainsFunc(slices.Concat(n.In, n.Out), func(v *ir.Value) bool { return v != nil && !v.Type.Static() }) {
		return 0
	}
	switch o := n.Op.(type) {
	case *op.Reshape, *op.Transpose, *op.Slice, *op.Expand, *op.Identity, *op.Flatten, *op.Squeeze, *op.Unsqueeze:
		return 0
	case *op.MatMul:
		x, w := n.In[0].Type, n.In[1]
		if w.Const == nil {
			return n.Out[0].Type.Len() * x.Features()
		}
		return x.Len() / max(1, w.Type.Shape[0]) * nonzeros(w.Const)
	case *op.Attention:
		return o.Work(n)
	}
	sum := 0
	for _, v := range n.Out {
		if v != nil {
			sum += v.Type.Len()
		}
	}
	return sum
}

func nonzeros(t *ir.Tensor) int {
	count := 0
	if t.DType == ir.Float32 {
		for _, v := range ir.Data[float32](t) {
			if v != 0 {
				count++
			}
		}
		return count
	}
	for _, v := range t.Floats() {
		if v != 0 {
			count++
		}
	}
	return count
}
