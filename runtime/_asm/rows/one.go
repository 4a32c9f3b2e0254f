// SPDX-License-Identifier: MIT-0

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// keyWeights writes the softmax of one query, whose keys are in the lanes.
func (k kernel) keyWeights(isa gen.ISA) {
	k.Begin(isa, "keyWeights", "func(scores, rest *float32, panels int, scale float32) float32",
		"turns chains x into e = expneg(x·scale - max) and returns their sum; rest, if not nil, has the lanes of one more panel, whose other lanes get +0.")
	scores, rest, panels := k.Arg("scores"), k.Arg("rest"), k.Arg("panels")
	vecs := lanes / isa.Lanes
	low, scale := k.XMM(), k.Vec()
	k.Context.Load(k.Param("scale"), low)
	k.VBROADCASTSS(low, scale)
	minus := k.Const(0xff800000)
	top, acc := k.Vecs(vecs), make([]reg.VecVirtual, vecs)
	for v := range vecs {
		k.VMOVAPS(minus, top[v])
		acc[v] = k.Zero()
	}
	p, n := k.GP64(), k.GP64()
	k.MOVQ(scores, p)
	k.MOVQ(panels, n)
	score := func(v int, last bool) {
		x := k.Vec()
		k.VMULPS(k.At(p, v), scale, x)
		if last {
			k.missing(isa, x, minus, k.At(rest, v))
		}
		k.VMAXPS(top[v], x, top[v]) // x > top ? x : top
		k.VMOVUPS(x, k.At(p, v))
	}
	k.TESTQ(n, n)
	k.JZ(operand.LabelRef("lastscore"))
	k.Label("score")
	for v := range vecs {
		score(v, false)
	}
	k.ADDQ(operand.Imm(4*lanes), p)
	k.DECQ(n)
	k.JNZ(operand.LabelRef("score"))
	k.Label("lastscore")
	k.TESTQ(rest, rest)
	k.JZ(operand.LabelRef("top"))
	for v := range vecs {
		score(v, true)
	}
	k.INCQ(panels)
	k.Label("top")
	most := k.Vec()
	k.VBROADCASTSS(k.across(top, func(a, b reg.VecVirtual) { k.VMAXPS(a, b, a) }), most)
	k.Label("exp")
	e := k.Sequence(gen.Named("expneg"), vecs, func(v int) reg.VecVirtual {
		x := k.Load(k.At(scores, v), gen.Tail{})
		k.VSUBPS(most, x, x)
		return x
	})
	for v, y := range e {
		k.Store(y, k.At(scores, v), gen.Tail{})
		k.VADDPS(y, acc[v], acc[v])
	}
	k.ADDQ(operand.Imm(4*lanes), scores)
	k.DECQ(panels)
	k.JNZ(operand.LabelRef("exp"))
	sum := k.across(acc, func(a, b reg.VecVirtual) { k.VADDPS(a, b, a) })
	k.Context.Store(sum, k.ReturnIndex(0))
	k.End()
}

// missing puts v into the lanes of x that are no members.
func (k kernel) missing(isa gen.ISA, x, v reg.VecVirtual, member operand.Mem) {
	m := k.Vec()
	k.VMOVUPS(member, m)
	if isa == gen.AVX512 {
		has := k.K()
		k.VPMOVD2M(m, has)
		k.VBLENDMPS(x, v, has, x)
		return
	}
	k.VBLENDVPS(m, x, v, x)
}

// across joins the lanes 8, 4, 2 and 1 apart: the result is in the first.
func (k kernel) across(x []reg.VecVirtual, join func(a, b reg.VecVirtual)) reg.VecVirtual {
	y := x[0]
	if len(x) == 2 {
		join(y, x[1])
	} else {
		high := k.YMM()
		k.VEXTRACTF64X4(operand.Imm(1), y, high)
		y = y.AsY().(reg.VecVirtual)
		join(y, high)
	}
	quarter := k.XMM()
	k.VEXTRACTF128(operand.Imm(1), y, quarter)
	y = y.AsX().(reg.VecVirtual)
	join(y, quarter)
	for _, order := range []operand.U8{0x0e, 0x01} {
		other := k.XMM()
		k.VPERMILPS(order, y, other)
		join(y, other)
	}
	return y
}
