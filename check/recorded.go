package check

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// A Margin says how far a result may lie from what was recorded with a model: Abs, plus Rel times the magnitude of the
// recorded element, or of the largest recorded element of the tensor where Whole is set.
type Margin struct {
	Abs, Rel float64
	Whole    bool
}

// The margins of docs/DESIGN.md, Numerics.
var (
	Suite    = Margin{Abs: 1e-7, Rel: 1e-3}              // the ONNX backend tests
	Recorded = Margin{Abs: 1e-4, Rel: 1e-4, Whole: true} // other recorded outputs: 1e-4 x max(1, largest |recorded|)
)

// Compare compares got with the recorded tensor want: integers, booleans and strings exactly, NaN only to NaN.
func (m Margin) Compare(got, want *ir.Tensor) error {
	if !got.DType.IsFloat() && !got.DType.IsComplex() || got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return ir.Agree(got, want, ir.Tolerance{})
	}
	g, w := parts(got), parts(want)
	top := 0.0
	for _, x := range w {
		if a := math.Abs(x); !math.IsInf(a, 0) {
			top = max(top, a)
		}
	}
	bad, worst := 0, -1
	for i, x := range w {
		allowed := m.Abs + m.Rel*math.Abs(x)
		if m.Whole {
			allowed = max(m.Abs, m.Rel*top)
		}
		diff := math.Abs(g[i] - x)
		if g[i] == x || g[i] != g[i] && x != x || diff <= allowed && !math.IsInf(x, 0) {
			continue
		}
		if bad++; worst < 0 || diff > math.Abs(g[worst]-w[worst]) || diff != diff {
			worst = i
		}
	}
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d elements differ; the worst, %d, is %v, recorded %v", bad, len(w), worst, g[worst], w[worst])
}

// parts returns the elements as float64, real and imaginary parts apart.
func parts(t *ir.Tensor) []float64 {
	var z []complex128
	switch t.DType {
	case ir.Complex64:
		for _, c := range ir.Data[complex64](t) {
			z = append(z, complex128(c))
		}
	case ir.Complex128:
		z = ir.Data[complex128](t)
	default:
		return t.Floats()
	}
	x := make([]float64, 0, 2*len(z))
	for _, c := range z {
		x = append(x, real(c), imag(c))
	}
	return x
}

// sameBits reports where got and want are not the same bits; two NaN are the same.
func sameBits(got, want *ir.Tensor) error {
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("got %v, want %v", got.Type(), want.Type())
	}
	if !got.DType.IsFloat() && !got.DType.IsComplex() {
		return ir.Agree(got, want, ir.Tolerance{})
	}
	g, w := parts(got), parts(want)
	bad, first := 0, -1
	for i := range w {
		if math.Float64bits(g[i]) == math.Float64bits(w[i]) || g[i] != g[i] && w[i] != w[i] {
			continue
		}
		if bad++; first < 0 {
			first = i
		}
	}
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d elements are not the same bits; the first, %d, is %v (%x), want %v (%x)",
		bad, len(w), first, g[first], g[first], w[first], w[first])
}

// sameArgMax says in how many rows of the last axis the largest element is at another place than recorded; ok is false
// where there are no such rows.
func sameArgMax(got, want *ir.Tensor) (rows, moved int, ok bool) {
	if !got.DType.IsFloat() || len(want.Shape) == 0 || want.Shape[len(want.Shape)-1] < 2 || !slices.Equal(got.Shape, want.Shape) {
		return 0, 0, false
	}
	g, w := got.Floats(), want.Floats()
	n := want.Shape[len(want.Shape)-1]
	for i := 0; i < len(w); i += n {
		rows++
		if argMax(g[i:i+n]) != argMax(w[i:i+n]) {
			moved++
		}
	}
	return rows, moved, true
}

func argMax(x []float64) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}
