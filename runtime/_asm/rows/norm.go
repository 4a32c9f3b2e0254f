// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// mostSources is the number of vectors that lanes are picked from; struct pickVector of package runtime has room for as many.
const mostSources = 4

// pick writes the normalization along rows for one vector of rows: of every feature, lanes are picked from so many vectors,
// none: from the one in their place.
func (k kernel) pick(isa gen.ISA, sources int) {
	k.Begin(isa, fmt.Sprintf("pickRows%d", sources), "func(dst, src, rest, mean, r, scale, bias *float32, n int, from *int)",
		"computes fma((x - mean[i])·r[i], scale, bias) for lanes x picked from vectors of src and, where rest is not nil, of rest.")
	dst, src, rest, mean, r, n, from := k.Arg("dst"), k.Arg("src"), k.Arg("rest"), k.Arg("mean"), k.Arg("r"), k.Arg("n"), k.Arg("from")
	scale, bias := k.Vec(), k.Vec()
	k.VMOVUPS(operand.Mem{Base: k.Arg("scale")}, scale)
	k.VMOVUPS(operand.Mem{Base: k.Arg("bias")}, bias)
	at := []reg.GPVirtual{src}
	idx, mask := k.Vecs(sources), make([]reg.Register, sources)
	for i := range sources {
		if i > 0 {
			at = append(at, k.GP64())
			k.MOVQ(src, at[i])
		}
	}
	for i := range sources {
		k.ADDQ(operand.Mem{Base: from, Disp: 8 * i}, at[i])
		k.VMOVUPS(operand.Mem{Base: from, Disp: 8*mostSources + 4*lanes*i}, idx[i])
		m := k.Vec()
		k.VMOVUPS(operand.Mem{Base: from, Disp: 8*mostSources + 4*lanes*(mostSources+i)}, m)
		mask[i] = m
		if isa == gen.AVX512 {
			mask[i] = k.K()
			k.VPMOVD2M(m, mask[i])
		}
	}
	i, off := k.GP64(), k.GP64()
	k.XORQ(i, i)
	k.XORQ(off, off)
	loop := func(label string, constants bool) {
		k.Label(label)
		x := k.picked(isa, at, off, idx, mask)
		if constants {
			k.VORPS(operand.Mem{Base: rest, Index: off, Scale: 1}, x, x)
		}
		m, s := operand.Mem{Base: mean, Index: i, Scale: 4}, operand.Mem{Base: r, Index: i, Scale: 4}
		if isa == gen.AVX512 {
			k.VSUBPS_BCST(m, x, x)
			k.VMULPS_BCST(s, x, x)
		} else {
			b := k.Vec()
			k.VBROADCASTSS(m, b)
			k.VSUBPS(b, x, x)
			k.VBROADCASTSS(s, b)
			k.VMULPS(b, x, x)
		}
		k.VFMADD213PS(bias, scale, x)
		k.VMOVUPS(x, operand.Mem{Base: dst, Index: off, Scale: 1})
		k.ADDQ(operand.Imm(4*lanes), off)
		k.INCQ(i)
		k.CMPQ(i, n)
		k.JLT(operand.LabelRef(label))
	}
	k.TESTQ(rest, rest)
	k.JZ(operand.LabelRef("bare"))
	loop("feature", true)
	k.JMP(operand.LabelRef("done"))
	k.Label("bare")
	loop("barefeature", false)
	k.Label("done")
	k.End()
}

// picked is a vector of lanes of the vectors at the pointers, +0 in those that no mask has.
func (k kernel) picked(isa gen.ISA, at []reg.GPVirtual, off reg.GPVirtual, idx []reg.VecVirtual, mask []reg.Register) reg.VecVirtual {
	x := k.Vec()
	if len(idx) == 0 {
		k.VMOVUPS(operand.Mem{Base: at[0], Index: off, Scale: 1}, x)
		return x
	}
	for s, v := range idx {
		m := operand.Mem{Base: at[s], Index: off, Scale: 1}
		switch {
		case isa == gen.AVX512 && s == 0:
			k.VPERMPS_Z(m, v, mask[s], x)
		case isa == gen.AVX512:
			k.VPERMPS(m, v, mask[s], x)
		case s == 0:
			k.VPERMPS(m, v, x)
			k.VANDPS(mask[s], x, x)
		default:
			y := k.Vec()
			k.VPERMPS(m, v, y)
			k.VANDPS(mask[s], y, y)
			k.VORPS(y, x, x)
		}
	}
	return x
}

// factors writes what rows are scaled with.
func (k kernel) factors(isa gen.ISA) {
	k.Begin(isa, "rowFactors", "func(r, squares, mean, restMean, restSquares *float32, n int, rest, count, epsilon float32)",
		"computes r[i] = 1/sqrt((squares[i] + s)/count + epsilon), s = fma(d·rest, d, restSquares[i]), d = restMean[i] - mean[i]; s is left out if restMean is nil.")
	r, squares, mean, restMean, restSquares, n := k.Arg("r"), k.Arg("squares"), k.Arg("mean"), k.Arg("restMean"), k.Arg("restSquares"), k.Arg("n")
	word := func(name string) reg.VecVirtual {
		x, v := k.XMM(), k.Vec()
		k.Context.Load(k.Param(name), x)
		k.VBROADCASTSS(x, v)
		return v
	}
	rest, count, epsilon, one := word("rest"), word("count"), word("epsilon"), k.Const(0x3f800000)
	body := func(vecs int, t gen.Tail, constants bool) {
		for i := range vecs {
			q := k.Load(k.At(squares, i), t)
			if constants {
				d, y := k.Load(k.At(restMean, i), t), k.Vec()
				k.VSUBPS(k.Load(k.At(mean, i), t), d, d)
				k.VMULPS(rest, d, y)
				k.VFMADD213PS(k.Load(k.At(restSquares, i), t), d, y)
				k.VADDPS(y, q, q)
			}
			k.VDIVPS(count, q, q)
			k.VADDPS(epsilon, q, q)
			k.VSQRTPS(q, q)
			k.VDIVPS(q, one, q)
			k.Store(q, k.At(r, i), t)
		}
	}
	loop := func(label string, constants bool, pointers []reg.GPVirtual) {
		k.Label(label)
		k.CMPQ(n, operand.U32(k.Lanes))
		k.JLT(operand.LabelRef(label + "tail"))
		body(1, gen.Tail{}, constants)
		for _, p := range pointers {
			k.ADDQ(operand.U32(k.Bytes()), p)
		}
		k.SUBQ(operand.U32(k.Lanes), n)
		k.JMP(operand.LabelRef(label))
		k.Label(label + "tail")
		k.TESTQ(n, n)
		k.JZ(operand.LabelRef("done"))
		body(1, k.NewTail(n), constants)
		k.JMP(operand.LabelRef("done"))
	}
	k.TESTQ(restMean, restMean)
	k.JZ(operand.LabelRef("bare"))
	loop("rows", true, []reg.GPVirtual{r, squares, mean, restMean, restSquares})
	k.Label("bare")
	loop("barerows", false, []reg.GPVirtual{r, squares})
	k.Label("done")
	k.End()
}
