package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// DeformConv is https://onnx.ai/onnx/operators/onnx__DeformConv.html, version 22: a convolution of X [batch, channels,
// ...] with W [filters, channels/group, kernel...] whose kernel positions are moved by offsets [batch,
// offset_group·positions·axes, ...] and weighted by an optional mask [batch, offset_group·positions, ...]. Between
// elements X is interpolated linearly, outside it is 0. Sums run from the bias over the channels of the group, then
// kernel positions; a sample is the sum over the corners around it, the last axis changing fastest.
type DeformConv struct {
	Dilations   []int `onnx:"dilations"`
	Group       int   `onnx:"group,1"`
	KernelShape []int `onnx:"kernel_shape"`
	OffsetGroup int   `onnx:"offset_group,1"`
	Pads        []int `onnx:"pads"`
	Strides     []int `onnx:"strides"`
}

// Name is the operator's ONNX name.
func (*DeformConv) Name() string { return "DeformConv" }

func (o *DeformConv) conv() *Conv {
	return &Conv{Window: Window{AutoPad: "NOTSET", Dilations: o.Dilations, KernelShape: o.KernelShape, Pads: o.Pads, Strides: o.Strides}, Group: o.Group}
}

// Infer checks the convolution, the offsets and the mask.
func (o *DeformConv) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameTypes(in); err != nil {
		return nil, err
	}
	in = slices.Concat(in, make([]*ir.Value, 5-len(in)))
	shape, err := o.conv().shape([]*ir.Value{in[0], in[1], in[3]})
	if err != nil || shape == nil {
		return openTypes(in[0].Type.DType, 1), err
	}
	x, w := in[0].Type, in[1].Type
	t := ir.Type{DType: x.DType, Shape: shape}
	if o.OffsetGroup < 1 || x.Shape[1] >= 0 && x.Shape[1]%o.OffsetGroup != 0 {
		return nil, fmt.Errorf("attribute offset_group is %d, which does not divide %d channels", o.OffsetGroup, x.Shape[1])
	}
	if slices.Contains(w.Shape[2:], -1) {
		return []ir.Type{t}, nil
	}
	positions := o.OffsetGroup * ir.Size(w.Shape[2:])
	for i, want := range []int{positions * (len(shape) - 2), positions} {
		v := in[2+2*i]
		if v == nil || !v.Type.Static() || !t.Static() {
			continue
		}
		if full := append([]int{shape[0], want}, shape[2:]...); !slices.Equal(v.Type.Shape, full) {
			return nil, fmt.Errorf("input %d is %v, wanted the shape %v", 2+2*i, v.Type, full)
		}
	}
	return []ir.Type{t}, nil
}

// Eval computes one output after the other.
func (o *DeformConv) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in = slices.Concat(in, make([]*ir.Tensor, 5-len(in)))
	g, err := o.conv().sizes(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	rank := len(in[0].Shape) - 2
	x, w, offset, bias, mask := in[0].Floats(), in[1].Floats(), in[2].Floats(), floatsOf(in[3]), floatsOf(in[4])
	out, kernel := g.outputs(), g.kernels()
	channels, filters := g.channels/g.groups, g.filters/g.groups
	y := make([]float64, g.batch*g.filters*out)
	for r := range y {
		p, m, n := r%out, r/out%g.filters, r/out/g.filters
		var acc float64
		if bias != nil {
			acc = bias[m]
		}
		for i := range channels {
			c := m/filters*channels + i
			og := n*o.OffsetGroup + c/(g.channels/o.OffsetGroup)
			for k := range kernel {
				s := g.sample(x[(n*g.channels+c)*g.inputs():][:g.inputs()], p, k, func(axis int) float64 {
					if a := axis - (maxSpatial - rank); a >= 0 {
						return offset[((og*kernel+k)*rank+a)*out+p]
					}
					return 0
				})
				s = float64(s * w[(m*channels+i)*kernel+k])
				if mask != nil {
					s = float64(s * mask[(og*kernel+k)*out+p])
				}
				acc += s
			}
		}
		y[r] = acc
	}
	shape := append([]int{g.batch, g.filters}, g.lengths(rank)...)
	return []*ir.Tensor{ir.FromFloats(in[0].DType, shape, y)}, nil
}

// sample interpolates a channel where output p reads it with kernel element k, moved by offset.
func (g *convolution) sample(x []float64, p, k int, offset func(axis int) float64) float64 {
	a := g.axes
	pos := g.position(p)
	tap := [maxSpatial]int{k / (a[1].kernel * a[2].kernel), k / a[2].kernel % a[1].kernel, k % a[2].kernel}
	var base, frac [maxSpatial]float64
	for i := range a {
		at, _ := a[i].at(pos[i], tap[i])
		v := float64(at) + offset(i)
		base[i] = math.Floor(v)
		frac[i] = v - base[i]
	}
	var sum float64
	for corner := range 1 << maxSpatial {
		weight, at, inside := 1.0, 0, true
		for i := range a {
			b := base[i]
			f := 1 - frac[i]
			if corner>>(maxSpatial-1-i)&1 == 1 {
				b++
				f = frac[i]
			}
			weight = float64(weight * f)
			if inside = inside && b >= 0 && b < float64(a[i].in); inside {
				at = at*a[i].in + int(b)
			}
		}
		if inside && weight != 0 {
			sum += float64(weight * x[at])
		}
	}
	return sum
}

// Lower calls a kernel.
func (o *DeformConv) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	g, err := o.conv().sizes(n.In[0].Type.Shape, n.In[1].Type.Shape)
	if err != nil {
		return nil, err
	}
	return callWidened(b, n, o, 5, "deformConv", append(g.args(), o.OffsetGroup, len(n.In[0].Type.Shape)-2)...), nil
}
