// SPDX-License-Identifier: MIT-0

// Command vertical writes vertical_amd64.s: matrix products of each of 16 lanes.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// panel is the bytes of an element of all lanes.
const panel = 4 * 16

func main() {
	k := kernel{gen.NewAsm()}
	for _, isa := range gen.ISAs {
		for _, rows := range []int{1, 2} {
			k.product(isa, rows)
		}
		k.weights(isa)
	}
	k.Write("vertical", "vertical_amd64")
}

type kernel struct{ *gen.Asm }

// product writes a function that computes columns of one or two rows: eight results at a time, then fewer.
func (k kernel) product(isa gen.ISA, rows int) {
	k.Begin(isa, fmt.Sprintf("vertical%d", rows), "func(dst, a, b, by *float32, n, k, ac, br, bc, ar, dr, more int)",
		fmt.Sprintf("computes n columns of rows = %d as chains of k fma from +0, or if more is not 0 from what dst holds; ac are the bytes between steps of a, br and bc those between steps and columns of b, ar and dr those between rows of a and of dst. Results are multiplied by a vector of by for each row, unless that is nil.", rows))
	for half := 0; half < panel; half += k.Bytes() {
		k.lanes(rows, half)
	}
	k.End()
}

// lanes writes the loops over columns for the lanes of a vector that begins so many bytes behind the first lane.
func (k kernel) lanes(rows, half int) {
	dst, b, n := k.Arg("dst"), k.Arg("b"), k.Arg("n")
	bc := k.Arg("bc")
	bc3 := k.GP64()
	k.LEAQ(operand.Mem{Base: bc, Index: bc, Scale: 2}, bc3)
	for columns := 8 / rows; columns > 0; columns /= 2 {
		name := fmt.Sprintf("columns%d_%d", columns, half)
		k.Label(name)
		k.CMPQ(n, operand.Imm(uint64(columns)))
		k.JLT(operand.LabelRef(name + "End"))
		k.tile(rows, columns, half, name, dst, b, bc, bc3)
		k.ADDQ(operand.U32(columns*panel), dst)
		step := k.GP64()
		k.MOVQ(bc, step)
		k.SHLQ(operand.Imm(uint64(log2(columns))), step)
		k.ADDQ(step, b)
		k.SUBQ(operand.Imm(uint64(columns)), n)
		k.JMP(operand.LabelRef(name))
		k.Label(name + "End")
	}
}

func log2(n int) (l int) {
	for ; n > 1; n /= 2 {
		l++
	}
	return l
}

// tile writes the chains of so many rows and columns.
func (k kernel) tile(rows, columns, half int, name string, dst, b, bc, bc3 reg.GPVirtual) {
	results := []reg.GPVirtual{dst}
	if rows == 2 {
		next := k.Arg("dr")
		k.ADDQ(dst, next)
		results = append(results, next)
	}
	acc := make([][]reg.VecVirtual, rows)
	for r := range acc {
		acc[r] = k.Vecs(columns)
	}
	k.CMPQ(k.Arg("more"), operand.Imm(0))
	k.JNE(operand.LabelRef(name + "More"))
	for _, row := range acc {
		for _, v := range row {
			k.Clear(v)
		}
	}
	k.JMP(operand.LabelRef(name + "Start"))
	k.Label(name + "More")
	for r, row := range acc {
		for c, v := range row {
			k.VMOVUPS(operand.Mem{Base: results[r], Disp: c*panel + half}, v)
		}
	}
	k.Label(name + "Start")
	x, y := k.Arg("a"), k.GP64()
	k.MOVQ(b, y)
	ac, br, steps := k.Arg("ac"), k.Arg("br"), k.Arg("k")
	var ar, far reg.GPVirtual
	if rows == 2 {
		ar = k.Arg("ar")
	}
	if columns > 4 {
		far = k.GP64()
		k.LEAQ(operand.Mem{Base: b, Index: bc, Scale: 4}, far)
	}
	k.Label(name + "Step")
	in := []reg.VecVirtual{k.Vec()}
	k.VMOVUPS(operand.Mem{Base: x, Disp: half}, in[0])
	if rows == 2 {
		in = append(in, k.Vec())
		k.VMOVUPS(operand.Mem{Base: x, Index: ar, Scale: 1, Disp: half}, in[1])
	}
	for c := range columns {
		m := operand.Mem{Base: y, Disp: half}
		if c >= 4 {
			m.Base = far
		}
		switch c % 4 {
		case 1, 2:
			m.Index, m.Scale = bc, uint8(c%4)
		case 3:
			m.Index, m.Scale = bc3, 1
		}
		if rows == 1 {
			k.VFMADD231PS(m, in[0], acc[0][c])
			continue
		}
		w := k.Vec()
		k.VMOVUPS(m, w)
		for r, v := range in {
			k.VFMADD231PS(w, v, acc[r][c])
		}
	}
	k.ADDQ(ac, x)
	k.ADDQ(br, y)
	if columns > 4 {
		k.ADDQ(br, far)
	}
	k.DECQ(steps)
	k.JNZ(operand.LabelRef(name + "Step"))
	by := k.Arg("by")
	k.TESTQ(by, by)
	k.JZ(operand.LabelRef(name + "Store"))
	for r, row := range acc {
		for _, v := range row {
			k.VMULPS(operand.Mem{Base: by, Disp: r*panel + half}, v, v)
		}
	}
	k.Label(name + "Store")
	for r, row := range acc {
		for c, v := range row {
			k.VMOVUPS(v, operand.Mem{Base: results[r], Disp: c*panel + half})
		}
	}
}

// weights writes a function that turns scores into weights of attention.
func (k kernel) weights(isa gen.ISA) {
	k.Begin(isa, "verticalWeights", "func(e, inv, scale *float32, keys, rows, step int)",
		"replaces so many rows of scores, one or more, step bytes apart, by expneg(x·*scale - max), and writes 1/sum for each: each of 16 lanes by itself.")
	for half := 0; half < panel; half += k.Bytes() {
		e, inv, rows := k.Arg("e"), k.Arg("inv"), k.Arg("rows")
		scale, top, sum, one := k.Vec(), k.Vec(), k.Vec(), k.Const(0x3f800000)
		k.VBROADCASTSS(operand.Mem{Base: k.Arg("scale")}, scale)
		p, n := k.GP64(), k.GP64()
		row := fmt.Sprintf("row%d", half)
		k.Label(row)
		k.VBROADCASTSS(k.Word(0xff800000), top)
		k.MOVQ(e, p)
		k.MOVQ(k.Arg("keys"), n)
		k.Label(row + "Max")
		x := k.Vec()
		k.VMULPS(operand.Mem{Base: p, Disp: half}, scale, x)
		k.VMAXPS(top, x, top) // x > top ? x : top
		k.VMOVUPS(x, operand.Mem{Base: p, Disp: half})
		k.ADDQ(operand.Imm(panel), p)
		k.DECQ(n)
		k.JNZ(operand.LabelRef(row + "Max"))
		k.Clear(sum)
		k.MOVQ(e, p)
		k.MOVQ(k.Arg("keys"), n)
		for _, block := range []int{isa.Lanes / 4, 1} { // what the registers hold
			name := fmt.Sprintf("%sExp%d", row, block)
			k.Label(name)
			k.CMPQ(n, operand.Imm(uint64(block)))
			k.JLT(operand.LabelRef(name + "End"))
			for i, v := range k.Sequence(gen.Named("expneg"), block, func(i int) reg.VecVirtual {
				x := k.Vec()
				k.VMOVUPS(operand.Mem{Base: p, Disp: i*panel + half}, x)
				k.VSUBPS(top, x, x)
				return x
			}) {
				k.VMOVUPS(v, operand.Mem{Base: p, Disp: i*panel + half})
				k.VADDPS(v, sum, sum)
			}
			k.ADDQ(operand.U32(block*panel), p)
			k.SUBQ(operand.Imm(uint64(block)), n)
			k.JMP(operand.LabelRef(name))
			k.Label(name + "End")
		}
		k.VDIVPS(sum, one, sum)
		k.VMOVUPS(sum, operand.Mem{Base: inv, Disp: half})
		k.ADDQ(operand.Imm(panel), inv)
		k.ADDQ(k.Arg("step"), e)
		k.DECQ(rows)
		k.JNZ(operand.LabelRef(row))
	}
	k.End()
}
