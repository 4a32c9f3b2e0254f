package low

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// fmaf is a·b + c with one rounding: the float64 product is exact, and the float64 sum, rounded to odd where it is
// inexact, narrows to what one rounding of the exact sum gives (Boldo and Melquiond, 2008).
func fmaf(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	s := p + float64(c)
	if math.IsInf(s, 0) || s != s {
		return float32(s)
	}
	t := s - p
	e := (p - (s - t)) + (float64(c) - t)
	if u := math.Float64bits(s); e != 0 && u&1 == 0 {
		if (e > 0) == (s > 0) {
			s = math.Float64frombits(u + 1)
		} else {
			s = math.Float64frombits(u - 1)
		}
	}
	return float32(s)
}

func sqrtf(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func mulAdd64(a, b, c float64) float64 { return float64(a*b) + c }

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

// apply32 computes an expression of one float32 input for every element.
func apply32(e Expr, x []float32) []float32 {
	out, err := e.Eval([]*ir.Tensor{ir.Of(ir.Float32, []int{len(x)}, x)})
	if err != nil {
		panic(err)
	}
	return ir.Data[float32](out)
}
