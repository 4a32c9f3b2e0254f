// SPDX-License-Identifier: MIT-0

// Command lanes writes lanes_amd64.s: sums, maxima, exponentials and scaling of vectors of 16 lanes; and moments_amd64.s: means and
// variances of the lanes of panels.
package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// width is the number of lanes of package runtime: one vector of AVX-512, two of AVX2.
const width = 16

func main() {
	k := kernel{gen.NewAsm()}
	for _, isa := range gen.ISAs {
		k.sum(isa)
		k.max(isa)
		k.squares(isa)
		k.exp(isa)
		k.scale(isa)
		for _, bias := range []bool{false, true} {
			k.rows(isa, bias)
			k.panels(isa, bias)
		}
	}
	k.Write("lanes", "lanes_amd64")

	k = kernel{gen.NewAsm()}
	for _, isa := range gen.ISAs {
		k.means(isa)
		k.factors(isa)
	}
	k.Write("lanes", "moments_amd64")
}

type kernel struct{ *gen.Asm }

// group is the registers of 16 lanes.
type group []reg.VecVirtual

// parts calls f for the vectors of 16 lanes.
func (k kernel) parts(f func(h int)) {
	for h := range width / k.Lanes {
		f(h)
	}
}

// state loads the 16 numbers that a parameter points to.
func (k kernel) state(name string) (g group, store func()) {
	p := k.Arg(name)
	k.parts(func(h int) { g = append(g, k.Load(k.At(p, h), gen.Tail{})) })
	return g, func() { k.parts(func(h int) { k.Store(g[h], k.At(p, h), gen.Tail{}) }) }
}

// zero is 16 lanes of +0: one register for all.
func (k kernel) zero() (g group) {
	z := k.Zero()
	k.parts(func(int) { g = append(g, z) })
	return g
}

// loops walks n elements: unroll groups of 16 at a time, one at a time, and the rest. body handles the i-th of several
// groups at the pointers; tails is nil for whole groups.
func (k kernel) loops(n reg.GPVirtual, unroll int, ptrs []reg.GPVirtual, body func(groups int, tails []gen.Tail)) {
	loop := func(name string, groups int) {
		k.Label(name)
		k.CMPQ(n, operand.U32(groups*width))
		k.JLT(operand.LabelRef(name + "End"))
		body(groups, make([]gen.Tail, 2))
		for _, p := range ptrs {
			k.ADDQ(operand.U32(4*groups*width), p)
		}
		k.SUBQ(operand.U32(groups*width), n)
		k.JMP(operand.LabelRef(name))
		k.Label(name + "End")
	}
	if unroll > 1 {
		loop("block", unroll)
	}
	loop("group", 1)
	k.TESTQ(n, n)
	k.JZ(operand.LabelRef("done"))
	var tails []gen.Tail
	k.parts(func(h int) {
		if h > 0 {
			k.SUBQ(operand.U32(k.Lanes), n) // negative: no lane
		}
		tails = append(tails, k.NewTail(n))
	})
	body(1, tails)
	k.Label("done")
}

// load is lanes h of group i at p.
func (k kernel) load(p reg.Register, i, h int, tails []gen.Tail) reg.VecVirtual {
	return k.Load(k.at(p, i, h), tails[h])
}

func (k kernel) at(p reg.Register, i, h int) operand.Mem { return k.At(p, i*width/k.Lanes+h) }

func (k kernel) sum(isa gen.ISA) {
	k.Begin(isa, "laneSum", "func(acc *[16]float32, x []float32)", "adds x[i] to acc[i%16].")
	acc, store := k.state("acc")
	x := k.Base("x")
	k.loops(k.Len("x"), 4, []reg.GPVirtual{x}, func(groups int, tails []gen.Tail) {
		for i := range groups {
			k.parts(func(h int) { k.VADDPS(k.load(x, i, h, tails), acc[h], acc[h]) })
		}
	})
	store()
	k.End()
}

// max keeps a maximum for each of four groups and joins them at the end.
func (k kernel) max(isa gen.ISA) {
	k.Begin(isa, "laneMax", "func(acc *[16]float32, x []float32)", "sets acc[i%16] to x[i] where that is larger.")
	first, store := k.state("acc")
	accs := []group{first}
	for range 3 {
		var g group
		k.parts(func(h int) { g = append(g, k.Vec()); k.VMOVAPS(first[h], g[h]) })
		accs = append(accs, g)
	}
	x := k.Base("x")
	k.loops(k.Len("x"), 4, []reg.GPVirtual{x}, func(groups int, tails []gen.Tail) {
		for i := range groups {
			k.parts(func(h int) {
				acc := accs[i][h]
				k.VMAXPS(acc, k.Blend(k.load(x, i, h, tails), acc, tails[h]), acc)
			})
		}
	})
	k.parts(func(h int) {
		for _, g := range accs[1:] {
			k.VMAXPS(first[h], g[h], first[h])
		}
	})
	store()
	k.End()
}

func (k kernel) squares(isa gen.ISA) {
	k.Begin(isa, "laneSquares", "func(acc, mean *[16]float32, x []float32)", "continues the chains acc = fma(d, d, acc), d = x[i] - mean[i%16].")
	acc, store := k.state("acc")
	mean, _ := k.state("mean")
	zero := k.zero()
	x := k.Base("x")
	k.loops(k.Len("x"), 4, []reg.GPVirtual{x}, func(groups int, tails []gen.Tail) {
		for i := range groups {
			k.parts(func(h int) {
				d := k.load(x, i, h, tails)
				k.VSUBPS(mean[h], d, d)
				d = k.Blend(d, zero[h], tails[h])
				k.VFMADD231PS(d, d, acc[h])
			})
		}
	})
	store()
	k.End()
}

func (k kernel) exp(isa gen.ISA) {
	k.Begin(isa, "laneExp", "func(dst, src []float32, top, sum *[16]float32)", "computes e = expneg(src[i] - top[i%16]) and adds it to sum[i%16].")
	top, _ := k.state("top")
	sum, store := k.state("sum")
	zero := k.zero()
	dst, src := k.Base("dst"), k.Base("src")
	unroll, vecs := map[gen.ISA]int{gen.AVX2: 1, gen.AVX512: 6}[isa], width/k.Lanes
	k.loops(k.Len("src"), unroll, []reg.GPVirtual{dst, src}, func(groups int, tails []gen.Tail) {
		e := k.Sequence(gen.Named("expneg"), groups*vecs, func(i int) reg.VecVirtual {
			x := k.load(src, i/vecs, i%vecs, tails)
			k.VSUBPS(top[i%vecs], x, x)
			return x
		})
		for i, v := range e {
			h := i % vecs
			k.Store(v, k.at(dst, i/vecs, h), tails[h])
			k.VADDPS(k.Blend(v, zero[h], tails[h]), sum[h], sum[h])
		}
	})
	store()
	k.End()
}

func (k kernel) scale(isa gen.ISA) {
	k.Begin(isa, "laneScale", "func(dst, src []float32, mean, r *[16]float32)", "computes (src[i] - mean[i%16])·r[i%16].")
	k.normalize([]string{"dst", "src"}, func(ptrs []reg.GPVirtual, i, h int, y reg.VecVirtual, tails []gen.Tail) {})
	k.End()
}

func (k kernel) rows(isa gen.ISA, bias bool) {
	params, name, words := operands(bias)
	k.Begin(isa, "laneScaleRow"+name, "func(dst, src, scale"+params+" []float32, mean, r *[16]float32)", "computes "+words+", y = (src[i] - mean[i%16])·r[i%16].")
	names := []string{"dst", "src", "scale", "bias"}
	if !bias {
		names = names[:3]
	}
	k.normalize(names, func(ptrs []reg.GPVirtual, i, h int, y reg.VecVirtual, tails []gen.Tail) {
		s := k.load(ptrs[2], i, h, tails)
		if bias {
			k.VFMADD213PS(k.load(ptrs[3], i, h, tails), s, y)
		} else {
			k.VMULPS(s, y, y)
		}
	})
	k.End()
}

func operands(bias bool) (params, name, words string) {
	if bias {
		return ", bias", "Bias", "fma(y, scale[i], bias[i])"
	}
	return "", "", "y·scale[i]"
}

// normalize computes y = (src-mean)·r, and what finish does with it; the second pointer is src, the first is dst.
func (k kernel) normalize(names []string, finish func(ptrs []reg.GPVirtual, i, h int, y reg.VecVirtual, tails []gen.Tail)) {
	mean, _ := k.state("mean")
	r, _ := k.state("r")
	var ptrs []reg.GPVirtual
	for _, name := range names {
		ptrs = append(ptrs, k.Base(name))
	}
	k.loops(k.Len("src"), 2, ptrs, func(groups int, tails []gen.Tail) {
		for i := range groups {
			k.parts(func(h int) {
				y := k.load(ptrs[1], i, h, tails)
				k.VSUBPS(mean[h], y, y)
				k.VMULPS(r[h], y, y)
				finish(ptrs, i, h, y, tails)
				k.Store(y, k.at(ptrs[0], i, h), tails[h])
			})
		}
	})
}

// panels is as rows, with an element of scale and bias for each group.
func (k kernel) panels(isa gen.ISA, bias bool) {
	params, name, words := operands(bias)
	k.Begin(isa, "laneScalePanel"+name, "func(dst, src, scale"+params+" []float32, mean, r *[16]float32)", "is laneScaleRow"+name+" with scale and bias of panels: an element for 16 of dst and src; "+words+".")
	mean, _ := k.state("mean")
	r, _ := k.state("r")
	dst, src, scale, n := k.Base("dst"), k.Base("src"), k.Base("scale"), k.Len("scale")
	var b reg.GPVirtual
	if bias {
		b = k.Base("bias")
	}
	i := k.GP64()
	k.XORQ(i, i)
	k.TESTQ(n, n)
	k.JZ(operand.LabelRef("done"))
	k.Label("feature")
	s := k.Vec()
	k.VBROADCASTSS(operand.Mem{Base: scale, Index: i, Scale: 4}, s)
	k.parts(func(h int) {
		y := k.Load(k.At(src, h), gen.Tail{})
		k.VSUBPS(mean[h], y, y)
		k.VMULPS(r[h], y, y)
		if bias {
			c := k.Vec()
			k.VBROADCASTSS(operand.Mem{Base: b, Index: i, Scale: 4}, c)
			k.VFMADD213PS(c, s, y)
		} else {
			k.VMULPS(s, y, y)
		}
		k.Store(y, k.At(dst, h), gen.Tail{})
	})
	k.ADDQ(operand.U32(4*width), src)
	k.ADDQ(operand.U32(4*width), dst)
	k.INCQ(i)
	k.CMPQ(i, n)
	k.JLT(operand.LabelRef("feature"))
	k.Label("done")
	k.End()
}
