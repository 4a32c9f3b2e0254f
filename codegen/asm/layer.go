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
	direct      int  // of the code, if not 0
	Table       bool // terms of several rows are kept in memory, as blocks have too many columns to compute them in each part
}

// Extra is a further input of an epilogue: constants, one a column, or panels like those of the result.
type Extra struct{ Row []float32 }

// Function is one function of assembly,
//
//	func Name(dst, src *float32, panels int, x1, x2, ... *float32)
//
// that computes some columns, or some rows' share of all, of a number of panels.
type Function struct {
	Name   string
	Params []string // after panels: the extra inputs, and room for a table
	Text   string
	Bytes  int // of code, about
}

// chunk is the most code of a function: what the micro-op cache of a core holds, so that every panel but the first runs
// from there.
const chunk = 18 << 10

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

// Params are the names of the inputs in memory.
func (l *Layer) Params() []string {
	var names []string
	for i, x := range l.Extra {
		if x.Row == nil && l.Act.Uses(i+1) {
			names = append(names, fmt.Sprintf("x%d", i+1))
		}
	}
	return names
}

// pointers are registers for addresses; the first are those of the result, the source, and the constants.
var pointers = []string{"DI", "SI", "DX", "R8", "R9", "R10", "R11", "R12", "R13", "AX"}

// MaxParams is how many extra inputs in memory a layer can have.
const MaxParams = 4

// printer prints the functions of one layer.
type printer struct {
	*Layer
	set              Set
	dst, src, consts *base
	extra            map[int]*base
	table            []*base // of the terms in memory
	pool             *Pool
	begun            []bool // columns with a sum in the result
	last             []int  // block of a column after which it is complete
	out              []Function
	body             text // of the current function
}

// Functions are the code of l for a set of instructions, to be called one after the other; pool gets the constants.
func (l *Layer) Functions(set Set, pool *Pool) ([]Function, error) {
	p := &printer{Layer: l, set: set, pool: pool, extra: map[int]*base{}}
	p.dst, p.src, p.consts = &base{reg: pointers[0]}, &base{reg: pointers[1]}, &base{reg: pointers[2]}
	for i, x := range l.Extra {
		if x.Row == nil && l.Act.Uses(i+1) {
			if len(p.extra) == MaxParams {
				return nil, fmt.Errorf("more than %d inputs in memory", MaxParams)
			}
			p.extra[i+1] = &base{reg: pointers[3+len(p.extra)]}
		}
	}
	pool.at(1)
	p.begun, p.last = make([]bool, l.Schedule.N), make([]int, l.Schedule.N)
	for i, b := range l.Schedule.Blocks {
		for j := b.Lo; j < b.Hi; j++ {
			p.last[j] = i
		}
	}
	block := p.block
	if l.Table {
		block = p.tableBlock
		p.tableBases()
	}
	for i := range l.Schedule.Blocks {
		if err := block(i); err != nil {
			return nil, fmt.Errorf("%s: block %d: %w", l.Name, i, err)
		}
	}
	p.flush()
	return p.out, nil
}

// block prints a block, in parts that the registers hold. A sum that parts share is computed in each.
func (p *printer) block(i int) error {
	b := &p.Schedule.Blocks[i]
	parts := (b.Hi - b.Lo + p.set.columns() - 1) / p.set.columns()
	for k := range parts {
		lo, hi := b.Lo+k*(b.Hi-b.Lo)/parts, b.Lo+(k+1)*(b.Hi-b.Lo)/parts
		c := newCode(p.set)
		p.sums(c, i, lo, hi, func(step int) int { return p.term(c, b.Steps[step].Rows) })
		if err := p.emit(c); err != nil {
			return err
		}
	}
	return nil
}

// emit adds code to the current function, or to a new one if it has no room.
func (p *printer) emit(c *code) error {
	before := p.shifts()
	t, err := p.place(c)
	if err != nil {
		return err
	}
	if p.body.bytes > 0 && p.body.bytes+t.bytes > chunk {
		for b, shift := range before {
			b.shift = shift
		}
		p.flush()
		if t, err = p.place(c); err != nil { // with pointers that have not moved yet
			return err
		}
	}
	p.body.add(t)
	return nil
}

// shifts is how far every base has moved.
func (p *printer) shifts() map[*base]int {
	m := map[*base]int{}
	for _, b := range p.bases() {
		m[b] = b.shift
	}
	return m
}

// bases are those that move from panel to panel, and the one of the constants at the end.
func (p *printer) bases() []*base {
	bases := []*base{p.dst, p.src}
	for i := range p.Extra {
		if b := p.extra[i+1]; b != nil {
			bases = append(bases, b)
		}
	}
	return append(bases, p.consts)
}

// stride is the distance of two panels in bytes.
func (p *printer) stride(b *base) int {
	if b == p.src {
		return p.Schedule.K * 4 * ir.Lanes
	}
	return p.Schedule.N * 4 * ir.Lanes
}

// place moves the bases to where the code has short displacements, and prints it.
func (p *printer) place(c *code) (*text, error) {
	t := &text{}
	if p.direct > 0 {
		c.direct = p.direct
	}
	for _, b := range p.bases() {
		lo, hi, unit := -1, -1, p.set.width()
		c.sources(func(s source) {
			if s.base != b {
				return
			}
			if lo < 0 || s.off < lo {
				lo = s.off
			}
			hi = max(hi, s.off)
			if s.kind == broadcast {
				unit = 4
			}
		})
		if lo >= 0 && p.set == AVX512 { // whose displacements are multiples of the unit
			b.reach(t, lo, hi, unit)
		}
	}
	return t, c.print(t)
}

// flush ends the current function.
func (p *printer) flush() {
	if p.body.bytes == 0 {
		return
	}
	name := fmt.Sprintf("%s_%d%s", p.Name, len(p.out), p.set)
	params := p.Params()
	if p.table != nil {
		params = append(params, "table")
	}
	var t text
	fmt.Fprintf(&t, "TEXT ·%s(SB), NOSPLIT, $0-%d\n", name, 8*(3+len(params)))
	for i, a := range append([]string{"dst", "src", "panels"}, params...) {
		reg := "CX"
		switch {
		case i < 2:
			reg = pointers[i]
		case i > 2:
			reg = pointers[i]
		}
		t.line(5, "MOVQ %s+%d(FP), %s", a, 8*i, reg)
		if a == "table" && p.set == AVX512 {
			t.line(7, "ADDQ $%d, %s", p.table[0].shift, reg)
		}
	}
	for i, b := range p.table[min(1, len(p.table)):] {
		t.line(8, "LEAQ %d(%s), %s", (i+1)*tableSpan*p.set.width(), p.table[0].reg, b.reg)
	}
	t.line(7, "LEAQ %s<>(SB), %s", p.pool.Name, p.consts.reg)
	ones, zeros := p.set.held()
	t.line(7, "VBROADCASTSS %d(%s), %s", p.pool.at(1), p.consts.reg, p.set.reg(ones))
	if zeros >= 0 {
		t.line(6, "VXORPS %[1]s, %[1]s, %[1]s", p.set.reg(zeros))
	}
	t.WriteString("panel:\n")
	if p.set == AVX2 {
		t.line(5, "MOVL $2, BX")
		t.WriteString("half:\n")
	}
	t.add(&p.body)
	p.consts.move(&t, 0)
	bases := p.bases()
	bases = bases[:len(bases)-1]
	if p.set == AVX2 { // the halves of a panel, one after the other
		for _, b := range bases {
			b.move(&t, p.set.width())
			b.shift = 0
		}
		t.line(2, "DECL BX")
		t.line(6, "JNE half")
	}
	for _, b := range bases {
		step := p.stride(b)
		if p.set == AVX2 {
			step -= 2 * p.set.width()
		}
		b.move(&t, step)
		b.shift = 0
	}
	t.line(3, "DECQ CX")
	t.line(6, "JNE panel")
	t.line(3, "VZEROUPPER")
	t.line(1, "RET")
	p.out = append(p.out, Function{Name: name, Params: params, Text: t.String(), Bytes: t.bytes})
	p.body = text{}
}

// Least is a lower bound of the bytes of the layer's code.
func (l *Layer) Least(set Set) int {
	n := 0
	for _, b := range l.Schedule.Blocks {
		for _, s := range b.Steps {
			n += len(s.Uses)
		}
	}
	return 4 * n
}
