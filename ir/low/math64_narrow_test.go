package low

import (
	"math"
	"testing"
)

// TestNarrow compares with the functions of full precision, for float32 of all magnitudes and near multiples of pi/2.
func TestNarrow(t *testing.T) {
	check := func(x float32) {
		for _, f := range []struct {
			name         string
			narrow, full func(float64) float64
		}{{"sin", NarrowSin64, Sin64}, {"cos", NarrowCos64, Cos64}} {
			got, want := f.narrow(float64(x)), f.full(float64(x))
			if !(math.Abs(got-want) <= 0x1p-34*math.Abs(want)) && got == got {
				t.Fatalf("%s(%v) is %v, want %v", f.name, x, got, want)
			}
			if (got != got) != (want != want) || math.Signbit(got) != math.Signbit(want) && got == got {
				t.Fatalf("%s(%v) is %v, want %v", f.name, x, got, want)
			}
		}
	}
	for u := uint64(0); u < 1<<32; u += 9973 {
		check(math.Float32frombits(uint32(u)))
	}
	for k := range 700000 {
		x := float32(float64(k) * math.Pi / 2)
		check(x)
		check(math.Nextafter32(x, 0))
		check(-math.Nextafter32(x, 1e9))
	}
}
