package low

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// FMA32 is a·b + c rounded once, for operators whose compiled arithmetic is that.
func FMA32(a, b, c float32) float32 { return fma32(a, b, c) }

func sqrtf(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// float32s returns the elements of a float32 or narrower tensor.
func float32s(t *ir.Tensor) []float32 {
	if t.DType == ir.Float32 {
		return ir.Data[float32](t)
	}
	x := t.Floats()
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

// fromFloat32s narrows x to the element type d, a float32 or narrower.
func fromFloat32s(d ir.DType, shape []int, x []float32) *ir.Tensor {
	if d == ir.Float32 {
		return ir.Of(d, shape, x)
	}
	out := ir.NewTensor(d, shape...)
	for i, v := range x {
		out.SetFloat(i, float64(v))
	}
	return out
}

// apply computes an expression of one input for every element.
func apply[T float32 | float64](expr string, x []T) []T {
	var in *ir.Tensor
	switch x := any(x).(type) {
	case []float32:
		in = ir.Of(ir.Float32, []int{len(x)}, x)
	case []float64:
		in = ir.Of(ir.Float64, []int{len(x)}, x)
	}
	out, err := MustExpr(expr).Eval([]*ir.Tensor{in})
	if err != nil {
		panic(err)
	}
	return ir.Data[T](out)
}
