package passes

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// alike are the passes that leave nothing but operators whose samples can be told apart, and as many of them for one sample
// as for several.
var alike = []Pass{{Name: "fold", Run: fold}, {Name: "lower", Run: lower}, {Name: "sweep", Run: deadcode}}

// Each proves that a model computes b samples, as the graph all does, each as the graph one does (low.Each). Both are as
// they are imported, and lowered here.
func Each(all, one *ir.Graph, b int) error {
	for _, g := range []*ir.Graph{all, one} {
		if err := Run(g, alike, Options{}); err != nil {
			return fmt.Errorf("lowering it: %w", err)
		}
	}
	return low.Each(all, one, b)
}
