package low

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// Go spells e in Go: statements that define t0, t1, ... for what is used more than once, and the value. args[i] spells
// one element of input i as an ir.Tensor holds it (a float16 as its bits); the value is one of the result in the same
// way. The text uses package math and the functions of package runtime. It computes the bits that Program does.
//
// Every product of floats is written as a conversion, so that no compiler fuses it with an addition.
func (e Expr) Go(in []ir.DType, args []string) (stmts []string, value string, err error) {
	code, err := e.typed(in)
	if err != nil {
		return nil, "", err
	}
	if len(args) < e.Inputs() {
		return nil, "", fmt.Errorf("expression %v: it has %d inputs, %d are given", e, e.Inputs(), len(args))
	}
	uses := make([]int, len(code))
	for _, o := range code {
		for _, a := range o.arg {
			uses[a]++
		}
	}
	text := make([]string, len(code))
	for n, o := range code {
		var simple bool
		switch {
		case o.lit != nil:
			text[n], simple = goLiteral(o.typ, o.lit), true
		case o.row == nil:
			text[n] = goLoad(o.typ, args[o.x])
			simple = identifier.MatchString(text[n])
		default:
			operands := make([]string, len(o.arg))
			for k, a := range o.arg {
				operands[k] = text[a]
			}
			text[n] = goOp(o, operands)
		}
		if uses[n] > 1 && !simple {
			name := "t" + strconv.Itoa(len(stmts))
			stmts = append(stmts, name+" := "+text[n])
			text[n] = name
		}
	}
	last := len(code) - 1
	return stmts, goStore(code[last].typ, text[last]), nil
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`)

// GoType is the Go type of one element as an ir.Tensor holds it.
func GoType(d ir.DType) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", ir.NewTensor(d, 0).Any()), "[]")
}

// registerType is the Go type in which an expression computes.
func registerType(d ir.DType) string {
	if classOf(d) == f32Class {
		return "float32"
	}
	return GoType(d)
}

func goLoad(d ir.DType, x string) string {
	switch d {
	case ir.Float16:
		return "f16to32(" + x + ")"
	case ir.BFloat16:
		return "bf16to32(" + x + ")"
	}
	return x
}

func goStore(d ir.DType, x string) string {
	switch d {
	case ir.Float16:
		return "f32tof16(" + x + ")"
	case ir.BFloat16:
		return "f32tobf16(" + x + ")"
	}
	return x
}

func goOp(o op, operands []string) string {
	if o.row.to != 0 {
		return goCast(o.of, o.typ, operands[0])
	}
	any := make([]any, len(operands))
	for k, s := range operands {
		any[k] = s
	}
	return goWrap(o.typ, fmt.Sprintf(o.row.spelling(o.class()), any...))
}

// goWrap keeps the low bits of integers that Go has no type for.
func goWrap(d ir.DType, x string) string {
	switch d {
	case ir.Int2, ir.Int4, ir.Uint2, ir.Uint4:
		return "wrap" + d.String() + "(" + x + ")"
	}
	return x
}

func goCast(from, to ir.DType, x string) string {
	switch c, f := classOf(to), classOf(from); {
	case c == boolClass && f == boolClass:
		return x
	case c == boolClass:
		return "(" + x + " != 0)"
	case to == ir.Float16 || to == ir.BFloat16:
		if f == boolClass {
			return "bit[float32](" + x + ")"
		}
		name := "f64to" + map[ir.DType]string{ir.Float16: "f16", ir.BFloat16: "bf16"}[to]
		return goLoad(to, name+"(float64("+x+"))")
	case f == boolClass:
		return "bit[" + registerType(to) + "](" + x + ")"
	case c == f32Class || c == f64Class:
		return registerType(to) + "(" + x + ")"
	case f != f32Class && f != f64Class:
		if from == to {
			return x
		}
		return goWrap(to, GoType(to)+"("+x+")")
	case to == ir.Int64 || to == ir.Uint64:
		return "sat" + to.String() + "(float64(" + x + "))"
	}
	lo, hi := to.IntRange()
	return fmt.Sprintf("saturate[%s](float64(%s), %d, %d)", GoType(to), x, lo, hi)
}

// goLiteral spells a constant with its type, floats exactly.
func goLiteral(d ir.DType, v *value) string {
	switch classOf(d) {
	case boolClass:
		return strconv.FormatBool(v.b)
	case f32Class:
		return goFloat32(float32(v.f))
	case f64Class:
		if v.f != v.f {
			return "math.NaN()"
		}
		if math.IsInf(v.f, 0) || v.f == 0 && math.Signbit(v.f) {
			return fmt.Sprintf("math.Float64frombits(%#x)", math.Float64bits(v.f))
		}
		return "float64(" + strconv.FormatFloat(v.f, 'x', -1, 64) + ")"
	}
	if d == ir.Uint64 {
		return fmt.Sprintf("uint64(%d)", uint64(v.i))
	}
	return fmt.Sprintf("%s(%d)", GoType(d), v.i)
}

func goFloat32(x float32) string {
	if x != x {
		return "math.Float32frombits(0x7fc00000)"
	}
	if math.IsInf(float64(x), 0) || x == 0 && math.Signbit(float64(x)) {
		return fmt.Sprintf("math.Float32frombits(%#x)", math.Float32bits(x))
	}
	return "float32(" + strconv.FormatFloat(float64(x), 'x', -1, 32) + ")"
}
