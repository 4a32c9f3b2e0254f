package passes

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
)

// lower replaces every ONNX operator by low ones.
func lower(g *ir.Graph) (bool, error) {
	changed, err := g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		o, ok := n.Op.(op.Op)
		if !ok {
			return nil, nil
		}
		return o.Lower(b, n)
	})
	if err != nil {
		return changed, err
	}
	for _, n := range g.Nodes {
		if !low.Is(n.Op) {
			return changed, fmt.Errorf("%v was not lowered", n)
		}
	}
	return changed, nil
}
