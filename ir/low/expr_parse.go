package low

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// maxDepth bounds the nesting of a text, so that no text exhausts the stack.
const maxDepth = 10000

// ParseExpr reads the text form of an expression. Besides what String prints, it reads white space between tokens and
// literals in any form that Go has for floating-point numbers.
func ParseExpr(text string) (Expr, error) {
	p := exprParser{rest: text, names: map[string]int{}}
	err := p.expr()
	if err != nil {
		at := len(text) - len(p.rest)
		return Expr{}, fmt.Errorf("expression %q, column %d: %w", text, at+1, err)
	}
	return p.done, nil
}

// MustExpr is ParseExpr for texts that are part of the program; it panics on an error.
func MustExpr(text string) Expr {
	e, err := ParseExpr(text)
	if err != nil {
		panic(err)
	}
	return e
}

type exprParser struct {
	rest  string
	b     builder
	names map[string]int // of the terms defined so far
	depth int
	done  Expr
}

func (p *exprParser) expr() error {
	for {
		save := p.rest
		name := p.word()
		if p.skip("=") {
			if !isTermName(name) {
				return fmt.Errorf("%q is not the name of a term: t0, t1, ...", name)
			}
			if _, ok := p.names[name]; ok {
				return fmt.Errorf("%s is defined twice", name)
			}
			n, err := p.term()
			if err != nil {
				return err
			}
			if !p.skip(";") {
				return fmt.Errorf("want ; after the definition of %s", name)
			}
			p.names[name] = n
			continue
		}
		p.rest = save
		n, err := p.term()
		if err != nil {
			return err
		}
		if p.space(); p.rest != "" {
			return fmt.Errorf("more text after the expression")
		}
		var b builder // again from the result: the order of definitions does not count
		b.putFrom(Expr{p.b.code}, n)
		p.done = Expr{b.code}
		return nil
	}
}

func (p *exprParser) term() (int, error) {
	if p.depth++; p.depth > maxDepth {
		return 0, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	w := p.word()
	if w == "" {
		return 0, fmt.Errorf("want an input, a literal or a function")
	}
	if p.skip("(") {
		return p.call(w)
	}
	if n, ok := p.names[w]; ok {
		return n, nil
	}
	if d, ok := strings.CutPrefix(w, "x"); ok {
		if i, err := strconv.ParseUint(d, 10, 16); err == nil && d == strconv.FormatUint(i, 10) {
			return p.b.add(inst{x: int(i)}), nil
		}
	}
	lit, err := canonical(w)
	if err != nil {
		return 0, err
	}
	return p.b.add(inst{lit: lit}), nil
}

func (p *exprParser) call(fn string) (int, error) {
	var args []int
	for !p.skip(")") {
		if len(args) > 0 && !p.skip(",") {
			return 0, fmt.Errorf("want , or ) in the arguments of %s", fn)
		}
		n, err := p.term()
		if err != nil {
			return 0, err
		}
		args = append(args, n)
	}
	c, isComposed := composed[fn]
	want := c.Inputs()
	if f := functions[fn]; f != nil {
		want = f.arity()
	} else if !isComposed {
		return 0, fmt.Errorf("there is no function %q", fn)
	}
	if len(args) != want {
		return 0, fmt.Errorf("%s takes %d arguments, not %d", fn, want, len(args))
	}
	if isComposed {
		return p.b.putAt(c, args), nil
	}
	i := inst{fn: fn}
	copy(i.arg[:], args)
	return p.b.add(i), nil
}

// putAt adds e, whose inputs are the terms at.
func (b *builder) putAt(e Expr, at []int) int {
	pos := make([]int, len(e.code))
	for n, i := range e.code {
		if i.fn == "" && i.lit == "" {
			pos[n] = at[i.x]
			continue
		}
		for k := range i.args() {
			i.arg[k] = pos[i.arg[k]]
		}
		pos[n] = b.add(i)
	}
	return pos[len(pos)-1]
}

func isTermName(s string) bool {
	d, ok := strings.CutPrefix(s, "t")
	_, err := strconv.ParseUint(d, 10, 31)
	return ok && err == nil
}

func (p *exprParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *exprParser) skip(tok string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, tok)
	p.rest = rest
	return ok
}

// word is the text up to the next separator.
func (p *exprParser) word() string {
	p.space()
	n := strings.IndexAny(p.rest, "(),;= \t\r\n")
	if n < 0 {
		n = len(p.rest)
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

// canonical is the one spelling of a literal: true, false, nan, inf, -inf, an integer of at most 64 bits as it is, any
// other number as the shortest text that gives the same binary64 value.
func canonical(s string) (string, error) {
	switch s {
	case "true", "false", "nan", "inf", "-inf":
		return s, nil
	}
	if strings.ContainsAny(s, "_iInN") {
		return "", fmt.Errorf("%q is neither an input nor a literal", s)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && !(i == 0 && s[0] == '-') {
		return strconv.FormatInt(i, 10), nil
	}
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return strconv.FormatUint(u, 10), nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return "", fmt.Errorf("%q is neither an input nor a literal", s)
	}
	return formatLit(v), nil
}

func isBoolLit(s string) bool { return s == "true" || s == "false" }

// litFloat is the value of a numeric literal, rounded to binary64.
func litFloat(s string) float64 {
	switch s {
	case "nan":
		return math.NaN()
	case "inf":
		return math.Inf(1)
	case "-inf":
		return math.Inf(-1)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// litInt is the value of a numeric literal in an integer type; Uint64 values are returned as their bits.
func litInt(s string, d ir.DType) (int64, error) {
	lo, hi := d.IntRange()
	if d == ir.Uint64 {
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return int64(u), nil
		}
		hi = math.MaxInt64
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		v := litFloat(s)
		if v != math.Trunc(v) || math.Abs(v) >= 1<<64 { // NaN is unequal to itself
			return 0, fmt.Errorf("literal %s is no value of %v", s, d)
		}
		if i = ir.SaturateInt(v, d); d == ir.Uint64 && v >= 0 {
			return i, nil
		}
		if float64(i) != v {
			return 0, fmt.Errorf("literal %s is out of the range of %v", s, d)
		}
	}
	if i < lo || i > hi {
		return 0, fmt.Errorf("literal %s is out of the range of %v", s, d)
	}
	return i, nil
}
