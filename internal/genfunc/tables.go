package main

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

// tables is the constants of ir/low/math64*.go, each rounded once from its exact value.
func tables() string {
	var b strings.Builder
	factorial := func(n int64) *big.Float { return rat(new(big.Int).MulRange(1, n), big.NewInt(1)) }
	inverse := func(x *big.Float) *big.Float { return quo(num(1), x) }
	signed := func(n int, x *big.Float) *big.Float {
		if n%2 == 1 {
			return neg(x)
		}
		return x
	}

	coef(&b, "expCoef", "(e^r-1-r)/r^2", 13, func(n int) *big.Float { return inverse(factorial(int64(n) + 2)) })
	coef(&b, "logCoef", "(ln(1+r)-r+r^2/2)/r^3", 8, func(n int) *big.Float { return signed(n, quo(num(1), num(float64(n+3)))) })
	coef(&b, "sinCoef", "(sin(r)-r)/r^3 in r^2", 8, func(n int) *big.Float { return signed(n+1, inverse(factorial(int64(2*n)+3))) })
	coef(&b, "cosCoef", "(cos(r)-1+r^2/2)/r^4 in r^2", 8, func(n int) *big.Float { return signed(n, inverse(factorial(int64(2*n)+4))) })
	coef(&b, "atanCoef", "(atan(t)-t)/t^3 in t^2", 9, func(n int) *big.Float { return signed(n+1, quo(num(1), num(float64(2*n+3)))) })
	coef(&b, "asinCoef", "(asin(x)-x)/x^3 in x^2", 27, func(n int) *big.Float {
		m := int64(n) + 1 // (2m)! / (4^m m!^2 (2m+1))
		d := mul(mul(factorial(m), factorial(m)), mul(pow2(2*int(m)), num(float64(2*m+1))))
		return quo(factorial(2*m), d)
	})
	twoOverRootPi := quo(num(2), sqrt(pi()))
	coef(&b, "erfCoef", "erf(x)/x - 1 in x^2", 20, func(n int) *big.Float {
		c := signed(n, quo(twoOverRootPi, mul(factorial(int64(n)), num(float64(2*n+1)))))
		if n == 0 {
			c = sub(c, num(1))
		}
		return c
	})
	f := fitErfc()
	coef(&b, "erfcCoef", "e^(u^2) erfc(u) (u+3.75) in (u-3.75)/(u+3.75), by interpolation", len(f), func(n int) *big.Float { return f[n] })

	b.WriteString("// logTable has c near 128/j, for j = 90 and more, and -ln c in two parts.\nvar logTable = [93][3]float64{\n")
	for j := 90; j <= 182; j++ {
		c := float64(128) / float64(j)
		h, l := two(neg(ln(num(c))))
		fmt.Fprintf(&b, "{%x, %x, %x},\n", c, h, l)
	}
	b.WriteString("}\n\n// atanTable has atan(j/16) in two parts.\nvar atanTable = [17][2]float64{\n")
	for j := range 17 {
		h, l := two(atan(num(float64(j) / 16)))
		fmt.Fprintf(&b, "{%x, %x},\n", h, l)
	}
	b.WriteString("}\n\n// twoOverPi is 2/pi, 64 bits before the point and the rest after it.\nvar twoOverPi = [20]uint64{\n0,\n")
	n, _ := mul(quo(num(2), pi()), pow2(19*64)).Int(nil)
	for i := 18; i >= 0; i-- {
		w := new(big.Int).Rsh(n, uint(64*i))
		fmt.Fprintf(&b, "%#016x,\n", w.And(w, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
	}
	b.WriteString("}\n")
	return b.String()
}

func coef(b *strings.Builder, name, doc string, n int, c func(n int) *big.Float) {
	fmt.Fprintf(b, "// %s is the coefficients of %s.\nvar %s = [%d]float64{\n", name, doc, name, n)
	for i := range n {
		v, _ := c(i).Float64()
		fmt.Fprintf(b, "%x,\n", v)
	}
	b.WriteString("}\n\n")
}

// two is x as the sum of two float64.
func two(x *big.Float) (h, l float64) {
	h, _ = x.Float64()
	l, _ = sub(x, num(h)).Float64()
	return h, l
}

// fitErfc interpolates F(t) = e^(u^2) erfc(u) (u+3.75), u = 3.75 (1+t)/(1-t), at Chebyshev's points of the t that belong
// to u = 0.5 to 28.
func fitErfc() []*big.Float {
	const n = 24
	k := num(3.75)
	end := quo(num(28-3.75), num(28+3.75))
	t, d := make([]*big.Float, n), make([]*big.Float, n)
	for i := range n {
		t[i] = mul(end, cos(quo(mul(pi(), num(float64(i)+0.5)), num(n))))
		u := quo(mul(k, add(num(1), t[i])), sub(num(1), t[i]))
		d[i] = mul(erfcx(u), add(u, k))
	}
	for j := 1; j < n; j++ { // divided differences
		for i := n - 1; i >= j; i-- {
			d[i] = quo(sub(d[i], d[i-1]), sub(t[i], t[i-j]))
		}
	}
	p := []*big.Float{d[n-1]} // Horner's scheme on polynomials: p = p*(t-t[i]) + d[i]
	for i := n - 2; i >= 0; i-- {
		q := append([]*big.Float{num(0)}, p...)
		for m, c := range p {
			q[m] = sub(q[m], mul(t[i], c))
		}
		q[0] = add(q[0], d[i])
		p = q
	}
	return p
}
