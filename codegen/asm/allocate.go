package asm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// allocator gives values registers in one pass. Values that can be loaded again make room for others, the one first that
// is needed last (L. A. Belady, A study of replacement algorithms for a virtual-storage computer, 1966); no other value
// is ever spilled.
type allocator struct {
	*code
	t      *text
	at     int
	owner  []int  // value by register; -1: free
	reg    []int  // register by value; -1: none
	next   []int  // index of the next of value.uses
	pinned []bool // registers of the current instruction
	ones   int    // the register that holds 1
	zeros  int    // the register that holds 0; -1 if none does
	fma    []bool // which additions are multiplications by one and additions
}

// held are the registers of 1 and, where there are enough, of 0.
func (s Set) held() (ones, zeros int) {
	if s == AVX512 {
		return 31, 30
	}
	return 15, -1
}

func newAllocator(c *code, t *text) *allocator {
	a := &allocator{code: c, t: t, fma: c.multiply(), reg: make([]int, len(c.values)), next: make([]int, len(c.values))}
	a.owner, a.pinned = make([]int, c.set.registers()), make([]bool, c.set.registers())
	for i := range a.owner {
		a.owner[i] = -1
	}
	for v := range a.reg {
		a.reg[v] = -1
	}
	a.ones, a.zeros = c.set.held()
	a.pinned[a.ones] = true
	if a.zeros >= 0 {
		a.pinned[a.zeros] = true
	}
	return a
}

var errRegisters = errors.New("the code needs more registers than there are")

// free returns a register for a new value.
func (a *allocator) free() (int, error) {
	victim, far := -1, -1
	for r, v := range a.owner {
		if a.pinned[r] {
			continue
		}
		if v < 0 {
			return r, nil
		}
		if u := a.values[v].uses[a.next[v]]; a.values[v].from.kind != computed && u > far {
			victim, far = r, u
		}
	}
	if victim < 0 {
		return 0, errRegisters
	}
	a.reg[a.owner[victim]] = -1
	a.owner[victim] = -1
	return victim, nil
}

func (a *allocator) take(v, r int) {
	if len(a.values[v].uses) == 0 {
		return
	}
	a.owner[r], a.reg[v] = v, r
}

func (a *allocator) leave(v int) {
	if r := a.reg[v]; r >= 0 {
		a.owner[r], a.reg[v] = -1, -1
	}
}

// dies reports whether the current instruction is the last that uses v.
func (a *allocator) dies(v int) bool { return a.next[v] == len(a.values[v].uses)-1 }

// inMemory reports whether v is best read from memory by the current instruction.
func (a *allocator) inMemory(v int) bool {
	s := a.values[v].from
	if a.reg[v] >= 0 || s.base == nil || s.kind == quads || s.kind == broadcast && a.set != AVX512 {
		return false
	}
	return len(a.values[v].uses)-a.next[v] <= a.direct || a.room() < 3
}

// room is how many registers the current instruction can still take.
func (a *allocator) room() (n int) {
	for r, v := range a.owner {
		if !a.pinned[r] && (v < 0 || a.values[v].from.kind != computed) {
			n++
		}
	}
	return n
}

// in returns the register of v, loading it if need be, and pins it for the current instruction.
func (a *allocator) in(v int) (int, error) {
	if a.values[v].from.kind == zero && a.zeros >= 0 {
		return a.zeros, nil
	}
	if a.reg[v] < 0 {
		if a.values[v].from.kind == computed {
			panic("a value is used before it is made")
		}
		r, err := a.free()
		if err != nil {
			return 0, err
		}
		a.fill(r, a.values[v].from)
		a.take(v, r)
	}
	a.pinned[a.reg[v]] = true
	return a.reg[v], nil
}

// fill loads a register.
func (a *allocator) fill(r int, s source) {
	switch s.kind {
	case zero:
		a.t.ins(a.set.size("VXORPS", r, 0, 0), "VXORPS", a.set.reg(r), a.set.reg(r), a.set.reg(r))
	case vector:
		a.memory("VMOVUPS", s, "", a.set.reg(r))
	case broadcast:
		m, n := a.address("VBROADCASTSS", s)
		a.t.ins(n, "VBROADCASTSS", m, a.set.reg(r))
	case quads:
		op := a.set.broadcastQuad()
		m, n := a.address(op, s)
		a.t.ins(n, op, m, a.set.reg(r))
	}
}

// address spells a place in memory.
func (a *allocator) address(op string, s source) (string, int) {
	unit := a.set.width()
	switch s.kind {
	case broadcast:
		unit = 4
	case quads:
		unit = 4 * quad
	}
	d := s.off - s.base.shift
	n := a.set.size(op, -1, d, unit)
	if d == 0 {
		return "(" + s.base.reg + ")", n
	}
	return strconv.Itoa(d) + "(" + s.base.reg + ")", n
}

// memory prints an instruction whose last source is in memory.
func (a *allocator) memory(op string, s source, mid, dst string) {
	m, n := a.address(op, s)
	if s.kind == broadcast {
		op += ".BCST"
	}
	if mid == "" {
		a.t.ins(n, op, m, dst)
		return
	}
	a.t.ins(n, op, m, mid, dst)
}

// three prints dst = op(x, y), where y may be in memory.
func (a *allocator) three(op string, dst, x, y int, inMemory bool) {
	if inMemory {
		a.memory(op, a.values[y].from, a.set.reg(x), a.set.reg(dst))
		return
	}
	r := a.in0(y)
	a.t.ins(a.set.size(op, r, 0, 0), op, a.set.reg(r), a.set.reg(x), a.set.reg(dst))
}

// in0 is the register of a value that has one.
func (a *allocator) in0(v int) int {
	if a.values[v].from.kind == zero && a.zeros >= 0 {
		return a.zeros
	}
	return a.reg[v]
}

// op prints an instruction.
func (a *allocator) op(i int) (err error) {
	a.at = i
	o := &a.ops[i]
	switch o.kind {
	case opStore:
		err = a.storeOp(o)
	case opReach:
		o.to.base.reach(a.t, o.to.off, o.last, 4)
	case opMove:
		o.to.base.move(a.t, o.to.off)
	case opSpread:
		err = a.spread(o)
	case opFMA, opFNMA:
		err = a.fused(o)
	default:
		err = a.binary(o)
	}
	for r := range a.pinned {
		a.pinned[r] = r == a.ones || r == a.zeros
	}
	return err
}

// used notes that the current instruction has read its operands: those that die leave their registers.
func (a *allocator) used(args []int) {
	for k, v := range args {
		if slices.Contains(args[:k], v) {
			continue
		}
		if a.dies(v) {
			a.leave(v)
		}
		a.next[v]++
	}
}

func (a *allocator) storeOp(o *op) error {
	r, err := a.in(o.args[0])
	if err != nil {
		return err
	}
	m, n := a.address("VMOVUPS", o.to)
	a.t.ins(n, "VMOVUPS", a.set.reg(r), m)
	a.used(o.args)
	return nil
}

var mnemonics = map[opKind]string{
	opAdd: "VADDPS", opSub: "VSUBPS", opMul: "VMULPS", opDiv: "VDIVPS", opMax: "VMAXPS", opMin: "VMINPS",
	opXor: "VXORPS", opAnd: "VANDPS", opSqrt: "VSQRTPS",
}

// binary prints an instruction of one or two operands. An addition to a value that dies may as well be a multiplication
// by one and addition, which has the same result: so the units for both are busy.
func (a *allocator) binary(o *op) error {
	if o.kind == opSqrt {
		return a.root(o)
	}
	x, y := o.args[0], o.args[1]
	if commutes := o.kind == opAdd || o.kind == opMul || o.kind == opXor || o.kind == opAnd; commutes {
		if a.inMemory(x) && !a.inMemory(y) || a.reg[x] >= 0 && !a.dies(x) && a.reg[y] >= 0 && a.dies(y) {
			x, y = y, x
		}
	}
	fixed := a.values[x].from.kind == zero || !a.dies(x) || x == y // the sum cannot take the place of x
	if o.kind == opSub && a.inMemory(x) && a.reg[y] >= 0 && a.dies(y) && x != y {
		r := a.reg[y]
		a.memory("VFNMADD213PS", a.values[x].from, a.set.reg(a.ones), a.set.reg(r))
		a.used(o.args)
		a.take(o.dst, r)
		return nil
	}
	mem := a.inMemory(y) && x != y
	if !mem {
		if _, err := a.in(y); err != nil {
			return err
		}
	}
	rx, err := a.in(x)
	if err != nil {
		return err
	}
	fma := ""
	if !fixed && a.fma[a.at] {
		switch o.kind {
		case opAdd:
			fma = "VFMADD231PS"
		case opSub:
			fma = "VFNMADD231PS"
		}
	}
	if fma != "" {
		a.three(fma, rx, a.ones, y, mem)
		a.used(o.args)
		a.take(o.dst, rx)
		return nil
	}
	return a.result(o, func(dst int) { a.three(mnemonics[o.kind], dst, rx, y, mem) }, rx, a.in0(y))
}

// result finds a register for the result, prints the instruction, and releases what dies. The registers of operands that
// die serve as well as free ones.
func (a *allocator) result(o *op, print func(dst int), regs ...int) error {
	dst := -1
	for _, r := range regs {
		if r < 0 {
			continue
		}
		if v := a.owner[r]; v >= 0 && slices.Contains(o.args, v) && a.dies(v) {
			dst = r
			break
		}
	}
	if dst < 0 {
		var err error
		if dst, err = a.free(); err != nil {
			return err
		}
	}
	print(dst)
	a.used(o.args)
	a.take(o.dst, dst)
	return nil
}

// spread prints the copy of one lane to all.
func (a *allocator) spread(o *op) error {
	r, err := a.in(o.args[0])
	if err != nil {
		return err
	}
	return a.result(o, func(dst int) {
		a.t.ins(a.set.size("VPERMILPS", r, 0, 0)+1, "VPERMILPS", fmt.Sprintf("$%d", 0x55*o.lane), a.set.reg(r), a.set.reg(dst))
	}, r)
}

func (a *allocator) root(o *op) error {
	r, err := a.in(o.args[0])
	if err != nil {
		return err
	}
	return a.result(o, func(dst int) {
		a.t.ins(a.set.size("VSQRTPS", r, 0, 0), "VSQRTPS", a.set.reg(r), a.set.reg(dst))
	}, r)
}

// fused prints a*b + c or c - a*b. The result takes the place of one operand: of one that dies, else of a copy.
func (a *allocator) fused(o *op) error {
	x, y, z := o.args[0], o.args[1], o.args[2]
	name := map[opKind]string{opFMA: "VFMADD", opFNMA: "VFNMADD"}[o.kind]
	if a.reg[y] >= 0 && a.dies(y) && !(a.reg[x] >= 0 && a.dies(x)) {
		x, y = y, x
	}
	xDies := a.reg[x] >= 0 && a.dies(x) && x != y && x != z
	zDies := a.reg[z] >= 0 && a.dies(z) && z != x && z != y
	switch {
	case xDies && !zDies && !(a.inMemory(y) && a.reg[z] < 0): // x = x*y + z
		a.pinned[a.reg[x]] = true
		mem := a.inMemory(z) && z != y
		if !mem {
			if _, err := a.in(z); err != nil {
				return err
			}
		}
		ry, err := a.in(y)
		if err != nil {
			return err
		}
		rx := a.reg[x]
		a.three(name+"213PS", rx, ry, z, mem)
		a.used(o.args)
		a.take(o.dst, rx)
		return nil
	}
	if a.inMemory(x) && !a.inMemory(y) {
		x, y = y, x
	}
	mem := a.inMemory(y) && y != x && y != z
	if !mem {
		if _, err := a.in(y); err != nil {
			return err
		}
	}
	rx, err := a.in(x)
	if err != nil {
		return err
	}
	rz := a.in0(z)
	switch {
	case zDies:
		a.pinned[rz] = true
	default: // z = x*y + z on a copy of z
		dst, err := a.free()
		if err != nil {
			return err
		}
		a.pinned[dst] = true
		if rz >= 0 {
			a.t.ins(a.set.size("VMOVAPS", rz, 0, 0), "VMOVAPS", a.set.reg(rz), a.set.reg(dst))
		} else {
			a.fill(dst, a.values[z].from)
		}
		rz = dst
	}
	a.three(name+"231PS", rz, rx, y, mem)
	a.used(o.args)
	a.take(o.dst, rz)
	return nil
}
