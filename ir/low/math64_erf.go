package low

import "math"

// erfcTail64 is erfc(u) for u >= 0.5 given u^2 = h+l: exp(-u^2) times a polynomial in (u-k)/(u+k), over u+k, where
// k = 3.75 makes the range 0.5 to 28 symmetric.
func erfcTail64(u, h, l float64) float64 {
	if u > 28 {
		return 0
	}
	k, p := expParts64(-h, -l)
	f := poly64((u-3.75)/(u+3.75), erfcCoef[:])
	return scale64(float64((1+p)*f)/(u+3.75), k)
}

// erfSmall64 is erf(x) for |x| < 1.
func erfSmall64(x float64) float64 {
	return x + float64(x*poly64(float64(x*x), erfCoef[:]))
}

// Erf64 is the error function.
func Erf64(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x:
		return x
	case a < 1:
		return erfSmall64(x)
	case a > 6:
		return math.Copysign(1, x)
	}
	h, l := prod64(a, a)
	return math.Copysign(1-erfcTail64(a, h, l), x)
}

// Erfc64 is 1 - erf(x), without the cancellation.
func Erfc64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x < 0.5:
		return 1 - Erf64(x)
	case x > 28:
		return 0
	}
	h, l := prod64(x, x)
	return erfcTail64(x, h, l)
}

// Gelu64 is x * Phi(x), Phi the distribution function of the normal distribution.
func Gelu64(x float64) float64 {
	const rootHalf = 0x1.6a09e667f3bcdp-1
	u := float64(math.Abs(x) * rootHalf)
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case u > 28 && x < 0:
		return 0
	case u < 0.5 || x > 0:
		return float64(0.5*x) * (1 + Erf64(float64(x*rootHalf)))
	}
	h, l := prod64(x, x)
	return float64(0.5*x) * erfcTail64(u, float64(0.5*h), float64(0.5*l))
}
