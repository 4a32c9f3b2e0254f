package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// deadcode removes nodes whose results nobody reads.
func deadcode(g *ir.Graph) (bool, error) {
	live := map[*ir.Value]bool{}
	for _, v := range g.Out {
		live[v] = true
	}
	dead := map[*ir.Node]bool{}
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Out, func(v *ir.Value) bool { return live[v] }) {
			dead[n] = true
			continue
		}
		for _, v := range n.In {
			if v != nil {
				live[v] = true
			}
		}
	}
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *ir.Node) bool { return dead[n] })
	return len(dead) > 0, nil
}
