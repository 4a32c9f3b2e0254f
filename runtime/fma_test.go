// SPDX-License-Identifier: MIT-0

package runtime

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactFMA is a*b+c by package math/big, which holds the sum exactly and rounds it once.
func exactFMA(a, b, c float32) float32 {
	for _, x := range []float32{a, b, c} {
		if x != x || math.IsInf(float64(x), 0) {
			return float32(float64(a)*float64(b) + float64(c)) // exact
		}
	}
	f := func(x float32) *big.Float { return new(big.Float).SetPrec(700).SetFloat64(float64(x)) }
	p := f(a)
	p.Mul(p, f(b))
	if p.Add(p, f(c)); p.Sign() == 0 { // the sign of a zero is not big's business
		return float32(float64(a)*float64(b)) + c
	}
	y, _ := p.Float32()
	return y
}

// fmaCases calls f with random operands of the kinds that are hard to round: hits counts results that narrowing a
// float64 sum would get wrong.
func fmaCases(n int, f func(a, b, c float32)) {
	r := rand.New(rand.NewPCG(7, 8))
	fb := math.Float32frombits
	sign := func() uint32 { return r.Uint32() & 1 << 31 }
	special := []uint32{0, 1 << 31, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 0xff7fffff, 1, 0x80000001, 0x00800000,
		0x007fffff, 0x3f800000, 0xbf800000, 0x33800000, 0x34000000, 0x33ffffff, 0x33800001, 0x4b400000}
	for _, a := range special {
		for _, b := range special {
			for _, c := range special {
				f(fb(a), fb(b), fb(c))
			}
		}
	}
	for range n {
		// any bits
		f(fb(r.Uint32()), fb(r.Uint32()), fb(r.Uint32()))
		// the product is half an ulp of c, more or less a little
		ec := uint32(30 + r.IntN(128))
		c := fb(ec<<23 | r.Uint32()&0x7fffff | sign())
		j := r.IntN(10) // (1+2^(j-23)) (1-2^(j-23)): the square is lost
		a := fb(127<<23 + uint32(1)<<j | sign())
		b := fb((ec-24+uint32(r.IntN(3))-1)<<23 - uint32(1)<<(j+1))
		f(a, b, c)
		// the same, next to the least subnormal
		c = fb(r.Uint32()&0x7fffff>>r.IntN(23) | sign())
		a = fb((127-75)<<23 + uint32(1)<<j | sign())
		b = fb((127-75)<<23 + r.Uint32()&3<<23 - uint32(1)<<(j+1))
		f(a, b, c)
		// subnormal results of any pattern
		e := uint32(20 + r.IntN(64))
		f(fb(e<<23|r.Uint32()&0x7fffff), fb((127-e+uint32(r.IntN(40)))<<23|r.Uint32()&0x7fffff&^(1<<r.IntN(23)-1)), c)
		// cancellation
		a, b = fb((97+uint32(r.IntN(60)))<<23|r.Uint32()&0x7fffff|sign()), fb((97+uint32(r.IntN(60)))<<23|r.Uint32()&0x7fffff)
		f(a, b, fb(math.Float32bits(-float32(a*b))+uint32(r.IntN(7))-3))
		// overflow
		e = uint32(128 + r.IntN(126))
		f(fb(e<<23|r.Uint32()&0x7fffff|sign()), fb((254-e+127-24+uint32(r.IntN(26)))<<23|r.Uint32()&0x7fffff), fb(0x7f7fffff-r.Uint32()&3|sign()))
		// few bits, as network weights and activations have
		f(float32(int32(r.Uint32()>>20)-2048)/512, float32(int32(r.Uint32()>>20)-2048)/2048, float32(int32(r.Uint32()>>16)-32768)/4096)
	}
}

func TestFMA(t *testing.T) {
	n := 300000
	if testing.Short() {
		n = 10000
	}
	cases, wrong := 0, 0
	fmaCases(n, func(a, b, c float32) {
		cases++
		want := exactFMA(a, b, c)
		if !bitsEqual(float32(float64(a)*float64(b)+float64(c)), want) {
			wrong++
		}
		if got := fma32(a, b, c); !bitsEqual(got, want) {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
		p := float64(a) * float64(b)
		s := p + float64(c)
		if got := float32(fix(s, p, float64(c))); !bitsEqual(got, want) {
			t.Fatalf("fix of %x*%x+%x gives %x, want %x", a, b, c, got, want)
		}
		if int32(flag(s)) >= 0 && !bitsEqual(float32(s), want) {
			t.Fatalf("%x*%x+%x rounds twice, but is not flagged", a, b, c)
		}
	})
	if t.Logf("%d cases, %d of them wrong without fix", cases, wrong); wrong < n/100 {
		t.Errorf("only %d of %d cases are hard", wrong, cases)
	}
}

func BenchmarkFMA(b *testing.B) {
	x := float32(0.3)
	for b.Loop() {
		x = fma32(x, 0.7, 0.31)
	}
}
