package low

//go:generate go run ../../internal/genfunc

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Sequence is a function of one float32 as straight-line code over 32-bit values; see sequenceText for the operations.
// Operands are indices of earlier instructions.
type Sequence struct {
	Name string
	Code []SeqOp // the result is the last
}

// SeqOp is one operation. Op x is the argument, Op const a constant with the bits Bits, Op table the element of Table that
// the low four bits of its operand choose.
type SeqOp struct {
	Op    string
	Arg   []int
	Bits  uint32
	Table *SeqTable
}

// SeqTable is the bits of 16 constants.
type SeqTable struct {
	Name string
	Bits [16]uint32
}

// seqArity is the operations and how many operands they have; the second operand of a shift is Bits.
var seqArity = map[string]int{
	"fma": 3, "fma!": 3, "fma0": 3, "add": 2, "sub": 2, "mul": 2, "div": 2, "clampmax": 2, "clampmin": 2, "lt": 2, "sel": 3,
	"and": 2, "or": 2, "iadd": 2, "isub": 2, "shl": 1, "shr": 1,
}

// Sequences are the functions of the table, in its order.
var Sequences = func() []*Sequence {
	p := seqParser{}
	for _, block := range strings.Split(sequenceText, "\n\n") {
		p.block(block)
	}
	return p.functions()
}()

// seqBlock is a named list of lines, each a result, an operation and its operands; or a table.
type seqBlock struct {
	name   string
	params []string
	lines  [][]string
	table  *SeqTable
}

type seqParser struct{ blocks []seqBlock }

func (p *seqParser) block(text string) {
	var b seqBlock
	var values []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		switch f := strings.Fields(line); {
		case len(f) == 0:
		case b.name == "":
			b.name, b.params = f[0], f[1:]
		case b.params[0] == "[16]":
			values = append(values, f...)
		default:
			if f[1] != "=" {
				panic("sequence " + b.name + ": " + line)
			}
			b.lines = append(b.lines, append(f[:1:1], f[2:]...))
		}
	}
	if values != nil {
		b.table = &SeqTable{Name: b.name}
		for i := range b.table.Bits {
			b.table.Bits[i] = seqConst(values[i])
		}
	}
	p.blocks = append(p.blocks, b)
}

// functions expands the blocks of one parameter called x that are not part of others only.
func (p *seqParser) functions() (out []*Sequence) {
	for _, b := range p.blocks {
		if len(b.params) != 1 || b.params[0] != "x" || b.name == "nearest" {
			continue
		}
		s := &Sequence{Name: b.name}
		e := seqExpander{p: p, out: s, at: map[string]int{}}
		x := e.add(SeqOp{Op: "x"})
		if last := e.inline(b, []int{x}); last != len(s.Code)-1 {
			panic("sequence " + b.name + ": the result is not last")
		}
		out = append(out, s)
	}
	return out
}

type seqExpander struct {
	p   *seqParser
	out *Sequence
	at  map[string]int // equal operations are one
}

func (e *seqExpander) add(o SeqOp) int {
	key := fmt.Sprint(o)
	n, ok := e.at[key]
	if !ok {
		n = len(e.out.Code)
		e.at[key] = n
		e.out.Code = append(e.out.Code, o)
	}
	return n
}

func (e *seqExpander) inline(b seqBlock, args []int) int {
	env := map[string]int{}
	for i, name := range b.params {
		env[name] = args[i]
	}
	last := 0
	for _, l := range b.lines {
		o := SeqOp{Op: l[1]}
		if isShift := o.Op == "shl" || o.Op == "shr"; isShift {
			n, err := strconv.ParseUint(l[3], 10, 5)
			if err != nil {
				panic(err)
			}
			o.Bits, l = uint32(n), l[:3]
		}
		for _, a := range l[2:] {
			n, ok := env[a]
			if !ok {
				n = e.add(SeqOp{Op: "const", Bits: seqConst(a)})
			}
			o.Arg = append(o.Arg, n)
		}
		if arity, ok := seqArity[o.Op]; ok {
			if arity != len(o.Arg) {
				panic(fmt.Sprintf("sequence %s: %v", b.name, l))
			}
			last = e.add(o)
		} else {
			at := slices.IndexFunc(e.p.blocks, func(b seqBlock) bool { return b.name == o.Op })
			if t := e.p.blocks[at].table; t != nil {
				last = e.add(SeqOp{Op: "table", Arg: o.Arg, Table: t})
			} else {
				last = e.inline(e.p.blocks[at], o.Arg)
			}
		}
		env[l[0]] = last
	}
	return last
}

// seqConst reads a float, which must be a float32, or the bits of one as an integer in hexadecimal.
func seqConst(s string) uint32 {
	if strings.HasPrefix(s, "0x") && !strings.Contains(s, "p") {
		u, err := strconv.ParseUint(s[2:], 16, 32)
		if err != nil {
			panic(err)
		}
		return uint32(u)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || float64(float32(v)) != v {
		panic("sequence: " + s + " is no float32")
	}
	return math.Float32bits(float32(v))
}

// Eval is the function's value at x.
func (s *Sequence) Eval(x float32) float32 {
	var y [1]float32
	s.eval(y[:], []float32{x})
	return y[0]
}

// eval computes dst[i] of src[i].
func (s *Sequence) eval(dst, src []float32) {
	n := len(dst)
	v := make([][]uint32, len(s.Code))
	mem := make([]uint32, len(v)*n)
	for k, o := range s.Code {
		v[k], mem = mem[:n:n], mem[n:]
		var a, b, c []uint32
		switch len(o.Arg) {
		case 3:
			c = v[o.Arg[2]]
			fallthrough
		case 2:
			b = v[o.Arg[1]]
			fallthrough
		case 1:
			a = v[o.Arg[0]]
		}
		y := v[k]
		switch o.Op {
		case "x":
			for i, x := range src[:n] {
				y[i] = math.Float32bits(x)
			}
		case "const":
			fill(y, o.Bits)
		case "fma", "fma!", "fma0":
			for i := range y {
				y[i] = math.Float32bits(fma32(f32(a[i]), f32(b[i]), f32(c[i])))
			}
		case "add":
			floats(y, a, b, add[float32])
		case "sub":
			floats(y, a, b, sub[float32])
		case "mul":
			floats(y, a, b, mul[float32])
		case "div":
			floats(y, a, b, div[float32])
		case "clampmax":
			floats(y, a, b, clampMax[float32])
		case "clampmin":
			floats(y, a, b, clampMin[float32])
		case "lt":
			for i := range y {
				y[i] = uint32(bit(f32(a[i]) < f32(b[i])))
			}
		case "sel":
			for i := range y {
				if y[i] = c[i]; a[i] != 0 {
					y[i] = b[i]
				}
			}
		case "and":
			map2(y, a, b, func(a, b uint32) uint32 { return a & b })
		case "or":
			map2(y, a, b, func(a, b uint32) uint32 { return a | b })
		case "iadd":
			map2(y, a, b, func(a, b uint32) uint32 { return a + b })
		case "isub":
			map2(y, a, b, func(a, b uint32) uint32 { return a - b })
		case "table":
			map1(y, a, func(a uint32) uint32 { return o.Table.Bits[a&15] })
		case "shl":
			map1(y, a, func(a uint32) uint32 { return a << o.Bits })
		case "shr":
			map1(y, a, func(a uint32) uint32 { return a >> o.Bits })
		default:
			panic("sequence operation " + o.Op)
		}
	}
	for i, u := range v[len(v)-1] {
		dst[i] = f32(u)
	}
}

func f32(u uint32) float32 { return math.Float32frombits(u) }

func floats(y, a, b []uint32, f func(a, b float32) float32) {
	for i := range y {
		y[i] = math.Float32bits(f(f32(a[i]), f32(b[i])))
	}
}
