package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// ConvTranspose is https://onnx.ai/onnx/operators/onnx__ConvTranspose.html, version 22: X [batch, channels, ...],
// W [channels, filters/group, kernel...], and a bias by filter. Input i adds x·w to outputs i·stride - pad +
// k·dilation. A result is a sum from the bias (or +0) over the channels of its group, then over kernel positions, both
// increasing.
type ConvTranspose struct {
	Window
	Group         int   `onnx:"group,1"`
	OutputPadding []int `onnx:"output_padding"`
	OutputShape   []int `onnx:"output_shape"`
	// Fused asks Eval for the arithmetic of compiled code on float32: every step acc = fma(x, w, acc).
	Fused bool `onnx:"sbtc_fused,0"`
}

// Name is the operator's ONNX name.
func (*ConvTranspose) Name() string { return "ConvTranspose" }

// Infer checks channels, groups and the window.
func (o *ConvTranspose) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameTypes(in); err != nil {
		return nil, err
	}
	x, w := in[0].Type, in[1].Type
	if o.Group < 1 {
		return nil, fmt.Errorf("attribute group is %d, wanted at least 1", o.Group)
	}
	if x.NoRank || w.NoRank {
		return openTypes(x.DType, 1), nil
	}
	if _, err := spatial("X", x); err != nil {
		return nil, err
	}
	if len(w.Shape) != len(x.Shape) {
		return nil, fmt.Errorf("X is %v, W is %v; they must have as many axes", x, w)
	}
	if c, k := x.Shape[1], w.Shape[0]; c >= 0 && k >= 0 && c != k || k >= 0 && k%o.Group != 0 {
		return nil, fmt.Errorf("X is %v, W is %v in %d groups; W has an element of its first axis for every channel", x, w, o.Group)
	}
	filters := w.Shape[1]
	if filters >= 0 {
		filters *= o.Group
	}
	if len(in) > 2 && in[2] != nil {
		if b := in[2].Type; !b.NoRank && (len(b.Shape) != 1 || b.Shape[0] >= 0 && filters >= 0 && b.Shape[0] != filters) {
			return nil, fmt.Errorf("the bias is %v, wanted one for each of %d filters", b, filters)
		}
	}
	for i, k := range o.KernelShape {
		if 2+i < len(w.Shape) && w.Shape[2+i] >= 0 && w.Shape[2+i] != k {
			return nil, fmt.Errorf("attribute kernel_shape is %v, W is %v", o.KernelShape, w)
		}
	}
	s, err := o.axes(x.Shape[2:], w.Shape[2:])
	if err != nil {
		return nil, err
	}
	return []ir.Type{{DType: x.DType, Shape: append([]int{x.Shape[0], filters}, lengths(s)...)}}, nil
}

// axes are the slides of the convolution that this is the transpose of, with in and out swapped back: in is X's length.
func (o *ConvTranspose) axes(x, weights []int) ([]slide, error) {
	n := len(x)
	w := o.Window
	w.AutoPad = "NOTSET"
	s, err := w.slides(slices.Repeat([]int{-1}, n), o.kernel(weights), false) // checks the attributes
	if err != nil {
		return nil, err
	}
	if o.OutputPadding != nil && len(o.OutputPadding) != n || o.OutputShape != nil && len(o.OutputShape) != n && len(o.OutputShape) != n+2 {
		return nil, fmt.Errorf("attributes output_padding %v and output_shape %v; wanted %d numbers each", o.OutputPadding, o.OutputShape, n)
	}
	switch o.AutoPad {
	case "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER":
	default:
		return nil, fmt.Errorf("attribute auto_pad is %q, wanted NOTSET, VALID, SAME_UPPER or SAME_LOWER", o.AutoPad)
	}
	for i := range s {
		a := &s[i]
		if a.in = x[i]; a.in < 0 || a.kernel < 0 {
			a.out = -1
			continue
		}
		full := a.stride*(a.in-1) + a.span()
		if o.OutputPadding != nil {
			full += o.OutputPadding[i]
		}
		same := o.AutoPad == "SAME_UPPER" || o.AutoPad == "SAME_LOWER"
		switch {
		case o.OutputShape != nil:
			a.out = o.OutputShape[len(o.OutputShape)-n+i]
		case same:
			a.out = a.in * a.stride
		case o.AutoPad == "VALID":
			a.before, a.after, a.out = 0, 0, full
		default:
			a.out = full - a.before - a.after
		}
		if same || o.OutputShape != nil {
			total := max(0, full-a.out)
			a.before = total - total/2
			if o.AutoPad == "SAME_UPPER" {
				a.before = total / 2
			}
			a.after = total - a.before
		}
		if a.out < 0 {
			return nil, fmt.Errorf("spatial axis %d of the result has length %d; see pads and output_shape", i, a.out)
		}
	}
	return s, nil
}

func (o *ConvTranspose) sizes(x, w []int) (convolution, error) {
	s, err := o.axes(x[2:], w[2:])
	if err != nil {
		return convolution{}, err
	}
	return convolution{batch: x[0], channels: x[1], filters: w[1] * o.Group, groups: o.Group, axes: three(s)}, nil
}

// Eval computes one channel of one sample after the other.
func (o *ConvTranspose) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in = slices.Concat(in, make([]*ir.Tensor, 3-len(in)))
	x, w, b := in[0], in[1], in[2]
	g, err := o.sizes(x.Shape, w.Shape)
	if err != nil {
		return nil, err
	}
	shape := append([]int{g.batch, g.filters}, g.lengths(len(x.Shape)-2)...)
	if o.Fused {
		y := convolveTransposed(g, ir.Data[float32](x), ir.Data[float32](w), dataOf[float32](b), low.FMA32)
		return []*ir.Tensor{ir.Of(x.DType, shape, y)}, nil
	}
	y := convolveTransposed(g, x.Floats(), w.Floats(), floatsOf(b), mulAdd[float64])
	return []*ir.Tensor{ir.FromFloats(x.DType, shape, y)}, nil
}

// sources lists the inputs that add to the output at a position, kernel positions increasing.
func (g *convolution) sources(pos [maxSpatial]int) (out []tap) {
	a := g.axes
	from := func(axis, k int) (int, bool) {
		s := a[axis]
		p := pos[axis] + s.before - k*s.dilation
		return p / s.stride, p >= 0 && p%s.stride == 0 && p/s.stride < s.in
	}
	for i := range a[0].kernel {
		for j := range a[1].kernel {
			for k := range a[2].kernel {
				z, in0 := from(0, i)
				y, in1 := from(1, j)
				x, in2 := from(2, k)
				if in0 && in1 && in2 {
					out = append(out, tap{(z*a[1].in+y)*a[2].in + x, (i*a[1].kernel+j)*a[2].kernel + k})
				}
			}
		}
	}
	return out
}

func convolveTransposed[T float32 | float64](g convolution, x, w, bias []T, fma func(a, b, c T) T) []T {
	in, out, kernel := g.inputs(), g.outputs(), g.kernels()
	channels, filters := g.channels/g.groups, g.filters/g.groups
	y := make([]T, g.batch*g.filters*out)
	for p := range out {
		taps := g.sources(g.position(p))
		for n := range g.batch {
			for m := range g.filters {
				var acc T
				if bias != nil {
					acc = bias[m]
				}
				for i := range channels {
					c := m/filters*channels + i
					for _, t := range taps {
						acc = fma(x[(n*g.channels+c)*in+t.x], w[(c*filters+m%filters)*kernel+t.w], acc)
					}
				}
				y[(n*g.filters+m)*out+p] = acc
			}
		}
	}
	return y
}

// Lower calls a kernel, for 16-bit floats on their values in float32.
func (o *ConvTranspose) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	g, err := o.sizes(n.In[0].Type.Shape, n.In[1].Type.Shape)
	if err != nil {
		return nil, err
	}
	fused := *o
	kernel := "convolveTransposed"
	if n.In[0].Type.DType != ir.Float64 {
		fused.Fused, kernel = true, "convolveTransposed32"
	}
	return callWidened(b, n, &fused, 3, kernel, g.args()...), nil
}
