package low

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An Expr is a scalar expression over aligned inputs x0, x1, ...: calls of the functions of this package's table,
// inputs and literals. Its text form is relu(add(mul(x0,x1),0.5)); a term that occurs more than once is named, as in
// t0=add(x0,1);mul(t0,sigmoid(t0)). Equal expressions have equal texts. The zero Expr has no value.
type Expr struct {
	code []inst // operands before their users, no two equal, the result last
}

// inst is a call (fn), a literal (lit) or else the input x.
type inst struct {
	fn  string
	arg [maxArgs]int // operands of a call: earlier instructions
	x   int
	lit string // in the form that canonical gives
}

const maxArgs = 3

func (i inst) args() []int {
	if i.fn == "" {
		return nil
	}
	return slices.Clone(i.arg[:functions[i.fn].arity()])
}

// X is the input xi.
func X(i int) Expr { return Expr{[]inst{{x: i}}} }

// Lit is a literal; it takes its element type from the place where it stands.
func Lit(v float64) Expr { return Expr{[]inst{{lit: formatLit(v)}}} }

// LitInt is a literal that keeps all 64 bits of v.
func LitInt(v int64) Expr { return Expr{[]inst{{lit: strconv.FormatInt(v, 10)}}} }

// LitBool is true or false.
func LitBool(v bool) Expr { return Expr{[]inst{{lit: strconv.FormatBool(v)}}} }

// Call applies a function of the table, or one that Compositions defines by others. It panics if there is no such
// function or the number of arguments is wrong.
func Call(fn string, args ...Expr) Expr {
	e, err := call(fn, args)
	if err != nil {
		panic(err)
	}
	return e
}

func call(fn string, args []Expr) (Expr, error) {
	if c, ok := composed[fn]; ok {
		if len(args) != c.Inputs() {
			return Expr{}, fmt.Errorf("%s takes %d arguments, not %d", fn, c.Inputs(), len(args))
		}
		return c.Subst(args), nil
	}
	f := functions[fn]
	if f == nil {
		return Expr{}, fmt.Errorf("there is no function %q", fn)
	}
	if len(args) != f.arity() {
		return Expr{}, fmt.Errorf("%s takes %d arguments, not %d", fn, f.arity(), len(args))
	}
	var b builder
	i := inst{fn: fn}
	for k, a := range args {
		i.arg[k] = b.put(a, nil)
	}
	b.add(i)
	return Expr{b.code}, nil
}

// builder numbers equal instructions alike.
type builder struct {
	code []inst
	at   map[inst]int
}

func (b *builder) add(i inst) int {
	n, ok := b.at[i]
	if !ok {
		if b.at == nil {
			b.at = map[inst]int{}
		}
		n = len(b.code)
		b.at[i] = n
		b.code = append(b.code, i)
	}
	return n
}

// put adds e, with the inputs replaced by subst unless that is nil, and returns where its result is.
func (b *builder) put(e Expr, subst []Expr) int {
	if len(e.code) == 0 {
		panic("use of an empty expression")
	}
	pos := make([]int, len(e.code))
	for n, i := range e.code {
		switch {
		case i.fn != "":
			for k := range i.args() {
				i.arg[k] = pos[i.arg[k]]
			}
			pos[n] = b.add(i)
		case i.lit == "" && subst != nil:
			pos[n] = b.put(subst[i.x], nil)
		default:
			pos[n] = b.add(i)
		}
	}
	return pos[len(pos)-1]
}

// Subst replaces every input xi by args[i], which fuses one expression into another.
func (e Expr) Subst(args []Expr) Expr {
	if len(args) < e.Inputs() {
		panic(fmt.Sprintf("%d expressions for the inputs of %v", len(args), e))
	}
	if args == nil {
		return e
	}
	var b builder
	b.put(e, args)
	return Expr{b.code}
}

// IsZero reports whether e is the zero Expr, which stands for no expression.
func (e Expr) IsZero() bool { return len(e.code) == 0 }

// Equal reports whether e and f are the same expression.
func (e Expr) Equal(f Expr) bool { return slices.Equal(e.code, f.code) }

// Inputs is one more than the largest i of the inputs xi that occur.
func (e Expr) Inputs() int {
	n := 0
	for _, i := range e.code {
		if i.fn == "" && i.lit == "" {
			n = max(n, i.x+1)
		}
	}
	return n
}

// Uses reports whether the input xi occurs.
func (e Expr) Uses(i int) bool { return slices.Contains(e.code, inst{x: i}) }

// Ops counts the calls by function; a term that occurs more than once counts once.
func (e Expr) Ops() map[string]int {
	ops := map[string]int{}
	for _, i := range e.code {
		if i.fn != "" {
			ops[i.fn]++
		}
	}
	return ops
}

// Cost is the work of one element, in units of an addition.
func (e Expr) Cost() int {
	n := 0
	for _, i := range e.code {
		if i.fn != "" {
			n += functions[i.fn].cost()
		}
	}
	return n
}

// Result returns the function that is applied last and its arguments; "" and nil if e is an input or a literal.
func (e Expr) Result() (fn string, args []Expr) {
	if len(e.code) == 0 {
		return "", nil
	}
	last := e.code[len(e.code)-1]
	for _, a := range last.args() {
		var b builder
		b.at = map[inst]int{}
		b.putFrom(e, a)
		args = append(args, Expr{b.code})
	}
	return last.fn, args
}

// putFrom adds the term n of e.
func (b *builder) putFrom(e Expr, n int) int {
	pos := map[int]int{}
	var walk func(n int) int
	walk = func(n int) int {
		if p, ok := pos[n]; ok {
			return p
		}
		i := e.code[n]
		for k, a := range i.args() {
			i.arg[k] = walk(a)
		}
		pos[n] = b.add(i)
		return pos[n]
	}
	return walk(n)
}

// Literal returns the value of e if it is a literal other than true and false.
func (e Expr) Literal() (v float64, ok bool) {
	if len(e.code) != 1 || e.code[0].lit == "" || isBoolLit(e.code[0].lit) {
		return 0, false
	}
	return litFloat(e.code[0].lit), true
}

// Input returns i if e is the input xi.
func (e Expr) Input() (i int, ok bool) {
	if len(e.code) != 1 || e.code[0].lit != "" {
		return 0, false
	}
	return e.code[0].x, true
}

// String is the text form; empty for the zero Expr.
func (e Expr) String() string {
	if len(e.code) == 0 {
		return ""
	}
	uses := make([]int, len(e.code))
	for _, i := range e.code {
		for _, a := range i.args() {
			uses[a]++
		}
	}
	var defs strings.Builder
	text, names := make([]string, len(e.code)), 0
	for n, i := range e.code {
		switch {
		case i.fn != "":
			var args []string
			for _, a := range i.args() {
				args = append(args, text[a])
			}
			text[n] = i.fn + "(" + strings.Join(args, ",") + ")"
			if uses[n] > 1 {
				name := "t" + strconv.Itoa(names)
				names++
				fmt.Fprintf(&defs, "%s=%s;", name, text[n])
				text[n] = name
			}
		case i.lit != "":
			text[n] = i.lit
		default:
			text[n] = "x" + strconv.Itoa(i.x)
		}
	}
	return defs.String() + text[len(text)-1]
}

// MarshalText is String.
func (e Expr) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText is ParseExpr; an empty text is the zero Expr.
func (e *Expr) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*e = Expr{}
		return nil
	}
	*e, err = ParseExpr(string(text))
	return err
}

// formatLit spells integral values as integers, so that a value has one spelling.
func formatLit(v float64) string {
	switch {
	case v != v:
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	case v == math.Trunc(v) && math.Abs(v) < 1e18:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Functions lists the names that an expression can call, compositions included, in order.
func Functions() []string {
	names := slices.Collect(maps.Keys(functions))
	names = slices.AppendSeq(names, maps.Keys(composed))
	slices.Sort(names)
	return names
}
