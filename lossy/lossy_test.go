package lossy

import (
	"math"
	"slices"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"head", "head", true},
		{"head", "heads", false},
		{"*", "head", true},
		{"*", "a/head", false},
		{"**", "/a/b/c", true},
		{"/encoder/*/w1", "/encoder/layers.0/w1", true},
		{"/encoder/*/w1", "/encoder/layers.0/ffn/w1", false},
		{"/encoder/**/w1", "/encoder/layers.0/ffn/w1", true},
		{"/encoder/**/w1", "/encoder/w1", true},
		{"**/w[12]", "/encoder/layers.0/w2", true},
		{"**/w[12]", "/encoder/layers.0/w3", false},
		{"**/linear1/**", "/encoder/layers.0/linear1/MatMul_output_0", true},
		{"**", "", false},
		{"onnx::MatMul_2?8", "onnx::MatMul_268", true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) is %v", c.pattern, c.name, got)
		}
	}
	if CheckPattern("**/w[12]") != nil || CheckPattern("a/[") == nil {
		t.Error("CheckPattern")
	}
}

func TestBinarize(t *testing.T) {
	for _, c := range []struct{ in, want []float64 }{
		{[]float64{1, -2, 3, -6}, []float64{3, -3, 3, -3}},
		{[]float64{0, -2, 0, 4}, []float64{0, -3, 0, 3}}, // zeros stay and do not count
		{[]float64{0, 0}, []float64{0, 0}},
		{[]float64{0.3, -0.3}, []float64{0.3, -0.3}}, // binary ones are what they were
	} {
		got := slices.Clone(c.in)
		if binarize(got); !slices.Equal(got, c.want) {
			t.Errorf("%v becomes %v, want %v", c.in, got, c.want)
		}
	}
}

// No other scale gives a smaller sum of squared errors.
func TestBinarizeIsLeastSquares(t *testing.T) {
	w := random(33, 1)
	b := slices.Clone(w)
	binarize(b)
	a := math.Abs(b[0])
	for _, other := range []float64{a * 0.99, a * 1.01, a / 2, a * 2} {
		o := slices.Clone(b)
		for i := range o {
			o[i] *= other / a
		}
		if distance(o, w) <= distance(b, w) {
			t.Errorf("scale %v is as good as %v", other, a)
		}
	}
}

func TestTernarize(t *testing.T) {
	for _, c := range []struct{ in, want []float64 }{
		// S*S/m: 10^2/1 = 100, 19^2/2 = 180.5, 20^2/3 = 133, 20.5^2/4 = 105.
		{[]float64{1, -10, 0.5, 9}, []float64{0, -9.5, 0, 9.5}},
		{[]float64{0, -0.7, 0.7, 0}, []float64{0, -0.7, 0.7, 0}}, // ternary ones are what they were
		{[]float64{0, 0, 0}, []float64{0, 0, 0}},
		{[]float64{-5}, []float64{-5}},
	} {
		got := slices.Clone(c.in)
		if ternarize(got); !slices.Equal(got, c.want) {
			t.Errorf("%v becomes %v, want %v", c.in, got, c.want)
		}
	}
}

// All assignments of -1, 0 and +1, each with its least-squares scale, are worse or as good.
func TestTernarizeIsBest(t *testing.T) {
	for seed := range 20 {
		w := random(7, seed)
		best := math.Inf(1)
		for code := range 2187 { // 3^7
			signs := make([]float64, len(w))
			dot, n := 0.0, 0.0
			for i, c := 0, code; i < len(w); i, c = i+1, c/3 {
				signs[i] = float64(c%3 - 1)
				dot += signs[i] * w[i]
				n += signs[i] * signs[i]
			}
			if n > 0 {
				for i := range signs {
					signs[i] *= dot / n
				}
			}
			best = min(best, distance(signs, w))
		}
		got := slices.Clone(w)
		ternarize(got)
		if d := distance(got, w); math.Abs(d-best) > 1e-12 {
			t.Errorf("seed %d: squared error %v, the best is %v", seed, d, best)
		}
	}
}

func TestPrune(t *testing.T) {
	a, b := []float64{1, -2, 3, -4}, []float64{50, 60, -70, 0.5}
	prune([][]float64{a}, 0.5)
	if want := []float64{0, 0, 3, -4}; !slices.Equal(a, want) {
		t.Errorf("%v, want %v", a, want)
	}
	a = []float64{1, -2, 3, -4}
	prune([][]float64{a, b}, 0.5) // together
	if !slices.Equal(a, []float64{0, 0, 0, -4}) || !slices.Equal(b, []float64{50, 60, -70, 0}) {
		t.Errorf("%v and %v", a, b)
	}
	a = []float64{1, -1, 1, -1, 1}
	prune([][]float64{a}, 0.3) // round(1.5) = 2 stay; of equal ones the first
	if want := []float64{1, -1, 0, 0, 0}; !slices.Equal(a, want) {
		t.Errorf("%v, want %v", a, want)
	}
	a = []float64{1, 2, 3}
	if prune([][]float64{a}, 0.01); !slices.Equal(a, []float64{0, 0, 3}) {
		t.Errorf("%v, want one weight to stay", a)
	}
	for _, density := range []float64{0.1, 0.25, 0.333, 0.5, 0.9, 1} {
		w := random(1000, 3)
		prune([][]float64{w}, density)
		n := 0
		for _, x := range w {
			if x != 0 {
				n++
			}
		}
		if want := int(math.Round(density * 1000)); n != want {
			t.Errorf("density %v: %d weights stay, want %d", density, n, want)
		}
	}
}

// The channels of [2, 2, 2] are columns of its two matrices.
func TestEachChannel(t *testing.T) {
	w := []float64{1, 10, 3, 30, 5, 50, 7, 70}
	eachChannel(w, []int{2, 2, 2}, binarize)
	if want := []float64{2, 20, 2, 20, 6, 60, 6, 60}; !slices.Equal(w, want) {
		t.Errorf("%v, want %v", w, want)
	}
	w = []float64{1, 3}
	eachChannel(w, []int{2}, binarize)
	if want := []float64{2, 2}; !slices.Equal(w, want) {
		t.Errorf("%v, want %v", w, want)
	}
}

func random(n, seed int) []float64 {
	return ir.RandTensor(ir.Type{DType: ir.Float64, Shape: []int{n}}, seed).Floats()
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return sum
}
