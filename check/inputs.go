package check

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// randomInputs returns inputs for these values that seed fixes: floats uniform in [-1,1), integers in [-8,8) (unsigned [0,16)),
// booleans even, strings of a few letters.
func randomInputs(values []*ir.Value, seed int) ([]*ir.Tensor, error) {
	in := make([]*ir.Tensor, len(values))
	for i, v := range values {
		t := v.Type
		if !t.Static() {
			return nil, fmt.Errorf("input %q is %v: without a fixed shape there are no random inputs", v.Name, t)
		}
		// Each input has a stream of its own: seeds of different inputs are far apart.
		s := seed*1_000_003 + i
		switch {
		case t.DType == ir.String:
			in[i] = randomStrings(t.Shape, s)
		case t.DType.IsComplex():
			in[i] = randomComplex(t, s)
		default:
			in[i] = ir.RandTensor(t, s)
		}
	}
	return in, nil
}

func randomStrings(shape []int, seed int) *ir.Tensor {
	numbers := ir.RandTensor(ir.Type{DType: ir.Uint8, Shape: shape}, seed).Ints()
	s := make([]string, len(numbers))
	for i, n := range numbers {
		s[i] = "ab c\u00e9"[:n%6] // the last letter takes two bytes: some strings are not valid UTF-8
	}
	return ir.Of(ir.String, shape, s)
}

func randomComplex(t ir.Type, seed int) *ir.Tensor {
	parts := ir.RandTensor(ir.Type{DType: ir.Float64, Shape: append([]int{2}, t.Shape...)}, seed).Floats()
	n := t.Len()
	z := make([]complex128, n)
	for i := range z {
		z[i] = complex(parts[i], parts[n+i])
	}
	if t.DType == ir.Complex128 {
		return ir.Of(t.DType, t.Shape, z)
	}
	narrow := make([]complex64, n)
	for i, c := range z {
		narrow[i] = complex64(c)
	}
	return ir.Of(t.DType, t.Shape, narrow)
}

// specials are the values that nonFinite scatters.
var specials = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}

// nonFinite returns copies of the inputs in which some elements of every float tensor are not finite; it reports
// whether there are any.
func nonFinite(in []*ir.Tensor, seed int) (out []*ir.Tensor, any bool) {
	out = make([]*ir.Tensor, len(in))
	for i, t := range in {
		out[i] = t
		if !canBeInfinite(t.DType) || t.Len() == 0 {
			continue
		}
		any = true
		out[i] = t.Clone()
		// One element in 64, and at least one.
		where := ir.RandTensor(ir.Type{DType: ir.Float64, Shape: []int{t.Len()}}, seed+i).Floats()
		out[i].SetFloat(seed%t.Len(), specials[seed%len(specials)])
		for j, x := range where {
			if math.Abs(x) < 1.0/64 {
				out[i].SetFloat(j, specials[j%len(specials)])
			}
		}
	}
	return out, any
}

func canBeInfinite(d ir.DType) bool {
	return d == ir.Float16 || d == ir.BFloat16 || d == ir.Float32 || d == ir.Float64
}
