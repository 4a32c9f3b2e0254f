package low

import (
	"hash/fnv"
	"math"
	"testing"
)

var math64 = []struct {
	name string
	f    func(float64) float64
	hash uint64 // of the results for hashArgs, the same on every port
}{
	{"exp", Exp64, 0xef1d6aad29a80b0d}, {"expm1", Expm164, 0x70f86fb385fe5684}, {"sigmoid", Sigmoid64, 0x600d182216d68afd}, {"tanh", Tanh64, 0x10043462a8f5a128}, {"sinh", Sinh64, 0xbc124c46d5daa3c2},
	{"cosh", Cosh64, 0x6b7f4bf80ecd92ad}, {"log", Log64, 0x67fc23641915cff}, {"log1p", Log1p64, 0x3b3b219b4b5a6076}, {"softplus", Softplus64, 0xa6b415da17e3db01}, {"asinh", Asinh64, 0x81842e0bd8daf558},
	{"acosh", Acosh64, 0x9bc15125da4b1734}, {"atanh", Atanh64, 0xead2e878eb8b6149}, {"sin", Sin64, 0x925ae68589a4dc42}, {"cos", Cos64, 0xa56bf547cf3e5420}, {"tan", Tan64, 0x1c52fdc8133d1c30}, {"asin", Asin64, 0x61f957d069ed056},
	{"acos", Acos64, 0x70b903658bd42b8f}, {"atan", Atan64, 0x77aba795465d95dd}, {"erf", Erf64, 0x22fd92436fbf0a1d}, {"erfc", Erfc64, 0xe94418edaa9e9991}, {"gelu", Gelu64, 0x8ecd564c22dda9d9},
	{"pow of the next", func(x float64) float64 {
		return Pow64(x, math.Float64frombits(math.Float64bits(x)*0x9e3779b97f4a7c15>>12|0x3ff<<52)-1.5)
	}, 0x4152561592f50cac},
	{"fmod of pi", func(x float64) float64 { return Fmod64(x, math.Pi) }, 0xdc70cefc74fd338f},
}

// hashArgs calls f with a million numbers: a fifth of any bits, the rest between -1 and 1, -8 and 8, -100 and 100,
// -750 and 750.
func hashArgs(f func(x float64)) {
	u := uint64(1)
	for i := range 1000000 {
		u = u*6364136223846793005 + 1442695040888963407
		x := float64(int64(u)) * 0x1p-63
		switch i % 5 {
		case 0:
			x = math.Float64frombits(u)
		case 2:
			x *= 8
		case 3:
			x *= 100
		case 4:
			x *= 750
		}
		f(x)
	}
}

// TestMath64Hashes is equal on every port: run it under GOAMD64=v3, GOARCH=arm64 and wasm too.
func TestMath64Hashes(t *testing.T) {
	if testing.Short() {
		t.Skip("a million arguments a function")
	}
	for _, c := range math64 {
		h := fnv.New64a()
		var b [8]byte
		hashArgs(func(x float64) {
			y := c.f(x)
			u := math.Float64bits(y)
			if y != y {
				u = 0x7ff8 << 48
			}
			for i := range b {
				b[i] = byte(u >> (8 * i))
			}
			h.Write(b[:])
		})
		if h.Sum64() != c.hash {
			t.Errorf("{%q, %#x}", c.name, h.Sum64())
		}
	}
}

// TestMath64Near finds gross errors in the whole range; internal/genfunc measures the small ones. Package math itself is
// a few hundred ulp off for some angles.
func TestMath64Near(t *testing.T) {
	for name, f := range map[string]func(float64) float64{
		"exp": math.Exp, "expm1": math.Expm1, "tanh": math.Tanh, "sinh": math.Sinh, "cosh": math.Cosh, "log": math.Log, "log1p": math.Log1p,
		"asinh": math.Asinh, "acosh": math.Acosh, "atanh": math.Atanh, "sin": math.Sin, "cos": math.Cos, "tan": math.Tan, "asin": math.Asin,
		"acos": math.Acos, "atan": math.Atan, "erf": math.Erf, "erfc": math.Erfc,
		"fmod of pi": func(x float64) float64 { return math.Mod(x, math.Pi) },
	} {
		for _, c := range math64 {
			if c.name != name {
				continue
			}
			n, bad := 0, 0
			hashArgs(func(x float64) {
				if n++; n%37 != 0 {
					return
				}
				got, want := c.f(x), f(x)
				if !(got == want || got != got && want != want || math.Abs(got-want) <= 0x1p-43*math.Abs(want) || math.Abs(got-want) < 0x1p-1070) {
					if bad++; bad < 4 {
						t.Errorf("%s(%x) = %x, package math has %x", name, x, got, want)
					}
				}
			})
		}
	}
}

func TestMath64Edges(t *testing.T) {
	inf, nan, z := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	for _, c := range []struct {
		name    string
		f       func(float64) float64
		x, want float64
	}{
		{"exp", Exp64, inf, inf}, {"exp", Exp64, -inf, 0}, {"exp", Exp64, nan, nan}, {"exp", Exp64, 709.782712893384, 0x1.fffffffffff2ap+1023},
		{"exp", Exp64, 709.79, inf}, {"exp", Exp64, -745.13, 0x1p-1074}, {"exp", Exp64, -745.14, 0}, {"exp", Exp64, 0, 1},
		{"expm1", Expm164, z, z}, {"expm1", Expm164, -inf, -1}, {"expm1", Expm164, inf, inf},
		{"log", Log64, 0, -inf}, {"log", Log64, z, -inf}, {"log", Log64, 1, 0}, {"log", Log64, -1, nan}, {"log", Log64, inf, inf}, {"log", Log64, 0x1p-1074, -744.4400719213812},
		{"log1p", Log1p64, -1, -inf}, {"log1p", Log1p64, z, z}, {"log1p", Log1p64, inf, inf}, {"log1p", Log1p64, -2, nan},
		{"sin", Sin64, z, z}, {"sin", Sin64, inf, nan}, {"cos", Cos64, nan, nan}, {"tan", Tan64, z, z}, {"sin", Sin64, 0x1p-1074, 0x1p-1074},
		{"asin", Asin64, 1, math.Pi / 2}, {"asin", Asin64, z, z}, {"asin", Asin64, 1.1, nan}, {"acos", Acos64, 1, 0}, {"acos", Acos64, -1, math.Pi},
		{"atan", Atan64, inf, math.Pi / 2}, {"atan", Atan64, -inf, -math.Pi / 2}, {"atan", Atan64, z, z}, {"atan", Atan64, 1, math.Pi / 4},
		{"sinh", Sinh64, z, z}, {"sinh", Sinh64, -inf, -inf}, {"cosh", Cosh64, -inf, inf}, {"cosh", Cosh64, 0, 1}, {"cosh", Cosh64, 710.4, 1.6663642832806496e+308},
		{"tanh", Tanh64, z, z}, {"tanh", Tanh64, -inf, -1}, {"tanh", Tanh64, nan, nan},
		{"asinh", Asinh64, z, z}, {"asinh", Asinh64, -inf, -inf}, {"asinh", Asinh64, 1e300, math.Asinh(1e300)}, {"acosh", Acosh64, 1, 0}, {"acosh", Acosh64, 0.5, nan}, {"acosh", Acosh64, inf, inf},
		{"atanh", Atanh64, 1, inf}, {"atanh", Atanh64, -1, -inf}, {"atanh", Atanh64, z, z}, {"atanh", Atanh64, 2, nan},
		{"erf", Erf64, z, z}, {"erf", Erf64, inf, 1}, {"erf", Erf64, -inf, -1}, {"erfc", Erfc64, inf, 0}, {"erfc", Erfc64, -inf, 2}, {"erfc", Erfc64, nan, nan},
		{"sigmoid", Sigmoid64, -inf, 0}, {"sigmoid", Sigmoid64, inf, 1}, {"softplus", Softplus64, inf, inf}, {"softplus", Softplus64, -inf, 0},
		{"gelu", Gelu64, inf, inf}, {"gelu", Gelu64, -inf, 0}, {"gelu", Gelu64, nan, nan},
	} {
		got := c.f(c.x)
		if !(math.Float64bits(got) == math.Float64bits(c.want) || got != got && c.want != c.want || got != 0 && math.Abs(got/c.want-1) < 0x1p-51) {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.x, got, c.want)
		}
	}
}

// TestPow64Edges holds all pairs of special values to package math, whose special cases are C's.
func TestPow64Edges(t *testing.T) {
	v := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e300, -1e300, 1e-300, 0x1p-1074, 0x1p+53, 0x1p+53 - 1, 0x1p+64,
		-0x1p+53 + 1, 1 + 0x1p-52, 1 - 0x1p-53, 1023, 1024, -1074, -1075, math.Inf(1), math.Inf(-1), math.NaN()}
	for _, x := range v {
		for _, y := range v {
			got, want := Pow64(x, y), math.Pow(x, y)
			if !(got == want && math.Signbit(got) == math.Signbit(want) || got != got && want != want || math.Abs(got/want-1) < 1e-15 || math.Abs(y) > 0x1p+52 && math.Abs(got/want-1) < 2e-8) {
				t.Errorf("pow(%v, %v) = %v, package math has %v", x, y, got, want)
			}
			// math.Pow(1+2^-52, 2^53) is wrong in the eighth digit
			if got, want := Fmod64(x, y), math.Mod(x, y); math.Float64bits(got) != math.Float64bits(want) && !(got != got && want != want) {
				t.Errorf("fmod(%v, %v) = %v, package math has %v", x, y, got, want)
			}
		}
	}
}
