package low

import "math"

// The functions named ...64 are approximations in binary64 that give the same bits on every port: each operation is
// rounded by itself (every product is converted before it is added, as Go otherwise fuses the two), and of package
// math they call only what is exact everywhere. docs/numerics.md gives their bounds. `go generate` copies these files
// to runtime/.

// sum64 returns a+b rounded and its error.
func sum64(a, b float64) (s, e float64) {
	s = a + b
	t := s - a
	return s, (a - (s - t)) + (b - t)
}

// quickSum64 is sum64 for |a| >= |b| or a = 0.
func quickSum64(a, b float64) (s, e float64) {
	s = a + b
	return s, b - (s - a)
}

// prod64 returns a*b rounded and its error, for values far from overflow and underflow: the halves of 26 bits that
// half64 makes have exact products (T. J. Dekker, A floating-point technique for extending the available precision,
// 1971).
func prod64(a, b float64) (p, e float64) {
	p = float64(a * b)
	ah, al := half64(a)
	bh, bl := half64(b)
	return p, ((float64(ah*bh) - p) + float64(ah*bl) + float64(al*bh)) + float64(al*bl)
}

func half64(a float64) (h, l float64) {
	t := float64(a * (1<<27 + 1))
	h = t - (t - a)
	return h, a - h
}

// twoTo64 is 2^k for k in -1022..1023.
func twoTo64(k int) float64 { return math.Float64frombits(uint64(k+1023) << 52) }

// scale64 is x * 2^k for x near 1 and k in -1200..1100, rounded once.
func scale64(x float64, k int) float64 {
	switch {
	case k > 1000:
		return float64(float64(x*twoTo64(k-100)) * 0x1p+100)
	case k < -1000:
		return float64(float64(x*twoTo64(k+200)) * 0x1p-200)
	}
	return float64(x * twoTo64(k))
}

// poly64 is c[0] + c[1]x + ...
func poly64(x float64, c []float64) float64 {
	y := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		y = float64(y*x) + c[i]
	}
	return y
}

// ln 2 in two parts; the products of the first with integers of up to 11 bits are exact.
const (
	ln2Hi = 0x1.62e42fefap-1
	ln2Lo = 0x1.cf79abc9e3b3ap-40
)

// expParts64 gives exp(x+y) = 2^k (1+p), |p| < 0.42, for |x| < 2000 and y small against it.
func expParts64(x, y float64) (k int, p float64) {
	n := math.RoundToEven(float64(x * 0x1.71547652b82fep+0))
	r, e := sum64(x-float64(n*ln2Hi), y-float64(n*ln2Lo))
	return int(n), r + (e + float64(float64(r*r)*poly64(r, expCoef[:])))
}

// Exp64 is e^x.
func Exp64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 710:
		return math.Inf(1)
	case x < -746:
		return 0
	}
	k, p := expParts64(x, 0)
	return scale64(1+p, k)
}

// Expm164 is e^x - 1, without the cancellation.
func Expm164(x float64) float64 {
	switch {
	case x != x || math.Abs(x) < 0x1p-54:
		return x
	case x > 710:
		return math.Inf(1)
	case x < -40:
		return -1
	}
	k, p := expParts64(x, 0)
	switch {
	case k == 0:
		return p
	case k > 60:
		return scale64(1+p, k)
	}
	s := twoTo64(k)
	return (s - 1) + float64(s*p)
}

// Sigmoid64 is 1/(1+e^-x).
func Sigmoid64(x float64) float64 {
	e := Exp64(-math.Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// Tanh64 is the hyperbolic tangent.
func Tanh64(x float64) float64 {
	a := math.Abs(x)
	var y float64
	switch {
	case x != x:
		return x
	case a > 22:
		y = 1
	case a < 1:
		e := Expm164(a + a)
		y = e / (e + 2)
	default:
		y = 1 - 2/(Exp64(a+a)+1)
	}
	return math.Copysign(y, x)
}

// Sinh64 is the hyperbolic sine.
func Sinh64(x float64) float64 {
	a := math.Abs(x)
	var y float64
	switch {
	case x != x || a < 0x1p-27:
		return x
	case a < 1:
		e := Expm164(a)
		y = float64(0.5*e) + float64(0.5*e)/(e+1)
	case a < 20:
		e := Exp64(a)
		y = float64(0.5*e) - 0.5/e
	default:
		y = halfExp64(a)
	}
	return math.Copysign(y, x)
}

// Cosh64 is the hyperbolic cosine.
func Cosh64(x float64) float64 {
	a := math.Abs(x)
	if a < 20 {
		e := Exp64(a)
		return float64(0.5*e) + 0.5/e
	}
	return halfExp64(a)
}

// halfExp64 is e^x/2, also where e^x overflows.
func halfExp64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 711:
		return math.Inf(1)
	}
	k, p := expParts64(x, 0)
	return scale64(1+p, k-1)
}
