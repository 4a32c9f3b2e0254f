package runtime

import (
	"math/rand/v2"
	"testing"
)

// TestElem has every length, misaligned, in place and not.
func TestElem(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 1))
		for n := range 150 {
			x, y := mixed(r, n), mixed(r, n)
			for _, f := range []struct {
				slice func(dst, x, y []float32)
				one   func(x, y float32) float32
			}{
				{add32Slice, func(x, y float32) float32 { return x + y }},
				{sub32Slice, func(x, y float32) float32 { return x - y }},
				{mul32Slice, func(x, y float32) float32 { return x * y }},
				{max32Slice, func(x, y float32) float32 {
					if y > x || y != y {
						return y
					}
					return x
				}},
				{func(dst, x, y []float32) { scale32Slice(dst, x, 0.3) }, func(x, y float32) float32 { return x * 0.3 }},
				{func(dst, x, y []float32) { relu32Slice(dst, x) }, func(x, y float32) float32 {
					if x < 0 {
						return 0
					}
					return x
				}},
			} {
				want := make([]float32, n)
				for i := range want {
					want[i] = f.one(x[i], y[i])
				}
				dst, check := guarded(t, n, n%9)
				f.slice(dst, x, y)
				equalBits(t, dst, want)
				copy(dst, x)
				f.slice(dst, dst, y)
				equalBits(t, dst, want)
				check()
			}
		}
	})
}

func BenchmarkElem(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	x, y, z := finite(r, 4096), finite(r, 4096), make([]float32, 4096)
	benchPaths(b, "add", len(x), func() { add32Slice(z, x, y) })
	benchPaths(b, "relu", len(x), func() { relu32Slice(z, x) })
}
