package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// minTernary is the number of weights in a column or row below which it is not looked at: few values are equal up to
// sign by chance.
const minTernary = 4

// ternary turns dense layers into ternary ones where every column of the weights holds only -a, 0 and +a, with an a of
// its own: a tensor or a group of columns with one a each are cases of this. Where every row has an a of its own the
// inputs are multiplied by these. Zeros of either sign count as zero.
func ternary(g *ir.Graph) (bool, error) {
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		l, ok := n.Op.(*low.Linear)
		if !ok || l.Kind != "dense" || n.In[1].Type.DType != ir.Float32 {
			return nil, nil
		}
		x, w := n.In[0], n.In[1].Const
		signs, scale := splitColumns(w)
		if signs == nil {
			var rows *ir.Tensor
			if signs, rows = splitRows(w); signs == nil {
				return nil, nil
			}
			x = low.Elementwise(b, "mul(x0,x1)", x, b.Const(rows))
			scale = ir.FromFloats(ir.Float32, []int{w.Shape[1]}, slices.Repeat([]float64{1}, w.Shape[1]))
		}
		in := append([]*ir.Value{x, b.Const(signs), b.Const(scale)}, n.In[2:]...)
		return []*ir.Value{b.Add(&low.Linear{Kind: "ternary", Act: l.Act}, in...)}, nil
	})
}

// splitColumns returns the signs [K, N] and the scale of each column of a ternary matrix, nil if w is none.
func splitColumns(w *ir.Tensor) (signs, scale *ir.Tensor) {
	n := w.Shape[1]
	if w.Shape[0] < minTernary {
		return nil, nil
	}
	return signsOf(w, n, func(i int) int { return i % n })
}

// splitRows returns the signs [K, N] and the scale of each row of a matrix that is ternary by row, nil if w is none.
func splitRows(w *ir.Tensor) (signs, scale *ir.Tensor) {
	n := w.Shape[1]
	if n < minTernary {
		return nil, nil
	}
	return signsOf(w, w.Shape[0], func(i int) int { return i / n })
}

// signsOf returns the signs of w and the scale of each of the groups that the elements are in, 1 for one of zeros.
func signsOf(w *ir.Tensor, groups int, of func(i int) int) (signs, scale *ir.Tensor) {
	if w.Shape[0] > maxIndexed {
		return nil, nil
	}
	x := ir.Data[float32](w)
	sign, a := make([]int8, len(x)), make([]float32, groups)
	for i, v := range x {
		m := v
		switch {
		case v == 0:
			continue
		case v < 0:
			m, sign[i] = -v, -1
		default:
			sign[i] = 1
		}
		switch g := of(i); {
		case a[g] == 0:
			a[g] = m
		case a[g] != m: // NaN too
			return nil, nil
		}
	}
	for g, v := range a {
		if v == 0 {
			a[g] = 1
		}
	}
	return ir.Of(ir.Int8, w.Shape, sign), ir.Of(ir.Float32, []int{groups}, a)
}
