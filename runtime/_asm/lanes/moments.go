// SPDX-License-Identifier: MIT-0

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// partials is the number of partial sums over the features of a panel: additions take up to 4 cycles.
const partials = 4

func (k kernel) means(isa gen.ISA) {
	k.Begin(isa, "panelMeans", "func(mean *[16]float32, x []float32, count float32)", "computes the sums of the features of the panel x, over count.")
	sums := k.features(func(x operand.Mem, h int, acc reg.VecVirtual) { k.VADDPS(x, acc, acc) })
	count := k.word("count")
	mean := k.Arg("mean")
	k.parts(func(h int) {
		k.VDIVPS(count, sums[h], sums[h])
		k.Store(sums[h], k.At(mean, h), gen.Tail{})
	})
	k.End()
}

func (k kernel) factors(isa gen.ISA) {
	k.Begin(isa, "panelFactors", "func(r, mean *[16]float32, x []float32, count, epsilon float32)",
		"computes 1/sqrt(s/count + epsilon), s the sums of d·d over the features of the panel x, d = x - mean.")
	mean, _ := k.state("mean")
	sums := k.features(func(x operand.Mem, h int, acc reg.VecVirtual) {
		d := k.Load(x, gen.Tail{})
		k.VSUBPS(mean[h], d, d)
		k.VFMADD231PS(d, d, acc)
	})
	count, epsilon, one := k.word("count"), k.word("epsilon"), k.Const(0x3f800000)
	r := k.Arg("r")
	k.parts(func(h int) {
		s := sums[h]
		k.VDIVPS(count, s, s)
		k.VADDPS(epsilon, s, s)
		k.VSQRTPS(s, s)
		k.VDIVPS(s, one, s)
		k.Store(s, k.At(r, h), gen.Tail{})
	})
	k.End()
}

// word is a parameter in every lane.
func (k kernel) word(name string) reg.VecVirtual {
	x, v := k.XMM(), k.Vec()
	k.Context.Load(k.Param(name), x)
	k.VBROADCASTSS(x, v)
	return v
}

// features adds up the features of the panel x, in partial sums that are joined at the end.
func (k kernel) features(add func(x operand.Mem, h int, acc reg.VecVirtual)) group {
	var acc [partials]group
	for i := range acc {
		k.parts(func(int) { acc[i] = append(acc[i], k.Zero()) })
	}
	x, n := k.Base("x"), k.Len("x")
	k.Label("block")
	k.CMPQ(n, operand.U32(partials*width))
	k.JLT(operand.LabelRef("blockEnd"))
	for i := range partials {
		k.parts(func(h int) { add(k.at(x, i, h), h, acc[i][h]) })
	}
	k.ADDQ(operand.U32(4*partials*width), x)
	k.SUBQ(operand.U32(partials*width), n)
	k.JMP(operand.LabelRef("block"))
	k.Label("blockEnd")
	for i := range partials - 1 {
		k.CMPQ(n, operand.U32((i+1)*width))
		k.JLT(operand.LabelRef("join"))
		k.parts(func(h int) { add(k.at(x, i, h), h, acc[i][h]) })
	}
	k.Label("join")
	k.parts(func(h int) {
		k.VADDPS(acc[2][h], acc[0][h], acc[0][h])
		k.VADDPS(acc[3][h], acc[1][h], acc[1][h])
		k.VADDPS(acc[1][h], acc[0][h], acc[0][h])
	})
	return acc[0]
}
