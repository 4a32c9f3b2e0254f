package asm

import "fmt"

// code is straight-line code over vectors in static single assignment form, before it has registers.
type code struct {
	set    Set
	ops    []op
	values []value
	loads  map[source]int // values by where they come from
	direct int            // how many uses of a value in memory are operands there, at most, instead of being loaded once
}

// value is what an instruction made, or what can be loaded again at any time.
type value struct {
	from source
	uses []int // instructions, in order
}

// source is where a value can be loaded from; the zero source is nowhere.
type source struct {
	kind sourceKind
	base *base
	off  int
}

type sourceKind uint8

const (
	computed  sourceKind = iota
	vector               // a vector of memory
	broadcast            // a float32 of memory in all lanes
	zero
	quads // four float32 of memory in every four lanes
)

type opKind uint8

const (
	opAdd    opKind = iota // a + b
	opSub                  // a - b
	opMul                  // a * b
	opDiv                  // a / b
	opMax                  // a > b ? a : b
	opMin                  // a < b ? a : b
	opXor                  // the bits of both
	opAnd                  // the bits of both
	opSqrt                 // the root of a
	opFMA                  // a*b + c, rounded once
	opFNMA                 // c - a*b, rounded once
	opStore                // a to memory
	opSpread               // one of the four lanes of a quad in all lanes
	opMove                 // moves a base
	opReach                // a register for addresses goes where displacements are short
)

// op is an instruction on values.
type op struct {
	kind opKind
	dst  int
	args []int
	to   source // of a store, or of what is to be reached first; where a base moves to
	last int    // of what is to be reached
	lane int    // that is spread
}

// direct: a second use from memory would take as long as a load, of which there is one a cycle.
const direct = 1

func newCode(set Set) *code { return &code{set: set, loads: map[source]int{}, direct: direct} }

// load is the value that can be loaded from s.
func (c *code) load(s source) int {
	v, ok := c.loads[s]
	if !ok {
		v = len(c.values)
		c.values = append(c.values, value{from: s})
		c.loads[s] = v
	}
	return v
}

func (c *code) zero() int { return c.load(source{kind: zero}) }

// do appends an instruction and returns its result.
func (c *code) do(kind opKind, args ...int) int {
	v := len(c.values)
	c.values = append(c.values, value{})
	c.append(op{kind: kind, dst: v, args: args})
	return v
}

func (c *code) store(v int, to source) { c.append(op{kind: opStore, dst: -1, args: []int{v}, to: to}) }

// reach moves an address register of AVX-512 to where displacements from lo on, all up to hi if possible, are short
// for broadcasts.
func (c *code) reach(b *base, lo, hi int) {
	if c.set == AVX512 {
		c.append(op{kind: opReach, dst: -1, to: source{base: b, off: lo}, last: hi})
	}
}

// move lets b point off bytes beyond its beginning from here on.
func (c *code) move(b *base, off int) {
	c.append(op{kind: opMove, dst: -1, to: source{base: b, off: off}})
}

func (c *code) append(o op) {
	for _, v := range o.args {
		if u := c.values[v].uses; len(u) == 0 || u[len(u)-1] != len(c.ops) {
			c.values[v].uses = append(u, len(c.ops))
		}
	}
	c.ops = append(c.ops, o)
}

// sources calls f for every place in memory that the code reads or writes.
func (c *code) sources(f func(source)) {
	for _, v := range c.values {
		if v.from.base != nil && len(v.uses) > 0 {
			f(v.from)
		}
	}
	for _, o := range c.ops {
		if o.kind == opStore {
			f(o.to)
		}
	}
}

// print gives the values registers and prints the code. The caller has moved the bases.
func (c *code) print(t *text) error {
	a := newAllocator(c, t)
	for i := range c.ops {
		if err := a.op(i); err != nil {
			return fmt.Errorf("instruction %d of %d: %w", i, len(c.ops), err)
		}
	}
	return nil
}
