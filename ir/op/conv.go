package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var conv = []Def{
	{Name: "Conv", Since: 22, From: 1, In: Arity{2, 3}, Out: Arity{1, 1}, Types: []Types{Floats | Of(ir.Int32)}, Proto: &Conv{}},
	{Name: "ConvInteger", Since: 10, In: Arity{2, 4}, Out: Arity{1, 1}, Types: []Types{bytesOf}, Proto: &ConvInteger{}},
	{Name: "ConvTranspose", Since: 22, From: 1, In: Arity{2, 3}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &ConvTranspose{}},
	{Name: "DeformConv", Since: 22, From: 19, In: Arity{3, 5}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &DeformConv{}},
	{Name: "CausalConvWithState", Since: 27, In: Arity{2, 4}, Out: Arity{1, 2}, Types: []Types{halfToFloat}, Proto: &CausalConvWithState{}},
}

// Conv is https://onnx.ai/onnx/operators/onnx__Conv.html, version 22: X [batch, channels, ...], W [filters,
// channels/group, kernel...], and a bias by filter. A result is a sum from the bias (or +0) over the channels of its
// group, then over kernel positions, both increasing; positions in the padding are skipped. In int32 it is what
// ConvInteger and QLinearConv are lowered to.
type Conv struct {
	Window
	Group int `onnx:"group,1"`
	// Fused asks Eval for the arithmetic of compiled code on float32: every step acc = fma(x, w, acc).
	Fused bool `onnx:"sbtc_fused,0"`
}

// Name is the operator's ONNX name.
func (*Conv) Name() string { return "Conv" }

// Infer checks channels, groups and the window.
func (o *Conv) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameTypes(in); err != nil {
		return nil, err
	}
	shape, err := o.shape(in)
	if err != nil {
		return nil, err
	}
	return []ir.Type{{DType: in[0].Type.DType, Shape: shape, NoRank: shape == nil}}, nil
}

// sameTypes checks that all inputs have the element type of the first.
func sameTypes(in []*ir.Value) error {
	for i, v := range in {
		if v != nil && v.Type.DType != in[0].Type.DType {
			return fmt.Errorf("input %d is %v, input 0 is %v; they must have one element type", i, v.Type.DType, in[0].Type.DType)
		}
	}
	return nil
}

// shape is that of the result, nil if its rank is not known.
func (o *Conv) shape(in []*ir.Value) ([]int, error) {
	x, w := in[0].Type, in[1].Type
	if o.Group < 1 {
		return nil, fmt.Errorf("attribute group is %d, wanted at least 1", o.Group)
	}
	if x.NoRank || w.NoRank {
		return nil, nil
	}
	axes, err := spatial("X", x)
	if err != nil {
		return nil, err
	}
	if len(w.Shape) != len(x.Shape) {
		return nil, fmt.Errorf("X is %v, W is %v; they must have as many axes", x, w)
	}
	if c, g := x.Shape[1], w.Shape[1]; c >= 0 && g >= 0 && c != g*o.Group {
		return nil, fmt.Errorf("X has %d channels, W takes %d in each of %d groups", c, g, o.Group)
	}
	if m := w.Shape[0]; m >= 0 && m%o.Group != 0 {
		return nil, fmt.Errorf("%d filters do not divide into %d groups", m, o.Group)
	}
	if len(in) > 2 && in[2] != nil {
		if b := in[2].Type; !b.NoRank && (len(b.Shape) != 1 || b.Shape[0] >= 0 && w.Shape[0] >= 0 && b.Shape[0] != w.Shape[0]) {
			return nil, fmt.Errorf("the bias is %v, wanted one by filter of %v", b, w)
		}
	}
	s, err := o.slides(axes, o.kernel(w.Shape[2:]), false)
	if err != nil {
		return nil, err
	}
	for i, k := range o.KernelShape {
		if i < len(s) && w.Shape[2+i] >= 0 && w.Shape[2+i] != k {
			return nil, fmt.Errorf("attribute kernel_shape is %v, W is %v", o.KernelShape, w)
		}
	}
	return append([]int{x.Shape[0], w.Shape[0]}, lengths(s)...), nil
}

// kernel is the spatial shape of the weights.
func (w *Window) kernel(weights []int) []int {
	if w.KernelShape != nil {
		return w.KernelShape
	}
	return weights
}

// A convolution is the sizes of a Conv or ConvTranspose.
type convolution struct {
	batch, channels, filters, groups int
	axes                             [maxSpatial]slide
}

func (o *Conv) sizes(x, w []int) (convolution, error) {
	s, err := o.slides(x[2:], o.kernel(w[2:]), false)
	if err != nil {
		return convolution{}, err
	}
	return convolution{batch: x[0], channels: x[1], filters: w[0], groups: o.Group, axes: three(s)}, nil
}

// Eval computes one output after the other.
func (o *Conv) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in = slices.Concat(in, make([]*ir.Tensor, 3-len(in)))
	x, w, b := in[0], in[1], in[2]
	g, err := o.sizes(x.Shape, w.Shape)
	if err != nil {
		return nil, err
	}
	shape := append([]int{g.batch, g.filters}, g.lengths(len(x.Shape)-2)...)
	switch {
	case o.Fused:
		y := convolve(g, ir.Data[float32](x), ir.Data[float32](w), dataOf[float32](b), low.FMA32)
		return []*ir.Tensor{ir.Of(x.DType, shape, y)}, nil
	case x.DType.IsFloat():
		y := convolve(g, x.Floats(), w.Floats(), floatsOf(b), mulAdd[float64])
		return []*ir.Tensor{ir.FromFloats(x.DType, shape, y)}, nil
	}
	y := convolve(g, x.Ints(), w.Ints(), intsOf(b), mulAdd[int64])
	return []*ir.Tensor{ir.FromInts(x.DType, shape, y)}, nil
}

func (g *convolution) lengths(n int) []int { return lengths(g.axes[maxSpatial-n:]) }

func mulAdd[T float64 | int64](a, b, c T) T { return T(a*b) + c }

func floatsOf(t *ir.Tensor) []float64 {
	if t == nil {
		return nil
	}
	return t.Floats()
}

func intsOf(t *ir.Tensor) []int64 {
	if t == nil {
		return nil
	}
	return t.Ints()
}

func dataOf[T ir.Elem](t *ir.Tensor) []T {
	if t == nil {
		return nil
	}
	return ir.Data[T](t)
}

// tap is an element of the input and of the weights that an output reads, relative to the channel.
type tap struct{ x, w int }

// taps lists what the output at a position reads, kernel positions increasing.
func (g *convolution) taps(pos [maxSpatial]int) (out []tap) {
	a := g.axes
	for i := range a[0].kernel {
		z, ok := a[0].at(pos[0], i)
		if !ok {
			continue
		}
		for j := range a[1].kernel {
			y, ok := a[1].at(pos[1], j)
			if !ok {
				continue
			}
			for k := range a[2].kernel {
				if x, ok := a[2].at(pos[2], k); ok {
					out = append(out, tap{(z*a[1].in+y)*a[2].in + x, (i*a[1].kernel+j)*a[2].kernel + k})
				}
			}
		}
	}
	return out
}

func (g *convolution) inputs() int  { return g.axes[0].in * g.axes[1].in * g.axes[2].in }
func (g *convolution) outputs() int { return g.axes[0].out * g.axes[1].out * g.axes[2].out }
func (g *convolution) kernels() int { return g.axes[0].kernel * g.axes[1].kernel * g.axes[2].kernel }

// position is the index vector of output i of a channel.
func (g *convolution) position(i int) [maxSpatial]int {
	a := g.axes
	return [maxSpatial]int{i / (a[1].out * a[2].out), i / a[2].out % a[1].out, i % a[2].out}
}

func convolve[T float32 | float64 | int64](g convolution, x, w, bias []T, fma func(a, b, c T) T) []T {
	in, out, kernel := g.inputs(), g.outputs(), g.kernels()
	channels, filters := g.channels/g.groups, g.filters/g.groups
	y := make([]T, g.batch*g.filters*out)
	for p := range out {
		taps := g.taps(g.position(p))
		for n := range g.batch {
			for m := range g.filters {
				var acc T
				if bias != nil {
					acc = bias[m]
				}
				for c := range channels {
					xc := x[(n*g.channels+m/filters*channels+c)*in:][:in]
					wc := w[(m*channels+c)*kernel:][:kernel]
					for _, t := range taps {
						acc = fma(xc[t.x], wc[t.w], acc)
					}
				}
				y[(n*g.filters+m)*out+p] = acc
			}
		}
	}
	return y
}

// Lower makes a layer of it where that can be, else it calls a kernel, for 16-bit floats on their values in float32.
func (o *Conv) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	g, err := o.sizes(n.In[0].Type.Shape, n.In[1].Type.Shape)
	if err != nil {
		return nil, err
	}
	if y := g.linear(b, n); y != nil {
		return []*ir.Value{y}, nil
	}
	fused := *o
	kernel := "convolve"
	if n.In[0].Type.DType != ir.Float64 && n.In[0].Type.DType != ir.Int32 {
		fused.Fused, kernel = true, "convolve32"
	}
	return callWidened(b, n, &fused, 3, kernel, g.args()...), nil
}

func (g *convolution) args() []any {
	return []any{g.batch, g.channels, g.filters, g.groups, slideArgs(g.axes)}
}

// callWidened calls a kernel that computes op in place of n, with arity inputs, the omitted ones nil. Inputs that are
// 16-bit floats are widened to float32 before, results that should be are narrowed after.
func callWidened(b *ir.Builder, n *ir.Node, op ir.Op, arity int, kernel string, args ...any) []*ir.Value {
	c := &ir.Node{Op: op, In: make([]*ir.Value, arity)}
	for i, v := range n.In {
		c.In[i] = float32Of(b, v)
	}
	for _, v := range n.Out {
		if v != nil && (v.Type.DType == ir.Float16 || v.Type.DType == ir.BFloat16) {
			t := v.Type
			t.DType = ir.Float32
			v = &ir.Value{Name: v.Name, Type: t}
		}
		c.Out = append(c.Out, v)
	}
	out := slices.Clone(low.CallFor(b, c, kernel, args...))
	for i, v := range n.Out {
		if v != nil {
			out[i] = narrowed(b, out[i], v.Type.DType)
		}
	}
	return out
}
