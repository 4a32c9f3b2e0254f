package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var einsum = []Def{
	{Name: "Einsum", Since: 12, In: Arity{1, -1}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &Einsum{}},
}

// Einsum is https://onnx.ai/onnx/operators/onnx__Einsum.html, version 12: the sum of products of all inputs over the
// labels that the result does not have. A label twice in a term takes the diagonal; "..." stands for the axes that
// broadcast; without "->" the result has the ellipsis and then, sorted, the labels that occur once.
type Einsum struct {
	Equation string `onnx:"equation"`
}

// Name is the operator's ONNX name.
func (*Einsum) Name() string { return "Einsum" }

// An einsumPlan is an equation with a label for every axis: a letter of the equation, or for the axes of the ellipsis a
// number counted from the end, -1 being the last.
type einsumPlan struct {
	terms [][]rune
	out   []rune
	size  map[rune]int // -1 where not known
}

// plan labels the axes of inputs of the given shapes.
func (o *Einsum) plan(shapes [][]int) (*einsumPlan, error) {
	fail := func(format string, args ...any) (*einsumPlan, error) {
		return nil, fmt.Errorf("attribute equation %q: "+format, append([]any{o.Equation}, args...)...)
	}
	lhs, rhs, explicit := strings.Cut(strings.ReplaceAll(o.Equation, " ", ""), "->")
	terms := strings.Split(lhs, ",")
	if len(terms) != len(shapes) {
		return fail("%d terms for %d inputs", len(terms), len(shapes))
	}
	p := &einsumPlan{size: map[rune]int{}}
	rank := 0 // of the ellipsis
	for i, s := range shapes {
		own := len(strings.ReplaceAll(terms[i], "...", ""))
		if strings.Contains(terms[i], "...") {
			rank = max(rank, len(s)-own)
		}
	}
	for i, s := range shapes {
		own := len(strings.ReplaceAll(terms[i], "...", ""))
		labels, ok := labelsOf(terms[i], len(s)-own)
		if !ok || len(labels) != len(s) {
			return fail("term %d is %q, input %d has the shape %v", i, terms[i], i, s)
		}
		for a, l := range labels {
			d, known := p.size[l]
			switch n := s[a]; {
			case !known || d == 1 || d < 0 && n != 1:
				p.size[l] = n
			case n != 1 && n >= 0 && n != d:
				return fail("axis %d of input %d has length %d, another axis of its label %d", a, i, n, d)
			}
		}
		p.terms = append(p.terms, labels)
	}
	if !explicit {
		rhs = implicitResult(lhs)
	}
	var ok bool
	if p.out, ok = labelsOf(rhs, rank); !ok {
		return fail("the result is %q", rhs)
	}
	for i, l := range p.out {
		if _, known := p.size[l]; !known || slices.Contains(p.out[:i], l) {
			return fail("a label of the result %q is not in the inputs or occurs twice", rhs)
		}
	}
	return p, nil
}

// labelsOf lists the labels of a term whose ellipsis has the given rank.
func labelsOf(term string, rank int) (labels []rune, ok bool) {
	before, after, dots := strings.Cut(term, "...")
	for _, c := range before {
		labels = append(labels, c)
	}
	if dots {
		for i := range rank {
			labels = append(labels, rune(i-rank)) // -1 is the last axis
		}
	}
	for _, c := range after {
		labels = append(labels, c)
	}
	for _, c := range before + after {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return nil, false
		}
	}
	return labels, rank >= 0 || !dots
}

func implicitResult(lhs string) string {
	once := ""
	letters := strings.NewReplacer(".", "", ",", "").Replace(lhs)
	for _, c := range letters {
		if strings.Count(letters, string(c)) == 1 {
			once += string(c)
		}
	}
	sorted := []rune(once)
	slices.Sort(sorted)
	if strings.Contains(lhs, "...") {
		return "..." + string(sorted)
	}
	return string(sorted)
}

func (p *einsumPlan) shape(labels []rune) []int {
	s := make([]int, len(labels))
	for i, l := range labels {
		s[i] = p.size[l]
	}
	return s
}

// strides are those of a term over labels: 0 where it lacks the label or has length 1 there.
func (p *einsumPlan) strides(term int, shape []int, labels []rune) []int {
	own, out := ir.Strides(shape), make([]int, len(labels))
	for i, l := range labels {
		for a, t := range p.terms[term] {
			if t == l && shape[a] != 1 {
				out[i] += own[a]
			}
		}
	}
	return out
}

// Infer labels the axes.
func (o *Einsum) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameTypes(in); err != nil {
		return nil, err
	}
	var shapes [][]int
	for _, v := range in {
		if v.Type.NoRank {
			return openTypes(v.Type.DType, 1), nil
		}
		shapes = append(shapes, v.Type.Shape)
	}
	p, err := o.plan(shapes)
	if err != nil {
		return nil, err
	}
	return []ir.Type{{DType: in[0].Type.DType, Shape: p.shape(p.out)}}, nil
}

// Eval sums over the labels in the order of their first occurrence.
func (o *Einsum) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	var shapes [][]int
	for _, t := range in {
		shapes = append(shapes, t.Shape)
	}
	p, err := o.plan(shapes)
	if err != nil {
		return nil, err
	}
	var summed []rune
	for _, t := range p.terms {
		for _, l := range t {
			if !slices.Contains(p.out, l) && !slices.Contains(summed, l) {
				summed = append(summed, l)
			}
		}
	}
	outer, inner := make([][]int, len(in)), make([][]int, len(in))
	for i, s := range shapes {
		outer[i] = offsets(p.shape(p.out), p.strides(i, s, p.out))
		inner[i] = offsets(p.shape(summed), p.strides(i, s, summed))
	}
	d, shape := in[0].DType, p.shape(p.out)
	if d.IsFloat() {
		return []*ir.Tensor{ir.FromFloats(d, shape, sumProducts(eachTensor(in, (*ir.Tensor).Floats), outer, inner))}, nil
	}
	return []*ir.Tensor{ir.FromInts(d, shape, sumProducts(eachTensor(in, (*ir.Tensor).Ints), outer, inner))}, nil
}

func eachTensor[T any](in []*ir.Tensor, f func(*ir.Tensor) T) (out []T) {
	for _, t := range in {
		out = append(out, f(t))
	}
	return out
}

func sumProducts[T float64 | int64](in [][]T, outer, inner [][]int) []T {
	y := make([]T, len(outer[0]))
	for i := range y {
		for j := range inner[0] {
			v := in[0][outer[0][i]+inner[0][j]]
			for k := 1; k < len(in); k++ {
				v = T(v * in[k][outer[k][i]+inner[k][j]])
			}
			y[i] += v
		}
	}
	return y
}

// Lower contracts the inputs from the left, one after the other, summing a label as soon as nothing else has it.
func (o *Einsum) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	var shapes [][]int
	for _, v := range n.In {
		shapes = append(shapes, v.Type.Shape)
	}
	p, err := o.plan(shapes)
	if err != nil {
		return nil, err
	}
	e := &einsumLowering{p: p, b: b}
	acc := e.operand(0, float32Of(b, n.In[0]))
	for i := 1; i < len(n.In); i++ {
		acc = e.product(acc, e.operand(i, float32Of(b, n.In[i])), i)
	}
	acc = e.sum(acc, func(l rune) bool { return slices.Contains(p.out, l) })
	acc = e.arrange(acc, p.out)
	return []*ir.Value{narrowed(b, reshaped(b, acc.v, n.Out[0].Type.Shape), n.Out[0].Type.DType)}, nil
}

type einsumLowering struct {
	p *einsumPlan
	b *ir.Builder
}

// labelled is a value with a label for every axis, no label twice.
type labelled struct {
	v      *ir.Value
	labels []rune
}

// operand takes diagonals and leaves out axes of length 1 that broadcast.
func (e *einsumLowering) operand(i int, v *ir.Value) labelled {
	var labels []rune
	for a, l := range e.p.terms[i] {
		if !slices.Contains(labels, l) && (v.Type.Shape[a] != 1 || e.p.size[l] == 1) {
			labels = append(labels, l)
		}
	}
	if slices.Equal(labels, e.p.terms[i]) {
		return labelled{v, labels}
	}
	return labelled{low.Box(e.b, v, e.p.shape(labels), 0, e.p.strides(i, v.Type.Shape, labels)), labels}
}

// sum sums over the labels that are not kept.
func (e *einsumLowering) sum(x labelled, keep func(rune) bool) labelled {
	var axes []int
	var labels []rune
	for a, l := range x.labels {
		if keep(l) {
			labels = append(labels, l)
		} else {
			axes = append(axes, a)
		}
	}
	if axes == nil {
		return x
	}
	return labelled{low.ReduceAxes(e.b, "sum", x.v, axes, false), labels}
}

// arrange puts axes in the order of labels; labels that x lacks broadcast.
func (e *einsumLowering) arrange(x labelled, labels []rune) labelled {
	if slices.Equal(x.labels, labels) {
		return x
	}
	own := ir.Strides(x.v.Type.Shape)
	strides := make([]int, len(labels))
	for i, l := range labels {
		if a := slices.Index(x.labels, l); a >= 0 {
			strides[i] = own[a]
		}
	}
	return labelled{low.Box(e.b, x.v, e.p.shape(labels), 0, strides), labels}
}

// product multiplies what is contracted so far with input i.
func (e *einsumLowering) product(x, y labelled, i int) labelled {
	later := func(l rune) bool {
		return slices.Contains(e.p.out, l) || slices.ContainsFunc(e.p.terms[i+1:], func(t []rune) bool { return slices.Contains(t, l) })
	}
	x = e.sum(x, func(l rune) bool { return later(l) || slices.Contains(y.labels, l) })
	y = e.sum(y, func(l rune) bool { return later(l) || slices.Contains(x.labels, l) })
	var batch, inner, left, right []rune
	for _, l := range x.labels {
		switch shared := slices.Contains(y.labels, l); {
		case shared && later(l):
			batch = append(batch, l)
		case shared:
			inner = append(inner, l)
		default:
			left = append(left, l)
		}
	}
	for _, l := range y.labels {
		if !slices.Contains(x.labels, l) {
			right = append(right, l)
		}
	}
	size := func(labels []rune) int { return ir.Size(e.p.shape(labels)) }
	x = e.arrange(x, slices.Concat(batch, left, inner))
	y = e.arrange(y, slices.Concat(batch, inner, right))
	a := low.Copy(e.b, x.v, size(batch), size(left), size(inner))
	c := low.Copy(e.b, y.v, size(batch), size(inner), size(right))
	labels := slices.Concat(batch, left, right)
	return labelled{low.Copy(e.b, e.b.Add(&low.Contract{}, a, c), e.p.shape(labels)...), labels}
}
