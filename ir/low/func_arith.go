package low

import "math"

type number interface {
	~float32 | ~float64 | ~int64 | ~uint64
}

type floating interface{ ~float32 | ~float64 }

type integer interface{ ~int64 | ~uint64 }

// arithmetic is the functions that are one operation, exact or rounded once; pow aside, whose float forms are in elementary.
//
// Integers wrap at their width; a quotient or remainder by zero is 0. max and min are those of ONNX, where a NaN wins;
// clampmax(a,b) is a>b ? a : b and clampmin(a,b) is a<b ? a : b, so that the second operand's NaN survives and a
// NaN bound does not bind. mod has the sign of the divisor, fmod that of the dividend.
var arithmetic = []function{
	{name: "add", sig: "TT>T", f32: add[float32], f64: add[float64], i64: add[int64], text: "(%s + %s)"},
	{name: "sub", sig: "TT>T", f32: sub[float32], f64: sub[float64], i64: sub[int64], text: "(%s - %s)"},
	{name: "mul", sig: "TT>T", f32: mul[float32], f64: mul[float64], i64: mul[int64],
		text: "(%s * %s)", text32: "float32(%s * %s)", text64: "float64(%s * %s)"},
	{name: "div", sig: "TT>T", weight: 4, f32: div[float32], f64: div[float64], i64: divInt[int64], u64: divInt[uint64],
		text: "(%s / %s)", textInt: "divInt(%s, %s)"},
	{name: "mod", sig: "TT>T", weight: 8, f32: modFloat[float32], f64: modFloat[float64], i64: modInt, u64: remInt[uint64],
		text: "mod64(%s, %s)", text32: "float32(mod64(float64(%s), float64(%s)))", textInt: "modInt(%s, %s)"},
	{name: "fmod", sig: "TT>T", weight: 8, f32: fmodFloat[float32], f64: fmodFloat[float64], i64: remInt[int64], u64: remInt[uint64],
		text: "fmod64(%s, %s)", text32: "float32(fmod64(float64(%s), float64(%s)))", textInt: "remInt(%s, %s)"},
	{name: "fma", sig: "TTT>T", weight: 1, f32: fma32, f64: fma64,
		text32: "fma32(%s, %s, %s)", text64: "(float64(%s*%s) + %s)"},

	{name: "neg", sig: "T>T", f32: neg[float32], f64: neg[float64], i64: neg[int64], text: "(-%s)"},
	{name: "abs", sig: "T>T", f32: abs[float32], f64: abs[float64], i64: absInt, u64: same[uint64],
		text32: "abs32(%s)", text64: "math.Abs(%s)", textInt: "absInt(%s)", textUi: "%s"},
	{name: "sign", sig: "T>T", weight: 2, f32: sign[float32], f64: sign[float64], i64: sign[int64], u64: sign[uint64],
		text: "sign(%s)", textUi: "signUint(%s)"},
	{name: "sqrt", sig: "T>T", weight: 4, f32: sqrt[float32], f64: sqrt[float64], text: "math.Sqrt(%s)", text32: "float32(math.Sqrt(float64(%s)))"},
	{name: "reciprocal", sig: "T>T", weight: 4, f32: reciprocal[float32], f64: reciprocal[float64], text: "(1 / %s)"},
	{name: "rsqrt", sig: "T>T", weight: 8, f32: rsqrt[float32], f64: rsqrt[float64],
		text: "(1 / math.Sqrt(%s))", text32: "(1 / float32(math.Sqrt(float64(%s))))"},
	{name: "floor", sig: "T>T", f32: by64(math.Floor), f64: math.Floor, text: "math.Floor(%s)", text32: "float32(math.Floor(float64(%s)))"},
	{name: "ceil", sig: "T>T", f32: by64(math.Ceil), f64: math.Ceil, text: "math.Ceil(%s)", text32: "float32(math.Ceil(float64(%s)))"},
	{name: "trunc", sig: "T>T", f32: by64(math.Trunc), f64: math.Trunc, text: "math.Trunc(%s)", text32: "float32(math.Trunc(float64(%s)))"},
	{name: "round", sig: "T>T", f32: by64(math.RoundToEven), f64: math.RoundToEven, // halves to even
		text: "math.RoundToEven(%s)", text32: "float32(math.RoundToEven(float64(%s)))"},

	{name: "max", sig: "TT>T", weight: 2, f32: maxOf[float32], f64: maxOf[float64], i64: maxOf[int64], u64: maxOf[uint64], text: "maxNum(%s, %s)"},
	{name: "min", sig: "TT>T", weight: 2, f32: minOf[float32], f64: minOf[float64], i64: minOf[int64], u64: minOf[uint64], text: "minNum(%s, %s)"},
	{name: "clampmax", sig: "TT>T", f32: clampMax[float32], f64: clampMax[float64], i64: clampMax[int64], u64: clampMax[uint64], text: "clampMax(%s, %s)"},
	{name: "clampmin", sig: "TT>T", f32: clampMin[float32], f64: clampMin[float64], i64: clampMin[int64], u64: clampMin[uint64], text: "clampMin(%s, %s)"},
	{name: "relu", sig: "T>T", f32: relu[float32], f64: relu[float64], i64: relu[int64], u64: same[uint64], text: "relu(%s)", textUi: "%s"},

	{name: "bitand", sig: "TT>T", i64: func(a, b int64) int64 { return a & b }, text: "(%s & %s)"},
	{name: "bitor", sig: "TT>T", i64: func(a, b int64) int64 { return a | b }, text: "(%s | %s)"},
	{name: "bitxor", sig: "TT>T", i64: func(a, b int64) int64 { return a ^ b }, text: "(%s ^ %s)"},
	{name: "bitnot", sig: "T>T", i64: func(a int64) int64 { return ^a }, text: "(^%s)"},
	// a count below 0 gives 0, one of at least the width shifts all bits out; shr copies the sign bit of a signed type
	{name: "shl", sig: "TT>T", i64: shl[int64], u64: shl[uint64], text: "shl(%s, %s)"},
	{name: "shr", sig: "TT>T", i64: shr[int64], u64: shr[uint64], text: "shr(%s, %s)"},
}

func add[T number](a, b T) T   { return a + b }
func sub[T number](a, b T) T   { return a - b }
func mul[T number](a, b T) T   { return a * b }
func div[T floating](a, b T) T { return a / b }
func neg[T number](a T) T      { return -a }
func same[T number](a T) T     { return a }

func divInt[T integer](a, b T) T {
	if b == 0 {
		return 0
	}
	return a / b
}

func remInt[T integer](a, b T) T {
	if b == 0 {
		return 0
	}
	return a % b
}

func modInt(a, b int64) int64 {
	m := remInt(a, b)
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m
}

func fmodFloat[T floating](a, b T) T { return T(Fmod64(float64(a), float64(b))) }

func modFloat[T floating](a, b T) T { return T(Mod64(float64(a), float64(b))) }

// fma64 rounds the product: there is no fused operation on float64.
func fma64(a, b, c float64) float64 { return float64(a*b) + c }

// fma32 rounds a*b+c once. The product is exact in float64; the sum is rounded to odd there, after which narrowing it
// rounds as if the sum were exact (S. Boldo, G. Melquiond, Emulation of a FMA and correctly rounded sums: proved
// algorithms using rounding to odd, 2008). That changes nothing where the sum in float64 does not lie in the middle of
// two normal float32: rounding is monotone and keeps these middles, so the exact sum lies on the same side of all.
func fma32(a, b, c float32) float32 {
	const tail, middle, minNormal = 1<<29 - 1, 1 << 28, 0x1p-126
	p, d := float64(a)*float64(b), float64(c)
	s := p + d
	if math.Float64bits(s)&tail != middle && math.Abs(s) >= minNormal {
		return float32(s)
	}
	t := s - p
	err := (p - (s - t)) + (d - t) // s + err is the exact sum
	u := math.Float64bits(s)
	switch {
	case u&1 == 1: // odd, or a NaN
	case err > 0 && s >= 0 || err < 0 && s < 0: // away from zero
		u++
	case err < 0 || err > 0:
		u--
	}
	return float32(math.Float64frombits(u))
}

func abs[T floating](a T) T { return T(math.Abs(float64(a))) }

func absInt(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}

// sign keeps NaN and the zeros.
func sign[T number](a T) T {
	switch {
	case a > 0:
		return 1
	case a < 0:
		return -T(1)
	}
	return a
}

func sqrt[T floating](a T) T       { return T(math.Sqrt(float64(a))) } // exact for float32 as well
func reciprocal[T floating](a T) T { return 1 / a }
func rsqrt[T floating](a T) T      { return 1 / sqrt(a) }

// by64 is for functions whose result for a float32 is a float32.
func by64(f func(float64) float64) func(float32) float32 {
	return func(a float32) float32 { return float32(f(float64(a))) }
}

func maxOf[T number](a, b T) T {
	if a > b || a != a {
		return a
	}
	return b
}

func minOf[T number](a, b T) T {
	if a < b || a != a {
		return a
	}
	return b
}

func clampMax[T number](a, b T) T {
	if a > b {
		return a
	}
	return b
}

func clampMin[T number](a, b T) T {
	if a < b {
		return a
	}
	return b
}

func relu[T number](a T) T {
	if a < 0 {
		return 0
	}
	return a
}

func shl[T integer](a, n T) T {
	if n < 0 {
		return 0
	}
	return a << n
}

func shr[T integer](a, n T) T {
	if n < 0 {
		return 0
	}
	return a >> n
}
