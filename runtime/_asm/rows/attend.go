// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// panelScores writes the scores of the queries of a panel for keys from the beginning of a panel on.
func (k kernel) panelScores() {
	k.Begin(gen.AVX512, "panelScores", "func(dst, q, keys, top, scale *float32, dh, count, step int)",
		"computes the chains of fma over dh features, times *scale, for so many keys in panels step bytes apart: a row for each key, whose largest stay in top.")
	dst, q, keys, top, dh, count, step := k.Arg("dst"), k.Arg("q"), k.Arg("keys"), k.Arg("top"), k.Arg("dh"), k.Arg("count"), k.Arg("step")
	most, scale, x, acc := k.Vec(), k.Vec(), k.Vec(), k.Vecs(lanes)
	k.VMOVUPS(operand.Mem{Base: top}, most)
	k.VBROADCASTSS(operand.Mem{Base: k.Arg("scale")}, scale)
	at, key, n := k.GP64(), k.GP64(), k.GP64()
	k.Label("panel")
	for _, a := range acc {
		k.VPXORD(a, a, a)
	}
	k.MOVQ(q, at)
	k.MOVQ(keys, key)
	k.MOVQ(dh, n)
	k.Label("feature")
	k.VMOVUPS(operand.Mem{Base: at}, x)
	for j, a := range acc {
		k.VFMADD231PS_BCST(operand.Mem{Base: key, Disp: 4 * j}, x, a)
	}
	k.ADDQ(operand.Imm(4*lanes), at)
	k.ADDQ(operand.Imm(4*lanes), key)
	k.DECQ(n)
	k.JNZ(operand.LabelRef("feature"))
	for j, a := range acc {
		if j > 0 {
			k.CMPQ(count, operand.Imm(uint64(j)))
			k.JLE(operand.LabelRef("done"))
		}
		k.VMULPS(scale, a, a)
		k.VMAXPS(most, a, most) // a > most ? a : most
		k.VMOVUPS(a, k.At(dst, j))
	}
	k.ADDQ(operand.U32(4*lanes*lanes), dst)
	k.ADDQ(step, keys)
	k.SUBQ(operand.Imm(lanes), count)
	k.JG(operand.LabelRef("panel"))
	k.Label("done")
	k.VMOVUPS(most, operand.Mem{Base: top})
	k.End()
}

// panelValues writes the sums over the values of all keys for features.
func (k kernel) panelValues(isa gen.ISA, features int) {
	k.Begin(isa, fmt.Sprintf("panelValues%d", features), "func(dst, e, values, sum *float32, keys, step int)",
		fmt.Sprintf("computes the chains of fma over the keys, of %d features, from +0, times 1/sum: e has a row for each key, values a lane in panels step bytes apart.", features))
	dst, e, values, keys, step := k.Arg("dst"), k.Arg("e"), k.Arg("values"), k.Arg("keys"), k.Arg("step")
	vecs := lanes / isa.Lanes
	acc := make([]reg.VecVirtual, features*vecs)
	for i := range acc {
		acc[i] = k.Zero()
	}
	x := k.Vecs(vecs)
	b := k.Const(0x3f800000)
	by, sum := k.Vecs(vecs), k.Arg("sum")
	for i, r := range by {
		k.VDIVPS(k.At(sum, i), b, r)
	}
	v, n := k.GP64(), k.GP64()
	k.Label("panel")
	k.MOVQ(values, v)
	k.MOVQ(keys, n)
	k.CMPQ(n, operand.Imm(lanes))
	k.JLE(operand.LabelRef("key"))
	k.MOVQ(operand.U32(lanes), n)
	k.Label("key")
	for i, r := range x {
		k.VMOVUPS(k.At(e, i), r)
	}
	for c := range features {
		m := operand.Mem{Base: v, Disp: 4 * lanes * c}
		if isa == gen.AVX512 {
			k.VFMADD231PS_BCST(m, x[0], acc[c])
			continue
		}
		k.VBROADCASTSS(m, b)
		for i, r := range x {
			k.VFMADD231PS(b, r, acc[c*vecs+i])
		}
	}
	k.ADDQ(operand.Imm(4*lanes), e)
	k.ADDQ(operand.Imm(4), v)
	k.DECQ(n)
	k.JNZ(operand.LabelRef("key"))
	k.ADDQ(step, values)
	k.SUBQ(operand.Imm(lanes), keys)
	k.JG(operand.LabelRef("panel"))
	for i, a := range acc {
		k.VMULPS(by[i%vecs], a, a)
		k.VMOVUPS(a, k.At(dst, i))
	}
	k.End()
}
