package low

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// Kernel is a call: it runs a library kernel of package runtime on row-major values: any element type, any operator, so that a model
// that cannot be made fast still compiles right. The generated call is Fn(results..., inputs..., Args...); a kernel
// may return an error, as when a run-time operand does not fit the static shapes. Of says what it computes.
type Kernel struct {
	Fn    string   `onnx:"kernel"`
	Args  Args     `onnx:"args"`
	Of    ir.Op    `onnx:"of"`
	Types TypeList `onnx:"types"` // of the results, where Of cannot infer them from the inputs alone
}

// CallFor adds a call of kernel in place of the node n, whose operator is what it computes, and returns its results.
// Omitted operands and results of n are so in the call; the kernel takes them as nil.
func CallFor(b *ir.Builder, n *ir.Node, kernel string, args ...any) []*ir.Value {
	c := &Kernel{Fn: kernel, Args: args, Of: n.Op}
	have := make([]bool, len(n.Out))
	for i, v := range n.Out {
		t := ir.Type{}
		if v != nil {
			t, have[i] = v.Type, true
		}
		c.Types = append(c.Types, t)
	}
	return b.AddSome(have, c, n.In...)
}

// Args are the constant arguments of a kernel: int, float64, bool, string, []int, []float64 or []string.
type Args []any

// MarshalText writes the arguments as Go expressions.
func (a Args) MarshalText() ([]byte, error) {
	s := make([]string, len(a))
	for i, v := range a {
		s[i] = GoLiteral(v)
	}
	return []byte(strings.Join(s, ", ")), nil
}

// GoLiteral writes an argument as a Go expression.
func GoLiteral(a any) string {
	switch x := a.(type) {
	case float64:
		switch {
		case x != x:
			return "math.NaN()"
		case x == 0 && math.Signbit(x):
			return "math.Copysign(0, -1)"
		case math.IsInf(x, 0):
			return fmt.Sprintf("math.Inf(%d)", map[bool]int{true: 1, false: -1}[x > 0])
		}
		return strconv.FormatFloat(x, 'x', -1, 64)
	case string:
		return strconv.QuoteToASCII(x)
	case []int:
		return literals("int", x)
	case []float64:
		return literals("float64", x)
	case []string:
		return literals("string", x)
	case int, bool:
		return fmt.Sprint(x)
	}
	panic(fmt.Sprintf("kernel argument of type %T", a))
}

func literals[T any](name string, x []T) string {
	s := make([]string, len(x))
	for i, v := range x {
		s[i] = GoLiteral(v)
	}
	return "[]" + name + "{" + strings.Join(s, ", ") + "}"
}

// UnmarshalText reads what MarshalText writes.
func (a *Args) UnmarshalText(text []byte) error {
	*a = nil
	e, err := parser.ParseExpr("f(" + string(text) + ")")
	if err != nil {
		return err
	}
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return fmt.Errorf("arguments %q", text)
	}
	for _, e := range call.Args {
		v, err := literalValue(e)
		if err != nil {
			return err
		}
		*a = append(*a, v)
	}
	return nil
}

func literalValue(e ast.Expr) (any, error) {
	switch e := e.(type) {
	case *ast.Ident:
		switch e.Name {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	case *ast.BasicLit:
		switch e.Kind {
		case token.INT:
			return strconv.Atoi(e.Value)
		case token.FLOAT:
			return strconv.ParseFloat(e.Value, 64)
		case token.STRING:
			return strconv.Unquote(e.Value)
		}
	case *ast.UnaryExpr:
		v, err := literalValue(e.X)
		switch x := v.(type) {
		case int:
			return -x, err
		case float64:
			return -x, err
		}
	case *ast.CompositeLit:
		return sliceValue(e)
	case *ast.CallExpr:
		return specialValue(e)
	}
	return nil, fmt.Errorf("argument %v", e)
}

// specialValue reads what is no literal in Go: math.NaN(), math.Inf(sign) and math.Copysign(0, -1).
func specialValue(e *ast.CallExpr) (any, error) {
	f, ok := e.Fun.(*ast.SelectorExpr)
	switch {
	case ok && f.Sel.Name == "NaN" && len(e.Args) == 0:
		return math.NaN(), nil
	case ok && f.Sel.Name == "Copysign":
		return math.Copysign(0, -1), nil
	case ok && f.Sel.Name == "Inf" && len(e.Args) == 1:
		sign, err := literalValue(e.Args[0])
		if n, ok := sign.(int); ok {
			return math.Inf(n), err
		}
	}
	return nil, fmt.Errorf("argument %v", e)
}

func sliceValue(e *ast.CompositeLit) (any, error) {
	t, ok := e.Type.(*ast.ArrayType)
	if !ok {
		return nil, fmt.Errorf("argument %v", e)
	}
	name, _ := t.Elt.(*ast.Ident)
	ints, floats, strs := []int{}, []float64{}, []string{}
	for _, e := range e.Elts {
		v, err := literalValue(e)
		if err != nil {
			return nil, err
		}
		switch x := v.(type) {
		case int:
			ints = append(ints, x)
		case float64:
			floats = append(floats, x)
		case string:
			strs = append(strs, x)
		}
	}
	switch {
	case name == nil:
	case name.Name == "int":
		return ints, nil
	case name.Name == "float64":
		return floats, nil
	case name.Name == "string":
		return strs, nil
	}
	return nil, fmt.Errorf("argument %v", e)
}

// TypeList is a list of types that reads and writes itself as text; an undefined one is of an omitted result.
type TypeList []ir.Type

// MarshalText writes the types separated by blanks, "_" for an undefined one.
func (l TypeList) MarshalText() ([]byte, error) {
	s := make([]string, len(l))
	for i, t := range l {
		if s[i] = "_"; t.DType != ir.Undefined {
			s[i] = t.String()
		}
	}
	return []byte(strings.Join(s, " ")), nil
}

// UnmarshalText reads what MarshalText writes.
func (l *TypeList) UnmarshalText(text []byte) error {
	*l = nil
	for s := range strings.FieldsSeq(string(text)) {
		var t ir.Type
		if s != "_" {
			name, dims, _ := strings.Cut(strings.TrimSuffix(s, "]"), "[")
			d, err := ir.ParseDType(name)
			if err != nil {
				return err
			}
			t.DType = d
			for f := range strings.SplitSeq(dims, ",") {
				n := -1
				if f == "" {
					continue
				}
				if f != "?" {
					if n, err = strconv.Atoi(f); err != nil {
						return err
					}
				}
				t.Shape = append(t.Shape, n)
			}
		}
		*l = append(*l, t)
	}
	return nil
}

// Name is the operator's name in the text form.
func (*Kernel) Name() string { return "sbtc.Call" }

// Infer returns the types, after Of has checked the inputs.
func (c *Kernel) Infer(in []*ir.Value) ([]ir.Type, error) {
	if c.Of == nil {
		return nil, fmt.Errorf("kernel %s of no operator", c.Fn)
	}
	for _, v := range in {
		if v != nil && v.Type.Layout != ir.RowMajor {
			return nil, fmt.Errorf("%s is %v, wanted row-major", v, v.Type)
		}
	}
	types, err := c.Of.Infer(in)
	if err != nil {
		return nil, err
	}
	for i, t := range c.Types {
		if t.DType == ir.Undefined || i >= len(types) {
			continue
		}
		if types[i], err = ir.Refine(types[i], t); err != nil {
			return nil, err
		}
	}
	return types, nil
}

// Eval computes what the kernel is to give.
func (c *Kernel) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) { return c.Of.Eval(in) }
