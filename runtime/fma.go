// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// fma32 is a*b+c rounded once. The product of two float32 is exact in float64, so only the sum is rounded there, to
// s; narrowing s rounds a second time. That goes wrong only if s lies halfway between two float32 and is not the exact
// sum, and in any such s the low 28 bits are zero: 29 bits are dropped in the normal range (10...0), more below it
// (0...0 in the low 28). Package math's FMA is not used: it is software on some ports, and would round twice as well.
func fma32(a, b, c float32) float32 {
	s := float64(a)*float64(b) + float64(c) // exact product
	if uint32(math.Float64bits(s))<<4 == 0 {
		return fmaTie(a, b, c)
	}
	return float32(s)
}

//go:noinline
func fmaTie(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	return float32(odd(p+float64(c), p, float64(c))) // exact product
}

// flag has bit 31 set if the low 28 bits of s are zero: if narrowing s may round it twice. A kernel ors the flags of
// several sums and applies fix to all of them if int32 of that is negative.
func flag(s float64) uint32 { return uint32(math.Float64bits(s))&0x0fffffff - 1 }

// halfway is flag without the false alarms: bit 31 is set only if s lies halfway between two normal float32, or is not
// zero and below the normal range. Where half of the factors are zero, as masks make them, sums often stay what they are,
// and flag always finds those.
func halfway(s float64) uint32 {
	b := math.Float64bits(s)
	high := uint32(b>>32) &^ (1 << 31)
	return (uint32(b)&0x1fffffff ^ 0x10000000) - 1 | (high-0x38100000)&-high
}

// fix returns what to narrow in place of s = p+c, rounded, for an exact product p.
func fix(s, p, c float64) float64 {
	if uint32(math.Float64bits(s))<<4 == 0 && (s-p != c || s-c != p) {
		return odd(s, p, c)
	}
	return s
}

// odd rounds p+c to odd, given s = p+c to nearest: if s is inexact and even, it takes the neighbour on the side of the
// exact sum. A number rounded to odd can be narrowed as if it were exact, for it is halfway between two float32 only
// if the exact sum is.
//
//go:noinline
func odd(s, p, c float64) float64 {
	t := s - p
	e := (p - (s - t)) + (c - t) // s + e is the exact sum; NaN if s is not finite
	u := math.Float64bits(s)
	if u&1 == 1 || !(e < 0 || e > 0) {
		return s
	}
	if (e > 0) == (s > 0) {
		return math.Float64frombits(u + 1)
	}
	return math.Float64frombits(u - 1)
}
