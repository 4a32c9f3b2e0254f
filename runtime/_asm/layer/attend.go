// SPDX-License-Identifier: MIT-0

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// rowLoop is what the loops over n rows of 16 lanes share.
type rowLoop struct {
	*gen.Asm
	vecs int
}

func newRowLoop(a *gen.Asm, isa gen.ISA, name, signature, words string) *rowLoop {
	a.Begin(isa, name, signature, words)
	return &rowLoop{a, panelLanes / isa.Lanes}
}

// lanes are the 16 lanes at a pointer that is a parameter.
func (l *rowLoop) lanes(name string) []reg.VecVirtual {
	p, v := l.Arg(name), l.Vecs(l.vecs)
	for i, r := range v {
		l.VMOVUPS(l.At(p, i), r)
	}
	return v
}

// each runs body for every row, with the vector's index, and moves the pointers on.
func (l *rowLoop) each(label string, pointers []reg.GPVirtual, body func(i int)) {
	n := l.Arg("n")
	l.Label(label)
	for i := range l.vecs {
		body(i)
	}
	for _, p := range pointers {
		l.ADDQ(operand.Imm(4*panelLanes), p)
	}
	l.DECQ(n)
	l.JNZ(operand.LabelRef(label))
}

// scoreRows scales rows of scores, adds the mask, and keeps the largest of the lanes that are members.
func scoreRows(a *gen.Asm, isa gen.ISA) {
	l := newRowLoop(a, isa, "scoreRows", "func(dst, src, mask, member, top, scale *float32, n int)", "finishes n rows of scores.")
	dst, src, mask, at := l.Arg("dst"), l.Arg("src"), l.Arg("mask"), l.Arg("top")
	member, top, scale, out := l.lanes("member"), l.lanes("top"), l.Vec(), l.Vecs(l.vecs)
	minusInf := l.Const(0xff800000)
	for i, r := range out {
		l.VANDNPS(minusInf, member[i], r)
	}
	l.VBROADCASTSS(operand.Mem{Base: l.Arg("scale")}, scale)
	x := l.Vec()
	row := func(i int, masked bool) {
		l.VMULPS(l.At(src, i), scale, x)
		if masked {
			l.VADDPS(l.At(mask, i), x, x)
		}
		l.VANDPS(member[i], x, x)
		l.VORPS(out[i], x, x)
		l.VMAXPS(top[i], x, top[i]) // x > top ? x : top
		l.VMOVUPS(x, l.At(dst, i))
	}
	l.TESTQ(mask, mask)
	l.JZ(operand.LabelRef("bare"))
	l.each("loop", []reg.GPVirtual{dst, src, mask}, func(i int) { row(i, true) })
	l.JMP(operand.LabelRef("done"))
	l.Label("bare")
	l.each("bareloop", []reg.GPVirtual{dst, src}, func(i int) { row(i, false) })
	l.Label("done")
	for i, r := range top {
		l.VMOVUPS(r, l.At(at, i))
	}
	l.End()
}

// shiftRows subtracts the same row from every row.
func shiftRows(a *gen.Asm, isa gen.ISA) {
	l := newRowLoop(a, isa, "shiftRows", "func(x, by *float32, n int)", "subtracts a row from n rows.")
	x, by, v := l.Arg("x"), l.lanes("by"), l.Vec()
	l.each("loop", []reg.GPVirtual{x}, func(i int) {
		l.VMOVUPS(l.At(x, i), v)
		l.VSUBPS(by[i], v, v)
		l.VMOVUPS(v, l.At(x, i))
	})
	l.End()
}

// sumRows adds rows to sum in the lanes that are members, and sets the others to +0.
func sumRows(a *gen.Asm, isa gen.ISA) {
	l := newRowLoop(a, isa, "sumRows", "func(x, sum, member *float32, n int)", "adds n rows.")
	x, at, sum, member, v := l.Arg("x"), l.Arg("sum"), l.lanes("sum"), l.lanes("member"), l.Vec()
	l.each("loop", []reg.GPVirtual{x}, func(i int) {
		l.VANDPS(l.At(x, i), member[i], v)
		l.VADDPS(v, sum[i], sum[i])
		l.VMOVUPS(v, l.At(x, i))
	})
	for i, r := range sum {
		l.VMOVUPS(r, l.At(at, i))
	}
	l.End()
}

// scaleRows multiplies every row by the same row.
func scaleRows(a *gen.Asm, isa gen.ISA) {
	l := newRowLoop(a, isa, "scaleRows", "func(dst, src, by *float32, n int)", "multiplies n rows by a row.")
	dst, src, by, v := l.Arg("dst"), l.Arg("src"), l.lanes("by"), l.Vec()
	l.each("loop", []reg.GPVirtual{dst, src}, func(i int) {
		l.VMULPS(l.At(src, i), by[i], v)
		l.VMOVUPS(v, l.At(dst, i))
	})
	l.End()
}

// selectRows copies rows in the lanes that are members.
func selectRows(a *gen.Asm, isa gen.ISA) {
	l := newRowLoop(a, isa, "selectRows", "func(dst, src, member *float32, n int)", "copies lanes of n rows.")
	dst, src, member, v, old := l.Arg("dst"), l.Arg("src"), l.lanes("member"), l.Vec(), l.Vec()
	l.each("loop", []reg.GPVirtual{dst, src}, func(i int) {
		l.VANDPS(l.At(src, i), member[i], v)
		l.VANDNPS(l.At(dst, i), member[i], old)
		l.VORPS(v, old, v)
		l.VMOVUPS(v, l.At(dst, i))
	})
	l.End()
}
