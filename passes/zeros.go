package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// Zeros follows what is known of the values of a graph of ONNX operators before the model runs. It returns which
// elements of a value are known to be zero, whatever the input; nil: none is.
func Zeros(g *ir.Graph) func(v *ir.Value) []bool {
	a := &liveness{known: map[*ir.Value]*op.Known{}}
	for _, n := range g.Nodes {
		if f, ok := flowOf(n); ok {
			a.known[n.Out[0]] = f.Know(n, a.inputs(n))
		}
	}
	zeros := map[*ir.Value][]bool{}
	return func(v *ir.Value) []bool {
		if z, ok := zeros[v]; ok || v == nil {
			return z
		}
		z := zerosOf(v, a.knownOf(v))
		zeros[v] = z
		return z
	}
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
