// SPDX-License-Identifier: MIT-0

// Command seq writes z*32_amd64.s: the functions on float32 of package low, applied to slices.
package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

func main() {
	for _, s := range low.Sequences {
		a := gen.NewAsm()
		for _, isa := range gen.ISAs {
			a.Begin(isa, s.Name+"32", "func(dst, src []float32)", "computes dst[i] = "+s.Name+"32(src[i]) for the elements of src; dst may be src.")
			slice(a, s, map[gen.ISA]int{gen.AVX2: 2, gen.AVX512: 4}[isa])
			a.End()
		}
		a.Write("seq", "z"+s.Name+"32_amd64")
	}
}

// slice writes three loops: over several vectors at a time, over one, and the rest of less than one.
func slice(a *gen.Asm, s *low.Sequence, unroll int) {
	dst, src, n := a.Base("dst"), a.Base("src"), a.Len("src")
	step := func(vecs int, t gen.Tail) {
		y := a.Sequence(s, vecs, func(i int) reg.VecVirtual { return a.Load(a.At(src, i), t) })
		for i, v := range y {
			a.Store(v, a.At(dst, i), t)
		}
	}
	loop := func(name string, vecs int) {
		a.Label(name)
		a.CMPQ(n, operand.U32(vecs*a.Lanes))
		a.JLT(operand.LabelRef(name + "End"))
		step(vecs, gen.Tail{})
		a.ADDQ(operand.U32(vecs*a.Bytes()), src)
		a.ADDQ(operand.U32(vecs*a.Bytes()), dst)
		a.SUBQ(operand.U32(vecs*a.Lanes), n)
		a.JMP(operand.LabelRef(name))
		a.Label(name + "End")
	}
	loop("block", unroll)
	loop("vector", 1)
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("done"))
	step(1, a.NewTail(n))
	a.Label("done")
}
