package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// stageBlock is how many elements the stages of a loop compute at a time: they stay in the first cache.
const stageBlock = 256

// stage is a function that a kernel applies to a slice: the sequence fn of arg, an expression over the loop's inputs and
// the earlier stages.
type stage struct {
	fn  string
	arg low.Expr
}

// split takes the functions out of x that have kernels for slices; in gets a float32 for each.
func split(x low.Expr, in []ir.DType) (stages []stage, rest low.Expr, types []ir.DType) {
	types = slices.Clone(in)
	for {
		s, arg, rest, ok := x.Split(types)
		if !ok {
			return stages, x, types
		}
		stages = append(stages, stage{s.Name + "32Slice", arg})
		types = append(types, ir.Float32)
		x = rest
	}
}

// direct is 1 if the last function of slices is the result itself, which needs no room of its own then; else 0.
func direct(rest low.Expr, types []ir.DType) int {
	if i, ok := rest.Input(); ok && i == len(types)-1 {
		return 1
	}
	return 0
}

// staged reports whether the innermost loop is long enough for kernels on slices, and walks the result's memory.
func (l *loops) staged() bool {
	last := len(l.dims) - 1
	return l.dims[last] >= 8 && l.strides[0][last] == 1
}

// stages writes the innermost loop as loops over blocks: for each function of slices its arguments, then the function, and
// at the end what remains. A last function that is the result itself is computed in place there.
func (l *loops) stages(b *strings.Builder, stages []stage, rest low.Expr, in []ir.DType, names []string) error {
	last := len(l.dims) - 1
	n := l.dims[last]
	m := l.steps(last)
	if n > stageBlock {
		m = "m"
		fmt.Fprintf(b, "for o := 0; o < %s; o += %d {\nm := min(%[2]d, %[1]s-o)\n", l.steps(last), stageBlock)
	}
	elem := make([]string, len(names))
	for k, name := range names {
		switch s := l.strides[k][last]; {
		case n <= stageBlock || s == 0:
			elem[k] = l.line(b, k, name)
		case s == 1:
			fmt.Fprintf(b, "%ss := %s[%s:][:m]\n", name, name, strings.TrimPrefix(l.base(k)+"+o", "+"))
			elem[k] = name + "s[i]"
		default:
			elem[k] = fmt.Sprintf("%s[%s(o+i)*%d]", name, strings.TrimPrefix(l.base(k)+"+", "+"), s)
		}
	}
	args := elem[1:]
	write := func(dst string, x low.Expr) error {
		stmts, value, err := x.Go(in[:len(args)], args)
		if err != nil {
			return err
		}
		each(b, dst, dst+"[i]", stmts, value)
		return nil
	}
	for k, s := range stages {
		dst := fmt.Sprintf("s%ds", k)
		if k == len(stages)-direct(rest, in) {
			dst = names[0] + "s"
		} else {
			fmt.Fprintf(b, "%s := s%d[:%s]\n", dst, k, m)
		}
		src := dst
		if i, ok := s.arg.Input(); ok && strings.HasSuffix(args[i], "s[i]") {
			src = strings.TrimSuffix(args[i], "[i]")
		} else if err := write(dst, s.arg); err != nil {
			return err
		}
		fmt.Fprintf(b, "%s(%s, %s)\n", s.fn, dst, src)
		args = append(args, dst+"[i]")
	}
	if direct(rest, in) == 0 {
		if err := write(names[0]+"s", rest); err != nil {
			return err
		}
	}
	if n > stageBlock {
		b.WriteString("}\n")
	}
	return nil
}
