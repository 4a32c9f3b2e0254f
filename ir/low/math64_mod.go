package low

import (
	"math"
	"math/bits"
)

// Fmod64 is C's fmod: x minus a multiple of y, exact, with the sign of x.
func Fmod64(x, y float64) float64 {
	switch {
	case x != x || y != y || math.IsInf(x, 0) || y == 0:
		return math.NaN()
	case math.IsInf(y, 0) || math.Abs(x) < math.Abs(y):
		return x
	}
	ex, mx := split64(math.Abs(x))
	ey, my := split64(math.Abs(y))
	// mx * 2^(ex-ey) mod my, by up to 64 binary digits at a time
	r := mx % my
	for n := ex - ey; n > 0; n -= 64 {
		k := uint(min(n, 64))
		r = bits.Rem64(r>>(64-k), r<<k, my)
	}
	return math.Copysign(join64(ey, r), x)
}

// Mod64 is ONNX's Mod: as Fmod64, but with the sign of y.
func Mod64(x, y float64) float64 {
	r := Fmod64(x, y)
	if r != 0 && (r < 0) != (y < 0) {
		return r + y
	}
	return r
}

// split64 gives x = m * 2^e for finite x > 0; m has at most 53 bits, and e is at least -1074.
func split64(x float64) (e int, m uint64) {
	u := math.Float64bits(x)
	e, m = int(u>>52), u&(1<<52-1)
	if e == 0 {
		return -1074, m
	}
	return e - 1075, m | 1<<52
}

// join64 is m * 2^e for m below 2^53 that fit exactly.
func join64(e int, m uint64) float64 {
	n := 53 - bits.Len64(m)
	if m == 0 {
		return 0
	}
	n = min(n, e+1074)
	e, m = e-n, m<<n
	if m < 1<<52 {
		return math.Float64frombits(m) // subnormal: e is -1074
	}
	return math.Float64frombits(uint64(e+1075)<<52 | m&(1<<52-1))
}
