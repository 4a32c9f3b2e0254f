// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// permTerms are the entries of a table: the signs of a group's three rows.
var permTerms = [panelLanes][3]int{
	{}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 0}, {1, -1, 0}, {1, 0, 1}, {1, 0, -1},
	{0, 1, 1}, {0, 1, -1}, {1, 1, 1}, {1, 1, -1}, {1, -1, 1}, {1, -1, -1},
}

// permTables adds, in every entry, the rows that it has, with their signs, and -0 for the others.
func permTables(a *gen.Asm, isa gen.ISA) {
	a.Begin(isa, "permTables", "func(tab, x *float32, groups int)", "makes the tables of groups of three rows.")
	tab, x, groups := a.Arg("tab"), a.Arg("x"), a.Arg("groups")
	per := panelLanes / isa.Lanes
	keep, flip := make([][]reg.VecVirtual, 3), make([][]reg.VecVirtual, 3)
	for r := range 3 {
		var has, sign [panelLanes]uint32
		for i, t := range permTerms {
			has[i] = ^uint32(0)
			if t[r] == 0 {
				has[i] = 0
			}
			if t[r] != 1 {
				sign[i] = 0x80000000
			}
		}
		for v := range per {
			lanes := func(kind string, w [panelLanes]uint32) operand.Mem {
				return a.Words(fmt.Sprintf("perm%s%d", kind, r), w[:]...).Offset(v * a.Bytes())
			}
			keep[r] = append(keep[r], a.Vec())
			a.VMOVUPS(lanes("Has", has), keep[r][v])
			flip[r] = append(flip[r], nil)
			if isa == gen.AVX512 {
				flip[r][v] = a.Vec()
				a.VMOVUPS(lanes("Sign", sign), flip[r][v])
			}
			_ = lanes("Sign", sign)
		}
	}
	a.Label("loop")
	terms := make([][]reg.VecVirtual, 3)
	for r := range 3 {
		b := a.Vec()
		a.VBROADCASTSS(operand.Mem{Base: x, Disp: 4 * r}, b)
		for v := range per {
			t := a.Vec()
			if isa == gen.AVX512 {
				a.VPANDD(keep[r][v], b, t)
				a.VPXORD(flip[r][v], t, t)
			} else {
				a.VANDPS(keep[r][v], b, t)
				a.VXORPS(a.Words(fmt.Sprintf("permSign%d", r)).Offset(v*a.Bytes()), t, t)
			}
			terms[r] = append(terms[r], t)
		}
	}
	for v := range per {
		t := terms[0][v]
		a.VADDPS(terms[1][v], t, t)
		a.VADDPS(terms[2][v], t, t)
		a.VMOVUPS(t, a.At(tab, v))
	}
	a.ADDQ(operand.Imm(12), x)
	a.ADDQ(operand.Imm(4*panelLanes), tab)
	a.DECQ(groups)
	a.JNZ(operand.LabelRef("loop"))
	a.End()
}

// permLoop is what the kernels over codes share: sums of vecs times 16 columns, the groups in steps of six.
func permLoop(a *gen.Asm, isa gen.ISA, vecs int, step6 func(tab, codes reg.Register, acc []reg.VecVirtual)) {
	a.Begin(isa, fmt.Sprintf("permSums%d", vecs), "func(dst, start, tab *float32, codes *uint32, scale, bias *float32, steps, step int)",
		fmt.Sprintf("computes %d columns of a ternary layer for one row.", 16*vecs))
	acc := a.Vecs(vecs * panelLanes / isa.Lanes)
	start, tab, codes, steps, step := a.Arg("start"), a.Arg("tab"), a.Arg("codes"), a.Arg("steps"), a.Arg("step")
	for v, r := range acc {
		a.VMOVUPS(a.At(start, v), r)
	}
	step6(nil, nil, nil)
	a.Label("loop")
	step6(tab, codes, acc)
	a.ADDQ(operand.U32(6*4*panelLanes), tab)
	a.ADDQ(step, codes)
	a.DECQ(steps)
	a.JNZ(operand.LabelRef("loop"))
	dst, scale, bias := a.Arg("dst"), a.Arg("scale"), a.Arg("bias")
	s := a.Vec()
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	for v, r := range acc {
		a.VMOVUPS(a.At(scale, v), s)
		a.VFMADD213PS(a.At(bias, v), s, r)
	}
	a.JMP(operand.LabelRef("store"))
	a.Label("unbiased")
	for v, r := range acc {
		a.VMULPS(a.At(scale, v), r, r)
	}
	a.Label("store")
	for v, r := range acc {
		a.VMOVUPS(r, a.At(dst, v))
	}
	a.End()
}

// permSums512 looks a code up in a table of 32: the entries and their negatives. VPERMI2PS reads the low five bits of a lane,
// whatever is above them; a high product by a power of two brings them down on other ports than those that permute and add.
func permSums512(a *gen.Asm, vecs int) {
	var sign, by5, by10 reg.VecVirtual
	permLoop(a, gen.AVX512, vecs, func(tab, codes reg.Register, acc []reg.VecVirtual) {
		if tab == nil {
			sign, by5, by10 = a.Const(0x80000000), a.Const(0x08000800), a.Const(0x00400040)
			return
		}
		var t, negative []reg.VecVirtual
		for g := range 6 {
			t, negative = append(t, a.Vec()), append(negative, a.Vec())
			a.VMOVUPS(a.At(tab, g), t[g])
			a.VPXORD(sign, t[g], negative[g])
		}
		for v, r := range acc {
			m := a.At(codes, v)
			i := a.Vecs(6)
			a.VMOVUPS(m, i[0])
			a.VPMULHUW(m, by5, i[1])
			a.VPMULHUW(m, by10, i[2])
			a.VPSRLD(operand.U8(16), m, i[3])
			a.VPMULHUW(i[3], by5, i[4])
			a.VPMULHUW(i[3], by10, i[5])
			for g, x := range i {
				a.VPERMI2PS(negative[g], t[g], x)
				a.VADDPS(x, r, r)
			}
		}
	})
}

// permSums256 looks the lower four bits of a code up in two registers and changes the sign where the fifth is set.
func permSums256(a *gen.Asm, vecs int) {
	var sign reg.VecVirtual
	permLoop(a, gen.AVX2, vecs, func(tab, codes reg.Register, acc []reg.VecVirtual) {
		if tab == nil {
			sign = a.Const(0x80000000)
			return
		}
		for g, shift := range []uint64{0, 5, 10, 16, 21, 26} {
			low, high := a.Vec(), a.Vec()
			a.VMOVUPS(a.At(tab, 2*g), low)
			a.VMOVUPS(a.At(tab, 2*g+1), high)
			for v, r := range acc {
				code, i, x, y, top := a.Vec(), a.Vec(), a.Vec(), a.Vec(), a.Vec()
				a.VMOVUPS(a.At(codes, v), code)
				a.VPSRLD(operand.U8(shift), code, i)
				a.VPERMPS(low, i, x)
				a.VPERMPS(high, i, y)
				a.VPSLLD(operand.U8(27-shift), code, code) // the fifth bit is on top
				a.VPADDD(code, code, top)                  // the fourth bit is on top
				a.VBLENDVPS(top, y, x, x)
				a.VANDPS(sign, code, code)
				a.VXORPS(code, x, x)
				a.VADDPS(x, r, r)
			}
		}
	})
}
