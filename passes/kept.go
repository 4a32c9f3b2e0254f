package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// keptMost is the largest share of its products that attention keeps when it skips the others: lists of what to multiply
// take up to a quarter longer for a product than tiles of everything.
const keptMost = 0.75

// keptLists is how many queries of a sample are worth lists at least. To gather what they name takes as long for a few panels as
// for many: with 2 panels it takes 1.4 times as long as tiles of everything, with 6 panels 0.9 times.
const keptLists = 4 * ir.Lanes

// kept finds attentions whose keys or values are multiplied by constant zeros and ones here and there. Attention then takes
// them without these factors, and skips the products with what they clear.
func (c Choice) kept(g *ir.Graph) (bool, error) {
	lists := c.Loops || c.Budget < 0
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		a, ok := n.Op.(*low.Attend)
		if !ok || len(n.In) != 3 || a.Finite != nil || a.Partials != 0 {
			return nil, nil
		}
		q := n.In[0].Type
		if lists && q.Shape[1] < keptLists {
			return nil, nil
		}
		if q.Rows() < 2 || q.Shape[0] > 1 && (q.Shape[1] < ir.Lanes || n.In[1].Type.Shape[1] < ir.Lanes) { // samples that share panels
			return nil, nil
		}
		in := append(slices.Clone(n.In), nil)
		products, left := 0, 0
		for i := 1; i < 3; i++ {
			x, on := cleared(n.In[i])
			in[i], in = x, append(in, b.Const(on))
			products, left = products+on.Len(), left+count(on)
		}
		if float64(left) > keptMost*float64(products) || in[1].Type.Shape[1] > low.MaxKept || in[1].Type.Features() > low.MaxKept || in[2].Type.Features() > low.MaxKept {
			return nil, nil
		}
		return []*ir.Value{b.Add(a, in...)}, nil
	})
}

// cleared returns what v, keys or values of an attention, is without a factor of constant zeros and ones, and which elements of
// every sample the factor leaves; v itself and all if there is no such factor.
func cleared(v *ir.Value) (x *ir.Value, on *ir.Tensor) {
	rows, n := v.Type.Shape[1], v.Type.Shape[2]
	on = ir.NewTensor(ir.Bool, rows, n)
	left := ir.Data[bool](on)
	if x, factor := product(v); x != nil && ir.Same(x.Type, v.Type) {
		f := ir.Data[float32](factor)
		if at := low.BroadcastStrides(factor.Shape, v.Type.Shape); at[0] == 0 || v.Type.Shape[0] == 1 || low.Repeats(factor, v.Type.Shape[0]) {
			if !slices.ContainsFunc(f, func(v float32) bool { return v != 0 && v != 1 }) {
				for i := range left {
					left[i] = f[i/n*at[1]+i%n*at[2]] != 0
				}
				return x, on
			}
		}
	}
	for i := range left {
		left[i] = true
	}
	return v, on
}

// product is the factor of a value and a constant of float32, nil if v is none.
func product(v *ir.Value) (x *ir.Value, factor *ir.Tensor) {
	if v.Def == nil {
		return nil, nil
	}
	m, ok := v.Def.Op.(*low.Map)
	if !ok || len(v.Def.In) != 2 || v.Def.In[0] == v.Def.In[1] {
		return nil, nil
	}
	if s := m.Expr.String(); s != "mul(x0,x1)" && s != "mul(x1,x0)" {
		return nil, nil
	}
	x, f := v.Def.In[0], v.Def.In[1]
	if x.Const != nil {
		x, f = f, x
	}
	if f.Const == nil || x.Const != nil || f.Type.DType != ir.Float32 {
		return nil, nil
	}
	return x, f.Const
}

func count(on *ir.Tensor) (n int) {
	for _, x := range ir.Data[bool](on) {
		if x {
			n++
		}
	}
	return n
}
