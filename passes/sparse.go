package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// sparseBelow is the density in percent below which the loop over nonzero weights beats the dense one, which shares what it
// loads between two columns.
const sparseBelow = 60

// sparseRowBelow is the same for a layer of one row: its chains over lists wait for one addition after the other, while a dense
// layer takes the weights as fast as they come from memory.
const sparseRowBelow = 10

// maxIndexed is the number of rows that the 16-bit indices of ternary and sparse kernels reach.
const maxIndexed = 1 << 16

// sparse makes layers with many zero weights skip them.
func sparse(g *ir.Graph) (bool, error) {
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		l, ok := n.Op.(*low.Linear)
		if !ok || l.Kind != "dense" || n.In[1].Type.DType != ir.Float32 || n.In[1].Type.Shape[0] > maxIndexed {
			return nil, nil
		}
		nonzero := 0
		w := ir.Data[float32](n.In[1].Const)
		for _, v := range w {
			if v != 0 {
				nonzero++
			}
		}
		below := sparseBelow
		if n.In[0].Type.Rows() == 1 {
			below = sparseRowBelow
		}
		if nonzero*100 >= len(w)*below {
			return nil, nil
		}
		return []*ir.Value{b.Add(&low.Linear{Kind: "sparse", Act: l.Act}, n.In...)}, nil
	})
}
