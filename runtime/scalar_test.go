// SPDX-License-Identifier: MIT-0

package runtime

import (
	"hash/fnv"
	"math"
	"slices"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var sequences = []struct {
	name   string
	f      func(float32) float32
	slice  func(dst, src []float32)
	exact  func(float32) float32
	domain float32 // largest argument
	hash   uint64  // of the results for sweep(1001), the same on every port
}{
	{"expneg", expneg32, expneg32Slice, expneg32Exact, 0, 0x3d4f658d1937c2f2},
	{"exp", exp32, exp32Slice, exp32Exact, math.MaxFloat32, 0x9998910f12b97872},
	{"expm1", expm132, expm132Slice, expm132Exact, math.MaxFloat32, 0x235a9b6dda206ebc},
	{"sigmoid", sigmoid32, sigmoid32Slice, sigmoid32Exact, math.MaxFloat32, 0x7eb8403e5ef8f15},
	{"tanh", tanh32, tanh32Slice, tanh32Exact, math.MaxFloat32, 0x9c0e8f9236cfd4e2},
	{"erf", erf32, erf32Slice, erf32Exact, math.MaxFloat32, 0xb792bfc69a4ba9d5},
	{"gelu", gelu32, gelu32Slice, gelu32Exact, math.MaxFloat32, 0x70b46e280eda2199},
}

// sweep is every stride-th float32, NaNs included, and the special values and small integers.
func sweep(stride uint64) []float32 {
	inf := float32(math.Inf(1))
	x := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), math.MaxFloat32, 1e-45, -1e-45, 0x1p-126}
	for i := -1000; i <= 1000; i++ {
		x = append(x, float32(i), float32(i)/64, float32(i)*math.Ln2)
	}
	for u := uint64(0); u < 1<<32; u += stride {
		x = append(x, math.Float32frombits(uint32(u)))
	}
	return x
}

func bitsEqual(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestSequences(t *testing.T) {
	for _, s := range sequences {
		t.Run(s.name, func(t *testing.T) {
			src := sweep(100003)
			x := ir.Of(ir.Float32, []int{len(src)}, src)
			want, err := low.Call(s.name, low.X(0)).Eval([]*ir.Tensor{x})
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]float32, len(src))
			s.slice(dst, src)
			for i, w := range ir.Data[float32](want) {
				if src[i] > s.domain {
					continue
				}
				for form, got := range map[string]float32{"scalar": s.f(src[i]), "slice": dst[i], "exact": s.exact(src[i])} {
					if !bitsEqual(got, w) {
						t.Fatalf("%s of %x: %s form gives %x, want %x", s.name, src[i], form, got, w)
					}
				}
			}
		})
	}
}

// canonical hashes results with every NaN as one.
func canonical(x []float32) uint64 {
	h := fnv.New64a()
	for _, v := range x {
		u := math.Float32bits(v)
		if v != v {
			u = 0x7fc00000
		}
		h.Write([]byte{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24)})
	}
	return h.Sum64()
}

// TestSequenceHashes is equal on every port: run it under GOAMD64=v3, GOARCH=arm64 and wasm too.
func TestSequenceHashes(t *testing.T) {
	if testing.Short() {
		t.Skip("four million arguments a function")
	}
	src := sweep(1001)
	dst := make([]float32, len(src))
	for _, s := range sequences {
		s.slice(dst, src)
		for i, x := range src {
			if x > s.domain {
				dst[i] = 0
			}
		}
		if h := canonical(dst); h != s.hash {
			t.Errorf("%s: hash %#x, want %#x", s.name, h, s.hash)
		}
	}
}

// TestSequenceAccuracy has the bounds of docs/numerics.md, in units of the last place of the float32 next to the
// binary64 result; gelu below -1 has an absolute one.
func TestSequenceAccuracy(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      func(float32) float32
		exact  func(float64) float64
		lo, hi float64
		ulp    float64
	}{
		{"expneg", expneg32, exp64, -87.33, 0, 1.02},
		{"exp", exp32, exp64, -104, 88.72, 1.02},
		{"expm1", expm132, expm164, -20, 88.72, 1.5},
		{"expm1 near 0", expm132, expm164, -1, 1, 1.5},
		{"sigmoid", sigmoid32, sigmoid64, -87, 0, 2.35},
		{"sigmoid", sigmoid32, sigmoid64, 0, 20, 1.5},
		{"tanh", tanh32, tanh64, -10, 10, 1.34},
		{"tanh near 0", tanh32, tanh64, -1, 1, 1.34},
		{"erf", erf32, erf64, -4, 4, 1.05},
		{"gelu", gelu32, gelu64, 0, 10, 1.15},
		{"gelu", gelu32, gelu64, -1, 0, 1.7},
	} {
		worst, at := 0.0, float32(0)
		const n = 1 << 20
		for i := range n {
			x := float32(c.lo + (c.hi-c.lo)*float64(i)/n)
			want := c.exact(float64(x))
			if d := math.Abs(float64(c.f(x))-want) / ulp32(want); d > worst {
				worst, at = d, x
			}
		}
		t.Logf("%-12s %6g..%-6g %.3f ulp at %v", c.name, c.lo, c.hi, worst, at)
		if worst > c.ulp {
			t.Errorf("%s: %.3f ulp at %v, bound %v", c.name, worst, at, c.ulp)
		}
	}
	worst := 0.0
	for x := float32(-20); x < 0; x += 1e-5 {
		worst = max(worst, math.Abs(float64(gelu32(x))-gelu64(float64(x))))
	}
	t.Logf("gelu below 0: error %.2g", worst)
	if worst > 5e-8 {
		t.Errorf("gelu below 0: error %.2g", worst)
	}
}

// ulp32 is the distance of neighbouring float32 at x.
func ulp32(x float64) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1, max(e-24, -149))
}

func TestSequenceEdges(t *testing.T) {
	inf, nan, z := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	for _, c := range []struct {
		f       func(float32) float32
		x, want float32
	}{
		{exp32, inf, inf}, {exp32, -inf, 0}, {exp32, nan, nan}, {exp32, 88.72284, inf}, {exp32, -103.97, 0x1p-149}, {exp32, -104, 0}, {exp32, 0, 1},
		{expneg32, -inf, 0}, {expneg32, 0, 1}, {expneg32, nan, nan}, {expneg32, -87.7, 0},
		{expm132, inf, inf}, {expm132, -inf, -1}, {expm132, nan, nan}, {expm132, 88.72284, inf}, {expm132, 0, 0}, {expm132, 1e-30, 1e-30},
		{sigmoid32, inf, 1}, {sigmoid32, -inf, 0}, {sigmoid32, nan, nan}, {sigmoid32, 0, 0.5},
		{tanh32, inf, 1}, {tanh32, -inf, -1}, {tanh32, z, z}, {tanh32, nan, nan}, {tanh32, 1e-45, 1e-45},
		{erf32, inf, 1}, {erf32, -inf, -1}, {erf32, z, z}, {erf32, nan, nan},
		{gelu32, inf, inf}, {gelu32, -inf, 0}, {gelu32, nan, nan}, {gelu32, 0, 0},
	} {
		if got := c.f(c.x); !bitsEqual(got, c.want) {
			t.Errorf("f(%v) = %v, want %v", c.x, got, c.want)
		}
	}
}

func TestHalf(t *testing.T) {
	for u := range uint32(1 << 16) {
		h := uint16(u)
		if got, want := f16to32(h), float32(ir.DecodeFloat(ir.Float16, h)); !bitsEqual(got, want) {
			t.Fatalf("float16 %04x: %v, want %v", h, got, want)
		}
		if got, want := bf16to32(h), float32(ir.DecodeFloat(ir.BFloat16, h)); !bitsEqual(got, want) {
			t.Fatalf("bfloat16 %04x: %v, want %v", h, got, want)
		}
	}
	for _, x := range halfCases() {
		for name, c := range map[string]struct{ got, want uint16 }{
			"float16":             {f64tof16(x), ir.EncodeFloat(ir.Float16, x, false)},
			"bfloat16":            {f64tobf16(x), ir.EncodeFloat(ir.BFloat16, x, false)},
			"float16 of float32":  {f32tof16(float32(x)), ir.EncodeFloat(ir.Float16, float64(float32(x)), false)},
			"bfloat16 of float32": {f32tobf16(float32(x)), ir.EncodeFloat(ir.BFloat16, float64(float32(x)), false)},
		} {
			if c.got != c.want {
				t.Fatalf("%s of %x: %04x, want %04x", name, x, c.got, c.want)
			}
		}
	}
}

// halfCases are the numbers halfway between neighbours of 16 bits, and those next to them.
func halfCases() []float64 {
	x := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 1e-300, -1e-320}
	for u := uint16(0); u < 0x7f80; u += 37 {
		for _, d := range []ir.DType{ir.Float16, ir.BFloat16} {
			mid := (ir.DecodeFloat(d, u) + ir.DecodeFloat(d, u+1)) / 2
			x = append(x, mid, -mid, math.Nextafter(mid, 0), math.Nextafter(mid, 1e308))
		}
	}
	return x
}

func TestScalarInts(t *testing.T) {
	for a := -128; a < 128; a++ {
		for b := -128; b < 128; b++ {
			x, y := int8(a), int8(b)
			if y != 0 && divInt(x, y) != int8(a/b) {
				t.Fatalf("%d/%d: %d", a, b, divInt(x, y))
			}
			mod := 0
			if b != 0 {
				mod = ((a % b) + b) % b
			}
			if modInt(x, y) != int8(mod) {
				t.Fatalf("%d mod %d: %d, want %d", a, b, modInt(x, y), mod)
			}
			want := 0
			switch {
			case b >= 0:
				want = 1
				for range b {
					want = int(int8(want * a))
				}
			case a == 1 || a == -1:
				want = map[bool]int{true: 1, false: a}[b%2 == 0]
			}
			if powInt(x, y) != int8(want) {
				t.Fatalf("%d^%d: %d, want %d", a, b, powInt(x, y), want)
			}
		}
	}
	if got := []int8{shl(int8(3), 7), shl(int8(1), -1), shr(int8(-1), 100), shr(int8(-1), -1)}; !slices.Equal(got, []int8{-128, 0, -1, 0}) {
		t.Errorf("shifts %v", got)
	}
	for _, x := range []float64{0, -1, 0.9, 1e30, -1e30, math.NaN(), math.Inf(1), math.Inf(-1), 0x1p+63, 0x1.8p+63, 0x1p+64, 255.5, -128.5} {
		for _, c := range []struct {
			d   ir.DType
			got int64
		}{
			{ir.Int8, int64(saturate[int8](x, -128, 127))}, {ir.Uint8, int64(saturate[uint8](x, 0, 255))},
			{ir.Int32, int64(saturate[int32](x, math.MinInt32, math.MaxInt32))},
			{ir.Int64, satint64(x)}, {ir.Uint64, int64(satuint64(x))},
		} {
			if want := ir.SaturateInt(x, c.d); c.got != want {
				t.Errorf("%v as %v: %d, want %d", x, c.d, c.got, want)
			}
		}
	}
}

func BenchmarkSequences(b *testing.B) {
	src, dst := make([]float32, 1024), make([]float32, 1024)
	for i := range src {
		src[i] = -4.003 * float32(i) / 1024
	}
	for _, s := range sequences {
		b.Run(s.name+"/scalar", func(b *testing.B) {
			for b.Loop() {
				for i, x := range src {
					dst[i] = s.f(x)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/elem")
		})
		b.Run(s.name+"/slice", func(b *testing.B) {
			for b.Loop() {
				s.slice(dst, src)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/elem")
		})
	}
}
