package main

import "math/big"

// prec is enough for e^784 and 400 bits after it.
var prec uint = 1600

func new0() *big.Float               { return new(big.Float).SetPrec(prec) }
func num(x float64) *big.Float       { return new0().SetFloat64(x) }
func add(a, b *big.Float) *big.Float { return new0().Add(a, b) }
func sub(a, b *big.Float) *big.Float { return new0().Sub(a, b) }
func mul(a, b *big.Float) *big.Float { return new0().Mul(a, b) }
func quo(a, b *big.Float) *big.Float { return new0().Quo(a, b) }
func neg(a *big.Float) *big.Float    { return new0().Neg(a) }
func sqrt(a *big.Float) *big.Float   { return new0().Sqrt(a) }
func pow2(n int) *big.Float          { return new0().SetMantExp(num(1), n) }
func rat(a, b *big.Int) *big.Float   { return new0().SetRat(new(big.Rat).SetFrac(a, b)) }
func small(t, sum *big.Float) bool {
	return t.Sign() == 0 || sum.MantExp(nil)-t.MantExp(nil) > int(prec)
}

// series sums first, first*step(1), first*step(1)*step(2), ... until nothing is added.
func series(first *big.Float, step func(n float64) *big.Float) *big.Float {
	sum, t := num(0), first
	for n := 1.0; !small(t, sum) || n == 1; n++ {
		sum = add(sum, t)
		t = mul(t, step(n))
	}
	return sum
}

func exp(x *big.Float) *big.Float {
	const halvings = 20
	y := mul(x, pow2(-halvings))
	e := series(num(1), func(n float64) *big.Float { return quo(y, num(n)) })
	for range halvings {
		e = mul(e, e)
	}
	return e
}

func cos(x *big.Float) *big.Float {
	z := neg(mul(x, x))
	return series(num(1), func(n float64) *big.Float { return quo(z, num(2*n*(2*n-1))) })
}

// ln is 2 atanh((x-1)/(x+1)).
func ln(x *big.Float) *big.Float {
	s := quo(sub(x, num(1)), add(x, num(1)))
	z := mul(s, s)
	return mul(num(2), series(s, func(n float64) *big.Float { return mul(z, quo(num(2*n-1), num(2*n+1))) }))
}

func atan(x *big.Float) *big.Float {
	const halvings = 8
	for range halvings { // tan(a/2) = tan a / (1 + 1/cos a)
		x = quo(x, add(num(1), sqrt(add(num(1), mul(x, x)))))
	}
	z := neg(mul(x, x))
	a := series(x, func(n float64) *big.Float { return mul(z, quo(num(2*n-1), num(2*n+1))) })
	return mul(a, pow2(halvings))
}

func pi() *big.Float { return mul(num(4), atan(num(1))) }

// erfcx is e^(x^2) - 2/sqrt(pi) (x + 2x^3/3 + 4x^5/15 + ...).
func erfcx(x *big.Float) *big.Float {
	z := mul(num(2), mul(x, x))
	s := series(x, func(n float64) *big.Float { return quo(z, num(2*n+1)) })
	return sub(exp(mul(x, x)), mul(quo(num(2), sqrt(pi())), s))
}
