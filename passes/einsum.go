package passes

import (
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// einsum writes an Einsum of two operands as a MatMul of their axes in the right order, the form in which attention and
// linear layers are recognised.
var einsum = rewrite(func(s *site) ([]*ir.Value, error) {
	o, ok := s.n.Op.(*op.Einsum)
	if !ok || len(s.n.In) != 2 || !s.n.Out[0].Type.Static() || s.n.Out[0].Type.Len() == 0 {
		return nil, nil
	}
	e := parseEinsum(o.Equation, s.n.In)
	if e == nil {
		return nil, nil
	}
	var batch, left, right, inner []rune // labels of both operands and the result, of one operand, of both only
	for _, l := range e.out {
		switch a, b := slices.Contains(e.a, l), slices.Contains(e.b, l); {
		case a && b:
			batch = append(batch, l)
		case a:
			left = append(left, l)
		default:
			right = append(right, l)
		}
	}
	for _, l := range e.a {
		if !slices.Contains(e.out, l) {
			inner = append(inner, l)
		}
	}
	a := e.arrange(s, s.n.In[0], e.a, batch, left, inner)
	b := e.arrange(s, s.n.In[1], e.b, batch, inner, right)
	y := s.call("MatMul", a, b)
	have := slices.Concat(batch, left, right)
	y = s.reshape(y, e.sizes(have)...)
	return []*ir.Value{s.permute(y, have, e.out)}, nil
})

// equation is an Einsum of two operands in which each axis has a label of its own that occurs where it has to for a
// product of matrices.
type equation struct {
	a, b, out []rune
	size      map[rune]int
}

func parseEinsum(text string, in []*ir.Value) *equation {
	lhs, rhs, ok := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	ta, tb, ok2 := strings.Cut(lhs, ",")
	if !ok || !ok2 || strings.ContainsAny(text, ".") {
		return nil
	}
	e := &equation{[]rune(ta), []rune(tb), []rune(rhs), map[rune]int{}}
	count := map[rune]int{}
	for i, labels := range [][]rune{e.a, e.b} {
		t := in[i].Type
		if !t.Static() || len(t.Shape) != len(labels) {
			return nil
		}
		for j, l := range labels {
			if d, ok := e.size[l]; ok && d != t.Shape[j] {
				return nil
			}
			e.size[l] = t.Shape[j]
			count[l]++
		}
	}
	for _, labels := range [][]rune{e.a, e.b, e.out} {
		if len(slices.Compact(slices.Sorted(slices.Values(labels)))) != len(labels) {
			return nil // a diagonal
		}
	}
	for l, n := range count {
		if n == 1 && !slices.Contains(e.out, l) {
			return nil // a sum over one operand
		}
	}
	return e
}

func (e *equation) sizes(labels []rune) []int {
	out := make([]int, len(labels))
	for i, l := range labels {
		out[i] = e.size[l]
	}
	return out
}

// arrange orders the axes of v, whose labels are given, as batch, rows, cols and makes one axis each of rows and cols.
func (e *equation) arrange(s *site, v *ir.Value, labels, batch, rows, cols []rune) *ir.Value {
	v = s.permute(v, labels, slices.Concat(batch, rows, cols))
	return s.reshape(v, append(e.sizes(batch), ir.Size(e.sizes(rows)), ir.Size(e.sizes(cols)))...)
}

// permute brings the axes of v from one order of labels to another.
func (s *site) permute(v *ir.Value, from, to []rune) *ir.Value {
	if slices.Equal(from, to) {
		return v
	}
	perm := make([]int, len(to))
	for i, l := range to {
		perm[i] = slices.Index(from, l)
	}
	return s.transpose(v, perm...)
}
