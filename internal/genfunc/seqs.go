package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sbtc-go/sbtc/ir/low"
)

// sequence prints, for the sequence f, the functions f32, f32SliceGeneric and f32Exact. The first two emulate each fma by one
// sum in float64 and redo an element by the third if any of the sums may round twice when narrowed: see fma32.
func sequence(s *low.Sequence) string {
	var b strings.Builder
	b.WriteString("import \"math\"\n\n")
	fmt.Fprintf(&b, "// %s32 is the sequence %[1]s of docs/numerics.md.\nfunc %[1]s32(x float32) float32 {\n", s.Name)
	newSeqPrinter(&b, s, false).body()
	fmt.Fprintf(&b, "if int32(f) < 0 {\nreturn %s32Exact(x)\n}\nreturn y\n}\n\n", s.Name)
	slice(&b, s)
	fmt.Fprintf(&b, "func %s32Exact(x float32) float32 {\n", s.Name)
	newSeqPrinter(&b, s, true).body()
	b.WriteString("return y\n}\n")
	for _, o := range s.Code {
		if o.Op == "table" {
			table(&b, s, o.Table)
		}
	}
	return b.String()
}

// table prints a table of constants.
func table(b *strings.Builder, s *low.Sequence, t *low.SeqTable) {
	fmt.Fprintf(b, "\nvar %s = [16]float32{", tableName(s.Name, t))
	for i, u := range t.Bits {
		if i%4 == 0 {
			b.WriteString("\n")
		}
		b.WriteString(constant(u) + ", ")
	}
	b.WriteString("\n}\n")
}

// tableName is the variable of a table of a sequence: each sequence has its own, for files are copied one by one.
func tableName(sequence string, t *low.SeqTable) string {
	return sequence + strings.ToUpper(t.Name[:1]) + t.Name[1:]
}

// slice prints the loop over a slice. Two elements go side by side, for each alone is one long chain; not so where the
// elements take different branches.
func slice(b *strings.Builder, s *low.Sequence) {
	fmt.Fprintf(b, "// %s32SliceGeneric computes dst[i] = %[1]s32(src[i]); dst may be src.\nfunc %[1]s32SliceGeneric(dst, src []float32) {\ndst = dst[:len(src)]\n", s.Name)
	lanes := []string{"a", "b", "c", "d"}[:4]
	if p := newSeqPrinter(b, s, false); slices.Max(p.arm) >= 0 {
		fmt.Fprintf(b, "for i, x := range src {\ndst[i] = %s32(x)\n}\n}\n\n", s.Name)
		return
	}
	fmt.Fprintf(b, "for len(src) >= %d && len(dst) >= %[1]d {\nvar f uint32\n", len(lanes))
	var ps []*seqPrinter
	for k, l := range lanes {
		p := newSeqPrinter(b, s, false)
		p.lane = l
		ps = append(ps, p)
		fmt.Fprintf(b, "x%s := src[%d]\n", l, k)
	}
	for n, o := range s.Code {
		if o.Op != "x" && o.Op != "const" {
			for _, p := range ps {
				p.op(n, o)
			}
		}
	}
	list := func(format string) string {
		var s []string
		for _, l := range lanes {
			s = append(s, fmt.Sprintf(format, l))
		}
		return strings.Join(s, ", ")
	}
	fmt.Fprintf(b, "if int32(f) < 0 {\n%s = %s\n}\n", list("y%s"), list(s.Name+"32(x%s)"))
	for k, l := range lanes {
		fmt.Fprintf(b, "dst[%d] = y%s\n", k, l)
	}
	fmt.Fprintf(b, "dst, src = dst[%d:], src[%[1]d:]\n}\nfor i, x := range src {\ndst[i] = %s32(x)\n}\n}\n\n", len(lanes), s.Name)
}

// seqPrinter prints the operations of a sequence as Go statements; result k is vk.
type seqPrinter struct {
	b        *strings.Builder
	sequence string
	code     []low.SeqOp
	exact    bool   // call fma32
	lane     string // ends the names of one of several elements
	arm      []int  // the sel that alone uses an operation, with which operand: 3*sel+operand; -1: none
}

func newSeqPrinter(b *strings.Builder, s *low.Sequence, exact bool) *seqPrinter {
	return &seqPrinter{b: b, sequence: s.Name, code: s.Code, exact: exact, arm: arms(s.Code)}
}

// arms finds what is computed for one operand of a sel only: the printer puts it into a branch.
func arms(code []low.SeqOp) []int {
	arm := make([]int, len(code))
	users := make([][]int, len(code)) // the arms in which the users are
	for n := len(code) - 1; n >= 0; n-- {
		arm[n] = -1
		if len(users[n]) > 0 {
			arm[n] = users[n][0]
			for _, u := range users[n] {
				if u != arm[n] {
					arm[n] = -1
				}
			}
		}
		for k, a := range code[n].Arg {
			in := arm[n]
			if code[n].Op == "sel" && k > 0 {
				in = 3*n + k
			}
			users[a] = append(users[a], in)
		}
	}
	return arm
}

func (p *seqPrinter) body() {
	if !p.exact {
		p.b.WriteString("var f uint32\n")
	}
	p.block(-1)
}

// block prints the operations of one arm.
func (p *seqPrinter) block(arm int) {
	for n, o := range p.code {
		if p.arm[n] == arm && o.Op != "x" && o.Op != "const" {
			p.op(n, o)
		}
	}
}

func (p *seqPrinter) op(n int, o low.SeqOp) {
	v := p.name(n)
	f := func(k int) string { return p.float(o.Arg[k]) }
	u := func(k int) string { return p.uint(o.Arg[k]) }
	wide := func(k int) string {
		if c := p.code[o.Arg[k]]; c.Op == "const" {
			return f(k)
		}
		return "float64(" + f(k) + ")"
	}
	pr := func(format string, args ...any) { fmt.Fprintf(p.b, format+"\n", args...) }
	switch o.Op {
	case "fma", "fma!", "fma0":
		switch sum := fmt.Sprintf("%s*%s + %s", wide(0), wide(1), wide(2)); {
		case o.Op == "fma!":
			pr("%s := float32(%s) // exact product and sum", v, sum)
		case p.exact:
			pr("%s := fma32(%s, %s, %s)", v, f(0), f(1), f(2))
		default:
			id := strconv.Itoa(n) + p.lane
			pr("s%s := %s // exact product", id, sum)
			if o.Op == "fma0" { // a zero operand leaves the addend, whose low bits are all zero, as it is
				pr("u%s := math.Float32bits(%s) << 1", id, f(0))
				pr("f |= flag(s%s) & (u%[1]s | -u%[1]s)", id)
			} else {
				pr("f |= flag(s%s)", id)
			}
			pr("%s := float32(s%s)", v, id)
		}
	case "add":
		pr("%s := %s + %s", v, f(0), f(1))
	case "sub":
		pr("%s := %s - %s", v, f(0), f(1))
	case "mul":
		pr("%s := float32(%s * %s)", v, f(0), f(1))
	case "div":
		pr("%s := %s / %s", v, f(0), f(1))
	case "clampmax":
		pr("%s := %s\nif %s > %[1]s {\n%[1]s = %[3]s\n}", v, f(1), f(0))
	case "clampmin":
		pr("%s := %s\nif %s < %[1]s {\n%[1]s = %[3]s\n}", v, f(1), f(0))
	case "lt":
		pr("%s := %s < %s", v, f(0), f(1))
	case "sel":
		pr("var %s float32\nif %s {", v, p.name(o.Arg[0]))
		p.block(3*n + 1)
		pr("%s = %s\n} else {", v, f(1))
		p.block(3*n + 2)
		pr("%s = %s\n}", v, f(2))
	case "and":
		pr("%s := %s & %s", v, u(0), u(1))
	case "or":
		pr("%s := %s | %s", v, u(0), u(1))
	case "iadd":
		pr("%s := %s + %s", v, u(0), u(1))
	case "isub":
		pr("%s := %s - %s", v, u(0), u(1))
	case "table":
		pr("%s := %s[%s&15]", v, tableName(p.sequence, o.Table), u(0))
	case "shl":
		pr("%s := %s << %d", v, u(0), o.Bits)
	case "shr":
		pr("%s := %s >> %d", v, u(0), o.Bits)
	default:
		panic("operation " + o.Op)
	}
	if n == len(p.code)-1 {
		pr("y%s := %s", p.lane, p.float(n))
	}
}

func (p *seqPrinter) name(n int) string {
	if p.code[n].Op == "x" {
		return "x" + p.lane
	}
	return "v" + strconv.Itoa(n) + p.lane
}

func (p *seqPrinter) isUint(n int) bool {
	switch p.code[n].Op {
	case "and", "or", "iadd", "isub", "shl", "shr":
		return true
	}
	return false
}

func (p *seqPrinter) float(n int) string {
	if c := p.code[n]; c.Op == "const" {
		return constant(c.Bits)
	}
	if p.isUint(n) {
		return "math.Float32frombits(" + p.name(n) + ")"
	}
	return p.name(n)
}

func (p *seqPrinter) uint(n int) string {
	if c := p.code[n]; c.Op == "const" {
		return fmt.Sprintf("%#x", c.Bits)
	}
	if p.isUint(n) {
		return p.name(n)
	}
	return "math.Float32bits(" + p.float(n) + ")"
}

// constant is the float32 with the given bits as a constant expression.
func constant(bits uint32) string {
	x := math.Float32frombits(bits)
	if float64(x) == math.Trunc(float64(x)) && math.Abs(float64(x)) < 1000 {
		return strconv.Itoa(int(x))
	}
	return strconv.FormatFloat(float64(x), 'x', -1, 32)
}
