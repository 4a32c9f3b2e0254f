// SPDX-License-Identifier: MIT-0

// Package gen is what the kernel generators share: vectors of either instruction set, constants, the float32 functions,
// and writing of files.
package gen

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An ISA is an instruction set that kernels are written for, under the name of its path in package runtime.
type ISA struct {
	Name  string
	Lanes int // float32 in a vector
}

var (
	AVX2   = ISA{"AVX2", 8}
	AVX512 = ISA{"AVX512", 16}
	ISAs   = []ISA{AVX2, AVX512}
)

// Asm writes the functions of one file.
type Asm struct {
	*Context
	ISA
	consts map[string]operand.Mem
}

// NewAsm begins an assembly file.
func NewAsm() *Asm {
	a := &Asm{Context: NewContext(), consts: map[string]operand.Mem{}}
	a.ConstraintExpr("!purego")
	return a
}

// Begin begins the function name+ISA; its doc comment is the name and the words.
func (a *Asm) Begin(isa ISA, name, signature, words string) {
	a.ISA = isa
	a.Function(name + isa.Name)
	a.Attributes(attr.NOSPLIT)
	a.Doc(name + isa.Name + " " + words)
	a.SignatureExpr(signature)
}

// End returns from the function.
func (a *Asm) End() {
	a.VZEROUPPER()
	a.RET()
}

// Bytes is the size of a vector.
func (a *Asm) Bytes() int { return 4 * a.Lanes }

func (a *Asm) wide() bool { return a.Lanes == 16 }

// Vec is a new vector register.
func (a *Asm) Vec() reg.VecVirtual {
	if a.wide() {
		return a.ZMM()
	}
	return a.YMM()
}

// Vecs are n new vector registers.
func (a *Asm) Vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = a.Vec()
	}
	return v
}

// Zero is a vector of +0.
func (a *Asm) Zero() reg.VecVirtual {
	v := a.Vec()
	a.Clear(v)
	return v
}

// Clear makes v a vector of +0.
func (a *Asm) Clear(v reg.VecVirtual) {
	if a.wide() {
		a.VPXORD(v, v, v)
	} else {
		a.VXORPS(v, v, v)
	}
}

// Const is a new register with the float32 of the given bits in every lane.
func (a *Asm) Const(bits uint32) reg.VecVirtual {
	v := a.Vec()
	a.VBROADCASTSS(a.Word(bits), v)
	return v
}

// Word is a 32-bit constant in memory.
func (a *Asm) Word(bits uint32) operand.Mem { return a.Words(fmt.Sprintf("c%08x", bits), bits) }

// Words is a constant of 32-bit words in memory, known by its name.
func (a *Asm) Words(name string, words ...uint32) operand.Mem {
	m, ok := a.consts[name]
	if !ok {
		m = a.StaticGlobal(name)
		a.DataAttributes(attr.RODATA | attr.NOPTR)
		for i, w := range words {
			a.AddDatum(4*i, operand.U32(w))
		}
		a.consts[name] = m
	}
	return m
}

// Arg is a parameter of one word in a new register.
func (a *Asm) Arg(name string) reg.GPVirtual { return a.arg(a.Param(name)) }

// Base and Len are those of a slice parameter, in new registers.
func (a *Asm) Base(name string) reg.GPVirtual { return a.arg(a.Param(name).Base()) }
func (a *Asm) Len(name string) reg.GPVirtual  { return a.arg(a.Param(name).Len()) }

func (a *Asm) arg(c gotypes.Component) reg.GPVirtual {
	r := a.GP64()
	a.Context.Load(c, r)
	return r
}

// At is the i-th vector after base.
func (a *Asm) At(base reg.Register, i int) operand.Mem {
	return operand.Mem{Base: base, Disp: i * a.Bytes()}
}

// A Tail selects the first lanes of vectors; the zero Tail selects all.
type Tail struct{ mask reg.Register }

// NewTail selects the lanes below n, which is less than a vector's.
func (a *Asm) NewTail(n reg.GPVirtual) Tail {
	iota := a.Words("iota", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
	v := a.Vec()
	if a.wide() {
		k := a.K()
		a.VPBROADCASTD(n.As32(), v)
		a.VPCMPGTD(iota, v, k)
		return Tail{k}
	}
	low := a.XMM()
	a.VMOVD(n.As32(), low)
	a.VPBROADCASTD(low, v)
	a.VPCMPGTD(iota, v, v)
	return Tail{v}
}

// Load is a new register with a vector of memory, +0 in the lanes that the tail does not select.
func (a *Asm) Load(m operand.Mem, t Tail) reg.VecVirtual {
	v := a.Vec()
	switch {
	case t.mask == nil:
		a.VMOVUPS(m, v)
	case a.wide():
		a.VMOVUPS_Z(m, t.mask, v)
	default:
		a.VMASKMOVPS(m, t.mask, v)
	}
	return v
}

// Store writes the selected lanes.
func (a *Asm) Store(v reg.VecVirtual, m operand.Mem, t Tail) {
	switch {
	case t.mask == nil:
		a.VMOVUPS(v, m)
	case a.wide():
		a.VMOVUPS(v, t.mask, m)
	default:
		a.VMASKMOVPS(v, t.mask, m)
	}
}

// Blend is a new register with v in the selected lanes and other in the rest; v itself without a tail.
func (a *Asm) Blend(v, other reg.VecVirtual, t Tail) reg.VecVirtual {
	if t.mask == nil {
		return v
	}
	y := a.Vec()
	if a.wide() {
		a.VBLENDMPS(v, other, t.mask, y)
	} else {
		a.VBLENDVPS(t.mask, v, other, y)
	}
	return y
}
