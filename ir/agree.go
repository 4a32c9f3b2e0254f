package ir

import (
	"fmt"
	"math"
	"slices"
)

// Tolerance says how far two results may lie apart: Rel times the largest finite |reference| of the tensor, or ULP
// units in the last place of the tensor's own element type (1 for 16-bit and narrower floats).
type Tolerance struct {
	Rel float64
	ULP int
}

// The agreements of docs/DESIGN.md, Numerics.
var (
	Folding  = Tolerance{0x1p-20, 32} // folded graph against unfolded, interpreter against interpreter
	Compiled = Tolerance{0x1p-18, 64} // compiled against interpreter
)

// Agree compares got with the reference want: integers, booleans and strings exactly, floats within tol, +0 equal to
// -0, NaN only to NaN. The error names the first element that differs, and the worst.
func Agree(got, want *Tensor, tol Tolerance) error {
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("got %v, want %v", got.Type(), want.Type())
	}
	switch d := want.DType; {
	case d.IsFloat():
		return agreeFloats(d, got.Floats(), want.Floats(), tol)
	case d == Complex64 || d == Complex128:
		part := map[DType]DType{Complex64: Float32, Complex128: Float64}[d]
		gr, gi := complexParts(got)
		wr, wi := complexParts(want)
		return agreeFloats(part, append(gr, gi...), append(wr, wi...), tol)
	case d == String:
		return equal(Data[string](got), Data[string](want))
	}
	return equal(got.Ints(), want.Ints())
}

func equal[T comparable](got, want []T) error {
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("element %d is %v, want %v", i, got[i], want[i])
		}
	}
	return nil
}

func complexParts(t *Tensor) (re, im []float64) {
	for i := range t.Len() {
		var c complex128
		if t.DType == Complex64 {
			c = complex128(Data[complex64](t)[i])
		} else {
			c = Data[complex128](t)[i]
		}
		re, im = append(re, real(c)), append(im, imag(c))
	}
	return re, im
}

func agreeFloats(d DType, got, want []float64, tol Tolerance) error {
	top := 0.0
	for _, w := range want {
		if a := math.Abs(w); a > top && !math.IsInf(a, 0) {
			top = a
		}
	}
	n := tol.ULP
	if d.Bits() <= 16 {
		n = 1
	}
	first, worst, count := -1, -1, 0
	for i, w := range want {
		if close := got[i] == w || math.IsNaN(got[i]) && math.IsNaN(w) ||
			math.Abs(got[i]-w) <= tol.Rel*top || math.Abs(got[i]-w) <= float64(n)*ulp(d, w); close {
			continue
		}
		if count++; first < 0 {
			first, worst = i, i
		}
		if diff := math.Abs(got[i] - w); diff > math.Abs(got[worst]-want[worst]) || math.IsNaN(diff) {
			worst = i
		}
	}
	if first < 0 {
		return nil
	}
	return fmt.Errorf("%d of %d elements differ: element %d is %v, want %v; the worst, %d, is %v, want %v",
		count, len(want), first, got[first], want[first], worst, got[worst], want[worst])
}

// ulp is the distance from |x| to the next larger value of type d; 0 for infinities and NaN.
func ulp(d DType, x float64) float64 {
	x = math.Abs(x)
	if math.IsInf(x, 0) || x != x {
		return 0
	}
	man, low := 52, -1074
	switch d {
	case Float64:
	case Float32:
		man, low = 23, -149
	default:
		f := d.format()
		man, low = f.man, 1-f.bias-f.man
	}
	_, e := math.Frexp(x)
	return math.Ldexp(1, max(e-1-man, low))
}
