package low

import (
	"fmt"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// A function is one row of the table of scalar functions.
//
// The signature is a letter for each operand, > and a letter for the result: T is one element type for all its
// operands, B is bool, C the type that a cast is named for. The forms say which classes of element types T may be and
// what the function computes there: eval is the Go function that the oracle applies, and the text is how generated code
// spells it, with a %s for each operand.
type function struct {
	name string
	sig  string
	f32  any // float32, and float16 and bfloat16, which are widened
	f64  any // float64
	i64  any // integers; results are wrapped to the width of the type
	u64  any // unsigned integers, where they differ from i64
	b    any // bool

	text                            string // where no other text is given
	text32, text64, textInt, textUi string
	weight                          int       // work in units of an addition; 0: 1
	to                              ir.DType  // of a cast
	seq                             *Sequence // of a function on float32: its arithmetic
}

func (f *function) arity() int { return strings.Index(f.sig, ">") }

func (f *function) cost() int { return max(f.weight, 1) }

// class is how elements are computed with.
type class uint8

const (
	none     class = iota
	f32Class       // in float32
	f64Class       // in float64
	intClass       // signed integers, in 64 bits
	uintClass
	boolClass
)

func classOf(d ir.DType) class {
	switch {
	case d == ir.Float32 || d == ir.Float16 || d == ir.BFloat16:
		return f32Class
	case d == ir.Float64:
		return f64Class
	case d.IsUnsigned():
		return uintClass
	case d.IsInt():
		return intClass
	case d == ir.Bool:
		return boolClass
	}
	return none
}

// form returns what f computes for operands of class c, nil if it does not take them.
func (f *function) form(c class) any {
	switch c {
	case f32Class:
		if f.f32 == nil && f.seq != nil {
			return f.seq
		}
		return f.f32
	case f64Class:
		return f.f64
	case intClass:
		return f.i64
	case uintClass:
		if f.u64 != nil {
			return f.u64
		}
		return f.i64
	case boolClass:
		return f.b
	}
	return nil
}

// spelling returns how generated code spells f for operands of class c.
func (f *function) spelling(c class) string {
	text := ""
	switch c {
	case f32Class:
		text = f.text32
	case f64Class:
		text = f.text64
	case intClass:
		text = f.textInt
	case uintClass:
		if text = f.textUi; text == "" {
			text = f.textInt
		}
	}
	if text == "" {
		text = f.text
	}
	if text == "" && f.form(c) != nil {
		panic(fmt.Sprintf("%s: no text for class %d", f.name, c))
	}
	return text
}

var (
	functions = map[string]*function{}
	composed  = map[string]Expr{}
)

func init() {
	for _, rows := range [][]function{arithmetic, logic, elementary} {
		for _, f := range rows {
			functions[f.name] = &f
		}
	}
	for _, d := range castTypes {
		functions["cast_"+d.String()] = &function{name: "cast_" + d.String(), sig: "T>C", to: d}
	}
	for _, c := range compositions {
		composed[c.name] = MustExpr(c.text)
	}
}

var castTypes = []ir.DType{
	ir.Float16, ir.BFloat16, ir.Float32, ir.Float64, ir.Bool, ir.Int2, ir.Int4, ir.Int8, ir.Int16, ir.Int32, ir.Int64,
	ir.Uint2, ir.Uint4, ir.Uint8, ir.Uint16, ir.Uint32, ir.Uint64,
}
