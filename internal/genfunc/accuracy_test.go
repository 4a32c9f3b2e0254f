package main

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir/low"
)

func sinh(x *big.Float) *big.Float { return quo(sub(exp(x), exp(neg(x))), num(2)) }
func cosh(x *big.Float) *big.Float { return quo(add(exp(x), exp(neg(x))), num(2)) }
func sin(x *big.Float) *big.Float  { return cos(sub(x, quo(pi(), num(2)))) }

// turn is x less a multiple of 2 pi.
func turn(x *big.Float) *big.Float {
	n, _ := quo(x, mul(num(2), pi())).Int(nil)
	return sub(x, mul(new0().SetInt(n), mul(num(2), pi())))
}

func asin(x *big.Float) *big.Float {
	return atan(quo(x, sqrt(sub(num(1), mul(x, x)))))
}

func bigLn(x *big.Float) *big.Float {
	e := x.MantExp(nil)
	return add(ln(mul(x, pow2(-e))), mul(num(float64(e)), ln(num(2))))
}

func erf(x *big.Float) *big.Float {
	return sub(num(1), mul(erfcx(x), exp(neg(mul(x, x)))))
}

// TestAccuracy measures the binary64 functions against package math/big; the bounds are those of docs/numerics.md.
func TestAccuracy(t *testing.T) {
	defer func(p uint) { prec = p }(prec)
	prec = 320
	one := num(1)
	for _, c := range []struct {
		name   string
		f      func(float64) float64
		exact  func(*big.Float) *big.Float
		lo, hi float64
		ulp    float64
	}{
		{"exp", low.Exp64, exp, -700, 700, 1},
		{"expm1", low.Expm164, func(x *big.Float) *big.Float { return sub(exp(x), one) }, -5, 5, 1.5},
		{"log", low.Log64, bigLn, 0, 1e5, 0.51},
		{"log near 1", low.Log64, bigLn, 0.9, 1.1, 0.51},
		{"log1p", low.Log1p64, func(x *big.Float) *big.Float { return bigLn(add(one, x)) }, -0.9, 2, 0.51},
		{"sin", low.Sin64, func(x *big.Float) *big.Float { return sin(turn(x)) }, -100, 100, 1},
		{"cos", low.Cos64, func(x *big.Float) *big.Float { return cos(turn(x)) }, -100, 100, 1},
		{"tan", low.Tan64, func(x *big.Float) *big.Float { y := turn(x); return quo(sin(y), cos(y)) }, -100, 100, 2},
		{"asin", low.Asin64, asin, -1, 1, 1},
		{"acos", low.Acos64, func(x *big.Float) *big.Float { return sub(quo(pi(), num(2)), asin(x)) }, -1, 1, 1},
		{"atan", low.Atan64, atan, -3, 3, 1.5},
		{"atan far", low.Atan64, atan, -1000, 1000, 1.5},
		{"sinh", low.Sinh64, sinh, -3, 3, 2},
		{"sinh far", low.Sinh64, sinh, -700, 700, 2},
		{"cosh", low.Cosh64, cosh, -3, 3, 2},
		{"tanh", low.Tanh64, func(x *big.Float) *big.Float { return quo(sinh(x), cosh(x)) }, -3, 3, 2},
		{"asinh", low.Asinh64, func(x *big.Float) *big.Float { return bigLn(add(x, sqrt(add(mul(x, x), one)))) }, 0, 10, 0.51},
		{"acosh", low.Acosh64, func(x *big.Float) *big.Float { return bigLn(add(x, sqrt(sub(mul(x, x), one)))) }, 1, 10, 0.51},
		{"atanh", low.Atanh64, func(x *big.Float) *big.Float { return quo(bigLn(quo(add(one, x), sub(one, x))), num(2)) }, -1, 1, 0.51},
		{"erf", low.Erf64, erf, -3, 3, 1.5},
		{"erfc", low.Erfc64, func(x *big.Float) *big.Float { return sub(one, erf(x)) }, -3, 10, 4},
		{"sigmoid", low.Sigmoid64, func(x *big.Float) *big.Float { return quo(one, add(one, exp(neg(x)))) }, -30, 30, 2},
		{"softplus", low.Softplus64, func(x *big.Float) *big.Float { return bigLn(add(one, exp(x))) }, -30, 30, 2},
		{"gelu", low.Gelu64, func(x *big.Float) *big.Float {
			return quo(mul(x, add(one, erf(quo(x, sqrt(num(2)))))), num(2))
		}, -10, 5, 4},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		worst, at := 0.0, 0.0
		for range 1500 {
			x := c.lo + (c.hi-c.lo)*r.Float64()
			if d := ulps(c.f(x), c.exact(num(x))); d > worst {
				worst, at = d, x
			}
		}
		t.Logf("%-10s %6g..%-6g %.3f ulp at %v", c.name, c.lo, c.hi, worst, at)
		if worst > c.ulp {
			t.Errorf("%s: %.3f ulp at %v, bound %v", c.name, worst, at, c.ulp)
		}
	}
}

// ulps is the distance of got from the exact value, in units of the last place of got.
func ulps(got float64, exact *big.Float) float64 {
	u := math.Nextafter(math.Abs(got), math.Inf(1)) - math.Abs(got)
	d, _ := quo(sub(num(got), exact), num(u)).Float64()
	return math.Abs(d)
}

func TestPowAccuracy(t *testing.T) {
	defer func(p uint) { prec = p }(prec)
	prec = 320
	r := rand.New(rand.NewPCG(3, 4))
	worst := 0.0
	for range 3000 {
		x := math.Exp2(r.Float64()*40 - 20)
		y := (r.Float64()*2 - 1) * 700 / math.Max(1, math.Abs(math.Log(x)))
		worst = math.Max(worst, ulps(low.Pow64(x, y), exp(mul(num(y), bigLn(num(x))))))
	}
	t.Logf("pow %.3f ulp", worst)
	if worst > 1 {
		t.Errorf("pow: %.3f ulp, bound 1", worst)
	}
}

// TestHugeAngles has arguments next to multiples of pi/2 and of any size.
func TestHugeAngles(t *testing.T) {
	defer func(p uint) { prec = p }(prec)
	prec = 1600
	r := rand.New(rand.NewPCG(5, 6))
	xs := []float64{0x1.6ac5b262ca1ffp+849, 0x1.921fb54442d18p+0, 0x1.921fb54442d18p+1, math.MaxFloat64, 0x1p+1023, 0x1p+54, 1e22}
	for range 60 {
		xs = append(xs, math.Ldexp(1+r.Float64(), r.IntN(1023)))
	}
	for _, x := range xs {
		y := turn(num(x))
		if d := ulps(low.Sin64(x), sin(y)); d > 1 {
			t.Errorf("sin(%x): %g ulp", x, d)
		}
		if d := ulps(low.Cos64(-x), cos(y)); d > 1 {
			t.Errorf("cos(%x): %g ulp", x, d)
		}
	}
}
