package runtime

import (
	"math"
	"math/rand/v2"
	"testing"
)

var sliceFuncs = []struct {
	name           string
	slice, generic func(dst, src []float32)
}{
	{"exp", exp32Slice, exp32SliceGeneric},
	{"expneg", expneg32Slice, expneg32SliceGeneric},
	{"expm1", expm132Slice, expm132SliceGeneric},
	{"sigmoid", sigmoid32Slice, sigmoid32SliceGeneric},
	{"tanh", tanh32Slice, tanh32SliceGeneric},
	{"erf", erf32Slice, erf32SliceGeneric},
	{"gelu", gelu32Slice, gelu32SliceGeneric},
}

// TestSliceLengths has every length and misalignment, in place and not.
func TestSliceLengths(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		for _, f := range sliceFuncs {
			for n := range 150 {
				x, want := mixed(r, n), make([]float32, n)
				f.generic(want, x)
				dst, check := guarded(t, n, n%17)
				f.slice(dst, x)
				equalBits(t, dst, want)
				copy(dst, x)
				f.slice(dst, dst)
				equalBits(t, dst, want)
				check()
			}
		}
	})
}

// TestSliceValues has the float32 in steps, each binade's ends, and arguments with few bits, where sums are ties.
func TestSliceValues(t *testing.T) {
	var x []float32
	for u := uint64(0); u < 1<<32; u += 8191 {
		x = append(x, math.Float32frombits(uint32(u)))
	}
	for e := range uint32(512) {
		for d := range uint32(64) {
			x = append(x, math.Float32frombits(e<<23+d), math.Float32frombits(e<<23+d<<17), math.Float32frombits(e<<23-1-d))
		}
	}
	for i := -1 << 16; i < 1<<16; i++ {
		x = append(x, float32(i)/512)
	}
	got, want := make([]float32, len(x)), make([]float32, len(x))
	for _, f := range sliceFuncs {
		f.generic(want, x)
		onPaths(t, func(t *testing.T) {
			f.slice(got, x)
			for i, w := range want {
				if g := got[i]; math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
					t.Fatalf("%s(%x) is %x, want %x", f.name, x[i], g, w)
				}
			}
		})
	}
}

func BenchmarkSlice(b *testing.B) {
	x := finite(rand.New(rand.NewPCG(1, 1)), 4096)
	y := make([]float32, len(x))
	for _, f := range sliceFuncs {
		benchPaths(b, f.name, len(x), func() { f.slice(y, x) })
	}
}

// benchPaths reports what f takes for each of n elements on every path, the paths by turns.
func benchPaths(b *testing.B, name string, n int, f func()) {
	best := path
	defer func() { path = best }()
	for path = pathPureGo; path <= best; path++ {
		b.Run(name+"/"+pathNames[path], func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
		})
	}
}
