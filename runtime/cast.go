// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A smallFloat describes a floating-point type of at most 8 bits: sign, exponent, mantissa.
type smallFloat struct {
	sign     uint8 // the sign bit
	man      int   // bits of the mantissa
	bias     int
	max      uint8 // code of the largest finite value
	inf, nan uint8 // codes; 0: none
	unsigned bool  // there is no -0, whose code is the NaN
}

// smallFloatOf returns the type that ONNX numbers n.
func smallFloatOf(n int) smallFloat {
	switch n {
	case 17: // float8e4m3fn
		return smallFloat{sign: 0x80, man: 3, bias: 7, max: 0x7e, nan: 0x7f}
	case 18: // float8e4m3fnuz
		return smallFloat{sign: 0x80, man: 3, bias: 8, max: 0x7f, nan: 0x80, unsigned: true}
	case 19: // float8e5m2
		return smallFloat{sign: 0x80, man: 2, bias: 15, max: 0x7b, inf: 0x7c, nan: 0x7f}
	case 20: // float8e5m2fnuz
		return smallFloat{sign: 0x80, man: 2, bias: 16, max: 0x7f, nan: 0x80, unsigned: true}
	}
	return smallFloat{sign: 8, man: 1, bias: 1, max: 7} // float4e2m1
}

// float8e8m0 is the type of powers of two.
const float8e8m0 = 24

// decodeFloats widens codes of the small type that ONNX numbers format.
func decodeFloats(out []float32, in []uint8, format int) {
	if format == float8e8m0 {
		for i, c := range in {
			out[i] = f32frombits(uint32(c) << 23)
			switch c {
			case 0:
				out[i] = 0x1p-127
			case 255:
				out[i] = f32frombits(0x7fc00000)
			}
		}
		return
	}
	f := smallFloatOf(format)
	for i, c := range in {
		out[i] = f.decode(c)
	}
}

func (f *smallFloat) decode(c uint8) float32 {
	mag := c &^ f.sign
	switch {
	case f.unsigned && c == f.nan, !f.unsigned && f.nan != 0 && mag > f.max && mag != f.inf:
		return f32frombits(0x7fc00000)
	}
	e, m := int(mag>>f.man), float32(mag&(1<<f.man-1))
	if e == 0 {
		e = 1
	} else {
		m += float32(int(1) << f.man)
	}
	v := m * f32frombits(uint32(e-f.bias-f.man+127)<<23)
	if f.inf != 0 && mag == f.inf {
		v = f32frombits(0x7f800000)
	}
	if c&f.sign != 0 {
		v = -v
	}
	return v
}

// encodeFloats rounds to the small type that ONNX numbers format, to nearest even. Beyond the range it gives the largest
// value if sat is set, else infinity or NaN. The mode is that of float8e8m0: up, down or nearest.
func encodeFloats[T floating](out []uint8, in []T, format int, sat bool, mode string) {
	if format == float8e8m0 {
		for i, v := range in {
			out[i] = exponentCode(float64(v), sat, mode)
		}
		return
	}
	f := smallFloatOf(format)
	for i, v := range in {
		out[i] = f.encode(float64(v), sat || f.nan == 0)
	}
}

func (f *smallFloat) encode(v float64, sat bool) uint8 {
	if v != v {
		return f.nan
	}
	sign := uint8(0)
	if math.Signbit(v) {
		sign = f.sign
	}
	a := math.Abs(v)
	e := max(int(math.Float64bits(a)>>52)-1023, 1-f.bias) // exponent of a, or the least of the type
	code := int(f.max) + 1
	if e <= 16 {
		step := math.Float64frombits(uint64(e-f.man+1023) << 52)
		code = (e+f.bias-1)<<f.man + int(math.RoundToEven(a/step)) // a carry goes into the exponent
	}
	switch {
	case code <= int(f.max):
	case sat:
		code = int(f.max)
	case f.inf != 0:
		code = int(f.inf)
	case f.unsigned:
		return f.nan
	default:
		code = int(f.nan)
	}
	if code == 0 && f.unsigned {
		return 0
	}
	return uint8(code) | sign
}

// exponentCode is the code of the power of two that stands for v's magnitude.
func exponentCode(v float64, sat bool, mode string) uint8 {
	u := math.Float64bits(v) &^ (1 << 63)
	code, frac := int(u>>52)-1023+127, u&(1<<52-1)
	switch {
	case v != v:
		return 255
	case u == 0:
		code = -1
	case code > 254:
		code = 255
	case frac > 0 && mode == "up", frac >= 1<<51 && mode == "nearest":
		code++
	}
	switch {
	case code >= 0 && code <= 254:
		return uint8(code)
	case !sat:
		return 255
	}
	return uint8(min(max(code, 0), 254))
}

// formatNumbers writes numbers as numpy does: the shortest text that reads back the same, with an exponent below 1e-4 and
// from 1e16.
func formatNumbers[T number | bool](out []string, in []T) {
	for i, v := range in {
		switch x := any(v).(type) {
		case float32:
			out[i] = formatFloat(float64(x), 32)
		case float64:
			out[i] = formatFloat(x, 64)
		case bool:
			out[i] = "False"
			if x {
				out[i] = "True"
			}
		default:
			out[i] = fmt.Sprint(x)
		}
	}
}

func formatFloat(v float64, bits int) string {
	a := math.Abs(v)
	switch {
	case v != v:
		return "nan"
	case a > math.MaxFloat64:
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, bits), "+"))
	case a != 0 && (a < 1e-4 || a >= 1e16):
		return strconv.FormatFloat(v, 'e', -1, bits)
	}
	s := strconv.FormatFloat(v, 'f', -1, bits)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// parseFloats reads numbers.
func parseFloats(out []float64, in []string) (err error) {
	for i, s := range in {
		if out[i], err = parseNumber(i, strings.TrimSpace(s)); err != nil {
			return err
		}
	}
	return nil
}

func parseNumber(i int, s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && math.Abs(v) <= math.MaxFloat64 {
		return 0, fmt.Errorf("element %d, %q, is no number", i, s)
	}
	return v, nil
}

// parseInts reads integers, of which the low bits are kept, and other numbers, which are truncated: to the nearest value of
// a type of 8 or more bits, else to their low bits.
func parseInts[T integer](out []T, in []string, bits int, isSigned bool) error {
	lo, hi := int64(0), int64(1)<<(bits&63)-1
	if isSigned {
		hi = 1<<(bits-1) - 1
		lo = -hi - 1
	}
	for i, s := range in {
		s = strings.TrimSpace(s)
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			f, err := parseNumber(i, s)
			if err != nil {
				return err
			}
			v = satint64(f)
			if bits >= 8 {
				v = min(max(v, lo), hi)
			}
		}
		if shift := 64 - bits; isSigned {
			v = v << shift >> shift
		} else {
			v = int64(uint64(v) << shift >> shift)
		}
		out[i] = T(v)
	}
	return nil
}

// parseUints reads 64-bit unsigned integers, the low bits of negative ones, and other numbers, which are truncated.
func parseUints(out []uint64, in []string) error {
	for i, s := range in {
		s = strings.TrimSpace(s)
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			n, err := strconv.ParseInt(s, 10, 64)
			if v = uint64(n); err != nil {
				f, err := parseNumber(i, s)
				if err != nil {
					return err
				}
				v = satuint64(f)
			}
		}
		out[i] = v
	}
	return nil
}

// bitCast gives elements of the same width the bits of others. Types of less than 8 bits are held in bytes.
func bitCast[T, U number | bool | complex64](out []T, in []U, bits int, isSigned bool) {
	for i, v := range in {
		setBits(&out[i], bitsOf(v), 64-bits, isSigned)
	}
}

func bitsOf[U number | bool | complex64](v U) uint64 {
	switch x := any(v).(type) {
	case float32:
		return uint64(math.Float32bits(x))
	case float64:
		return math.Float64bits(x)
	case complex64:
		return uint64(math.Float32bits(imag(x)))<<32 | uint64(math.Float32bits(real(x)))
	case bool:
		if x {
			return 1
		}
	case int8:
		return uint64(x)
	case int16:
		return uint64(x)
	case int32:
		return uint64(x)
	case int64:
		return uint64(x)
	case uint8:
		return uint64(x)
	case uint16:
		return uint64(x)
	case uint32:
		return uint64(x)
	case uint64:
		return x
	}
	return 0
}

func setBits[T number | bool | complex64](out *T, u uint64, shift int, isSigned bool) {
	if isSigned {
		u = uint64(int64(u<<shift) >> shift)
	} else {
		u = u << shift >> shift
	}
	switch y := any(out).(type) {
	case *float32:
		*y = math.Float32frombits(uint32(u))
	case *float64:
		*y = math.Float64frombits(u)
	case *complex64:
		*y = complex(math.Float32frombits(uint32(u)), math.Float32frombits(uint32(u>>32)))
	case *bool:
		*y = u != 0
	case *int8:
		*y = int8(u)
	case *int16:
		*y = int16(u)
	case *int32:
		*y = int32(u)
	case *int64:
		*y = int64(u)
	case *uint8:
		*y = uint8(u)
	case *uint16:
		*y = uint16(u)
	case *uint32:
		*y = uint32(u)
	case *uint64:
		*y = u
	}
}
