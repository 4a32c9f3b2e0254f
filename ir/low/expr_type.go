package low

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
)

// op is an instruction whose element types are known.
type op struct {
	row *function // nil: a literal or an input
	typ ir.DType  // of the result
	of  ir.DType  // of the operands that the signature calls T
	arg []int
	x   int
	lit *value
}

// value is a literal of each class.
type value struct {
	f float64
	i int64
	b bool
}

// Type returns the element type of the result for inputs of the given element types.
func (e Expr) Type(in []ir.DType) (ir.DType, error) {
	code, err := e.typed(in)
	if err != nil {
		return ir.Undefined, err
	}
	return code[len(code)-1].typ, nil
}

type typing struct {
	e    Expr
	in   []ir.DType
	own  []ir.DType // by instruction; Undefined where literals leave it open
	code []op
	done map[typedInst]int
}

type typedInst struct {
	n int
	d ir.DType
}

// typed decides the element type of every instruction and folds what has only literal operands. The result is last.
func (e Expr) typed(in []ir.DType) ([]op, error) {
	if len(e.code) == 0 {
		return nil, fmt.Errorf("an empty expression has no value")
	}
	if n := e.Inputs(); n > len(in) {
		return nil, fmt.Errorf("expression %v: it has %d inputs, %d are given", e, n, len(in))
	}
	t := typing{e: e, in: in, own: make([]ir.DType, len(e.code)), done: map[typedInst]int{}}
	for n, i := range e.code {
		d, err := t.infer(i)
		if err != nil {
			return nil, fmt.Errorf("expression %v: %w", e, err)
		}
		t.own[n] = d
	}
	if _, err := t.instantiate(len(e.code)-1, ir.Undefined); err != nil {
		return nil, fmt.Errorf("expression %v: %w", e, err)
	}
	return t.code, nil
}

// infer returns the type that i has whatever uses it.
func (t *typing) infer(i inst) (ir.DType, error) {
	if i.fn == "" {
		switch {
		case isBoolLit(i.lit):
			return ir.Bool, nil
		case i.lit != "":
			return ir.Undefined, nil
		}
		if d := t.in[i.x]; classOf(d) != none {
			return d, nil
		}
		return 0, fmt.Errorf("x%d is %v, which no scalar function takes", i.x, t.in[i.x])
	}
	f := functions[i.fn]
	of := ir.Undefined
	for k, a := range i.args() {
		d := t.own[a]
		switch {
		case d == ir.Undefined:
		case f.sig[k] == 'B' && d != ir.Bool:
			return 0, fmt.Errorf("operand %d of %s is %v, not bool", k, f.name, d)
		case f.sig[k] == 'B':
		case of == ir.Undefined:
			of = d
		case of != d:
			return 0, fmt.Errorf("operands of %s are %v and %v", f.name, of, d)
		}
	}
	if of != ir.Undefined && f.to == 0 && f.sig[0:1] != "B" && f.form(classOf(of)) == nil {
		return 0, fmt.Errorf("%s does not take %v", f.name, of)
	}
	switch f.sig[len(f.sig)-1] {
	case 'B':
		return ir.Bool, nil
	case 'C':
		return f.to, nil
	}
	return of, nil
}

// instantiate adds instruction n, whose user wants it to be of type want if it has no type of its own.
func (t *typing) instantiate(n int, want ir.DType) (int, error) {
	d := t.own[n]
	if d == ir.Undefined {
		d = want
	}
	key := typedInst{n, d}
	if k, ok := t.done[key]; ok {
		return k, nil
	}
	o, err := t.op(t.e.code[n], d)
	if err != nil {
		return 0, err
	}
	if o.row != nil {
		fold := true
		for _, a := range o.arg {
			fold = fold && t.code[a].lit != nil
		}
		if fold {
			o = op{typ: o.typ, lit: t.evalLits(o)}
		}
	}
	t.done[key] = len(t.code)
	t.code = append(t.code, o)
	return len(t.code) - 1, nil
}

func (t *typing) op(i inst, d ir.DType) (op, error) {
	if i.fn == "" {
		if i.lit == "" {
			return op{typ: d, x: i.x}, nil
		}
		v, err := literal(i.lit, d)
		return op{typ: d, lit: v}, err
	}
	o := op{row: functions[i.fn], typ: d}
	of := ir.Undefined
	for k, a := range i.args() {
		if o.row.sig[k] == 'T' && of == ir.Undefined {
			of = t.own[a]
		}
	}
	if of == ir.Undefined { // only literals: what the result is to be
		if of = d; o.row.sig[len(o.row.sig)-1] == 'B' && o.row.sig[0] != 'B' {
			return op{}, fmt.Errorf("the operands of %s are literals only: cast one to the type that is meant, as in cast_float(1)", i.fn)
		}
	}
	o.of = of
	for k, a := range i.args() {
		want := of
		if o.row.sig[k] == 'B' {
			want = ir.Bool
		}
		n, err := t.instantiate(a, want)
		if err != nil {
			return op{}, err
		}
		o.arg = append(o.arg, n)
	}
	if o.row.to == 0 && o.form() == nil {
		return op{}, fmt.Errorf("%s does not take %v", i.fn, of)
	}
	return o, nil
}

// class is that of the operands called T; where all are called B, of those.
func (o *op) class() class {
	if o.row.sig[0] == 'B' && o.row.sig[len(o.row.sig)-1] == 'B' {
		return boolClass
	}
	return classOf(o.of)
}

func (o *op) form() any { return o.row.form(o.class()) }

func literal(s string, d ir.DType) (*value, error) {
	switch c := classOf(d); {
	case d == ir.Undefined:
		return nil, fmt.Errorf("the element type of literal %s is open: cast it, as in cast_float(%s)", s, s)
	case isBoolLit(s) != (c == boolClass):
		return nil, fmt.Errorf("literal %s is no value of %v", s, d)
	case c == boolClass:
		return &value{b: s == "true"}, nil
	case c == f32Class:
		return &value{f: float64(float32(litFloat(s)))}, nil
	case c == f64Class:
		return &value{f: litFloat(s)}, nil
	}
	i, err := litInt(s, d)
	return &value{i: i}, err
}
