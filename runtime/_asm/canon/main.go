// SPDX-License-Identifier: MIT-0

// Command canon writes canon_amd64.s: NaN without sign and payload.
package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// unordered is the predicate of VCMPPS that is true for NaN, without an exception.
const unordered = 3

func main() {
	a := gen.NewAsm()
	for _, isa := range gen.ISAs {
		a.Begin(isa, "canonNaN32", "func(x []float32)", "gives every NaN the bits 0x7fc00000.")
		x, nan := a.Base("x"), a.Const(0x7fc00000)
		a.Slices(a.Len("x"), 4, []reg.GPVirtual{x}, func(vecs int, t gen.Tail) {
			if vecs > 1 { // NaN is rare: a comparison finds it in either of two vectors
				none(a, x, vecs)
			}
			for i := range vecs {
				v := a.Load(a.At(x, i), t)
				if isa == gen.AVX512 {
					k := a.K()
					a.VCMPPS(operand.U8(unordered), v, v, k)
					a.VMOVAPS(nan, k, v)
				} else {
					m := a.Vec()
					a.VCMPPS(operand.U8(unordered), v, v, m)
					a.VBLENDVPS(m, nan, v, v)
				}
				a.Store(v, a.At(x, i), t)
			}
			if vecs > 1 {
				a.Label("none")
			}
		})
		a.End()
	}
	a.Write("canon", "canon_amd64")
}

// none jumps to the label none if no element of four vectors is NaN.
func none(a *gen.Asm, x reg.Register, vecs int) {
	if vecs != 4 {
		panic("vectors are compared in two pairs")
	}
	if a.ISA == gen.AVX512 {
		k := []reg.OpmaskVirtual{a.K(), a.K()}
		for i, k := range k {
			a.VCMPPS(operand.U8(unordered), a.At(x, 2*i+1), a.Load(a.At(x, 2*i), gen.Tail{}), k)
		}
		a.KORTESTW(k[0], k[1])
	} else {
		m := a.Vecs(2)
		for i, m := range m {
			a.VCMPPS(operand.U8(unordered), a.At(x, 2*i+1), a.Load(a.At(x, 2*i), gen.Tail{}), m)
		}
		a.VORPS(m[0], m[1], m[0])
		a.VPTEST(m[0], m[0])
	}
	a.JZ(operand.LabelRef("none"))
}
