// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// lists is what the loops over lists of weights share: several panels at once, one chain in every lane of each.
type lists struct {
	*gen.Asm
	panels int
	acc    []reg.VecVirtual
	src    []reg.Register // the panels
	rows   reg.Register
	i      reg.Register // place in the list
}

func newLists(a *gen.Asm, panels int) *lists {
	l := &lists{Asm: a, panels: panels, acc: a.Vecs(panels * panelLanes / a.Lanes)}
	l.src = []reg.Register{a.Arg("src")}
	if panels > 1 {
		step := a.Arg("srcPanel")
		for range panels - 1 {
			p := a.GP64()
			a.LEAQ(operand.Mem{Base: l.src[len(l.src)-1], Index: step, Scale: 1}, p)
			l.src = append(l.src, p)
		}
	}
	l.rows, l.i = a.Arg("rows"), a.Arg("begin")
	return l
}

// each calls f with every accumulator and what it reads of the row at l.i.
func (l *lists) each(f func(x operand.Mem, acc reg.VecVirtual)) {
	row := l.GP64()
	l.MOVWLZX(operand.Mem{Base: l.rows, Index: l.i, Scale: 2}, row.As32())
	l.SHLQ(operand.Imm(6), row)
	per := panelLanes / l.Lanes
	for i, r := range l.acc {
		f(operand.Mem{Base: l.src[i/per], Index: row, Scale: 1, Disp: i % per * l.Bytes()}, r)
	}
}

// loop repeats body while l.i is below end, and counts l.i up.
func (l *lists) loop(name string, end reg.Register, body func()) {
	l.CMPQ(l.i, end)
	l.JGE(operand.LabelRef(name + "end"))
	l.Label(name)
	body()
	l.INCQ(l.i)
	l.CMPQ(l.i, end)
	l.JLT(operand.LabelRef(name))
	l.Label(name + "end")
}

// store writes the accumulators to the panels of dst, which are dstPanel bytes apart, and goes on to the next feature.
func (l *lists) store(dst reg.Register) {
	per := panelLanes / l.Lanes
	at := dst
	for i, r := range l.acc {
		if i > 0 && i%per == 0 {
			next := l.GP64()
			l.MOVQ(at, next)
			step, err := l.Param("dstPanel").Resolve()
			if err != nil {
				panic(err)
			}
			l.ADDQ(step.Addr, next)
			at = next
		}
		l.VMOVUPS(r, operand.Mem{Base: at, Disp: i % per * l.Bytes()})
	}
	l.ADDQ(operand.Imm(4*panelLanes), dst)
}

func ternaryList(a *gen.Asm, isa gen.ISA, panels int) {
	a.Begin(isa, fmt.Sprintf("ternaryList%d", panels), "func(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)",
		fmt.Sprintf("computes n columns of a ternary layer on panels side by side: %d.", panels))
	l := newLists(a, panels)
	ends, scale, bias := a.Arg("ends"), a.Arg("scale"), a.Arg("bias")
	n, dst := a.Arg("n"), a.Arg("dst")
	minusZero := a.Const(0x80000000)
	end := a.GP64()

	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	for _, r := range l.acc { // -0 + x is x, and +0 - x is 0 - x
		a.VXORPS(r, r, r)
	}
	a.CMPQ(l.i, end)
	a.JGE(operand.LabelRef("minus"))
	for _, r := range l.acc {
		a.VMOVAPS(minusZero, r)
	}
	a.Label("plus")
	l.each(func(x operand.Mem, acc reg.VecVirtual) { a.VADDPS(x, acc, acc) })
	a.INCQ(l.i)
	a.CMPQ(l.i, end)
	a.JLT(operand.LabelRef("plus"))
	a.Label("minus")
	a.MOVLQSX(operand.Mem{Base: ends, Disp: 4}, end)
	l.loop("subtract", end, func() {
		l.each(func(x operand.Mem, acc reg.VecVirtual) { a.VSUBPS(x, acc, acc) })
	})
	s := a.Vec()
	a.VBROADCASTSS(operand.Mem{Base: scale}, s)
	a.ADDQ(operand.Imm(4), scale)
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	b := a.Vec()
	a.VBROADCASTSS(operand.Mem{Base: bias}, b)
	a.ADDQ(operand.Imm(4), bias)
	for _, r := range l.acc {
		a.VFMADD213PS(b, s, r)
	}
	a.JMP(operand.LabelRef("store"))
	a.Label("unbiased")
	for _, r := range l.acc {
		a.VMULPS(s, r, r)
	}
	a.Label("store")
	l.store(dst)
	a.ADDQ(operand.Imm(8), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}

func sparseList(a *gen.Asm, isa gen.ISA, panels int) {
	a.Begin(isa, fmt.Sprintf("sparseList%d", panels), "func(dst, src *float32, rows *uint16, values *float32, ends *int32, bias *float32, begin, n, srcPanel, dstPanel int)",
		fmt.Sprintf("computes n columns of a sparse layer on panels side by side: %d.", panels))
	l := newLists(a, panels)
	ends, values, bias := a.Arg("ends"), a.Arg("values"), a.Arg("bias")
	n, dst := a.Arg("n"), a.Arg("dst")
	end, v := a.GP64(), a.Vec()

	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	for _, r := range l.acc {
		a.VXORPS(r, r, r)
	}
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	for _, r := range l.acc {
		a.VBROADCASTSS(operand.Mem{Base: bias}, r)
	}
	a.ADDQ(operand.Imm(4), bias)
	a.Label("unbiased")
	l.loop("add", end, func() {
		a.VBROADCASTSS(operand.Mem{Base: values, Index: l.i, Scale: 4}, v)
		l.each(func(x operand.Mem, acc reg.VecVirtual) { a.VFMADD231PS(x, v, acc) })
	})
	l.store(dst)
	a.ADDQ(operand.Imm(4), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}

// ternaryRow works on single elements, to which AVX-512 has nothing to add.
func ternaryRow(a *gen.Asm) {
	a.Begin(gen.AVX2, "ternaryRow", "func(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n int)",
		"computes n columns of a ternary layer for one row.")
	dst, src, rows, ends, scale, bias := a.Arg("dst"), a.Arg("src"), a.Arg("rows"), a.Arg("ends"), a.Arg("scale"), a.Arg("bias")
	i, n, end, row := a.Arg("begin"), a.Arg("n"), a.GP64(), a.GP64()
	acc, s, minusZero := a.XMM(), a.XMM(), a.XMM()
	a.VMOVSS(a.Word(0x80000000), minusZero)
	l := &lists{Asm: a, i: i}
	x := func() operand.Mem {
		a.MOVWLZX(operand.Mem{Base: rows, Index: i, Scale: 2}, row.As32())
		return operand.Mem{Base: src, Index: row, Scale: 4}
	}
	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	a.VXORPS(acc, acc, acc)
	a.CMPQ(i, end)
	a.JGE(operand.LabelRef("minus"))
	a.VMOVAPS(minusZero, acc)
	a.Label("plus")
	a.VADDSS(x(), acc, acc)
	a.INCQ(i)
	a.CMPQ(i, end)
	a.JLT(operand.LabelRef("plus"))
	a.Label("minus")
	a.MOVLQSX(operand.Mem{Base: ends, Disp: 4}, end)
	l.loop("subtract", end, func() { a.VSUBSS(x(), acc, acc) })
	a.VMOVSS(operand.Mem{Base: scale}, s)
	a.ADDQ(operand.Imm(4), scale)
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	a.VFMADD213SS(operand.Mem{Base: bias}, s, acc)
	a.ADDQ(operand.Imm(4), bias)
	a.JMP(operand.LabelRef("store"))
	a.Label("unbiased")
	a.VMULSS(s, acc, acc)
	a.Label("store")
	a.VMOVSS(acc, operand.Mem{Base: dst})
	a.ADDQ(operand.Imm(4), dst)
	a.ADDQ(operand.Imm(8), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}

func sparseRow(a *gen.Asm) {
	a.Begin(gen.AVX2, "sparseRow", "func(dst, src *float32, rows *uint16, values *float32, ends *int32, bias *float32, begin, n int)",
		"computes n columns of a sparse layer for one row.")
	dst, src, rows, values, ends, bias := a.Arg("dst"), a.Arg("src"), a.Arg("rows"), a.Arg("values"), a.Arg("ends"), a.Arg("bias")
	i, n, end, row := a.Arg("begin"), a.Arg("n"), a.GP64(), a.GP64()
	acc, v := a.XMM(), a.XMM()
	l := &lists{Asm: a, i: i}
	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	a.VXORPS(acc, acc, acc)
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	a.VMOVSS(operand.Mem{Base: bias}, acc)
	a.ADDQ(operand.Imm(4), bias)
	a.Label("unbiased")
	l.loop("add", end, func() {
		a.MOVWLZX(operand.Mem{Base: rows, Index: i, Scale: 2}, row.As32())
		a.VMOVSS(operand.Mem{Base: values, Index: i, Scale: 4}, v)
		a.VFMADD231SS(operand.Mem{Base: src, Index: row, Scale: 4}, v, acc)
	})
	a.VMOVSS(acc, operand.Mem{Base: dst})
	a.ADDQ(operand.Imm(4), dst)
	a.ADDQ(operand.Imm(4), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}
