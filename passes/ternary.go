package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// minTernary is the number of rows below which a matrix is not looked at: few values are equal up to sign by chance.
const minTernary = 4

// ternary turns dense layers into ternary ones where every column of the weights holds only -a, 0 and +a, with an a of
// its own: a tensor or a group of columns with one a each are cases of this. Zeros of either sign count as zero.
func ternary(g *ir.Graph) (bool, error) {
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		l, ok := n.Op.(*low.Linear)
		if !ok || l.Kind != "dense" || n.In[1].Type.DType != ir.Float32 {
			return nil, nil
		}
		signs, scale := splitColumns(n.In[1].Const)
		if signs == nil {
			return nil, nil
		}
		in := append([]*ir.Value{n.In[0], b.Const(signs), b.Const(scale)}, n.In[2:]...)
		return []*ir.Value{b.Add(&low.Linear{Kind: "ternary", Act: l.Act}, in...)}, nil
	})
}

// splitColumns returns the signs [K, N] and the scale of each column of a ternary matrix, nil if w is none.
func splitColumns(w *ir.Tensor) (signs, scale *ir.Tensor) {
	k, n := w.Shape[0], w.Shape[1]
	if k < minTernary || k > maxIndexed {
		return nil, nil
	}
	x, sign, a := ir.Data[float32](w), make([]int8, k*n), make([]float32, n)
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
		switch j := i % n; {
		case a[j] == 0:
			a[j] = m
		case a[j] != m: // NaN too
			return nil, nil
		}
	}
	for j, v := range a {
		if v == 0 {
			a[j] = 1 // a column of zeros
		}
	}
	return ir.Of(ir.Int8, w.Shape, sign), ir.Of(ir.Float32, []int{n}, a)
}
