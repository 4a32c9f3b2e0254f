// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// panelLanes are the lanes of a panel.
const panelLanes = 16

// panelTile is n chains in every lane of a panel. The weights of the chains are broadcast, step bytes apart.
func panelTile(a *gen.Asm, isa gen.ISA, name string, n, step int) {
	a.Begin(isa, fmt.Sprintf("%s%d", name, n), "func(dst, src, w, bias *float32, k, wStep int)",
		fmt.Sprintf("computes %d chains in every lane of a panel.", n))
	vecs := panelLanes / isa.Lanes
	acc := a.Vecs(n * vecs)
	dst, src := a.Arg("dst"), a.Arg("src")
	w, bias := a.Arg("w"), a.Arg("bias")
	k, wStep := a.Arg("k"), a.Arg("wStep")

	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("continue"))
	for j := range n {
		for v := range vecs {
			a.VBROADCASTSS(operand.Mem{Base: bias, Disp: 4 * j}, acc[j*vecs+v])
		}
	}
	a.JMP(operand.LabelRef("start"))
	a.Label("continue")
	for i, r := range acc {
		a.VMOVUPS(operand.Mem{Base: dst, Disp: i * a.Bytes()}, r)
	}
	a.Label("start")
	a.TESTQ(k, k)
	a.JZ(operand.LabelRef("done"))
	x := a.Vecs(vecs)
	var b reg.VecVirtual
	if isa == gen.AVX2 {
		b = a.Vec()
	}
	a.Label("loop")
	for v, r := range x {
		a.VMOVUPS(operand.Mem{Base: src, Disp: v * a.Bytes()}, r)
	}
	for j := range n {
		m := operand.Mem{Base: w, Disp: j * step}
		if isa == gen.AVX512 {
			a.VFMADD231PS_BCST(m, x[0], acc[j])
			continue
		}
		a.VBROADCASTSS(m, b)
		for v, r := range x {
			a.VFMADD231PS(b, r, acc[j*vecs+v])
		}
	}
	a.ADDQ(operand.Imm(4*panelLanes), src)
	a.ADDQ(wStep, w)
	a.DECQ(k)
	a.JNZ(operand.LabelRef("loop"))
	a.Label("done")
	for i, r := range acc {
		a.VMOVUPS(r, operand.Mem{Base: dst, Disp: i * a.Bytes()})
	}
	a.End()
}

// panelsTile is n chains in every lane of several panels, for AVX-512. A weight is spread once for all panels, so that there
// are fewer loads than products.
func panelsTile(a *gen.Asm, panels, n int) {
	a.Begin(gen.AVX512, fmt.Sprintf("panelTile%dx%d", panels, n), "func(dst, src, w, bias *float32, k, wStep, srcPanel, dstPanel int)",
		fmt.Sprintf("computes %d chains in every lane of %d panels.", n, panels))
	acc := a.Vecs(panels * n)
	k, w, wStep, bias := a.Arg("k"), a.Arg("w"), a.Arg("wStep"), a.Arg("bias")
	apart := func(base, step string) []reg.Register {
		p, s := []reg.Register{a.Arg(base)}, a.Arg(step)
		for len(p) < panels {
			next := a.GP64()
			a.LEAQ(operand.Mem{Base: p[len(p)-1], Index: s, Scale: 1}, next)
			p = append(p, next)
		}
		return p
	}
	dst := apart("dst", "dstPanel")
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("continue"))
	for j := range n {
		a.VBROADCASTSS(operand.Mem{Base: bias, Disp: 4 * j}, acc[j*panels])
		for p := 1; p < panels; p++ {
			a.VMOVAPS(acc[j*panels], acc[j*panels+p])
		}
	}
	a.JMP(operand.LabelRef("start"))
	a.Label("continue")
	for i, r := range acc {
		a.VMOVUPS(a.At(dst[i%panels], i/panels), r)
	}
	a.Label("start")
	src := apart("src", "srcPanel")
	x, v, at := a.Vecs(panels), a.Vecs(2), a.GP64()
	a.XORQ(at, at)
	a.Label("loop")
	for p, r := range x {
		a.VMOVUPS(operand.Mem{Base: src[p], Index: at, Scale: 1}, r)
	}
	for j := range n {
		a.VBROADCASTSS(operand.Mem{Base: w, Disp: 4 * j}, v[j%2])
		for p, r := range x {
			a.VFMADD231PS(v[j%2], r, acc[j*panels+p])
		}
	}
	a.ADDQ(operand.Imm(4*panelLanes), at)
	a.ADDQ(wStep, w)
	a.DECQ(k)
	a.JNZ(operand.LabelRef("loop"))
	for i, r := range acc {
		a.VMOVUPS(r, a.At(dst[i%panels], i/panels))
	}
	a.End()
}

// rowTile is the chains of rows x columns, the columns in c vectors.
func rowTile(a *gen.Asm, isa gen.ISA, rows, c int) {
	a.Begin(isa, fmt.Sprintf("rowTile%dx%d", rows, c*isa.Lanes), "func(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)",
		fmt.Sprintf("computes the chains of %d rows by %d columns.", rows, c*isa.Lanes))
	acc := a.Vecs(rows * c)
	load := func(name string) reg.Register { return a.Arg(name) }
	k := load("k")
	bias, dst := load("bias"), rowPointers(a, "dst", "dstRow", rows)
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("continue"))
	for i, r := range acc {
		a.VMOVUPS(operand.Mem{Base: bias, Disp: i % c * a.Bytes()}, r)
	}
	a.JMP(operand.LabelRef("start"))
	a.Label("continue")
	for i, r := range acc {
		a.VMOVUPS(dst.at(i/c, i%c*a.Bytes()), r)
	}
	a.Label("start")
	w, src := load("w"), rowPointers(a, "src", "xRow", rows)
	xStep, wStep := load("xStep"), load("wStep")
	a.TESTQ(k, k)
	a.JZ(operand.LabelRef("done"))
	x := a.Vecs(rows)
	var wv reg.VecVirtual
	if rows > 1 {
		wv = a.Vec()
	}
	a.Label("loop")
	for r, v := range x {
		a.VBROADCASTSS(src.at(r, 0), v)
	}
	for j := range c {
		m := operand.Mem{Base: w, Disp: j * a.Bytes()}
		if rows == 1 {
			a.VFMADD231PS(m, x[0], acc[j])
			continue
		}
		a.VMOVUPS(m, wv)
		for r := range rows {
			a.VFMADD231PS(wv, x[r], acc[r*c+j])
		}
	}
	src.advance(xStep)
	a.ADDQ(wStep, w)
	a.DECQ(k)
	a.JNZ(operand.LabelRef("loop"))
	a.Label("done")
	dst = rowPointers(a, "dst", "dstRow", rows)
	for i, r := range acc {
		a.VMOVUPS(r, dst.at(i/c, i%c*a.Bytes()))
	}
	a.End()
}

// pointers address up to six rows a fixed distance apart: with one base for three rows each.
type pointers struct {
	a     *gen.Asm
	bases []reg.Register
	step  reg.Register
}

func rowPointers(a *gen.Asm, base, step string, rows int) pointers {
	p := pointers{a: a, bases: []reg.Register{a.Arg(base)}}
	if rows > 1 {
		p.step = a.Arg(step)
	}
	if rows > 3 {
		next := a.GP64()
		a.LEAQ(operand.Mem{Base: p.bases[0], Index: p.step, Scale: 2}, next)
		a.ADDQ(p.step, next)
		p.bases = append(p.bases, next)
	}
	return p
}

func (p pointers) at(row, disp int) operand.Mem {
	m := operand.Mem{Base: p.bases[row/3], Disp: disp}
	if row%3 > 0 {
		m.Index, m.Scale = p.step, uint8(row%3)
	}
	return m
}

func (p pointers) advance(step reg.Register) {
	for _, b := range p.bases {
		p.a.ADDQ(step, b)
	}
}
