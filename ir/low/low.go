// Package low is the closed set of operators that code generation knows. Each states the order of its arithmetic, and
// its Eval follows that order in float32, one rounding an operation: it is the oracle of bits (docs/DESIGN.md).
package low

import "github.com/sbtc-go/sbtc/ir"

// Copy returns x with another shape of as many elements.
func Copy(b *ir.Builder, x *ir.Value, shape ...int) *ir.Value { return x }
