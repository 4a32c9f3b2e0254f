package codegen

import (
	"math"
	"reflect"
	"slices"

	"github.com/sbtc-go/sbtc/codegen/asm"
)

// findTwins finds layers that have the same code as an earlier one, as layers with tied weights do: its functions, which get
// their inputs as arguments, serve both, and the budget pays for them once. Sparse layers share a pattern, each with weights
// of its own. The last of order that are alike may have fewer panels, but never more.
func findTwins(order []*layer) {
	for i, a := range order {
		for _, b := range order[:i] {
			if b.twin == nil && sameCode(&a.Layer, &b.Layer) {
				a.twin = b
				break
			}
		}
	}
}

// sameCode reports whether two layers have the same code but for the names.
func sameCode(a, b *asm.Layer) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Schedule.K == b.Schedule.K && a.Schedule.N == b.Schedule.N && a.Table == b.Table && a.Act.String() == b.Act.String() &&
		sameRow(a.Scale, b.Scale) && sameRow(a.Bias, b.Bias) &&
		slices.EqualFunc(a.Extra, b.Extra, func(x, y asm.Extra) bool { return sameRow(x.Row, y.Row) }) &&
		reflect.DeepEqual(a.Sparse, b.Sparse) && reflect.DeepEqual(a.Schedule, b.Schedule) && sameCode(a.First, b.First)
}

// sameRow reports whether two rows of constants have the same bits.
func sameRow(a, b []float32) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}
