// SPDX-License-Identifier: MIT-0

// Command seq writes z*32_amd64.s: the functions on float32 of package low, applied to slices.
package main

import (
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

func main() {
	for _, s := range low.Sequences {
		a := gen.NewAsm()
		for _, isa := range gen.ISAs {
			a.Begin(isa, s.Name+"32", "func(dst, src []float32)", "computes dst[i] = "+s.Name+"32(src[i]) for the elements of src; dst may be src.")
			slice(a, s, unroll(isa, s.Name))
			a.End()
		}
		a.Write("seq", "z"+s.Name+"32_amd64")
	}
}

// unroll is the number of vectors side by side: as many as keep the units busy and have room in the registers.
func unroll(isa gen.ISA, name string) int {
	switch {
	case isa == gen.AVX2:
		return 2
	case name == "expneg":
		return 6
	}
	return 4
}

// slice writes the loops of one function.
func slice(a *gen.Asm, s *low.Sequence, unroll int) {
	dst, src := a.Base("dst"), a.Base("src")
	a.Slices(a.Len("src"), unroll, []reg.GPVirtual{dst, src}, func(vecs int, t gen.Tail) {
		y := a.Sequence(s, vecs, func(i int) reg.VecVirtual { return a.Load(a.At(src, i), t) })
		for i, v := range y {
			a.Store(v, a.At(dst, i), t)
		}
	})
}
