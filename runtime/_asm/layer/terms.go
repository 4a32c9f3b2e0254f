// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// entryBytes are those of a term of a table: a row of lanes, and its negative after it.
const entryBytes = 2 * 4 * panelLanes

// entry stores a vector and its negative.
func entry(a *gen.Asm, to reg.Register, i int, v, minusZero reg.VecVirtual) {
	a.VMOVUPS(v, operand.Mem{Base: to, Disp: i * a.Bytes()})
	a.VXORPS(minusZero, v, v)
	a.VMOVUPS(v, operand.Mem{Base: to, Disp: entryBytes/2 + i*a.Bytes()})
}

func termTable(a *gen.Asm, isa gen.ISA) {
	a.Begin(isa, "termTable", "func(tab, x *float32, n int)", "stores n rows of a panel, each with its negative.")
	tab, x, n, minusZero := a.Arg("tab"), a.Arg("x"), a.Arg("n"), a.Const(0x80000000)
	v := a.Vecs(panelLanes / isa.Lanes)
	a.Label("loop")
	for i, r := range v {
		a.VMOVUPS(a.At(x, i), r)
		entry(a, tab, i, r, minusZero)
	}
	a.ADDQ(operand.Imm(entryBytes), tab)
	a.ADDQ(operand.Imm(entryBytes/2), x)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))
	a.End()
}

func termSums(a *gen.Asm, isa gen.ISA) {
	a.Begin(isa, "termSums", "func(tab, to *float32, sums *[2]uint16, n int)", "stores n sums of two entries of a table, each with its negative.")
	tab, to, sums, n, minusZero := a.Arg("tab"), a.Arg("to"), a.Arg("sums"), a.Arg("n"), a.Const(0x80000000)
	p, q, v := a.GP64(), a.GP64(), a.Vecs(panelLanes/isa.Lanes)
	a.Label("loop")
	for i, r := range []reg.GPVirtual{p, q} {
		a.MOVWLZX(operand.Mem{Base: sums, Disp: 2 * i}, r.As32())
		a.SHLQ(operand.Imm(6), r)
	}
	for i, r := range v {
		a.VMOVUPS(operand.Mem{Base: tab, Index: p, Scale: 1, Disp: i * a.Bytes()}, r)
		a.VADDPS(operand.Mem{Base: tab, Index: q, Scale: 1, Disp: i * a.Bytes()}, r, r)
		entry(a, to, i, r, minusZero)
	}
	a.ADDQ(operand.Imm(4), sums)
	a.ADDQ(operand.Imm(entryBytes), to)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))
	a.End()
}

// termList adds entries of the tables of panels to the sums of columns.
func termList(a *gen.Asm, isa gen.ISA, panels int) {
	a.Begin(isa, fmt.Sprintf("termList%d", panels), "func(dst, src *float32, rows *uint16, ends *int32, start, scale, bias *float32, begin, n, srcPanel, dstPanel int)",
		fmt.Sprintf("computes n columns of terms on panels side by side: %d.", panels))
	l := newLists(a, panels)
	ends, start, scale, bias := a.Arg("ends"), a.Arg("start"), a.Arg("scale"), a.Arg("bias")
	n, dst, end := a.Arg("n"), a.Arg("dst"), a.GP64()

	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	a.TESTQ(start, start)
	a.JZ(operand.LabelRef("continue"))
	for _, r := range l.acc {
		a.VBROADCASTSS(operand.Mem{Base: start}, r)
	}
	a.ADDQ(operand.Imm(4), start)
	a.JMP(operand.LabelRef("begun"))
	a.Label("continue")
	l.stored(dst, func(m operand.Mem, r reg.VecVirtual) { a.VMOVUPS(m, r) })
	a.Label("begun")
	l.loop("add", end, func() {
		l.each(func(x operand.Mem, acc reg.VecVirtual) { a.VADDPS(x, acc, acc) })
	})
	a.TESTQ(scale, scale)
	a.JZ(operand.LabelRef("store"))
	l.scale(scale, bias)
	a.Label("store")
	l.store(dst)
	a.ADDQ(operand.Imm(4), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}
