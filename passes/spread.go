package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// spreader repeats constants for every sample of a batch, so that they can stand in panels beside rows that all samples
// share: positions and masks, of which exporters write those of one sample. weights.bin holds them once.
type spreader map[spreadKey]*ir.Value

type spreadKey struct {
	v    *ir.Value
	rows int
}

// over returns v with a row for each of t, if it is a constant that has fewer, more than one; else v itself.
func (s spreader) over(b *ir.Builder, v *ir.Value, t ir.Type) *ir.Value {
	rows, features := v.Type.Rows(), v.Type.Features()
	if v.Const == nil || v.Type.DType != ir.Float32 || features != t.Features() || rows == 1 || rows >= t.Rows() {
		return v
	}
	k := spreadKey{v, t.Rows()}
	if s[k] == nil {
		e := &low.Move{Shape: t.Shape, Parts: low.Parts{{Dims: t.Shape, OutStrides: ir.Strides(t.Shape), InStrides: low.BroadcastStrides(v.Type.Shape, t.Shape)}}}
		out, err := e.Eval([]*ir.Tensor{v.Const})
		if err != nil {
			return v
		}
		s[k] = b.Const(out[0])
	}
	return s[k]
}

// all is over for every one of vs.
func (s spreader) all(b *ir.Builder, vs []*ir.Value, t ir.Type) []*ir.Value {
	vs = slices.Clone(vs)
	for i, v := range vs {
		vs[i] = s.over(b, v, t)
	}
	return vs
}
