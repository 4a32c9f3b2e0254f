package ir

import (
	"math"
	"testing"
)

func TestMinifloatsRoundTrip(t *testing.T) {
	for i, f := range formats {
		d := DType(i)
		if f == nil {
			continue
		}
		for code := range 1 << d.Bits() {
			x := DecodeFloat(d, uint16(code))
			if x != x {
				continue
			}
			if got := EncodeFloat(d, x, false); DecodeFloat(d, got) != x || got&^f.sign != uint16(code)&^f.sign {
				t.Errorf("%v: %#x is %v, encoded %#x", d, code, x, got)
			}
		}
	}
}

// Values from the IEEE 754 binary16 and the OCP 8-bit floating point specifications.
func TestMinifloatsKnown(t *testing.T) {
	for _, c := range []struct {
		d    DType
		x    float64
		sat  bool
		want uint16
	}{
		{Float16, 65504, false, 0x7bff},
		{Float16, 65519.99, false, 0x7bff},
		{Float16, 65520, false, 0x7c00},
		{Float16, 0x1p-24, false, 1},
		{Float16, 0x1p-25, false, 0},
		{Float16, 0x1.8p-24, false, 2},
		{Float16, math.Copysign(0, -1), false, 0x8000},
		{BFloat16, 1, false, 0x3f80},
		{BFloat16, 1 + 0x1p-8, false, 0x3f80},
		{BFloat16, 1 + 0x1.8p-7, false, 0x3f82},
		{Float8E4M3FN, 448, false, 0x7e},
		{Float8E4M3FN, 465, false, 0x7f},
		{Float8E4M3FN, 465, true, 0x7e},
		{Float8E5M2, 57344, false, 0x7b},
		{Float8E5M2, math.Inf(1), false, 0x7c},
		{Float8E5M2, math.Inf(1), true, 0x7b},
		{Float8E4M3FNUZ, math.Copysign(0, -1), false, 0},
		{Float4E2M1, 6, false, 7},
		{Float4E2M1, 5, false, 6},
	} {
		if got := EncodeFloat(c.d, c.x, c.sat); got != c.want {
			t.Errorf("%v of %v: %#x, want %#x", c.d, c.x, got, c.want)
		}
	}
}
