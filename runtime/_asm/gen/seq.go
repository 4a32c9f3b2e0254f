// SPDX-License-Identifier: MIT-0

package gen

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/ir/low"
)

// Sequence writes the operations of a function of package low on n vectors side by side. arg gives the argument of
// vector i in a new register, each time that it is used. A multiply-add overwrites an operand that is not used again.
func (a *Asm) Sequence(s *low.Sequence, n int, arg func(i int) reg.VecVirtual) []reg.VecVirtual {
	e := &sequence{Asm: a, code: s.Code, last: make([]int, len(s.Code)), val: make([][]reg.Register, len(s.Code)), upper: map[reg.Register]reg.Register{}}
	for k, o := range s.Code {
		for _, x := range o.Arg {
			e.last[x] = k
		}
	}
	for k, o := range s.Code {
		if o.Op == "x" || o.Op == "const" {
			continue
		}
		e.val[k] = make([]reg.Register, n)
		shared := map[int]reg.Register{} // constants serve all vectors
		if o.Op == "table" && a.wide() {
			shared[k] = a.Vec()
			a.VMOVUPS(a.Words(o.Table.Name, o.Table.Bits[:]...), shared[k])
		}
		for i := range n {
			if o.Op == "table" {
				e.val[k][i] = e.lookup(o.Table, shared[k], e.val[o.Arg[0]][i])
				continue
			}
			e.val[k][i] = e.op(k, o, func(j int) reg.Register {
				x := o.Arg[j]
				switch c := s.Code[x]; c.Op {
				case "x":
					if shared[-1-i] == nil {
						shared[-1-i] = arg(i)
					}
					return shared[-1-i]
				case "const":
					if shared[x] == nil {
						shared[x] = a.Const(c.Bits)
					}
					return shared[x]
				}
				return e.val[x][i]
			})
		}
	}
	out := make([]reg.VecVirtual, n)
	for i, r := range e.val[len(s.Code)-1] {
		out[i] = r.(reg.VecVirtual)
	}
	return out
}

// Named is the sequence of package low of that name.
func Named(name string) *low.Sequence {
	return low.Sequences[slices.IndexFunc(low.Sequences, func(s *low.Sequence) bool { return s.Name == name })]
}

type sequence struct {
	*Asm
	code []low.SeqOp
	last []int // the last user of a result
	val  [][]reg.Register

	upper map[reg.Register]reg.Register // of indices of tables: the lanes with the upper half
}

// free reports whether operand j of operation k may be overwritten.
func (e *sequence) free(k, j int) bool {
	x := e.code[k].Arg[j]
	return e.code[x].Op == "x" || e.code[x].Op != "const" && e.last[x] == k
}

func (e *sequence) op(k int, o low.SeqOp, arg func(j int) reg.Register) reg.Register {
	switch o.Op {
	case "fma", "fma!", "fma0":
		return e.fma(k, arg)
	case "lt":
		if e.wide() {
			m := e.K()
			e.VCMPPS(operand.U8(ltOQ), arg(1), arg(0), m)
			return m
		}
	}
	y := e.Vec()
	switch o.Op {
	case "add":
		e.VADDPS(arg(1), arg(0), y)
	case "sub":
		e.VSUBPS(arg(1), arg(0), y)
	case "mul":
		e.VMULPS(arg(1), arg(0), y)
	case "div":
		e.VDIVPS(arg(1), arg(0), y)
	case "clampmax": // VMAXPS gives the second source, the first of Go's operands, where the comparison is not true
		e.VMAXPS(arg(1), arg(0), y)
	case "clampmin":
		e.VMINPS(arg(1), arg(0), y)
	case "lt":
		e.VCMPPS(operand.U8(ltOQ), arg(1), arg(0), y)
	case "sel":
		if e.wide() {
			e.VBLENDMPS(arg(1), arg(2), arg(0), y)
		} else {
			e.VBLENDVPS(arg(0), arg(1), arg(2), y)
		}
	case "and":
		if e.wide() {
			e.VPANDD(arg(1), arg(0), y)
		} else {
			e.VPAND(arg(1), arg(0), y)
		}
	case "or":
		if e.wide() {
			e.VPORD(arg(1), arg(0), y)
		} else {
			e.VPOR(arg(1), arg(0), y)
		}
	case "iadd":
		e.VPADDD(arg(1), arg(0), y)
	case "isub":
		e.VPSUBD(arg(1), arg(0), y)
	case "shl":
		e.VPSLLD(operand.U8(o.Bits), arg(0), y)
	case "shr":
		e.VPSRLD(operand.U8(o.Bits), arg(0), y)
	default:
		panic("operation " + o.Op)
	}
	return y
}

// ltOQ compares less than, false for NaN, without an exception.
const ltOQ = 0x11

func (e *sequence) fma(k int, arg func(j int) reg.Register) reg.Register {
	switch {
	case e.free(k, 2):
		e.VFMADD231PS(arg(1), arg(0), arg(2))
		return arg(2)
	case e.free(k, 0):
		e.VFMADD213PS(arg(2), arg(1), arg(0))
		return arg(0)
	case e.free(k, 1):
		e.VFMADD213PS(arg(2), arg(0), arg(1))
		return arg(1)
	}
	y := e.Vec()
	e.VMOVAPS(arg(2), y)
	e.VFMADD231PS(arg(1), arg(0), y)
	return y
}

// lookup is the elements of a table, in a register if one holds it, that are chosen by the low four bits of the words of z.
func (e *sequence) lookup(t *low.SeqTable, all, z reg.Register) reg.Register {
	y := e.Vec()
	if e.wide() {
		e.VPERMPS(all, z, y)
		return y
	}
	if e.upper[z] == nil {
		u := e.Vec()
		e.VPSLLD(operand.U8(28), z, u)
		e.upper[z] = u
	}
	half := e.Vec()
	e.VPERMPS(e.Words(t.Name+"low", t.Bits[:8]...), z, y)
	e.VPERMPS(e.Words(t.Name+"high", t.Bits[8:]...), z, half)
	e.VBLENDVPS(e.upper[z], half, y, y)
	return y
}
