// SPDX-License-Identifier: MIT-0

// Command reduce writes reduce_rows_amd64.s: sums, maxima and minima of rows.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// width is the number of partial results of a row.
const width = 16

func main() {
	k := kernel{gen.NewAsm()}
	for _, isa := range gen.ISAs {
		k.rows(isa, fold{"rowsSum", "sums", 0, false, func(x, acc reg.Register) { k.VADDPS(x, acc, acc) }})
		k.rows(isa, fold{"rowsMax", "maxima", math.Float32bits(float32(math.Inf(-1))), true, func(x, acc reg.Register) { k.VMAXPS(acc, x, acc) }})
		k.rows(isa, fold{"rowsMin", "minima", math.Float32bits(float32(math.Inf(1))), true, func(x, acc reg.Register) { k.VMINPS(acc, x, acc) }})
	}
	k.Write("reduce", "reduce_rows_amd64")
}

type kernel struct{ *gen.Asm }

// A fold is how a row is combined: from start, take combines x with acc, which is what is found first. Where nan is set,
// take forgets a NaN, which is to win.
type fold struct {
	name, words string
	start       uint32
	nan         bool
	take        func(x, acc reg.Register)
}

// comparisons and words of VCMPPS
const (
	unordered = 3
	nan       = 0x7fc00000
)

func (k kernel) rows(isa gen.ISA, f fold) {
	k.Begin(isa, f.name, "func(dst, src *float32, rows, n int)", "writes the "+f.words+" of rows of n elements.")
	dst, src, rows, n := k.Arg("dst"), k.Arg("src"), k.Arg("rows"), k.Arg("n")
	rest, left := k.GP64(), k.GP64()
	k.MOVQ(n, rest)
	k.ANDQ(operand.Imm(width-1), rest)
	k.MOVQ(rest, left)
	var tails []gen.Tail
	for h := range width / isa.Lanes {
		if h > 0 {
			k.SUBQ(operand.Imm(uint64(isa.Lanes)), left) // negative: no lane
		}
		tails = append(tails, k.NewTail(left))
	}
	start := k.Zero()
	if f.start != 0 {
		start = k.Const(f.start)
	}
	acc, odd := k.Vecs(len(tails)), k.odd(f)

	k.Label("row")
	for _, a := range acc {
		k.VMOVAPS(start, a)
	}
	odd.clear()
	group := func(tails []gen.Tail) {
		for h, a := range acc {
			t := gen.Tail{}
			if tails != nil {
				t = tails[h]
			}
			x := k.Load(k.At(src, h), t)
			odd.note(x)
			f.take(k.Blend(x, start, t), a)
		}
	}
	k.MOVQ(n, left)
	k.SUBQ(operand.Imm(width), left)
	k.JLT(operand.LabelRef("rest"))
	k.Label("group")
	group(nil)
	k.ADDQ(operand.Imm(4*width), src)
	k.SUBQ(operand.Imm(width), left)
	k.JGE(operand.LabelRef("group"))
	k.Label("rest")
	k.TESTQ(rest, rest)
	k.JZ(operand.LabelRef("join"))
	group(tails)
	k.LEAQ(operand.Mem{Base: src, Index: rest, Scale: 4}, src)
	k.Label("join")
	k.join(acc, f, dst)
	odd.store(dst)
	k.ADDQ(operand.Imm(4), dst)
	k.DECQ(rows)
	k.JNZ(operand.LabelRef("row"))
	k.End()
}

// join combines the lanes 8, 4, 2 and 1 apart and stores the result.
func (k kernel) join(acc []reg.VecVirtual, f fold, dst reg.Register) {
	low := acc[0].AsY()
	if len(acc) > 1 {
		f.take(acc[1], low)
	} else {
		high := k.YMM()
		k.VEXTRACTF64X4(operand.Imm(1), acc[0], high)
		f.take(high, low)
	}
	four, high := acc[0].AsX(), k.XMM()
	k.VEXTRACTF128(operand.Imm(1), low, high)
	f.take(high, four)
	k.VMOVHLPS(four, four, high)
	f.take(high, four)
	k.VMOVSHDUP(four, high)
	f.take(high, four)
	k.VMOVSS(four, operand.Mem{Base: dst})
}

// odd is which lanes have met a NaN: a mask register, or a vector of AVX2; nil where that does not matter.
type odd struct {
	kernel
	any reg.Register
}

func (k kernel) odd(f fold) odd {
	switch {
	case !f.nan:
		return odd{}
	case k.Lanes == width:
		return odd{k, k.K()}
	}
	return odd{k, k.Vec()}
}

func (o odd) clear() {
	switch {
	case o.any == nil:
	case o.Lanes == width:
		o.KXORW(o.any, o.any, o.any)
	default:
		o.VXORPS(o.any, o.any, o.any)
	}
}

// note takes in the lanes of x.
func (o odd) note(x reg.Register) {
	switch {
	case o.any == nil:
	case o.Lanes == width:
		m := o.K()
		o.VCMPPS(operand.Imm(unordered), x, x, m)
		o.KORW(m, o.any, o.any)
	default:
		m := o.Vec()
		o.VCMPPS(operand.Imm(unordered), x, x, m)
		o.VORPS(m, o.any, o.any)
	}
}

// store writes a NaN over the result where there has been one.
func (o odd) store(dst reg.Register) {
	if o.any == nil {
		return
	}
	if o.Lanes == width {
		o.KORTESTW(o.any, o.any)
	} else {
		m := o.GP32()
		o.VMOVMSKPS(o.any, m)
		o.TESTL(m, m)
	}
	o.JZ(operand.LabelRef("ordered"))
	o.MOVL(operand.U32(nan), operand.Mem{Base: dst})
	o.Label("ordered")
}
