// SPDX-License-Identifier: MIT-0

package runtime

import "math"

func f32bits(a float32) uint32 { return math.Float32bits(a) }

func f32frombits(u uint32) float32 { return math.Float32frombits(u) }

// bit is 1 for true.
func bit[T number](b bool) T {
	if b {
		return 1
	}
	return 0
}

// saturate truncates x toward zero and clamps it to lo..hi; NaN gives 0. The bounds are exact in float64.
func saturate[T integer](x float64, lo, hi T) T {
	switch {
	case x != x:
		return 0
	case x <= float64(lo):
		return lo
	case x >= float64(hi):
		return hi
	}
	return T(int64(x))
}

func satint64(x float64) int64 {
	switch {
	case x != x:
		return 0
	case x <= -0x1p+63:
		return math.MinInt64
	case x >= 0x1p+63:
		return math.MaxInt64
	}
	return int64(x)
}

func satuint64(x float64) uint64 {
	switch {
	case !(x > 0):
		return 0
	case x >= 0x1p+64:
		return math.MaxUint64
	case x >= 0x1p+63: // ports convert such values differently
		return uint64(int64(x-0x1p+63)) + 1<<63
	}
	return uint64(int64(x))
}

// The 2- and 4-bit integers are held one to a byte, sign-extended or zero-extended.

func wrapint2(a int8) int8    { return a << 6 >> 6 }
func wrapint4(a int8) int8    { return a << 4 >> 4 }
func wrapuint2(a uint8) uint8 { return a & 3 }
func wrapuint4(a uint8) uint8 { return a & 15 }

// f16to32 widens an IEEE binary16, which is exact.
func f16to32(h uint16) float32 {
	u := uint32(h&0x7fff) << 13
	if u >= 0x7c00<<13 { // infinity or NaN
		return f32frombits(u + (255-31)<<23 | uint32(h&0x8000)<<16)
	}
	// the exponent of the bits u is 112 too small; multiplying also normalises subnormals
	return f32frombits(f32bits(f32frombits(u)*0x1p+112) | uint32(h&0x8000)<<16)
}

// bf16to32 widens a bfloat16, which is exact.
func bf16to32(h uint16) float32 { return f32frombits(uint32(h) << 16) }

// f32tof16 rounds to nearest even; NaN gives 0x7e00.
func f32tof16(a float32) uint16 { return f64tof16(float64(a)) }

// f32tobf16 rounds to nearest even; NaN gives 0x7fc0.
func f32tobf16(a float32) uint16 {
	if a != a {
		return 0x7fc0
	}
	u := f32bits(a)
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// f64tof16 rounds to nearest even, once; NaN gives 0x7e00.
func f64tof16(a float64) uint16 { return narrow16(a, 10, 15, 0x7c00, 0x7e00) }

// f64tobf16 rounds to nearest even, once; NaN gives 0x7fc0.
func f64tobf16(a float64) uint16 { return narrow16(a, 7, 127, 0x7f80, 0x7fc0) }

// narrow16 rounds a to a format of man mantissa bits and the given exponent bias.
func narrow16(a float64, man, bias int, inf, nan uint16) uint16 {
	if a != a {
		return nan
	}
	u := math.Float64bits(a)
	s := uint16(u >> 48 & 0x8000)
	e := int(u>>52&0x7ff) - 1023 + bias
	if e >= int(inf>>man) {
		return s | inf
	}
	m, drop := u&(1<<52-1)|1<<52, 52-man // m counts 2^(e-52)
	if e < 1 {                           // subnormal: fewer bits stay
		drop += 1 - e
		e = 1
		if drop > 54 {
			return s
		}
	}
	r := m >> drop
	if rest, half := m&(1<<drop-1), uint64(1)<<(drop-1); rest > half || rest == half && r&1 == 1 {
		r++
	}
	return s | uint16(uint64(e-1)<<man+r) // the leading bit of r counts as one in the exponent, and so does a carry
}
