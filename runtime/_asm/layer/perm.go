// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// permTerms are the entries of a table: the signs of a group's three rows.
var permTerms = [panelLanes][3]int{
	{}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 0}, {1, -1, 0}, {1, 0, 1}, {1, 0, -1},
	{0, 1, 1}, {0, 1, -1}, {1, 1, 1}, {1, 1, -1}, {1, -1, 1}, {1, -1, -1},
}

// The bits of float32.
const (
	permOne   = 0x3f800000
	permMinus = 0xbf800000
	permSign  = 0x80000000
)

// permThird times half a word has the third code in the lowest bits of its upper half.
const permThird = 0x2008

// permLanes are what the given entries have of a row: all bits where they have it, and the sign of it as ±1.
func permLanes(row int, entries []int) (has, sign []uint32) {
	for _, e := range entries {
		h, s := ^uint32(0), uint32(permOne)
		switch permTerms[e][row] {
		case 0:
			h = 0
			fallthrough // -1 makes the +0 of an absent row a -0
		case -1:
			s = permMinus
		}
		has, sign = append(has, h), append(sign, s)
	}
	return has, sign
}

const permTablesDoc = "func(tab, x *float32, groups int)"

// permTables512 adds the rows that an entry has, with their signs, to -0. Negatives are not stored: a Zen 4 stores 64 bytes
// every second cycle.
func permTables512(a *gen.Asm) {
	a.Begin(gen.AVX512, "permTables", permTablesDoc, "makes the tables of groups of three rows.")
	tab, x, groups := a.Arg("tab"), a.Arg("x"), a.Arg("groups")
	none := a.Const(permSign)
	var masks [3]reg.Register
	var signs [3]reg.VecVirtual
	bits := a.GP32()
	for r := range 3 {
		var entries []int
		mask := uint32(0)
		for e, t := range permTerms {
			entries = append(entries, e)
			if t[r] != 0 {
				mask |= 1 << e
			}
		}
		k := a.K()
		a.MOVL(operand.U32(mask), bits)
		a.KMOVW(bits, k)
		masks[r] = k
		if r > 0 { // the first row is never negative
			_, sign := permLanes(r, entries)
			signs[r] = a.Vec()
			a.VMOVUPS(a.Words(fmt.Sprintf("permSign%d", r), sign...), signs[r])
		}
	}
	a.Label("loop")
	t := a.Vec()
	a.VMOVAPS(none, t)
	a.VBROADCASTSS(operand.Mem{Base: x}, masks[0], t)
	for r := 1; r < 3; r++ {
		a.VFMADD231PS_BCST(operand.Mem{Base: x, Disp: 4 * r}, signs[r], masks[r], t)
	}
	a.VMOVUPS(t, a.At(tab, 0))
	a.ADDQ(operand.Imm(12), x)
	a.ADDQ(operand.Imm(4*panelLanes), tab)
	a.DECQ(groups)
	a.JNZ(operand.LabelRef("loop"))
	a.End()
}

// permTables256 stores the four bytes of the 16 entries apart. The last ones are xor their entries' numbers.
func permTables256(a *gen.Asm) {
	a.Begin(gen.AVX2, "permTables", permTablesDoc, "makes the tables of groups of three rows, the lowest bytes first.")
	tab, x, groups := a.Arg("tab"), a.Arg("x"), a.Arg("groups")
	// An unpacking within halves leaves each byte's entries in order if these are in a vector.
	parts := [2][]int{{0, 1, 2, 3, 8, 9, 10, 11}, {4, 5, 6, 7, 12, 13, 14, 15}}
	var has, signs [3][2]operand.Mem
	for r := range 3 {
		for v, entries := range parts {
			h, s := permLanes(r, entries)
			has[r][v] = a.Words(fmt.Sprintf("permHas%d%d", r, v), h...)
			signs[r][v] = a.Words(fmt.Sprintf("permHalf%d%d", r, v), s...)
		}
	}
	load := func(m operand.Mem) reg.VecVirtual {
		v := a.Vec()
		a.VMOVUPS(m, v)
		return v
	}
	none := a.Const(permSign)
	byByte := load(a.Words("permBytes", 0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703, 0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703))
	number := load(a.Words("permNumber", 0, 0, 0, 0, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c))
	var first [2]reg.VecVirtual
	for v := range parts {
		first[v] = load(has[0][v])
	}
	var by [3][2]reg.VecVirtual
	for r := 1; r < 3; r++ {
		for v := range parts {
			by[r][v] = load(signs[r][v])
		}
	}
	a.Label("loop")
	row := a.Vec()
	t := a.Vecs(2)
	a.VBROADCASTSS(operand.Mem{Base: x}, row)
	for v := range parts {
		a.VBLENDVPS(first[v], row, none, t[v])
	}
	for r := 1; r < 3; r++ {
		row := a.Vec()
		a.VBROADCASTSS(operand.Mem{Base: x, Disp: 4 * r}, row)
		for v := range parts {
			y := a.Vec()
			a.VANDPS(has[r][v], row, y)
			a.VFMADD231PS(by[r][v], y, t[v])
		}
	}
	for v := range parts {
		a.VPSHUFB(byByte, t[v], t[v])
	}
	low, high := a.Vec(), a.Vec()
	a.VPUNPCKLDQ(t[1], t[0], low)
	a.VPUNPCKHDQ(t[1], t[0], high)
	a.VPERMQ(operand.U8(0xd8), low, low)
	a.VPERMQ(operand.U8(0xd8), high, high)
	a.VPXOR(number, high, high)
	a.VMOVDQU(low, a.At(tab, 0))
	a.VMOVDQU(high, a.At(tab, 1))
	a.ADDQ(operand.Imm(12), x)
	a.ADDQ(operand.Imm(4*panelLanes), tab)
	a.DECQ(groups)
	a.JNZ(operand.LabelRef("loop"))
	a.End()
}

// permScale stores fma(scale, sum, bias), or scale*sum for a nil bias.
func permScale(a *gen.Asm, acc []reg.VecVirtual) {
	dst, scale, bias := a.Arg("dst"), a.Arg("scale"), a.Arg("bias")
	s := a.Vec()
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	for v, r := range acc {
		a.VMOVUPS(a.At(scale, v), s)
		a.VFMADD213PS(a.At(bias, v), s, r)
	}
	a.JMP(operand.LabelRef("store"))
	a.Label("unbiased")
	for v, r := range acc {
		a.VMULPS(a.At(scale, v), r, r)
	}
	a.Label("store")
	for v, r := range acc {
		a.VMOVUPS(r, a.At(dst, v))
	}
	a.End()
}

// permSums512 looks a code up in a table of 32: the entries and their negatives. VPERMI2PS reads the low five bits of a lane,
// whatever is above them, so of three codes that share half a word a load brings one there, a load from the next byte on another
// one, and a high product the third (runtime's permHalf). A Zen 4 permutes on two of four ports, adds on one of these and a
// third, multiplies on the other of them and the fourth: with one addition of three as a multiplication by one and addition, the
// three have equal work. It spreads work best if what waits for results is not queued early: sums are one or two vectors behind.
func permSums512(a *gen.Asm, vecs int) {
	a.Begin(gen.AVX512, fmt.Sprintf("permSums%d", vecs), "func(dst, start, tab *float32, codes *uint32, scale, bias *float32, threes, step int)",
		fmt.Sprintf("computes %d columns of a ternary layer for one row.", 16*vecs))
	acc := a.Vecs(vecs)
	start, tab, codes, threes, step := a.Arg("start"), a.Arg("tab"), a.Arg("codes"), a.Arg("threes"), a.Arg("step")
	for v, r := range acc {
		a.VMOVUPS(a.At(start, v), r)
	}
	by, one, minus := a.Const(permThird<<16|permThird), a.Const(permOne), a.Const(permSign)
	sums := func(halves int) {
		all := halves * vecs
		code := make([][3]reg.VecVirtual, all)
		var t, negative [3]reg.VecVirtual
		for i := range all + 2 {
			if i < all {
				code[i] = [3]reg.VecVirtual{a.Vec(), a.Vec(), a.Vec()}
				at := i%vecs*a.Bytes() + i/vecs*2
				a.VMOVDQU32(operand.Mem{Base: codes, Disp: at}, code[i][1])
				a.VMOVDQU32(operand.Mem{Base: codes, Disp: at + 1}, code[i][2])
				a.VPMULHUW(code[i][1], by, code[i][0])
				for g, c := range code[i] {
					if i%vecs == 0 {
						t[g], negative[g] = a.Vec(), a.Vec()
						a.VMOVUPS(a.At(tab, i/vecs*3+g), t[g])
						a.VPXORD(minus, t[g], negative[g])
					}
					a.VPERMI2PS(negative[g], t[g], c)
				}
			}
			third := func() {
				if v := i - 2; v >= 0 {
					a.VFMADD231PS(code[v][2], one, acc[v%vecs])
				}
			}
			if vecs == 1 { // the next vector has the same sums
				third()
			}
			if v := i - 1; v >= 0 && v < all {
				a.VADDPS(code[v][0], acc[v%vecs], acc[v%vecs])
				a.VADDPS(code[v][1], acc[v%vecs], acc[v%vecs])
			}
			if vecs > 1 {
				third()
			}
		}
	}
	a.SUBQ(operand.Imm(2), threes)
	a.JLT(operand.LabelRef("last"))
	a.Label("loop")
	sums(2)
	a.ADDQ(operand.U32(6*4*panelLanes), tab)
	a.ADDQ(step, codes)
	a.SUBQ(operand.Imm(2), threes)
	a.JGE(operand.LabelRef("loop"))
	a.Label("last")
	a.CMPQ(threes, operand.I8(-1))
	a.JNE(operand.LabelRef("scale"))
	sums(1)
	a.Label("scale")
	permScale(a, acc)
}

// permSums256 looks up the four bytes of entries apart, of 32 columns at once, and interleaves them. The code of a column is
// a byte: its entry, and the sign on top, which the last bytes take over, when the entry's number is taken from them.
func permSums256(a *gen.Asm) {
	a.Begin(gen.AVX2, "permSums", "func(dst, start, tab *float32, codes *uint8, scale, bias *float32, groups int)", "computes 32 columns of a ternary layer for one row.")
	acc := a.Vecs(4)
	start, tab, codes, groups := a.Arg("start"), a.Arg("tab"), a.Arg("codes"), a.Arg("groups")
	for v, r := range acc {
		a.VMOVUPS(a.At(start, v), r)
	}
	entry := a.Const(0x0f0f0f0f)
	a.Label("loop")
	code, i := a.Vec(), a.Vec()
	a.VMOVDQU(a.At(codes, 0), code)
	a.VPAND(code, entry, i)
	bytes := a.Vecs(4)
	for b, v := range bytes {
		a.VBROADCASTI128(operand.Mem{Base: tab, Disp: 16 * b}, v)
		a.VPSHUFB(i, v, v)
	}
	a.VPXOR(code, bytes[3], bytes[3])
	var words [2][2]reg.VecVirtual
	for w := range words {
		low, high := a.Vec(), a.Vec()
		a.VPUNPCKLBW(bytes[2*w+1], bytes[2*w], low)
		a.VPUNPCKHBW(bytes[2*w+1], bytes[2*w], high)
		words[0][w], words[1][w] = low, high
	}
	for h, w := range words {
		low, high := a.Vec(), a.Vec()
		a.VPUNPCKLWD(w[1], w[0], low)
		a.VPUNPCKHWD(w[1], w[0], high)
		a.VADDPS(low, acc[2*h], acc[2*h])
		a.VADDPS(high, acc[2*h+1], acc[2*h+1])
	}
	a.ADDQ(operand.Imm(4*panelLanes), tab)
	a.ADDQ(operand.Imm(32), codes)
	a.DECQ(groups)
	a.JNZ(operand.LabelRef("loop"))
	permScale(a, acc)
}
