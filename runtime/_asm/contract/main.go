// SPDX-License-Identifier: MIT-0

// Command contract writes contract_amd64.s: products whose matrix has at most 16 columns.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// width is the most columns.
const width = 16

func main() {
	k := kernel{gen.NewAsm()}
	for _, isa := range gen.ISAs {
		k.product(isa)
	}
	k.Write("contract", "contract_amd64")
}

type kernel struct{ *gen.Asm }

// product writes the loop over rows: several at a time, whose chains run side by side, then one at a time.
func (k kernel) product(isa gen.ISA) {
	k.Begin(isa, "narrowProduct", "func(dst, a, b *float32, rows, k, n, ar, ac, br, dr int)",
		"computes rows of n columns, at most 16, as chains of k fma from +0; ar and ac are the bytes between rows and columns of a, br and dr those between rows of b and dst.")
	dst, a, b, rows := k.Arg("dst"), k.Arg("a"), k.Arg("b"), k.Arg("rows")
	left := k.Arg("n")
	tails := make([]gen.Tail, width/isa.Lanes)
	for h := range tails {
		if h > 0 {
			k.SUBQ(operand.Imm(uint64(isa.Lanes)), left)
		}
		tails[h] = k.NewTail(left)
	}
	ar, ac, br := k.Arg("ar"), k.Arg("ac"), k.Arg("br")
	for _, group := range []int{6 * isa.Lanes / width, 1} {
		name := fmt.Sprintf("rows%d", group)
		k.Label(name)
		k.CMPQ(rows, operand.Imm(uint64(group)))
		k.JLT(operand.LabelRef(name + "End"))
		k.rows(group, name, dst, a, b, ar, ac, br, tails)
		k.SUBQ(operand.Imm(uint64(group)), rows)
		k.JMP(operand.LabelRef(name))
		k.Label(name + "End")
	}
	k.End()
}

// rows writes one group of rows and moves dst and a behind it.
func (k kernel) rows(group int, name string, dst, a, b, ar, ac, br reg.GPVirtual, tails []gen.Tail) {
	bases := []reg.GPVirtual{k.GP64()}
	k.MOVQ(a, bases[0])
	at := make([]operand.Mem, group)
	for r := range at {
		if r > 0 && r%3 == 0 {
			next := k.GP64()
			k.LEAQ(operand.Mem{Base: bases[r/3-1], Index: ar, Scale: 2}, next)
			k.ADDQ(ar, next)
			bases = append(bases, next)
		}
		at[r] = operand.Mem{Base: bases[r/3]}
		if r%3 > 0 {
			at[r].Index, at[r].Scale = ar, uint8(r%3)
		}
	}
	acc := make([][]reg.VecVirtual, group)
	for r := range acc {
		for range tails {
			acc[r] = append(acc[r], k.Zero())
		}
	}
	row, steps := k.GP64(), k.Arg("k")
	k.MOVQ(b, row)
	k.Label(name + "Step")
	var w []reg.VecVirtual
	for h, t := range tails {
		w = append(w, k.Load(k.At(row, h), t))
	}
	for r, m := range at {
		if len(tails) == 1 {
			k.VFMADD231PS_BCST(m, w[0], acc[r][0])
			continue
		}
		x := k.Vec()
		k.VBROADCASTSS(m, x)
		for h := range tails {
			k.VFMADD231PS(x, w[h], acc[r][h])
		}
	}
	for _, base := range bases {
		k.ADDQ(ac, base)
	}
	k.ADDQ(br, row)
	k.DECQ(steps)
	k.JNZ(operand.LabelRef(name + "Step"))
	dr := k.Arg("dr")
	for r := range acc {
		for h, t := range tails {
			k.Store(acc[r][h], k.At(dst, h), t)
		}
		k.ADDQ(dr, dst)
		k.ADDQ(ar, a)
	}
}
