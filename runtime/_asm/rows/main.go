// SPDX-License-Identifier: MIT-0

// Command rows writes sums over the rows of panels, which lie in the lanes, the scores of one query, and normalization along
// rows.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// lanes is the number of rows in a panel.
const lanes = 16

func main() {
	k := kernel{gen.NewAsm()}
	for _, isa := range gen.ISAs {
		for _, t := range terms {
			k.sums(isa, t)
		}
		for _, panels := range map[gen.ISA][]int{gen.AVX2: {4, 1}, gen.AVX512: {8, 4, 1}}[isa] {
			k.scores(isa, panels, 1)
		}
		k.scores(isa, map[gen.ISA]int{gen.AVX2: 2, gen.AVX512: 4}[isa], 2)
	}
	for _, isa := range gen.ISAs {
		k.spread(isa)
		k.keyWeights(isa)
	}
	k.products2()
	k.Write("rows", "rows_amd64")

	k = kernel{gen.NewAsm()}
	for _, isa := range gen.ISAs {
		k.factors(isa)
		for sources := range mostSources + 1 {
			k.pick(isa, sources)
		}
	}
	k.Write("rows", "normalize_rows_amd64")

	k = kernel{gen.NewAsm()}
	k.panelScores()
	for _, isa := range gen.ISAs {
		for _, features := range map[gen.ISA][]int{gen.AVX2: {4, 1}, gen.AVX512: {16, 8, 4, 1}}[isa] {
			k.panelValues(isa, features)
		}
	}
	k.Write("rows", "attend_panels_amd64")
}

type kernel struct{ *gen.Asm }

// A term is what a sum over rows adds up, x being the rows of a panel for one feature.
type term struct {
	name, by, words string
}

var terms = []term{
	{"rowSum", "", "x"},
	{"rowSquares", "mean", "d·d, d = x - mean[i],"},
	{"rowProducts", "e", "e·x"},
}

// width is the number of features that a call sums.
func width(isa gen.ISA) int {
	if isa == gen.AVX512 {
		return 16
	}
	return 4
}

// sums writes the sum of a term for several features: a vector of partial sums for each, joined at the end.
func (k kernel) sums(isa gen.ISA, t term) {
	params := "dst, src"
	if t.by != "" {
		params += ", " + t.by
	}
	n, vecs := width(isa), lanes/isa.Lanes
	k.Begin(isa, t.name, "func("+params+", rest *float32, panels, step int)",
		fmt.Sprintf("sums %s over the rows of panels, step bytes apart, for %d features; rest, if not nil, has the lanes of one more panel.", t.words, n))
	src, rest, panels, step := k.Arg("src"), k.Arg("rest"), k.Arg("panels"), k.Arg("step")
	var by reg.GPVirtual
	if t.by != "" {
		by = k.Arg(t.by)
	}
	acc := make([][]reg.VecVirtual, n)
	for i := range acc {
		for range vecs {
			acc[i] = append(acc[i], k.Zero())
		}
	}
	var weights []reg.VecVirtual
	if t.name == "rowProducts" {
		weights = k.Vecs(vecs)
	}
	panel := func(mask []reg.VecVirtual) {
		for v, w := range weights {
			k.VMOVUPS(k.At(by, v), w)
		}
		for i := range n {
			var mean reg.VecVirtual
			if t.name == "rowSquares" {
				mean = k.Vec()
				k.VBROADCASTSS(operand.Mem{Base: by, Disp: 4 * i}, mean)
			}
			for v := range vecs {
				k.term(acc[i][v], operand.Mem{Base: src, Disp: 4*lanes*i + v*k.Bytes()}, mean, weights, mask, v)
			}
		}
	}
	k.TESTQ(panels, panels)
	k.JZ(operand.LabelRef("last"))
	k.Label("panel")
	panel(nil)
	k.ADDQ(step, src)
	if weights != nil {
		k.ADDQ(operand.Imm(4*lanes), by)
	}
	k.DECQ(panels)
	k.JNZ(operand.LabelRef("panel"))
	k.Label("last")
	k.TESTQ(rest, rest)
	k.JZ(operand.LabelRef("join"))
	mask := k.Vecs(vecs)
	for v, m := range mask {
		k.VMOVUPS(k.At(rest, v), m)
	}
	panel(mask)
	k.Label("join")
	dst := operand.Mem{Base: k.Arg("dst")}
	if isa == gen.AVX512 {
		flat := make([]reg.VecVirtual, n)
		for i := range flat {
			flat[i] = acc[i][0]
		}
		k.VMOVUPS(k.join16(flat), dst)
	} else {
		k.VMOVUPS(k.join4(acc), dst)
	}
	k.End()
}

// term adds the term of 16 lanes, or half of them, to acc.
func (k kernel) term(acc reg.VecVirtual, x operand.Mem, mean reg.VecVirtual, weights, mask []reg.VecVirtual, v int) {
	if mask == nil && mean == nil {
		if weights == nil {
			k.VADDPS(x, acc, acc)
		} else {
			k.VFMADD231PS(x, weights[v], acc)
		}
		return
	}
	d := k.Vec()
	k.VMOVUPS(x, d)
	if mean != nil {
		k.VSUBPS(mean, d, d)
	}
	if mask != nil {
		k.VANDPS(mask[v], d, d)
	}
	switch {
	case mean != nil:
		k.VFMADD231PS(d, d, acc)
	case weights != nil:
		k.VFMADD231PS(d, weights[v], acc)
	default:
		k.VADDPS(d, acc, acc)
	}
}

// products2 writes rowProducts of 8 features for two weights at once, which AVX2 has no registers for.
func (k kernel) products2() {
	const n = 8
	k.Begin(gen.AVX512, "rowProducts2", "func(dst, dst2, src, e, e2, rest *float32, panels, step int)",
		"sums e·x, and e2·x, over the rows of panels, step bytes apart, for 8 features; rest, if not nil, has the lanes of one more panel.")
	src, e, e2, rest, panels, step := k.Arg("src"), k.Arg("e"), k.Arg("e2"), k.Arg("rest"), k.Arg("panels"), k.Arg("step")
	var acc []reg.VecVirtual
	for range 2 * n {
		acc = append(acc, k.Zero())
	}
	w, x, mask := k.Vecs(2), k.Vec(), k.Vec()
	panel := func(last bool) {
		k.VMOVUPS(operand.Mem{Base: e}, w[0])
		k.VMOVUPS(operand.Mem{Base: e2}, w[1])
		for i := range n {
			k.VMOVUPS(operand.Mem{Base: src, Disp: 4 * lanes * i}, x)
			if last {
				k.VANDPS(mask, x, x)
			}
			k.VFMADD231PS(x, w[0], acc[i])
			k.VFMADD231PS(x, w[1], acc[n+i])
		}
	}
	k.TESTQ(panels, panels)
	k.JZ(operand.LabelRef("last"))
	k.Label("panel")
	panel(false)
	k.ADDQ(step, src)
	k.ADDQ(operand.Imm(4*lanes), e)
	k.ADDQ(operand.Imm(4*lanes), e2)
	k.DECQ(panels)
	k.JNZ(operand.LabelRef("panel"))
	k.Label("last")
	k.TESTQ(rest, rest)
	k.JZ(operand.LabelRef("join"))
	k.VMOVUPS(operand.Mem{Base: rest}, mask)
	panel(true)
	k.Label("join")
	y, high := k.join16(acc), k.YMM()
	k.VEXTRACTF64X4(operand.Imm(1), y, high)
	k.VMOVUPS(y.AsY(), operand.Mem{Base: k.Arg("dst")})
	k.VMOVUPS(high, operand.Mem{Base: k.Arg("dst2")})
	k.End()
}

// join16 adds the lanes 8, 4, 2 and 1 apart of 16 vectors: the sum of vector i is in lane i of the result.
func (k kernel) join16(x []reg.VecVirtual) reg.VecVirtual {
	add := func(a, b reg.VecVirtual, shuffle func(imm operand.U8, b, a, to reg.VecVirtual), lo, hi operand.U8) reg.VecVirtual {
		y := k.Vec()
		shuffle(lo, b, a, y)
		shuffle(hi, b, a, a)
		k.VADDPS(a, y, y)
		return y
	}
	quarters := func(imm operand.U8, b, a, to reg.VecVirtual) { k.VSHUFF32X4(imm, b, a, to) }
	words := func(imm operand.U8, b, a, to reg.VecVirtual) { k.VSHUFPS(imm, b, a, to) }
	var e [4]reg.VecVirtual
	for i := range e {
		c := add(x[i], x[4+i], quarters, 0x44, 0xee)
		d := add(x[8+i], x[12+i], quarters, 0x44, 0xee)
		e[i] = add(c, d, quarters, 0x88, 0xdd)
	}
	g, h := add(e[0], e[1], words, 0x44, 0xee), add(e[2], e[3], words, 0x44, 0xee)
	return add(g, h, words, 0x88, 0xdd)
}

// join4 is join16 for four pairs of vectors, whose sums are the lanes of the result.
func (k kernel) join4(x [][]reg.VecVirtual) reg.VecVirtual {
	var c [4]reg.VecVirtual
	for i, p := range x {
		k.VADDPS(p[1], p[0], p[0])
		c[i] = k.XMM()
		k.VEXTRACTF128(operand.Imm(1), p[0], c[i])
		k.VADDPS(p[0].AsX(), c[i], c[i])
	}
	add := func(a, b reg.VecVirtual, lo, hi operand.U8) reg.VecVirtual {
		y := k.XMM()
		k.VSHUFPS(lo, b, a, y)
		k.VSHUFPS(hi, b, a, a)
		k.VADDPS(a, y, y)
		return y
	}
	return add(add(c[0], c[1], 0x44, 0xee), add(c[2], c[3], 0x44, 0xee), 0x88, 0xdd)
}

// scores writes the scores of one query, or two side by side, for the keys of several panels.
func (k kernel) scores(isa gen.ISA, panels, queries int) {
	name, params, words := "queryKeys", "dst, q, keys *float32, dh, step int", ""
	if queries > 1 {
		name, params, words = "queryPair", "dst, q, keys *float32, dh, step, next int", "; the results of a second query, which follows the first, go next bytes behind"
	}
	k.Begin(isa, fmt.Sprintf("%s%d", name, panels), "func("+params+")",
		fmt.Sprintf("computes the chains of fma over q and the features of the keys of %d panels, step bytes apart%s.", panels, words))
	dst, q, keys, dh, step := k.Arg("dst"), k.Arg("q"), k.Arg("keys"), k.Arg("dh"), k.Arg("step")
	vecs := lanes / isa.Lanes
	bases, at := []reg.GPVirtual{keys}, make([]operand.Mem, panels)
	for p := range panels {
		if p > 0 && p%3 == 0 {
			next := k.GP64()
			k.LEAQ(operand.Mem{Base: bases[p/3-1], Index: step, Scale: 2}, next)
			k.ADDQ(step, next)
			bases = append(bases, next)
		}
		at[p] = operand.Mem{Base: bases[p/3]}
		if p%3 > 0 {
			at[p].Index, at[p].Scale = step, uint8(p%3)
		}
	}
	acc := make([][]reg.VecVirtual, queries)
	for i := range acc {
		for range panels * vecs {
			acc[i] = append(acc[i], k.Zero())
		}
	}
	x, y := k.Vecs(queries), k.Vec()
	second := k.GP64()
	if queries > 1 {
		k.LEAQ(operand.Mem{Base: q, Index: dh, Scale: 4}, second)
	}
	n := k.GP64()
	k.MOVQ(dh, n)
	k.Label("feature")
	k.VBROADCASTSS(operand.Mem{Base: q}, x[0])
	if queries > 1 {
		k.VBROADCASTSS(operand.Mem{Base: second}, x[1])
	}
	for i, a := range acc[0] {
		m := at[i/vecs]
		m.Disp = i % vecs * k.Bytes()
		if queries == 1 {
			k.VFMADD231PS(m, x[0], a)
			continue
		}
		k.VMOVUPS(m, y)
		k.VFMADD231PS(y, x[0], a)
		k.VFMADD231PS(y, x[1], acc[1][i])
	}
	for _, b := range bases {
		k.ADDQ(operand.Imm(4*lanes), b)
	}
	k.ADDQ(operand.Imm(4), q)
	if queries > 1 {
		k.ADDQ(operand.Imm(4), second)
	}
	k.DECQ(n)
	k.JNZ(operand.LabelRef("feature"))
	for _, results := range acc {
		for i, a := range results {
			k.VMOVUPS(a, k.At(dst, i))
		}
		if queries > 1 {
			k.ADDQ(k.Arg("next"), dst)
		}
	}
	k.End()
}

// spread writes a row into lanes of a panel.
func (k kernel) spread(isa gen.ISA) {
	k.Begin(isa, "spreadRow", "func(dst, src, member *float32, n int)", "writes n features of a row to the lanes of a panel that are members.")
	dst, src, member, n := k.Arg("dst"), k.Arg("src"), k.Arg("member"), k.Arg("n")
	x, vecs := k.Vec(), lanes/isa.Lanes
	mask := make([]reg.Register, vecs)
	for v := range mask {
		m := k.Vec()
		k.VMOVUPS(k.At(member, v), m)
		mask[v] = m
		if isa == gen.AVX512 {
			mask[v] = k.K()
			k.VPMOVD2M(m, mask[v])
		}
	}
	k.Label("feature")
	k.VBROADCASTSS(operand.Mem{Base: src}, x)
	for v, m := range mask {
		if isa == gen.AVX512 {
			k.VMOVUPS(x, m, k.At(dst, v))
		} else {
			k.VMASKMOVPS(x, m, k.At(dst, v))
		}
	}
	k.ADDQ(operand.Imm(4), src)
	k.ADDQ(operand.Imm(4*lanes), dst)
	k.DECQ(n)
	k.JNZ(operand.LabelRef("feature"))
	k.End()
}
