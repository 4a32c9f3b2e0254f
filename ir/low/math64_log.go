package low

import "math"

// logParts64 gives ln(x+y) = h+l to about 68 bits, for finite x > 0 and |y| of at most an ulp of x.
//
// x is 2^k m, m between 1/sqrt 2 and sqrt 2, and logTable has c near 1/m and -ln c. m*c-1 is exact in two parts. Near 1,
// c is 1 and its logarithm 0, so nothing cancels.
func logParts64(x, y float64) (h, l float64) {
	k := 0
	if x < 0x1p-1022 {
		x, y, k = float64(x*0x1p+60), float64(y*0x1p+60), -60
	}
	u := math.Float64bits(x)
	n := int(int64(u-0x3fe6a09e667f3bcd) >> 52)
	m := math.Float64frombits(u - uint64(n)<<52)
	t := &logTable[int(float64(m*128)+0.5)-90]
	p, e := prod64(m, t[0])
	if y != 0 {
		e += float64(float64(y*twoTo64(-n)) * t[0])
	}
	r, rl := sum64(p-1, e)
	q, ql := prod64(r, r)
	d := float64(n + k)
	a, ae := sum64(float64(d*ln2Hi), t[1])
	b, be := sum64(a, r)
	h, l = sum64(b, float64(-0.5*q))
	l += (ae + be) + (float64(d*ln2Lo) + t[2]) + (rl - float64(r*rl) - float64(0.5*ql)) + float64(float64(q*r)*poly64(r, logCoef[:]))
	return quickSum64(h, l)
}

// Log64 is the natural logarithm.
func Log64(x float64) float64 {
	switch {
	case x != x || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case math.IsInf(x, 1):
		return x
	}
	h, _ := logParts64(x, 0)
	return h
}

// Log1p64 is ln(1+x).
func Log1p64(x float64) float64 {
	switch {
	case x != x || x < -1:
		return math.NaN()
	case x == -1:
		return math.Inf(-1)
	case math.Abs(x) < 0x1p-54:
		return x
	case x > 0x1p+60:
		return Log64(x)
	}
	h, _ := logParts64(sum64(1, x))
	return h
}

// Softplus64 is ln(1+e^x).
func Softplus64(x float64) float64 {
	l := Log1p64(Exp64(-math.Abs(x)))
	if x > 0 {
		return x + l
	}
	return l
}

// sqrt2x64 is the square root of h+l in two parts.
func sqrt2x64(h, l float64) (s, e float64) {
	s = math.Sqrt(h)
	if s == 0 {
		return 0, 0
	}
	p, pe := prod64(s, s)
	return quickSum64(s, ((h-p)-pe+l)/(2*s))
}

// sumOf2x64 is the sum of two numbers in two parts.
func sumOf2x64(ah, al, bh, bl float64) (h, l float64) {
	h, l = sum64(ah, bh)
	return quickSum64(h, l+(al+bl))
}

// Asinh64 is the inverse hyperbolic sine.
func Asinh64(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x || a < 0x1p-28 || math.IsInf(x, 0):
		return x
	case a > 0x1p+28:
		h, l := logParts64(a, 0)
		h, _ = sumOf2x64(h, l, ln2Hi, ln2Lo)
		return math.Copysign(h, x)
	}
	p, e := prod64(a, a)
	s, se := sqrt2x64(sumOf2x64(p, e, 1, 0))
	h, _ := logParts64(sumOf2x64(s, se, a, 0))
	return math.Copysign(h, x)
}

// Acosh64 is the inverse hyperbolic cosine.
func Acosh64(x float64) float64 {
	switch {
	case x != x || x < 1:
		return math.NaN()
	case math.IsInf(x, 1):
		return x
	case x > 0x1p+28:
		h, l := logParts64(x, 0)
		h, _ = sumOf2x64(h, l, ln2Hi, ln2Lo)
		return h
	}
	p, e := prod64(x, x)
	s, se := sqrt2x64(sumOf2x64(p, e, -1, 0))
	h, _ := logParts64(sumOf2x64(x, 0, s, se))
	return h
}

// Atanh64 is the inverse hyperbolic tangent.
func Atanh64(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x || a > 1:
		return math.NaN()
	case a < 0x1p-28:
		return x
	case a == 1:
		return math.Copysign(math.Inf(1), x)
	}
	h, l := logParts64(sum64(1, a))
	g, m := logParts64(sum64(1, -a))
	h, _ = sumOf2x64(h, l, -g, -m)
	return math.Copysign(float64(0.5*h), x)
}

// Pow64 is x^y with the special cases of C.
func Pow64(x, y float64) float64 {
	a := math.Abs(x)
	odd := isOdd64(y)
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return math.NaN()
	case math.IsInf(y, 0) || math.Abs(y) > 0x1p+64:
		switch {
		case a == 1:
			return 1
		case (a > 1) == (y > 0):
			return math.Inf(1)
		}
		return 0
	case a == 0 || math.IsInf(a, 1):
		r := 0.0
		if (a == 0) == (y < 0) {
			r = math.Inf(1)
		}
		if odd {
			r = math.Copysign(r, x)
		}
		return r
	case x < 0 && y != math.Trunc(y):
		return math.NaN()
	case math.Abs(y) < 0x1p-70:
		return 1
	}
	h, l := logParts64(a, 0)
	p, e := prod64(y, h)
	e += float64(y * l)
	var r float64
	switch {
	case p > 710:
		r = math.Inf(1)
	case p > -746:
		k, q := expParts64(p, e)
		r = scale64(1+q, k)
	}
	if odd && x < 0 {
		r = -r
	}
	return r
}

func isOdd64(y float64) bool {
	return math.Abs(y) < 0x1p+53 && y == math.Trunc(y) && int64(y)&1 == 1
}
