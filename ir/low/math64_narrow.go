package low

import "math"

// narrow64 reduces a float32 below 2^20: x = n pi/2 + r, |r| <= pi/4 with an error below 2^-65, and returns n as the low bits of
// an integer, and sin(r) and cos(r), whose polynomials end below 2^-37.
func narrow64(x float64) (n uint64, sin, cos float64) {
	k := float64(x*twoByPi) + 0x1.8p52 // the integer stands in the low bits
	n = math.Float64bits(k)
	k -= 0x1.8p52
	r := x - float64(k*halfPiA) - float64(k*halfPiRest)
	z := float64(r * r)
	s := float64(z*sinCoef[4]) + sinCoef[3]
	c := float64(z*cosCoef[4]) + cosCoef[3]
	s = float64(s*z) + sinCoef[2]
	c = float64(c*z) + cosCoef[2]
	s = float64(s*z) + sinCoef[1]
	c = float64(c*z) + cosCoef[1]
	s = float64(s*z) + sinCoef[0]
	c = float64(c*z) + cosCoef[0]
	return n, float64(r * (1 + float64(s*z))), 1 + float64(z*(float64(c*z)-0.5))
}

// NarrowSin64 is the sine of a float32, good enough to be rounded to one. Which polynomial it is and its sign are chosen
// without a branch, for they change from element to element.
func NarrowSin64(x float64) float64 {
	if !(math.Abs(x) < 0x1p20) {
		return Sin64(x)
	}
	n, s, c := narrow64(x)
	odd := -(n & 1)
	return math.Float64frombits((math.Float64bits(s)&^odd | math.Float64bits(c)&odd) ^ n>>1<<63)
}

// NarrowCos64 is the cosine of a float32, good enough to be rounded to one.
func NarrowCos64(x float64) float64 {
	if !(math.Abs(x) < 0x1p20) {
		return Cos64(x)
	}
	n, s, c := narrow64(x)
	odd := -(n & 1)
	return math.Float64frombits((math.Float64bits(c)&^odd | math.Float64bits(s)&odd) ^ (n+1)>>1<<63)
}
