package codegen

import "github.com/sbtc-go/sbtc/codegen/asm"

// findTwins finds layers that have the same code as an earlier one, as layers with the same signs do: its functions, which get
// their inputs and where their constants are as arguments, serve both, and the budget pays for them once. Sparse layers share
// a pattern, each with weights of its own. Of layers that are alike none has more panels than the first.
func findTwins(order []*layer) {
	for i, a := range order {
		for _, b := range order[:i] {
			if b.twin == nil && a.code == b.code && asm.AreTwins(&a.Layer, &b.Layer) {
				a.twin, a.place = b, b.AddTwin(&a.Layer)
				b.twins = max(b.twins, a.place)
				break
			}
		}
	}
}

// offset is how far the constants of l are from those of the layer that has its functions, in bytes.
func (l *layer) offset() int {
	if l.twin != nil {
		return l.twin.pool.Offset(l.place)
	}
	return 0
}
