package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// sweep removes the nodes that the target passes left without readers.
func sweep(g *ir.Graph) (bool, error) {
	live := map[*ir.Value]bool{}
	for _, v := range g.Out {
		live[v] = true
	}
	kept := g.Nodes[:0:0]
	for _, n := range slices.Backward(g.Nodes) {
		if slices.ContainsFunc(n.Out, func(v *ir.Value) bool { return live[v] }) {
			kept = append(kept, n)
			for _, v := range n.In {
				live[v] = true
			}
		}
	}
	slices.Reverse(kept)
	changed := len(kept) < len(g.Nodes)
	g.Nodes = kept
	return changed, nil
}
