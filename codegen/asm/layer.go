// Package asm prints layers with constant weights as Go assembly for amd64: the weights are in the instructions.
package asm

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Layer is a ternary layer on panels: rows [panels][K][16] times the matrix of a schedule, then fma(scale, sum, bias), or
// scale·sum without a bias, then an expression.
type Layer struct {
	Name        string // what the names of its functions begin with
	Schedule    *low.Schedule
	Scale, Bias []float32 // by column; a nil Bias is none
	Act         low.Expr  // of the sum x0 and of Extra x1, x2, ...; zero if there is none
	Extra       []Extra
	Table       bool     // terms of several rows are kept in memory, as blocks have too many columns to compute them in each part
	Sparse      *Sparse  // for float32 weights, without Scale: the chains begin with the bias; the schedule has no blocks
	First       *Layer   // the one whose result is the input, if both are to be one: see Groups; its Extra are constants
	Also        []*Layer // that have the same schedule and input, so that the sums are theirs too; without First, Sparse and Also
	direct      int      // of the code, if not 0
	twins       []*Layer // which have this code too, with constants of their own
}

// Extra is a further input of an epilogue: constants, one a column, or panels like those of the result.
type Extra struct{ Row []float32 }

// Function is one function of assembly,
//
//	func Name(dst, src *float32, panels int, x1, x2, ... *float32, constants int)
//
// that computes some columns, or some rows' share of all, of a number of panels.
type Function struct {
	Name   string
	Params []string // after panels: the extra inputs, and scratch memory for all panels
	Text   string
	Bytes  int  // of code, about
	Shared bool // it is the code of several layers, and has the last parameter: Offset of the layer's constants in the Pool
	ahead
}

// Constants is the name of the parameter that says whose constants the code takes.
const Constants = "constants"

// Scratch is the name of the parameter for memory that the functions use.
const Scratch = "scratch"

// MaxParams is how many extra inputs in memory, and results beside the first, a layer can have.
const MaxParams = 4

// Accepts reports whether an epilogue can be part of the code.
func Accepts(act low.Expr) bool {
	if act.IsZero() {
		return true
	}
	fn, args := act.Result()
	if fn == "" {
		if _, ok := act.Literal(); ok {
			return true
		}
		_, ok := act.Input()
		return ok
	}
	if _, ok := epilogueOps[fn]; !ok {
		return false
	}
	return !slices.ContainsFunc(args, func(e low.Expr) bool { return !Accepts(e) })
}

// Params are the names of what the functions take after panels.
func (l *Layer) Params() []string {
	var names []string
	for _, i := range l.inputs() {
		names = append(names, fmt.Sprintf("x%d", i))
	}
	for k, a := range l.Also {
		names = append(names, fmt.Sprintf("dst%d", k+2))
		for _, i := range a.inputs() {
			names = append(names, fmt.Sprintf("x%dof%d", i, k+2))
		}
	}
	if l.ScratchLen() > 0 {
		names = append(names, Scratch)
	}
	if l.Sparse != nil {
		names = append(names, Values)
	}
	return names
}

// inputs are the numbers of the extra inputs in memory.
func (l *Layer) inputs() (in []int) {
	for i, x := range l.Extra {
		if x.Row == nil && l.Act.Uses(i+1) {
			in = append(in, i+1)
		}
	}
	return in
}

// Fits reports whether there are registers for all that the functions read and write beside the input and the first result.
func (l *Layer) Fits() bool {
	n := len(l.inputs())
	for _, a := range l.Also {
		n += 1 + len(a.inputs())
	}
	return n <= MaxParams
}

// ScratchLen is how many elements of memory the functions need for themselves.
func (l *Layer) ScratchLen() int {
	switch n := 0; {
	case l.First != nil:
		for _, b := range l.Schedule.Blocks {
			n = max(n, b.End-b.Top)
		}
		return n * ir.Lanes
	case l.Table:
		for i := range l.Schedule.Blocks {
			n = max(n, entries(&l.Schedule.Blocks[i]))
		}
		return n * ir.Lanes
	}
	return 0
}

// Least is a lower bound of the bytes of the layer's code.
func (l *Layer) Least(set Set) int {
	if l.Sparse != nil {
		return 7 * l.Sparse.Weights()
	}
	n := 0
	for _, b := range l.Schedule.Blocks {
		for _, s := range b.Steps {
			n += len(s.Uses)
		}
	}
	if l.First != nil {
		return 4*n + l.First.Least(set)
	}
	return 4 * n
}

// matrix is a layer that is being printed.
type matrix struct {
	*Layer
	*printer
	dst, src *base
	from, to int // rows of the source and columns of the result are counted from
	extra    map[int]*base
	table    []*base // of the terms in memory
	begun    []bool  // columns with a sum in the result
	last     []int   // block of a column after which it is complete
	negated  []bool  // columns whose sums are kept with the other sign
	also     []*matrix
	scale    *row
	bias     *row   // nil if no layer has one
	rows     []*row // of Extra; nil where it is panels
}

func newMatrix(l *Layer, p *printer, dst, src *base) *matrix {
	m := &matrix{Layer: l, printer: p, dst: dst, src: src, extra: map[int]*base{}}
	m.begun, m.last = make([]bool, l.Schedule.N), make([]int, l.Schedule.N)
	for i, b := range l.Schedule.Blocks {
		for j := b.Lo; j < b.Hi; j++ {
			m.last[j] = i
		}
	}
	m.constants()
	m.negate()
	return m
}

// negate finds the columns that begin with a subtraction, from zero. With the other sign that is no instruction, and all
// that follows rounds alike; only zeros may differ in their sign, which a bias hides that is not zero itself.
func (m *matrix) negate() {
	m.negated = make([]bool, m.Schedule.N)
	if m.bias == nil {
		return
	}
	seen := make([]bool, m.Schedule.N)
	for _, b := range m.Schedule.Blocks {
		for _, s := range b.Steps {
			for _, u := range s.Uses {
				if j := u.Index(); !seen[j] {
					seen[j], m.negated[j] = true, u.Negative() && m.bias.noZero(j)
				}
			}
		}
	}
}

// agree keeps sums with the other sign only where no layer minds.
func (m *matrix) agree() {
	for _, a := range m.also {
		for j, n := range a.negated {
			m.negated[j] = m.negated[j] && n
		}
	}
	for _, a := range m.also {
		a.negated = m.negated
	}
}

// Functions are the code of l for a set of instructions, to be called one after the other; pool gets the constants.
func (l *Layer) Functions(set Set, pool *Pool) ([]Function, error) {
	p := newPrinter(l.Name, set, pool)
	k := l.Schedule.K
	if l.First != nil {
		k = l.First.Schedule.K
	}
	dst := p.param("dst", l.Schedule.N)
	m := newMatrix(l, p, dst, p.param("src", k))
	if !l.Fits() {
		return nil, fmt.Errorf("%s: more than %d inputs and results in memory", l.Name, MaxParams)
	}
	names := l.Params()
	param := func() *base {
		b := p.param(names[0], l.Schedule.N)
		names = names[1:]
		return b
	}
	for _, i := range l.inputs() {
		m.extra[i] = param()
	}
	for _, a := range l.Also {
		o := newMatrix(a, p, param(), m.src)
		for _, i := range a.inputs() {
			o.extra[i] = param()
		}
		m.also = append(m.also, o)
	}
	m.agree()
	run := m.blocks
	switch {
	case l.First != nil:
		run = m.groups
	case l.Table:
		run = m.tables
	case l.Sparse != nil:
		p.param(Values, 0)
		run = m.sparse
	}
	if err := run(); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Name, err)
	}
	p.flush()
	return p.out, nil
}

// blocks prints all blocks.
func (m *matrix) blocks() error {
	for i := range m.Schedule.Blocks {
		b := &m.Schedule.Blocks[i]
		if err := m.block(i, b.Lo, b.Hi, m.emit); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	return nil
}

// block prints columns [lo, hi) of a block, in parts that the registers hold. A sum that parts share is computed in each.
func (m *matrix) block(i, lo, hi int, emit func(*code) error) error {
	steps := m.Schedule.Blocks[i].Steps
	return m.parts(lo, hi, func(lo, hi int) error {
		c := m.code()
		var terms running
		m.sums(c, i, lo, hi, func(step int) int { return terms.term(m, c, steps[step].Rows) })
		return emit(c)
	})
}

// parts calls f for parts of columns [lo, hi), as equal as can be, whose sums the registers hold.
func (m *matrix) parts(lo, hi int, f func(lo, hi int) error) error {
	most := m.set.columns()
	if m.also != nil { // a sum stays while it is scaled
		most--
	}
	n := (hi - lo + most - 1) / most
	for k := range n {
		if err := f(lo+k*(hi-lo)/n, lo+(k+1)*(hi-lo)/n); err != nil {
			return err
		}
	}
	return nil
}

func (m *matrix) code() *code {
	c := newCode(m.set)
	if m.direct > 0 {
		c.direct = m.direct
	}
	return c
}
