package low

import "math"

// Atan64 is the arc tangent: atan(a) = atan(c) + atan((a-c)/(1+ac)) for the multiple c of 1/16 next to a <= 1.
func Atan64(x float64) float64 {
	a := math.Abs(x)
	if x != x || a < 0x1p-27 {
		return x
	}
	inv := a > 1
	if inv {
		a = 1 / a
	}
	t, h, l := a, 0.0, 0.0
	if a >= 0.125 {
		j := int(float64(a*16) + 0.5)
		c := float64(float64(j) * 0.0625)
		t = (a - c) / (1 + float64(a*c))
		h, l = atanTable[j][0], atanTable[j][1]
	}
	z := float64(t * t)
	p := float64(float64(t*z) * poly64(z, atanCoef[:]))
	s, e := quickSum64(h, t)
	if h == 0 {
		s, e = t, 0
	}
	y := s + (e + (l + p))
	if inv {
		g, f := quickSum64(halfPiHi, -s)
		y = g + (f + (halfPiLo - (e + (l + p))))
	}
	return math.Copysign(y, x)
}

// asinSmall64 is asin(h+l) - h for |h| <= 0.5.
func asinSmall64(h, l float64) float64 {
	z := float64(h * h)
	return float64(l*(1+float64(0.5*z))) + float64(float64(h*z)*poly64(z, asinCoef[:]))
}

// root64 is sqrt((1-a)/2) in two parts, for a between 0.5 and 1: half the angle from 1.
func root64(a float64) (h, l float64) { return sqrt2x64(float64(0.5*(1-a)), 0) }

// Asin64 is the arc sine.
func Asin64(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x || a > 1:
		return math.NaN()
	case a < 0x1p-27:
		return x
	case a <= 0.5:
		return x + asinSmall64(x, 0)
	}
	h, l := root64(a)
	s, e := quickSum64(halfPiHi, float64(-2*h))
	return math.Copysign(s+(e+(halfPiLo-float64(2*asinSmall64(h, l)))), x)
}

// Acos64 is the arc cosine.
func Acos64(x float64) float64 {
	switch {
	case x != x || math.Abs(x) > 1:
		return math.NaN()
	case math.Abs(x) <= 0.5:
		s, e := quickSum64(halfPiHi, -x)
		return s + (e + (halfPiLo - asinSmall64(x, 0)))
	case x > 0:
		h, l := root64(x)
		return float64(2 * (h + asinSmall64(h, l)))
	}
	h, l := root64(-x)
	s, e := quickSum64(2*halfPiHi, float64(-2*h))
	return s + (e + (2*halfPiLo - float64(2*asinSmall64(h, l))))
}
