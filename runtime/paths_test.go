package runtime

import (
	"math"
	"math/rand/v2"
	"testing"
)

// onPaths runs f on every path that the machine has.
func onPaths(t *testing.T, f func(t *testing.T)) {
	best := path
	defer func() { path = best }()
	for path = pathPureGo; path <= best; path++ {
		t.Run(pathNames[path], f)
	}
}

// onPath runs f on one path.
func onPath(p int, f func()) {
	defer func(p int) { path = p }(path)
	path = p
	f()
}

// guarded is a slice of n elements that begins offset elements into a larger one; check finds writes beside it.
func guarded(t *testing.T, n, offset int) (x []float32, check func()) {
	const guard = 0x7fabcdef
	all := make([]float32, n+offset+17)
	for i := range all {
		all[i] = math.Float32frombits(guard)
	}
	return all[offset : offset+n : offset+n], func() {
		t.Helper()
		for i, v := range all {
			if (i < offset || i >= offset+n) && math.Float32bits(v) != guard {
				t.Fatalf("%d elements from %d: element %d is overwritten", n, offset, i-offset)
			}
		}
	}
}

// specials are values at which float32 arithmetic has cases.
var specials = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, inf32, -inf32, float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32,
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, 0x1.fffffcp-127, 0x1.000002p0, -0x1.fffffep-1, 88, -88, -87.5, 89, -104, 0x1p24, 16777217}

// mixed is n values: special ones, dyadic ones that make ties, and random ones of all magnitudes.
func mixed(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(4) {
		case 0:
			x[i] = specials[r.IntN(len(specials))]
		case 1:
			x[i] = float32(r.IntN(4096)-2048) / 64
		case 2:
			x[i] = float32(r.NormFloat64())
		default:
			x[i] = math.Float32frombits(r.Uint32())
		}
	}
	return x
}

// finite is n values without infinities, NaN and magnitudes whose sums overflow.
func finite(r *rand.Rand, n int) []float32 {
	x := mixed(r, n)
	for i, v := range x {
		if !(math.Abs(float64(v)) < 0x1p60) {
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

// equalBits fails where got is not want, any NaN counting as one.
func equalBits(t *testing.T, got, want []float32) {
	t.Helper()
	for i, w := range want {
		if g := got[i]; math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
			t.Fatalf("element %d of %d is %x, want %x", i, len(want), g, w)
		}
	}
}
