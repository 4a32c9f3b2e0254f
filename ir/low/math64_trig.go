package low

import (
	"math"
	"math/bits"
)

// Pi/2 in two parts.
const (
	halfPiHi = 0x1.921fb54442d18p+0
	halfPiLo = 0x1.1a62633145c07p-54
)

// Pi/2 in three parts; products of the first two with integers below 2^20 are exact.
const (
	halfPiA = 0x1.921fb544p+0
	halfPiB = 0x1.0b4611a6p-34
	halfPiC = 0x1.3198a2e037073p-69

	halfPiRest = 0x1.0b4611a626331p-34 // B and C in one
	twoByPi    = 0x1.45f306dc9c883p-1
)

// near64 is octant64 for |x| < 2^20: |x| less n times the three parts (W. Cody, W. Waite, Software Manual for the Elementary
// Functions, 1980), exact but for less than 2^-98. It is not good enough where little is left of x.
func near64(x float64) (n int, h, l float64, good bool) {
	k := float64(x*twoByPi) + 0x1.8p52 // the integer stands in the low bits
	n = int(math.Float64bits(k) & 3)
	k -= 0x1.8p52
	h, l = sum64(x-float64(k*halfPiA), -float64(k*halfPiB))
	h, l = quickSum64(h, l-float64(k*halfPiC))
	return n, h, l, math.Abs(h) > 0x1p-20
}

// octant64 gives |x| = (n pi/2) + h + l, |h| <= pi/4, and n mod 4, for finite x with |x| > pi/4.
//
// |x| is m 2^e. Of 2/pi only the bits that contribute to the product's quadrant and fraction are multiplied, 192 of
// them: exact but for less than 2^-137 quarter turns, while no float64 is nearer than about 2^-62 to a multiple of pi/2
// (M. Payne, R. Hanek, Radian reduction for trigonometric functions, 1983).
func octant64(x float64) (n int, h, l float64) {
	if a := math.Abs(x); a < 0x1p20 {
		if n, h, l, good := near64(a); good {
			return n, h, l
		}
	}
	e, m := split64(math.Abs(x))
	at := 64 + e - 2 // twoOverPi has 64 bits before the point
	w, s := at/64, uint(at%64)
	word := func(i int) uint64 { return twoOverPi[w+i]<<s | twoOverPi[w+i+1]>>(64-s) }
	hi0, v0 := bits.Mul64(m, word(2))
	hi1, lo1 := bits.Mul64(m, word(1))
	v1, carry := bits.Add64(hi0, lo1, 0)
	v2 := hi1 + m*word(0) + carry
	n = int(v2 >> 62)
	v2, v1, v0 = v2<<2|v1>>62, v1<<2|v0>>62, v0<<2
	neg := v2>>63 == 1
	if neg { // nearer to the next multiple
		n = (n + 1) & 3
		var b uint64
		v0, b = bits.Sub64(0, v0, 0)
		v1, b = bits.Sub64(0, v1, b)
		v2, _ = bits.Sub64(0, v2, b)
	}
	z := uint(bits.LeadingZeros64(v2))
	v2, v1 = v2<<z|v1>>(64-z), v1<<z|v0>>(64-z)
	f := float64(float64(v2>>11) * twoTo64(-53-int(z)))
	fl := float64(float64(v2&(1<<11-1)<<42|v1>>22) * twoTo64(-106-int(z)))
	h, l = prod64(f, halfPiHi)
	h, l = quickSum64(h, l+(float64(f*halfPiLo)+float64(fl*halfPiHi)))
	if neg {
		return n, -h, -l
	}
	return n, h, l
}

// sinParts64 is sin(h+l) for |h| <= pi/4.
func sinParts64(h, l float64) float64 {
	if math.Abs(h) < 0x1p-27 {
		return h + l
	}
	z := float64(h * h)
	return h + (float64(l*(1-float64(0.5*z))) + float64(float64(h*z)*poly64(z, sinCoef[:])))
}

// cosParts64 is cos(h+l) for |h| <= pi/4.
func cosParts64(h, l float64) float64 {
	z, e := prod64(h, h)
	s, t := quickSum64(1, float64(-0.5*z))
	return s + (t + (float64(float64(z*z)*poly64(z, cosCoef[:])) - float64(h*l) - float64(0.5*e)))
}

// reduce64 is octant64 for all x.
func reduce64(x float64) (n int, h, l float64) {
	if math.Abs(x) <= 0.7853981633974483 {
		return 0, math.Abs(x), 0
	}
	return octant64(x)
}

// Sin64 is the sine.
func Sin64(x float64) float64 {
	if x != x || math.IsInf(x, 0) {
		return math.NaN()
	}
	n, h, l := reduce64(x)
	var y float64
	if n&1 == 0 {
		y = sinParts64(h, l)
	} else {
		y = cosParts64(h, l)
	}
	if (n&2 != 0) != math.Signbit(x) {
		return -y
	}
	return y
}

// Cos64 is the cosine.
func Cos64(x float64) float64 {
	if x != x || math.IsInf(x, 0) {
		return math.NaN()
	}
	n, h, l := reduce64(x)
	var y float64
	if n&1 == 0 {
		y = cosParts64(h, l)
	} else {
		y = sinParts64(h, l)
	}
	if (n+1)&2 != 0 {
		return -y
	}
	return y
}

// Tan64 is the tangent.
func Tan64(x float64) float64 {
	if x != x || math.IsInf(x, 0) {
		return math.NaN()
	}
	n, h, l := reduce64(x)
	s, c := sinParts64(h, l), cosParts64(h, l)
	y := s / c
	if n&1 == 1 {
		y = -c / s
	}
	if math.Signbit(x) {
		return -y
	}
	return y
}
