package codegen

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

func hexFloat(x float64, bits int) string { return strconv.FormatFloat(x, 'x', -1, bits) }

// operand is what a loop reads: a slice and the type of the value in it.
type operand struct {
	ref *jen.Statement
	typ ir.Type
}

// mapNode emits an elementwise operator, in place where an input dies.
func (e *emitter) mapNode(n *ir.Node, op *low.Map) error {
	in := make([]operand, len(n.In))
	for i, v := range n.In {
		in[i] = operand{e.ref(v), v.Type}
	}
	if out := n.Out[0]; !slices.Contains(e.g.Out, out) && out.Type.DType != ir.String {
		e.arena.inherit(out, n.In)
	}
	return e.loop(op.Expr, n.Out[0], in)
}

// loop emits the call of a function that computes an expression for every element of v, and declares it.
func (e *emitter) loop(x low.Expr, v *ir.Value, in []operand) error {
	dst, out := e.ref(v), v.Type
	if out.Len() == 0 {
		return nil
	}
	l := newLoops(out, e.allPanels(v), in)
	l.open = e.walks(v)
	if kernel := sliceKernel(x, in); kernel != "" && l.contiguous() {
		args := []jen.Code{dst}
		for _, o := range in {
			args = append(args, o.ref)
		}
		e.call(kernel, args...)
		return nil
	}
	dts, args := make([]ir.DType, len(in)), []jen.Code{dst}
	for i, o := range in {
		dts[i] = o.typ.DType
		args = append(args, o.ref)
	}
	text, err := l.function(x, dts, goType(out.DType))
	if err != nil {
		return err
	}
	name, ok := e.funcs[text]
	if !ok {
		name = e.fresh("loop")
		e.funcs[text] = name
		e.decls = append(e.decls, jen.Comment(name+" computes "+x.String()+"."), jen.Func().Id(name).Add(goText(text)))
		e.useAll(text)
	}
	e.body = append(e.body, jen.Id(name).Call(args...))
	return nil
}

var mathName = regexp.MustCompile(`\bmath\.(\w+)`)

// goText is Go source as a token, the names of package math in it imported.
func goText(text string) *jen.Statement {
	s := &jen.Statement{}
	for {
		at := mathName.FindStringSubmatchIndex(text)
		if at == nil {
			return s.Id(text)
		}
		s.Id(text[:at[0]]).Qual("math", text[at[2]:at[3]])
		text = text[at[1]:]
	}
}

// elemKernels are the kernels of simple expressions on float32, called with the result and the inputs.
var elemKernels = map[string]string{
	"add(x0,x1)": "add32Slice", "sub(x0,x1)": "sub32Slice", "mul(x0,x1)": "mul32Slice", "relu(x0)": "relu32Slice",
}

// sliceKernel is the kernel that computes x, all of whose inputs are float32, for slices; "" if there is none.
func sliceKernel(x low.Expr, in []operand) string {
	if x.Inputs() != len(in) || slices.ContainsFunc(in, func(o operand) bool { return o.typ.DType != ir.Float32 }) {
		return ""
	}
	for _, f := range low.Sequences {
		if x.String() == f.Name+"(x0)" {
			return f.Name + "32Slice"
		}
	}
	return elemKernels[x.String()]
}

// contiguous reports whether every operand is walked element by element.
func (l *loops) contiguous() bool {
	return len(l.dims) == 1 && !slices.ContainsFunc(l.strides, func(s []int) bool { return s[0] != 1 })
}

// loops is a nest over dims, outermost first; strides are by operand, the result's first.
type loops struct {
	dims    []int
	strides [][]int
	open    bool // the result has fewer steps of the outermost loop if its slice is shorter
}

// newLoops walks the result in memory order, with as few loops as the operands allow; panels is how many of them the
// result has, if any.
func newLoops(out ir.Type, panels int, in []operand) *loops {
	var dims []int
	var strides [][]int
	if out.Layout == ir.Panels {
		f := out.Features()
		dims = []int{panels, f, ir.Lanes}
		strides = append(strides, []int{f * ir.Lanes, ir.Lanes, 1})
		for _, o := range in {
			switch {
			case o.typ.Layout == ir.Panels:
				strides = append(strides, []int{f * ir.Lanes, ir.Lanes, 1})
			case o.typ.Features() == f && f > 1:
				strides = append(strides, []int{0, 1, 0})
			default:
				strides = append(strides, []int{0, 0, 0})
			}
		}
	} else {
		dims = out.Shape
		strides = append(strides, ir.Strides(out.Shape))
		for _, o := range in {
			strides = append(strides, low.BroadcastStrides(o.typ.Shape, out.Shape))
		}
	}
	return collapse(dims, strides)
}

// collapse drops axes of length 1 and joins neighbours that every operand walks as one.
func collapse(dims []int, strides [][]int) *loops {
	l := &loops{strides: make([][]int, len(strides))}
	for i, d := range dims {
		if d == 1 {
			continue
		}
		join := len(l.dims) > 0
		for k := range strides {
			join = join && l.strides[k][len(l.dims)-1] == strides[k][i]*d
		}
		if join {
			l.dims[len(l.dims)-1] *= d
			for k := range strides {
				l.strides[k][len(l.dims)-1] = strides[k][i]
			}
			continue
		}
		l.dims = append(l.dims, d)
		for k := range strides {
			l.strides[k] = append(l.strides[k], strides[k][i])
		}
	}
	if len(l.dims) == 0 {
		l.dims = []int{1}
		for k := range strides {
			l.strides[k] = []int{1}
		}
	}
	return l
}

// function is the text of a Go function, from its parameters on, that runs the loops.
func (l *loops) function(x low.Expr, in []ir.DType, result string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "(y []%s", result)
	for i, d := range in {
		fmt.Fprintf(&b, ", x%d []%s", i, goType(d))
	}
	b.WriteString(") {\n")
	last := len(l.dims) - 1
	names := make([]string, len(in)+1)
	names[0] = "y"
	for i := range in {
		names[i+1] = fmt.Sprintf("x%d", i)
	}
	stages, rest, types := split(x, in)
	if len(stages) > 0 && l.staged() {
		for k := range len(types) - len(in) - direct(rest, types) {
			fmt.Fprintf(&b, "var s%d [%d]float32\n", k, min(stageBlock, l.dims[last]))
		}
	}
	for d := range last {
		fmt.Fprintf(&b, "for i%d := range %s {\n", d, l.steps(d))
	}
	if len(stages) > 0 && l.staged() {
		if err := l.stages(&b, stages, rest, types, names); err != nil {
			return "", err
		}
	} else if err := l.elements(&b, x, in, names); err != nil {
		return "", err
	}
	b.WriteString(strings.Repeat("}\n", last))
	b.WriteString("}")
	return b.String(), nil
}

// elements writes the innermost loop, one element at a time.
func (l *loops) elements(b *strings.Builder, x low.Expr, in []ir.DType, names []string) error {
	elem := make([]string, len(names))
	for k, name := range names {
		elem[k] = l.line(b, k, name)
	}
	stmts, value, err := x.Go(in, elem[1:])
	if err != nil {
		return err
	}
	each(b, l.span(), elem[0], stmts, value)
	return nil
}

// each writes a loop over a slice or number.
func each(b *strings.Builder, span, elem string, stmts []string, value string) {
	fmt.Fprintf(b, "for i := range %s {\n", span)
	for _, s := range stmts {
		b.WriteString(s + "\n")
	}
	fmt.Fprintf(b, "%s = %s\n}\n", elem, value)
}

// span is what the innermost loop ranges over: the result's own elements, so that the compiler sees its bounds.
func (l *loops) span() string {
	if l.strides[0][len(l.dims)-1] == 1 {
		return "ys"
	}
	return l.steps(len(l.dims) - 1)
}

// steps is the length of loop d.
func (l *loops) steps(d int) string {
	switch each := l.strides[0][0]; {
	case !l.open || d > 0:
		return strconv.Itoa(l.dims[d])
	case each > 1:
		return fmt.Sprintf("len(y)/%d", each)
	}
	return "len(y)"
}

// base is where operand k begins in the innermost loop; empty for 0.
func (l *loops) base(k int) string {
	var at []string
	for d, s := range l.strides[k][:len(l.dims)-1] {
		if s != 0 {
			at = append(at, fmt.Sprintf("i%d*%d", d, s))
		}
	}
	return strings.Join(at, "+")
}

// line prepares what operand k needs in the innermost loop and returns how an element is spelled there.
func (l *loops) line(b *strings.Builder, k int, name string) string {
	last := len(l.dims) - 1
	base, n := l.base(k), l.steps(last)
	switch s := l.strides[k][last]; s {
	case 0:
		if base == "" {
			base = "0"
		}
		fmt.Fprintf(b, "%ss := %s[%s]\n", name, name, base)
		return name + "s"
	case 1:
		fmt.Fprintf(b, "%ss := %s[%s:][:%s]\n", name, name, base, n)
		return name + "s[i]"
	default:
		if base != "" {
			base += "+"
		}
		return fmt.Sprintf("%s[%si*%d]", name, base, s)
	}
}
