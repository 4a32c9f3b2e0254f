// SPDX-License-Identifier: MIT-0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// lists is what the loops over lists of weights share: several panels at once, one chain in every lane of each.
type lists struct {
	*gen.Asm
	panels int
	acc    []reg.VecVirtual
	src    []reg.Register // the panels
	rows   reg.Register
	i      reg.Register // place in the list
}

func newLists(a *gen.Asm, panels int) *lists {
	l := &lists{Asm: a, panels: panels, acc: a.Vecs(panels * panelLanes / a.Lanes)}
	l.src = []reg.Register{a.Arg("src")}
	if panels > 1 {
		step := a.Arg("srcPanel")
		for range panels - 1 {
			p := a.GP64()
			a.LEAQ(operand.Mem{Base: l.src[len(l.src)-1], Index: step, Scale: 1}, p)
			l.src = append(l.src, p)
		}
	}
	l.rows, l.i = a.Arg("rows"), a.Arg("begin")
	return l
}

// each calls f with every accumulator and what it reads of the row at l.i.
func (l *lists) each(f func(x operand.Mem, acc reg.VecVirtual)) {
	row := l.GP64()
	l.MOVWLZX(operand.Mem{Base: l.rows, Index: l.i, Scale: 2}, row.As32())
	l.SHLQ(operand.Imm(6), row)
	per := panelLanes / l.Lanes
	for i, r := range l.acc {
		f(operand.Mem{Base: l.src[i/per], Index: row, Scale: 1, Disp: i % per * l.Bytes()}, r)
	}
}

// loop repeats body while l.i is below end, and counts l.i up.
func (l *lists) loop(name string, end reg.Register, body func()) {
	l.CMPQ(l.i, end)
	l.JGE(operand.LabelRef(name + "end"))
	l.Label(name)
	body()
	l.INCQ(l.i)
	l.CMPQ(l.i, end)
	l.JLT(operand.LabelRef(name))
	l.Label(name + "end")
}

// store writes the accumulators to the panels of dst and goes on to the next feature.
func (l *lists) store(dst reg.Register) {
	l.stored(dst, func(m operand.Mem, r reg.VecVirtual) { l.VMOVUPS(r, m) })
	l.ADDQ(operand.Imm(4*panelLanes), dst)
}

// stored calls f with every accumulator and its place in the panels of dst, which are dstPanel bytes apart.
func (l *lists) stored(dst reg.Register, f func(m operand.Mem, r reg.VecVirtual)) {
	per := panelLanes / l.Lanes
	at := dst
	for i, r := range l.acc {
		if i > 0 && i%per == 0 {
			next := l.GP64()
			l.MOVQ(at, next)
			step, err := l.Param("dstPanel").Resolve()
			if err != nil {
				panic(err)
			}
			l.ADDQ(step.Addr, next)
			at = next
		}
		f(operand.Mem{Base: at, Disp: i % per * l.Bytes()}, r)
	}
}

// scale is the epilogue of a column: fma(scale, sum, bias), or scale·sum for a nil bias. It goes on to the next column.
func (l *lists) scale(scale, bias reg.Register) {
	s, b := l.Vec(), l.Vec()
	l.VBROADCASTSS(operand.Mem{Base: scale}, s)
	l.ADDQ(operand.Imm(4), scale)
	l.TESTQ(bias, bias)
	l.JZ(operand.LabelRef("unbiased"))
	l.VBROADCASTSS(operand.Mem{Base: bias}, b)
	l.ADDQ(operand.Imm(4), bias)
	for _, r := range l.acc {
		l.VFMADD213PS(b, s, r)
	}
	l.JMP(operand.LabelRef("store"))
	l.Label("unbiased")
	for _, r := range l.acc {
		l.VMULPS(s, r, r)
	}
}

func ternaryList(a *gen.Asm, isa gen.ISA, panels int) {
	a.Begin(isa, fmt.Sprintf("ternaryList%d", panels), "func(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)",
		fmt.Sprintf("computes n columns of a ternary layer on panels side by side: %d.", panels))
	l := newLists(a, panels)
	ends, scale, bias := a.Arg("ends"), a.Arg("scale"), a.Arg("bias")
	n, dst := a.Arg("n"), a.Arg("dst")
	minusZero := a.Const(0x80000000)
	end := a.GP64()

	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	for _, r := range l.acc { // -0 + x is x, and +0 - x is 0 - x
		a.VXORPS(r, r, r)
	}
	a.CMPQ(l.i, end)
	a.JGE(operand.LabelRef("minus"))
	for _, r := range l.acc {
		a.VMOVAPS(minusZero, r)
	}
	a.Label("plus")
	l.each(func(x operand.Mem, acc reg.VecVirtual) { a.VADDPS(x, acc, acc) })
	a.INCQ(l.i)
	a.CMPQ(l.i, end)
	a.JLT(operand.LabelRef("plus"))
	a.Label("minus")
	a.MOVLQSX(operand.Mem{Base: ends, Disp: 4}, end)
	l.loop("subtract", end, func() {
		l.each(func(x operand.Mem, acc reg.VecVirtual) { a.VSUBPS(x, acc, acc) })
	})
	l.scale(scale, bias)
	a.Label("store")
	l.store(dst)
	a.ADDQ(operand.Imm(8), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}

// sparseRuns has a loop for every number of columns side by side, at most as many as have accumulators.
func sparseRuns(a *gen.Asm, isa gen.ISA, panels int, widths []int) {
	a.Begin(isa, fmt.Sprintf("sparseRuns%d", panels), "func(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)",
		fmt.Sprintf("adds runs of columns of a sparse layer on panels side by side: %d.", panels))
	vecs := panelLanes / isa.Lanes
	dst, rows, values, cols, runs := a.Arg("dst"), a.Arg("rows"), a.Arg("values"), a.Arg("cols"), a.Arg("runs")
	src := []reg.Register{a.Arg("src")}
	r, packed, count, groups, i := a.GP64(), a.GP64(), a.GP64(), a.GP64(), a.GP64()
	memory := func(name string) operand.Mem {
		c, err := a.Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		return c.Addr
	}
	for p := 1; p < panels; p++ {
		src = append(src, a.GP64())
		a.MOVQ(memory("srcPanel"), src[p])
		a.ADDQ(src[p-1], src[p])
	}
	l := splats{Asm: a}
	if isa == gen.AVX512 {
		for c := range widths[0] {
			l.index = append(l.index, a.Const(uint32(c)))
		}
	}
	for _, w := range widths[:len(widths)-1] {
		a.CMPQ(memory("width"), operand.Imm(uint64(w)))
		a.JE(operand.LabelRef(fmt.Sprintf("run%d", w)))
	}
	for q := len(widths) - 1; q >= 0; q-- { // the narrowest falls through
		w := widths[q]
		name := func(s string) string { return fmt.Sprintf("%s%d", s, w) }
		acc := a.Vecs(w * panels * vecs)
		at := func(c, p, v int) reg.VecVirtual { return acc[(c*panels+p)*vecs+v] }
		a.Label(name("run"))
		a.MOVL(operand.Mem{Base: runs}, count.As32())
		a.MOVL(operand.Mem{Base: runs, Disp: 4}, groups.As32())
		a.ADDQ(operand.Imm(8), runs)
		a.Label(name("group"))
		a.MOVQ(memory("start"), packed)
		a.TESTQ(packed, packed)
		a.JZ(operand.LabelRef(name("continue")))
		for c := range w {
			a.MOVL(operand.Mem{Base: cols, Disp: 4 * c}, r.As32())
			a.VBROADCASTSS(operand.Mem{Base: packed, Index: r, Scale: 4}, at(c, 0, 0))
			for x := 1; x < panels*vecs; x++ {
				a.VMOVAPS(at(c, 0, 0), at(c, 0, x))
			}
		}
		a.JMP(operand.LabelRef(name("begin")))
		a.Label(name("continue"))
		each := func(f func(c, p, v int, m operand.Mem)) {
			for c := range w {
				a.MOVL(operand.Mem{Base: cols, Disp: 4 * c}, r.As32())
				a.SHLQ(operand.Imm(6), r)
				a.ADDQ(dst, r)
				for p := range panels {
					if p > 0 {
						a.ADDQ(memory("dstPanel"), r)
					}
					for v := range vecs {
						f(c, p, v, operand.Mem{Base: r, Disp: v * a.Bytes()})
					}
				}
			}
		}
		each(func(c, p, v int, m operand.Mem) { a.VMOVUPS(m, at(c, p, v)) })
		a.Label(name("begin"))
		a.MOVQ(count, i)
		a.TESTQ(i, i)
		a.JZ(operand.LabelRef(name("store")))
		a.Label(name("weight"))
		value := l.values(values, w)
		for c := range w {
			row := packedRow(a, rows, packed, r, c, w)
			x := value(c)
			for p := range panels {
				for v := range vecs {
					a.VFMADD231PS(operand.Mem{Base: src[p], Index: row, Scale: 1, Disp: v * a.Bytes()}, x, at(c, p, v))
				}
			}
		}
		a.ADDQ(operand.Imm(uint64(2*w)), rows)
		a.ADDQ(operand.Imm(uint64(4*w)), values)
		a.DECQ(i)
		a.JNZ(operand.LabelRef(name("weight")))
		a.Label(name("store"))
		each(func(c, p, v int, m operand.Mem) { a.VMOVUPS(at(c, p, v), m) })
		a.ADDQ(operand.Imm(uint64(4*w)), cols)
		a.DECQ(groups)
		a.JNZ(operand.LabelRef(name("group")))
		a.DECQ(memory("n"))
		a.JNZ(operand.LabelRef(name("run")))
		if q > 0 {
			a.JMP(operand.LabelRef("done"))
		}
	}
	a.Label("done")
	a.End()
}

// packedRow is the register that holds the 16 bits of column c of n. AVX-512 loads four of them at once, because a load of 64
// bytes leaves no port to others.
func packedRow(a *gen.Asm, rows, packed, r reg.GPVirtual, c, n int) reg.GPVirtual {
	m := operand.Mem{Base: rows, Disp: 2 * c}
	switch {
	case n == 1 || a.Lanes < panelLanes:
		a.MOVWLZX(m, r.As32())
		return r
	case c%4 > 0:
		a.SHRQ(operand.Imm(16), packed)
	case n == 2:
		a.MOVL(m, packed.As32())
	default:
		a.MOVQ(m, packed)
	}
	if c%4 == min(n, 4)-1 {
		return packed
	}
	a.MOVWLZX(packed.As16(), r.As32())
	return r
}

// splats spread elements of memory over a register each. A broadcast of 4 bytes takes as long as a load of 64 on some
// processors; AVX-512 has registers for the indices of permutations instead.
type splats struct {
	*gen.Asm
	index []reg.VecVirtual
}

// values returns how to spread each of n elements.
func (l splats) values(from reg.Register, n int) func(i int) reg.VecVirtual {
	x := l.Vec()
	if l.index == nil || n == 1 {
		return func(i int) reg.VecVirtual {
			l.VBROADCASTSS(operand.Mem{Base: from, Disp: 4 * i}, x)
			return x
		}
	}
	m := operand.Mem{Base: from}
	switch n {
	case 2:
		l.VMOVSD(m, x.AsX())
	case 4:
		l.VMOVUPS(m, x.AsX())
	case 8:
		l.VMOVUPS(m, x.AsY())
	}
	return func(i int) reg.VecVirtual {
		y := l.Vec()
		l.VPERMPS(x, l.index[i], y)
		return y
	}
}

// ternaryRow works on single elements, to which AVX-512 has nothing to add.
func ternaryRow(a *gen.Asm) {
	a.Begin(gen.AVX2, "ternaryRow", "func(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n int)",
		"computes n columns of a ternary layer for one row.")
	dst, src, rows, ends, scale, bias := a.Arg("dst"), a.Arg("src"), a.Arg("rows"), a.Arg("ends"), a.Arg("scale"), a.Arg("bias")
	i, n, end, row := a.Arg("begin"), a.Arg("n"), a.GP64(), a.GP64()
	acc, s, minusZero := a.XMM(), a.XMM(), a.XMM()
	a.VMOVSS(a.Word(0x80000000), minusZero)
	l := &lists{Asm: a, i: i}
	x := func() operand.Mem {
		a.MOVWLZX(operand.Mem{Base: rows, Index: i, Scale: 2}, row.As32())
		return operand.Mem{Base: src, Index: row, Scale: 4}
	}
	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	a.VXORPS(acc, acc, acc)
	a.CMPQ(i, end)
	a.JGE(operand.LabelRef("minus"))
	a.VMOVAPS(minusZero, acc)
	a.Label("plus")
	a.VADDSS(x(), acc, acc)
	a.INCQ(i)
	a.CMPQ(i, end)
	a.JLT(operand.LabelRef("plus"))
	a.Label("minus")
	a.MOVLQSX(operand.Mem{Base: ends, Disp: 4}, end)
	l.loop("subtract", end, func() { a.VSUBSS(x(), acc, acc) })
	a.VMOVSS(operand.Mem{Base: scale}, s)
	a.ADDQ(operand.Imm(4), scale)
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	a.VFMADD213SS(operand.Mem{Base: bias}, s, acc)
	a.ADDQ(operand.Imm(4), bias)
	a.JMP(operand.LabelRef("store"))
	a.Label("unbiased")
	a.VMULSS(s, acc, acc)
	a.Label("store")
	a.VMOVSS(acc, operand.Mem{Base: dst})
	a.ADDQ(operand.Imm(4), dst)
	a.ADDQ(operand.Imm(8), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}

func sparseRow(a *gen.Asm) {
	a.Begin(gen.AVX2, "sparseRow", "func(dst, src *float32, rows *uint16, values *float32, ends *int32, bias *float32, begin, n int)",
		"computes n columns of a sparse layer for one row.")
	dst, src, rows, values, ends, bias := a.Arg("dst"), a.Arg("src"), a.Arg("rows"), a.Arg("values"), a.Arg("ends"), a.Arg("bias")
	i, n, end, row := a.Arg("begin"), a.Arg("n"), a.GP64(), a.GP64()
	acc, v := a.XMM(), a.XMM()
	l := &lists{Asm: a, i: i}
	a.Label("column")
	a.MOVLQSX(operand.Mem{Base: ends}, end)
	a.VXORPS(acc, acc, acc)
	a.TESTQ(bias, bias)
	a.JZ(operand.LabelRef("unbiased"))
	a.VMOVSS(operand.Mem{Base: bias}, acc)
	a.ADDQ(operand.Imm(4), bias)
	a.Label("unbiased")
	l.loop("add", end, func() {
		a.MOVWLZX(operand.Mem{Base: rows, Index: i, Scale: 2}, row.As32())
		a.VMOVSS(operand.Mem{Base: values, Index: i, Scale: 4}, v)
		a.VFMADD231SS(operand.Mem{Base: src, Index: row, Scale: 4}, v, acc)
	})
	a.VMOVSS(acc, operand.Mem{Base: dst})
	a.ADDQ(operand.Imm(4), dst)
	a.ADDQ(operand.Imm(4), ends)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("column"))
	a.End()
}
