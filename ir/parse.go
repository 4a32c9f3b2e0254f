package ir

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// Lookup returns a new operator by name with default attributes, after checking the number and the element types of
// the inputs it is to have.
type Lookup func(name string, in []*Value) (Op, error)

// Parse reads a graph in the text form; errors begin with file:line:column of the node at fault.
func Parse(file, src string, lookup Lookup) (g *Graph, err error) {
	p := &parser{lookup: lookup, env: map[string]*Value{}}
	p.s.Init(strings.NewReader(uncomment(src)))
	p.s.Filename = file
	p.s.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats | scanner.ScanStrings
	p.s.Error = func(*scanner.Scanner, string) {}
	defer func() {
		if e := recover(); e != nil {
			pe, ok := e.(parseError)
			if !ok {
				panic(e)
			}
			g, err = nil, fmt.Errorf("%v: %w", p.pos, pe.error)
		}
	}()
	p.next()
	g = p.graph(p.name())
	p.expect(scanner.EOF)
	return g, nil
}

// A parseError unwinds the parser.
type parseError struct{ error }

// uncomment blanks # comments outside strings, keeping positions.
func uncomment(src string) string {
	b, quoted, comment := []byte(src), false, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n':
			quoted, comment = false, false
		case comment:
			b[i] = ' '
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '#' && !quoted:
			comment = true
			b[i] = ' '
		}
	}
	return string(b)
}

type parser struct {
	s      scanner.Scanner
	tok    rune
	pos    scanner.Position // of the node or token at fault
	lookup Lookup
	env    map[string]*Value
}

func (p *parser) fail(err error) {
	if err != nil {
		panic(parseError{err})
	}
}

func (p *parser) next() string {
	t := p.s.TokenText()
	p.tok = p.s.Scan()
	return t
}

func (p *parser) accept(t rune) bool {
	if p.tok == t {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(t rune) string {
	if p.tok != t {
		p.pos = p.s.Position
		p.fail(fmt.Errorf("found %q, want %s", p.s.TokenText(), scanner.TokenString(t)))
	}
	return p.next()
}

func (p *parser) list(open, end rune, item func()) {
	p.expect(open)
	for p.tok != end {
		item()
		if !p.accept(',') {
			break
		}
	}
	p.expect(end)
}

// name reads an identifier or a quoted name; "" stands for an omitted value.
func (p *parser) name() string {
	if p.tok == scanner.String {
		s, err := strconv.Unquote(p.next())
		p.fail(err)
		return s
	}
	return p.expect(scanner.Ident)
}

func (p *parser) int() int {
	n, err := strconv.Atoi(p.expect(scanner.Int))
	p.fail(err)
	return n
}

func (p *parser) typ() Type {
	d, err := ParseDType(p.expect(scanner.Ident))
	p.fail(err)
	t := Type{DType: d}
	if p.tok == '[' {
		p.list('[', ']', func() {
			if p.accept('?') {
				t.Shape = append(t.Shape, -1)
			} else {
				t.Shape = append(t.Shape, p.int())
			}
		})
		t.NoRank = t.Shape == nil
	}
	return t
}

func (p *parser) graph(name string) *Graph {
	g := &Graph{Name: name}
	p.list('(', ')', func() {
		v := &Value{Type: p.typ(), Name: p.name()}
		p.define(v)
		g.In = append(g.In, v)
	})
	p.expect('=')
	p.expect('>')
	var outs []string
	declared := map[string]Type{}
	p.list('(', ')', func() {
		t := p.typ()
		name := p.name()
		outs, declared[name] = append(outs, name), t
	})
	p.expect('{')
	for p.tok != '}' {
		p.node(g, declared)
	}
	p.pos = p.s.Position
	p.expect('}')
	for _, name := range outs {
		g.Out = append(g.Out, p.use(name))
	}
	p.fail(g.Check())
	return g
}

func (p *parser) define(v *Value) {
	if p.env[v.Name] != nil {
		p.fail(fmt.Errorf("%q is defined twice", v.Name))
	}
	p.env[v.Name] = v
}

func (p *parser) node(g *Graph, declared map[string]Type) {
	p.pos = p.s.Position
	out := []string{p.name()}
	for p.accept(',') {
		out = append(out, p.name())
	}
	p.expect('=')
	name, attrs := p.op()
	var in []*Value
	p.list('(', ')', func() {
		if n := p.name(); n != "" {
			in = append(in, p.use(n))
		} else {
			in = append(in, nil)
		}
	})
	if t := p.constant(name, attrs); t != nil {
		p.define(&Value{Name: out[0], Type: t.Type(), Const: t})
		return
	}
	types := make([]Type, len(out))
	for i, n := range out {
		types[i] = declared[n]
	}
	n, err := g.AddTyped(p.newOp(name, attrs, in), "", in, out, types)
	p.fail(err)
	for _, v := range n.Out {
		if v != nil {
			p.define(v)
		}
	}
}

type textAttr struct {
	name  string
	value any
}

// op reads an operator's name and attributes.
func (p *parser) op() (name string, attrs []textAttr) {
	name = p.expect(scanner.Ident)
	for p.accept('.') {
		name += "." + p.expect(scanner.Ident)
	}
	if p.tok == '<' {
		p.list('<', '>', func() {
			n := p.expect(scanner.Ident)
			p.expect('=')
			attrs = append(attrs, textAttr{n, p.attr()})
		})
	}
	return name, attrs
}

func (p *parser) newOp(name string, attrs []textAttr, in []*Value) Op {
	op, err := p.lookup(name, in)
	p.fail(err)
	for _, a := range attrs {
		if o, ok := a.value.(opAttr); ok {
			a.value = p.newOp(o.name, o.attrs, in)
		}
		p.fail(SetAttr(op, a.name, a.value))
	}
	return op
}

// An opAttr is an attribute that is itself an operator, such as the one that sbtc.Call stands for.
type opAttr struct {
	name  string
	attrs []textAttr
}

// constant returns what an operator without inputs that the text form uses for constants makes, nil for any other.
func (p *parser) constant(name string, attrs []textAttr) *Tensor {
	var op Op
	switch name {
	case "Constant":
		if len(attrs) == 1 && attrs[0].name == "value" {
			if t, ok := attrs[0].value.(*Tensor); ok {
				return t
			}
		}
		return nil
	case "sbtc.Rand":
		op = &Rand{}
	case "sbtc.Raw":
		op = &raw{}
	case "sbtc.Ternary":
		op = &ternary{}
	case "sbtc.Sparse":
		op = &sparse{}
	default:
		return nil
	}
	SetDefaults(op)
	for _, a := range attrs {
		p.fail(SetAttr(op, a.name, a.value))
	}
	_, err := op.Infer(nil)
	p.fail(err)
	out, err := op.Eval(nil)
	p.fail(err)
	return out[0]
}

// raw is the operator sbtc.Raw: a large constant, its elements in base64.
type raw struct {
	DType DType  `onnx:"dtype"`
	Shape []int  `onnx:"shape"`
	Data  string `onnx:"data"`
}

func (*raw) Name() string { return "sbtc.Raw" }

func (r *raw) Infer([]*Value) ([]Type, error) {
	return (&Rand{DType: r.DType, Shape: r.Shape}).Infer(nil)
}

func (r *raw) Eval([]*Tensor) ([]*Tensor, error) {
	b, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		return nil, err
	}
	if !SizeAtMost(r.Shape, len(b)) {
		return nil, errors.New("too little data")
	}
	t := NewTensor(r.DType, r.Shape...)
	return []*Tensor{t}, t.setBytes(b)
}

func (p *parser) attr() any {
	switch p.tok {
	case '[':
		list := []any{}
		p.list('[', ']', func() { list = append(list, p.attr()) })
		return list
	case scanner.String:
		s := p.name()
		if p.tok == '(' {
			return p.body(s)
		}
		return s
	case scanner.Ident:
		return p.identAttr()
	}
	return p.number()
}

// body reads a graph that is an attribute; it sees no names of the graph around it.
func (p *parser) body(name string) *Graph {
	env, pos := p.env, p.pos
	p.env = map[string]*Value{}
	g := p.graph(name)
	p.env, p.pos = env, pos
	return g
}

// identAttr reads an attribute that begins with an identifier: a tensor literal, inf or nan, a graph, or an operator.
func (p *parser) identAttr() any {
	switch text := p.s.TokenText(); text {
	case "inf", "nan":
		return Number(p.next())
	default:
		if _, err := ParseDType(text); err != nil {
			name, attrs := p.op()
			if p.tok == '(' && attrs == nil {
				return p.body(name)
			}
			return opAttr{name, attrs}
		}
	}
	return p.tensor(p.typ())
}

func (p *parser) number() Number {
	sign := ""
	if p.accept('-') {
		sign = "-"
	}
	switch p.tok {
	case scanner.Int, scanner.Float, scanner.Ident:
		return Number(sign + p.next())
	}
	p.expect(scanner.Int)
	return ""
}

func (p *parser) tensor(typ Type) *Tensor {
	var elems []string
	p.list('{', '}', func() {
		if p.tok == scanner.String {
			elems = append(elems, p.name())
		} else {
			elems = append(elems, string(p.number()))
		}
	})
	per := 1
	if typ.DType.IsComplex() {
		per = 2
	}
	n := 1
	for _, d := range typ.Shape {
		if d < 0 || d > 0 && n > len(elems)/d && !slices.Contains(typ.Shape, 0) {
			p.fail(fmt.Errorf("%d elements for %v", len(elems), typ))
		}
		n *= d
	}
	if n*per != len(elems) {
		p.fail(fmt.Errorf("%d elements for %v", len(elems), typ))
	}
	t := NewTensor(typ.DType, typ.Shape...)
	for i := range n {
		p.fail(t.setText(i, elems[i*per:][:per]))
	}
	return t
}

func (t *Tensor) setText(i int, s []string) (err error) {
	switch x := t.Any().(type) {
	case []string:
		x[i] = s[0]
		return nil
	case []uint64:
		x[i], err = strconv.ParseUint(s[0], 10, 64)
		return err
	case []complex64, []complex128:
		return t.setComplexText(i, s)
	}
	if t.DType.IsFloat() {
		v, err := parseFloat(s[0])
		t.SetFloat(i, v)
		return err
	}
	v, err := strconv.ParseInt(s[0], 10, 64)
	t.SetInt(i, v)
	return err
}

func (t *Tensor) setComplexText(i int, s []string) error {
	re, err := parseFloat(s[0])
	if err != nil {
		return err
	}
	im, err := parseFloat(s[1])
	if x, ok := t.Any().([]complex64); ok {
		x[i] = complex(float32(re), float32(im))
	} else {
		Data[complex128](t)[i] = complex(re, im)
	}
	return err
}

func (p *parser) use(name string) *Value {
	v := p.env[name]
	if v == nil {
		p.fail(fmt.Errorf("%q is not defined", name))
	}
	return v
}
