package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// Zeros follows what is known of the values of a graph of ONNX operators before the model runs. It returns which
// elements of a value are known to be zero, whatever the input; nil: none is.
func Zeros(g *ir.Graph) func(v *ir.Value) []bool {
	a := knownOf(g, nil)
	return func(v *ir.Value) []bool { return a.facts.zerosOf(v, a.knownOf(v)) }
}

func zerosOf(v *ir.Value, k *op.Known) (zeros []bool) {
	if k == nil || k.Mask == nil || !v.Type.Static() || v.Type.DType == ir.String || v.Type.DType.IsComplex() {
		return nil
	}
	for i, x := range k.Val.Floats() {
		if k.Mask[i] && x == 0 {
			if zeros == nil {
				zeros = make([]bool, v.Type.Len())
			}
			zeros[i] = true
		}
	}
	return zeros
}
