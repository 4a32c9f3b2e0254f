package check

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// sharedSigns is the number of weights that two layers must have in the same places for equal signs to be no chance.
const sharedSigns = 32

// shareSigns finds layers that begin with one matrix of random signs, as those of sparse binary transformers do, and
// differ only in which weights are left. Where the weights are the same, too, they are stored once.
func (r *Inspection) shareSigns(g *ir.Graph) {
	type seen struct {
		name  string
		signs *ir.Tensor
	}
	var all []seen
	for i, n := range g.Nodes {
		l, ok := n.Op.(*low.Linear)
		if !ok || l.Kind != "ternary" {
			continue
		}
		signs := n.In[1].Const
		if j := slices.IndexFunc(all, func(s seen) bool { return sameSigns(s.signs, signs) }); j >= 0 {
			r.Layers[i].SignsOf = all[j].name
		}
		all = append(all, seen{r.Layers[i].Name, signs})
	}
}

// sameSigns reports whether two ternary matrices of one shape nowhere have opposite signs, and many common places.
func sameSigns(a, b *ir.Tensor) bool {
	if !slices.Equal(a.Shape, b.Shape) {
		return false
	}
	x, y, common := ir.Data[int8](a), ir.Data[int8](b), 0
	for i, s := range x {
		switch s * y[i] {
		case -1:
			return false
		case 1:
			common++
		}
	}
	return common >= sharedSigns
}
