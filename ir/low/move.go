package low

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// Move places elements by a static index map: reshape, transpose, slice, concatenation, padding, expansion, and change
// of layout. With no parts, the result has the elements of its one input in the same order, in panels if Pack is set.
// Parts where the result or an input is in panels move features of rows (RowParts). Turn exchanges the last two axes, one of
// which has Lanes elements that become the rows of a panel, or were that: so nothing moves in memory.
type Move struct {
	Shape []int      `onnx:"shape"`
	Parts Parts      `onnx:"parts"`
	Fill  *ir.Tensor `onnx:"fill"`     // one element, for what no part covers; nil: zero
	Pack  bool       `onnx:"panels,0"` // the result is in panels
	Turn  bool       `onnx:"turn,0"`   // the result is x with the last two axes exchanged, in the other layout
}

// A Part copies a box: element Out + i·OutStrides of the result is element In + i·InStrides of input From, for every
// index vector i below Dims. Offsets and strides are in elements of the row-major order.
type Part struct {
	From       int
	Dims       []int
	Out        int
	OutStrides []int
	In         int
	InStrides  []int
}

// Parts is a list of boxes that reads and writes itself as text.
type Parts []Part

// MarshalText writes one part as "from dims out outstrides in instrides", parts separated by semicolons.
func (p Parts) MarshalText() ([]byte, error) {
	s := make([]string, len(p))
	for i, q := range p {
		s[i] = fmt.Sprintf("%d %s %d %s %d %s", q.From, ints(q.Dims), q.Out, ints(q.OutStrides), q.In, ints(q.InStrides))
	}
	return []byte(strings.Join(s, "; ")), nil
}

func ints(x []int) string { return strings.ReplaceAll(fmt.Sprint(x), " ", ",") }

// UnmarshalText reads what MarshalText writes.
func (p *Parts) UnmarshalText(text []byte) error {
	*p = nil
	for s := range strings.SplitSeq(string(text), ";") {
		f := strings.Fields(s)
		if len(f) != 6 {
			return fmt.Errorf("part %q has %d fields", s, len(f))
		}
		var q Part
		var err error
		scalar := func(s string, to *int) {
			if _, e := fmt.Sscan(s, to); e != nil {
				err = e
			}
		}
		list := func(s string) (out []int) {
			for e := range strings.SplitSeq(strings.Trim(s, "[]"), ",") {
				if e != "" {
					var n int
					scalar(e, &n)
					out = append(out, n)
				}
			}
			return out
		}
		scalar(f[0], &q.From)
		q.Dims = list(f[1])
		scalar(f[2], &q.Out)
		q.OutStrides = list(f[3])
		scalar(f[4], &q.In)
		q.InStrides = list(f[5])
		if err != nil {
			return fmt.Errorf("part %q: %w", s, err)
		}
		*p = append(*p, q)
	}
	return nil
}

// Name is the operator's name in the text form.
func (*Move) Name() string { return "sbtc.Move" }

// Layout is the layout of the result.
func (m *Move) Layout() ir.Layout {
	if m.Pack {
		return ir.Panels
	}
	return ir.RowMajor
}

// Infer checks that every part stays inside its input and the result.
func (m *Move) Infer(in []*ir.Value) ([]ir.Type, error) {
	if len(in) == 0 {
		return nil, errArity
	}
	t := ir.Type{DType: in[0].Type.DType, Shape: m.Shape, Layout: m.Layout()}
	for _, v := range in {
		if v.Type.DType != t.DType {
			return nil, fmt.Errorf("%s is %v, not %v", v, v.Type.DType, t.DType)
		}
	}
	if m.Turn {
		return m.inferTurn(t, in)
	}
	if m.Parts == nil {
		if len(in) != 1 || t.Len() != in[0].Type.Len() {
			return nil, fmt.Errorf("%v has not as many elements as %v", in[0].Type, t)
		}
		if t.Layout != in[0].Type.Layout && (t.Rows() != in[0].Type.Rows() || t.Features() != in[0].Type.Features()) {
			return nil, fmt.Errorf("change of layout from %v to %v", in[0].Type, t)
		}
		return []ir.Type{t}, nil
	}
	panels := t.Layout == ir.Panels || slices.ContainsFunc(in, func(v *ir.Value) bool { return v.Type.Layout == ir.Panels })
	for _, p := range m.Parts {
		if p.From < 0 || p.From >= len(in) {
			return nil, fmt.Errorf("no input %d", p.From)
		}
		if !inside(p.Dims, p.Out, p.OutStrides, t.Len()) || !inside(p.Dims, p.In, p.InStrides, in[p.From].Type.Len()) {
			return nil, fmt.Errorf("part %v leaves %v or %v", p, t, in[p.From].Type)
		}
	}
	if _, rows := m.RowParts(in); panels && (!rows || t.DType != ir.Float32) {
		return nil, errors.New("parts that move no features of rows, in panels")
	}
	return []ir.Type{t}, nil
}

func inside(dims []int, off int, strides []int, n int) bool {
	if len(dims) != len(strides) {
		return false
	}
	lo, hi := off, off
	for i, d := range dims {
		if d == 0 {
			return true
		}
		if span := (d - 1) * strides[i]; span < 0 {
			lo += span
		} else {
			hi += span
		}
	}
	return lo >= 0 && hi < n
}

// Eval copies the parts in order.
func (m *Move) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	if m.Turn {
		return []*ir.Tensor{m.turned(in[0])}, nil
	}
	if m.Parts == nil {
		return []*ir.Tensor{in[0].Reshape(m.Shape...)}, nil
	}
	var out *ir.Tensor
	if m.Fill != nil {
		out = m.Fill.Gather(m.Shape, func(int) int { return 0 })
	} else {
		out = ir.NewTensor(in[0].DType, m.Shape...)
	}
	for _, p := range m.Parts {
		to, from := p.Places()
		for i, o := range to {
			out.CopyElem(o, in[p.From], from[i])
		}
	}
	return []*ir.Tensor{out}, nil
}

// Places lists the elements that a part writes and, in the same order, those that it reads.
func (p *Part) Places() (out, in []int) {
	return boxIndex(p.Dims, p.Out, p.OutStrides), boxIndex(p.Dims, p.In, p.InStrides)
}

// Copy returns x with another shape of as many elements.
func Copy(b *ir.Builder, x *ir.Value, shape ...int) *ir.Value {
	return b.Add(&Move{Shape: slices.Clone(shape)}, x)
}

// Box returns a value of the given shape whose element i, an index vector, is element off + i·strides of x.
func Box(b *ir.Builder, x *ir.Value, shape []int, off int, strides []int) *ir.Value {
	return b.Add(&Move{Shape: shape, Parts: Parts{{Dims: shape, OutStrides: ir.Strides(shape), In: off, InStrides: strides}}}, x)
}

// Transpose returns x with its axes permuted: axis i of the result is axis perm[i] of x.
func Transpose(b *ir.Builder, x *ir.Value, perm ...int) *ir.Value {
	own := ir.Strides(x.Type.Shape)
	shape, strides := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		shape[i], strides[i] = x.Type.Shape[p], own[p]
	}
	return Box(b, x, shape, 0, strides)
}

// Slice returns shape[i] elements of every axis of x from starts[i] in steps of steps[i].
func Slice(b *ir.Builder, x *ir.Value, starts, steps, shape []int) *ir.Value {
	strides, off := ir.Strides(x.Type.Shape), 0
	for i := range strides {
		off += starts[i] * strides[i]
		strides[i] *= steps[i]
	}
	if ir.Size(shape) == 0 {
		off = 0
	}
	return Box(b, x, shape, off, strides)
}

// Expand returns x broadcast to shape.
func Expand(b *ir.Builder, x *ir.Value, shape []int) *ir.Value {
	return Box(b, x, shape, 0, BroadcastStrides(x.Type.Shape, shape))
}

// Concat joins values along an axis.
func Concat(b *ir.Builder, axis int, in ...*ir.Value) *ir.Value {
	shape := slices.Clone(in[0].Type.Shape)
	shape[axis] = 0
	for _, v := range in {
		shape[axis] += v.Type.Shape[axis]
	}
	strides := ir.Strides(shape)
	m := &Move{Shape: shape}
	at := 0
	for i, v := range in {
		m.Parts = append(m.Parts, Part{From: i, Dims: v.Type.Shape, Out: at * strides[axis], OutStrides: strides, InStrides: ir.Strides(v.Type.Shape)})
		at += v.Type.Shape[axis]
	}
	return b.Add(m, in...)
}

// Pad returns a value of the given shape that holds x at offset before and fill (nil: zero) elsewhere. Negative
// offsets crop.
func Pad(b *ir.Builder, x *ir.Value, before, shape []int, fill *ir.Tensor) *ir.Value {
	out, own := ir.Strides(shape), ir.Strides(x.Type.Shape)
	p := Part{OutStrides: out, InStrides: own, Dims: make([]int, len(shape))}
	for i := range shape {
		lo, hi := max(0, before[i]), min(shape[i], before[i]+x.Type.Shape[i])
		p.Dims[i] = max(0, hi-lo)
		p.Out += lo * out[i]
		p.In += (lo - before[i]) * own[i]
	}
	if ir.Size(p.Dims) == 0 {
		p.Out, p.In = 0, 0
	}
	return b.Add(&Move{Shape: shape, Parts: Parts{p}, Fill: fill}, x)
}

// Relayout returns x in another layout, x itself if it has it already.
func Relayout(b *ir.Builder, x *ir.Value, to ir.Layout) *ir.Value {
	if x.Type.Layout == to {
		return x
	}
	return b.Add(&Move{Shape: x.Type.Shape, Pack: to == ir.Panels}, x)
}
