// SPDX-License-Identifier: MIT-0

// Command pack writes pack_amd64.s: blocks of 8 features of a panel from and to rows. Both paths use it: 8 vectors
// of 8 fit the registers of AVX2, and 16 of 16 need as many shuffles for each element.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

func main() {
	a := gen.NewAsm()
	a.Begin(gen.AVX2, "packFeatures", "func(panel, x []float32, rows *[16]int, n int)", "writes the features below n, a multiple of 8, of the rows that begin at x[rows[l]].")
	walk(a, func(panel operand.Mem, row func(r int) operand.Mem) {
		var v []reg.VecVirtual
		for r := range 8 {
			v = append(v, a.Load(row(r), gen.Tail{}))
		}
		for i, t := range transpose(a, v) {
			a.Store(t, panel.Offset(64*i), gen.Tail{})
		}
	})
	a.End()
	few(a)
	a.Begin(gen.AVX2, "unpackFeatures", "func(x, panel []float32, rows *[16]int, n int)", "writes the features below n, a multiple of 8, to the rows that begin at x[rows[l]]. Where several lanes have one row, the first counts.")
	walk(a, func(panel operand.Mem, row func(r int) operand.Mem) {
		var v []reg.VecVirtual
		for i := range 8 {
			v = append(v, a.Load(panel.Offset(64*i), gen.Tail{}))
		}
		t := transpose(a, v)
		for r := 7; r >= 0; r-- {
			a.Store(t[r], row(r), gen.Tail{})
		}
	})
	a.End()
	a.Write("pack", "pack_amd64")
}

// few writes packFeatures for less than 8 features.
func few(a *gen.Asm) {
	a.Begin(gen.AVX2, "packFew", "func(panel, x []float32, rows *[16]int, n int)", "writes the features below n, 1 to 7, of 16 rows, which begin at x[rows[l]].")
	for half := 1; half >= 0; half-- {
		panel, x, rows, n := a.Base("panel"), a.Base("x"), a.Arg("rows"), a.Arg("n")
		t, at := a.NewTail(n), a.GP64()
		var v []reg.VecVirtual
		for r := range 8 {
			a.MOVQ(operand.Mem{Base: rows, Disp: 8 * (8*half + r)}, at)
			v = append(v, a.Load(operand.Mem{Base: x, Index: at, Scale: 4}, t))
		}
		end := fmt.Sprintf("end%d", half)
		for i, y := range transpose(a, v) {
			if i > 0 {
				a.CMPQ(n, operand.Imm(uint64(i)))
				a.JLE(operand.LabelRef(end))
			}
			a.Store(y, operand.Mem{Base: panel, Disp: 32*half + 64*i}, gen.Tail{})
		}
		a.Label(end)
	}
	a.End()
}

// walk calls block for 8 lanes and 8 features at a time, the last lanes first.
func walk(a *gen.Asm, block func(panel operand.Mem, row func(r int) operand.Mem)) {
	for half := 1; half >= 0; half-- {
		panel, x, rows, n := a.Base("panel"), a.Base("x"), a.Arg("rows"), a.Arg("n")
		a.ADDQ(operand.U32(32*half), panel)
		ptr := make([]reg.GPVirtual, 8)
		for r := range ptr {
			ptr[r] = a.GP64()
			a.MOVQ(operand.Mem{Base: rows, Disp: 8 * (8*half + r)}, ptr[r])
			a.LEAQ(operand.Mem{Base: x, Index: ptr[r], Scale: 4}, ptr[r])
		}
		i := a.GP64()
		a.XORQ(i, i)
		name := map[int]string{0: "low", 1: "high"}[half]
		a.Label(name)
		a.CMPQ(i, n)
		a.JGE(operand.LabelRef(name + "End"))
		block(operand.Mem{Base: panel}, func(r int) operand.Mem { return operand.Mem{Base: ptr[r], Index: i, Scale: 4} })
		a.ADDQ(operand.U32(8*64), panel)
		a.ADDQ(operand.U32(8), i)
		a.JMP(operand.LabelRef(name))
		a.Label(name + "End")
	}
}

// transpose turns 8 vectors of 8 by three steps, which exchange neighbours 1, 2 and 4 apart.
func transpose(a *gen.Asm, v []reg.VecVirtual) []reg.VecVirtual {
	pairs := a.Vecs(8)
	for i := 0; i < 8; i += 2 {
		a.VUNPCKLPS(v[i+1], v[i], pairs[i])
		a.VUNPCKHPS(v[i+1], v[i], pairs[i+1])
	}
	quads := a.Vecs(8) // quads[4h+c]: column c of rows 4h to 4h+3, and column c+4
	for h := range 2 {
		for c := range 4 {
			lo, hi := pairs[4*h+c/2], pairs[4*h+2+c/2]
			a.VSHUFPS(operand.U8(0x44+0xaa*(c%2)), hi, lo, quads[4*h+c])
		}
	}
	out := a.Vecs(8)
	for c := range 4 {
		a.VPERM2F128(operand.U8(0x20), quads[4+c], quads[c], out[c])
		a.VPERM2F128(operand.U8(0x31), quads[4+c], quads[c], out[4+c])
	}
	return out
}
