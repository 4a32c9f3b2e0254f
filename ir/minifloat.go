package ir

import "math"

// A format is a binary floating-point type of at most 16 bits. Its non-negative
// codes 0..max are ordered like the values they stand for, which is all that
// rounding needs.
type format struct {
	sign    uint16 // the sign bit; 0 for an unsigned format
	man     int    // mantissa bits
	bias    int
	max     uint16 // code of the largest finite value
	inf     uint16 // code of +Inf; 0: none, overflow gives NaN
	nan     uint16 // 0: none, NaN becomes max
	negZero bool   // -0 has a code of its own
}

var formats = [numDTypes]*format{
	Float16:        {0x8000, 10, 15, 0x7bff, 0x7c00, 0x7e00, true},
	BFloat16:       {0x8000, 7, 127, 0x7f7f, 0x7f80, 0x7fc0, true},
	Float8E4M3FN:   {0x80, 3, 7, 0x7e, 0, 0x7f, true},
	Float8E4M3FNUZ: {0x80, 3, 8, 0x7f, 0, 0x80, false},
	Float8E5M2:     {0x80, 2, 15, 0x7b, 0x7c, 0x7f, true},
	Float8E5M2FNUZ: {0x80, 2, 16, 0x7f, 0, 0x80, false},
	Float4E2M1:     {0x8, 1, 1, 0x7, 0, 0, true},
	Float8E8M0:     {0, 0, 127, 0xfe, 0, 0xff, false},
}

func (d DType) format() *format { return formats[d] }

// DecodeFloat returns the value that code stands for in a floating-point type of at most 16 bits.
func DecodeFloat(d DType, code uint16) float64 {
	f := formats[d]
	mag := code &^ f.sign
	if f.nan != 0 && (code == f.nan || f.negZero && mag == f.nan) {
		return math.NaN()
	}
	if f.inf != 0 && mag > f.inf {
		return math.NaN()
	}
	x := f.value(mag)
	if f.inf != 0 && mag == f.inf {
		x = math.Inf(1)
	}
	if code&f.sign != 0 {
		x = -x
	}
	return x
}

// value decodes a finite non-negative code.
func (f *format) value(mag uint16) float64 {
	e, m := int(mag>>f.man), float64(mag&(1<<f.man-1))
	if f.sign == 0 { // exponent only: no zero, no subnormals
		return math.Ldexp(1, e-f.bias)
	}
	if e == 0 {
		return math.Ldexp(m, 1-f.bias-f.man)
	}
	return math.Ldexp(m+float64(int(1)<<f.man), e-f.bias-f.man)
}

// EncodeFloat rounds x to nearest, ties to even, in a floating-point type of at most
// 16 bits. Beyond the range it gives the largest finite value if saturate is set,
// else infinity, or NaN in a type without infinities.
func EncodeFloat(d DType, x float64, saturate bool) uint16 {
	f := formats[d]
	if x != x {
		if f.nan == 0 {
			return f.max
		}
		return f.nan
	}
	a, sign := math.Abs(x), uint16(0)
	if math.Signbit(x) {
		sign = f.sign
	}
	lo, hi := uint16(0), f.max
	for lo < hi { // the largest code whose value is at most a
		if mid := lo + (hi-lo+1)/2; f.value(mid) <= a {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	below, above := f.value(lo), f.value(lo+1)
	if d := (a - below) - (above - a); d > 0 || d == 0 && lo&1 == 1 {
		lo++
	}
	switch {
	case lo <= f.max && !(math.IsInf(a, 1) && !saturate):
	case saturate:
		lo = f.max
	case f.inf != 0:
		lo = f.inf
	case f.nan != 0:
		return f.nan | map[bool]uint16{true: sign}[f.negZero]
	default:
		lo = f.max
	}
	if lo == 0 && !f.negZero {
		return 0
	}
	return lo | sign
}
