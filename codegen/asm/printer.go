package asm

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
)

// chunk is the most code of a function: what the micro-op cache of a core holds, so that every panel but the first runs
// from there.
const chunk = 18 << 10

// registers are those for addresses. Others have a meaning: SP, BP, R14 (the goroutine), R15 (position-independent code),
// CX (the panels left) and BX (the half of a panel; in AVX-512, code to fetch).
var registers = []string{"DI", "SI", "DX", "R8", "R9", "R10", "R11", "R12", "R13", "AX"}

// printer prints functions that loop over panels, one after the other.
type printer struct {
	name   string // what the functions' names begin with
	set    Set
	pool   *Pool
	consts *base
	params []param
	spans  []*base  // further pointers to the memory of the last parameter
	free   []string // registers
	body   text     // of the current function
	out    []Function
}

// param is a pointer that the functions take.
type param struct {
	name string
	*base
	stride int  // bytes from panel to panel; 0: the same memory for all
	moves  bool // the code moves the pointer, and back
}

func newPrinter(name string, set Set, pool *Pool) *printer {
	p := &printer{name: name, set: set, pool: pool, free: registers}
	p.consts = p.register()
	p.pool.one(1)
	return p
}

// register takes a free register.
func (p *printer) register() *base {
	b := &base{reg: p.free[0]}
	p.free = p.free[1:]
	return b
}

// param adds a parameter: an array with so many rows of 16 lanes a panel, 0 if all panels use the same.
func (p *printer) param(name string, rows int) *base {
	b := p.register()
	p.params = append(p.params, param{name: name, base: b, stride: rows * 4 * ir.Lanes})
	return b
}

// fixed adds a parameter that is the same for all panels, which code.reach moves.
func (p *printer) fixed(name string) *base {
	b := p.register()
	p.params = append(p.params, param{name: name, base: b, moves: true})
	return b
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

// append adds code to the current function, however long that becomes.
func (p *printer) append(c *code) error {
	t, err := p.place(c)
	if err == nil {
		p.body.add(t)
	}
	return err
}

// movable are the bases that code moves.
func (p *printer) movable() []*base {
	out := []*base{p.consts}
	for _, a := range p.params {
		if a.stride > 0 {
			out = append(out, a.base)
		}
	}
	return out
}

// shifts is how far every base has moved.
func (p *printer) shifts() map[*base]int {
	m := map[*base]int{p.consts: p.consts.shift}
	for _, a := range p.params {
		m[a.base] = a.shift
	}
	return m
}

// place moves the bases to where the code has short displacements, and prints it.
func (p *printer) place(c *code) (*text, error) {
	t := &text{}
	if p.set == AVX512 { // whose displacements are multiples of the unit
		for _, b := range p.movable() {
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
			if lo >= 0 {
				b.reach(t, lo, hi, unit)
			}
		}
	}
	return t, c.print(t)
}

// flush ends the current function. AVX2 takes the halves of a panel one after the other.
func (p *printer) flush() {
	if p.body.bytes == 0 {
		return
	}
	var t text
	name := fmt.Sprintf("%s_%d%s", p.name, len(p.out), p.set)
	names := p.prologue(&t, name)
	ahead := ahead{entry: t.Len(), passes: 1, reg: "BX"}
	t.WriteString("panel:\n")
	if p.set == AVX2 {
		t.line(5, "MOVL $2, BX")
		t.WriteString("half:\n")
		ahead.passes, ahead.reg = 2, ""
		if len(p.free) > 0 {
			ahead.reg = p.free[0]
		}
	}
	t.marks = nil
	t.add(&p.body)
	ahead.marks, ahead.end = t.marks, t.Len()
	p.consts.move(&t, 0)
	for _, a := range p.params {
		if a.moves {
			a.move(&t, 0)
		}
	}
	done := 0 // of the bytes to the next panel
	if p.set == AVX2 {
		p.advance(&t, func(int) int { return p.set.width() })
		t.line(2, "DECL BX")
		t.line(6, "JNE half")
		done = 2 * p.set.width()
	}
	p.advance(&t, func(stride int) int { return stride - done })
	t.line(3, "DECQ CX")
	t.line(6, "JNE panel")
	t.line(3, "VZEROUPPER")
	t.line(1, "RET")
	p.out = append(p.out, Function{Name: name, Params: names[2:], Text: t.String(), Bytes: t.bytes, Shared: p.pool.shared(), ahead: ahead})
	p.body = text{}
}

// prologue loads the parameters, which are panels and then those of p but for the first two, which come before.
func (p *printer) prologue(t *text, name string) (names []string) {
	size := 8 * (1 + len(p.params))
	if p.pool.shared() {
		size += 8
	}
	fmt.Fprintf(t, "TEXT ·%s(SB), NOSPLIT, $0-%d\n", name, size)
	for i, a := range p.params {
		off := 8 * i
		if i >= 2 {
			off += 8
		}
		names = append(names, a.name)
		t.line(5, "MOVQ %s+%d(FP), %s", a.name, off, a.reg)
		if a.stride == 0 && !a.moves && a.shift != 0 {
			t.line(7, "ADDQ $%d, %s", a.shift, a.reg)
		}
	}
	for _, b := range p.spans {
		last := p.params[len(p.params)-1].base
		t.line(8, "LEAQ %d(%s), %s", b.shift-last.shift, last.reg, b.reg)
	}
	t.line(5, "MOVQ panels+16(FP), CX")
	t.line(7, "LEAQ %s<>(SB), %s", p.pool.Name, p.consts.reg)
	if p.pool.shared() {
		t.line(5, "ADDQ %s+%d(FP), %s", Constants, size-8, p.consts.reg)
	}
	ones, zeros := p.set.held()
	t.line(7, "VBROADCASTSS %d(%s), %s", p.pool.one(1), p.consts.reg, p.set.reg(ones))
	if zeros >= 0 {
		t.line(6, "VXORPS %[1]s, %[1]s, %[1]s", p.set.reg(zeros))
	}
	return names
}

// advance moves the pointers to panels on, from where they point now, and makes that their new beginning.
func (p *printer) advance(t *text, by func(stride int) int) {
	for _, a := range p.params {
		if a.stride > 0 {
			a.move(t, by(a.stride))
			a.shift = 0
		}
	}
}
