package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var fourier = []Def{
	{Name: "DFT", Since: 20, In: Arity{1, 3}, Out: Arity{1, 1}, Types: []Types{Floats, Indices, Int64s}, Proto: &DFT{}},
	{Name: "DFT", Since: 17, In: Arity{1, 2}, Out: Arity{1, 1}, Types: []Types{Floats, Indices}, Upgrade: upgradeDFT},
	{Name: "STFT", Since: 17, In: Arity{2, 4}, Out: Arity{1, 1}, Types: []Types{Floats, Indices, Floats, Indices}, Proto: &STFT{}},
	{Name: "MelWeightMatrix", Since: 17, In: Arity{5, 5}, Out: Arity{1, 1},
		Types: []Types{Indices, Indices, Indices, Floats, Floats}, Proto: &MelWeightMatrix{}},
}

// upgradeDFT makes the attribute axis, 1 by default, an input.
func upgradeDFT(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	axis := Take(n, "axis", int64(1))
	n.In = append(slices.Clone(n.In), nil)[:2]
	n.In = append(n.In, b.Const(ir.FromInts(ir.Int64, nil, []int64{axis})))
	return nil, nil
}

// DFT is https://onnx.ai/onnx/operators/onnx__DFT.html, version 20: the discrete Fourier transform, or its inverse,
// along an axis (-2 by default) of real [..., 1] or complex [..., 2] values, cut or padded with zeros to dft_length. It
// sums in float64 over the positions in order, of each the real part first, by a table of cos and sin of 2 pi k/length.
type DFT struct {
	Inverse  bool `onnx:"inverse,0"`
	OneSided bool `onnx:"onesided,0"`
	// Work asks for one more result of that many elements, the room that compiled code needs: float64, left as zeros.
	Work int `onnx:"sbtc_work,0"`
}

// Name is the operator's ONNX name.
func (*DFT) Name() string { return "DFT" }

// Infer finds the length along the axis.
func (o *DFT) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return openTypes(x.DType, 1), nil
	}
	rank := len(x.Shape)
	if rank < 2 || x.Shape[rank-1] != 1 && x.Shape[rank-1] != 2 {
		return nil, fmt.Errorf("the input is %v, wanted [..., 1] or [..., 2]", x)
	}
	if o.OneSided && x.Shape[rank-1] == 1 == o.Inverse {
		return nil, fmt.Errorf("the input is %v; with onesided it is real [..., 1], with inverse too complex [..., 2]", x)
	}
	t := ir.Type{DType: x.DType, Shape: unknown(rank)}
	axis := -2
	known := true
	if v := at(in, 2); v != nil {
		if known = v.Const != nil; known {
			axis = v.Const.IntsAsInt()[0]
		}
	}
	if known {
		a, err := dftAxis(axis, rank)
		if err != nil {
			return nil, err
		}
		copy(t.Shape, x.Shape)
		n := o.defaultLength(x.Shape[a])
		if v := at(in, 1); v != nil {
			if n = -1; v.Const != nil {
				n = v.Const.IntsAsInt()[0]
				if n < 1 {
					return nil, fmt.Errorf("dft_length is %d, wanted at least 1", n)
				}
			}
		}
		t.Shape[a] = o.points(n)
	}
	if t.Shape[rank-1] = 2; o.OneSided && o.Inverse {
		t.Shape[rank-1] = 1
	}
	types := []ir.Type{t}
	if o.Work > 0 {
		types = append(types, ir.Type{DType: ir.Float64, Shape: []int{o.Work}})
	}
	return types, nil
}

func dftAxis(axis, rank int) (int, error) {
	a, err := axisOf(axis, rank)
	if err == nil && a == rank-1 {
		err = fmt.Errorf("axis %d is that of the real and imaginary parts", axis)
	}
	return a, err
}

// defaultLength is the length of the signal for d elements along the axis.
func (o *DFT) defaultLength(d int) int {
	if o.Inverse && o.OneSided && d >= 0 {
		return 2 * (d - 1)
	}
	return d
}

// points is how many results a signal of n elements has; -1 if n is not known.
func (o *DFT) points(n int) int {
	if o.OneSided && !o.Inverse && n >= 0 {
		return n/2 + 1
	}
	return n
}

// A dftLine transforms one line of n elements: at(k) is element k. Points is the number of results.
type dftLine struct {
	n, points         int
	inverse, onesided bool
	cos, sin          []float64
}

func newDFTLine(n, points int, inverse, onesided bool) *dftLine {
	l := &dftLine{n: n, points: points, inverse: inverse, onesided: onesided}
	for k := range n {
		angle := 2 * math.Pi * float64(k) / float64(n)
		l.cos, l.sin = append(l.cos, low.Cos64(angle)), append(l.sin, low.Sin64(angle))
	}
	return l
}

// result is number k.
func (l *dftLine) result(k int, at func(t int) (re, im float64)) (re, im float64) {
	for t := range l.n {
		x, y := at(t)
		if l.inverse && l.onesided { // the second half mirrors the first
			switch {
			case 2*t > l.n:
				x, y = at(l.n - t)
				y = -y
			case t == 0 || 2*t == l.n:
				y = 0
			}
		}
		c, s := l.cos[k*t%l.n], l.sin[k*t%l.n]
		if !l.inverse {
			s = -s
		}
		re += float64(x * c)
		re -= float64(y * s)
		im += float64(x * s)
		im += float64(y * c)
	}
	if l.inverse {
		re /= float64(l.n)
		im /= float64(l.n)
	}
	return re, im
}

// Eval transforms line by line.
func (o *DFT) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, shape := in[0].Floats(), in[0].Shape
	rank, axis := len(shape), -2
	if v := at(in, 2); v != nil {
		axis = v.IntsAsInt()[0]
	}
	axis, err := dftAxis(axis, rank)
	if err != nil {
		return nil, err
	}
	n := o.defaultLength(shape[axis])
	if v := at(in, 1); v != nil {
		n = v.IntsAsInt()[0]
	}
	if n < 1 {
		return nil, fmt.Errorf("dft_length is %d, wanted at least 1", n)
	}
	out := slices.Clone(shape)
	out[axis], out[rank-1] = o.points(n), 2
	if o.Inverse && o.OneSided {
		out[rank-1] = 1
	}
	l := newDFTLine(n, out[axis], o.Inverse, o.OneSided)
	parts, inner := shape[rank-1], ir.Size(shape[axis+1:rank-1])
	y := make([]float64, ir.Size(out))
	for r := range ir.Size(shape[:axis]) * inner {
		outer, i := r/max(1, inner), r%max(1, inner)
		for k := range l.points {
			re, im := l.result(k, func(t int) (re, im float64) {
				if t >= shape[axis] {
					return 0, 0
				}
				p := ((outer*shape[axis]+t)*inner + i) * parts
				if parts == 2 {
					im = x[p+1]
				}
				return x[p], im
			})
			p := ((outer*l.points+k)*inner + i) * out[rank-1]
			y[p] = re
			if out[rank-1] == 2 {
				y[p+1] = im
			}
		}
	}
	res := []*ir.Tensor{ir.FromFloats(in[0].DType, out, y)}
	if o.Work > 0 {
		res = append(res, ir.NewTensor(ir.Float64, o.Work))
	}
	return res, nil
}

// Lower calls a kernel, for 16-bit floats on their values in float32. Its table has room for the longest signal that
// fits the shape of the result.
func (o *DFT) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	op := *o
	longest := slices.Max(n.Out[0].Type.Shape)
	if v := at(n.In, 1); v != nil && v.Const != nil {
		longest = v.Const.IntsAsInt()[0]
	} else if o.OneSided && !o.Inverse {
		longest = 2*longest - 1
	}
	op.Work = 2 * max(1, longest)
	in := []*ir.Value{float32Of(b, n.In[0]), int64Of(b, at(n.In, 1)), at(n.In, 2)}
	t := n.Out[0].Type
	t.DType = in[0].Type.DType
	work := ir.Type{DType: ir.Float64, Shape: []int{op.Work}}
	c := &ir.Node{Op: &op, In: in, Out: []*ir.Value{{Type: t}, {Type: work}}}
	out := low.CallFor(b, c, "dft", n.In[0].Type.Shape, t.Shape, o.Inverse, o.OneSided)
	return []*ir.Value{narrowed(b, out[0], n.Out[0].Type.DType)}, nil
}

// int64Of widens integers; nil stays.
func int64Of(b *ir.Builder, v *ir.Value) *ir.Value {
	switch {
	case v == nil || v.Type.DType == ir.Int64:
		return v
	case v.Const != nil:
		return b.Const(ir.FromInts(ir.Int64, v.Type.Shape, v.Const.Ints()))
	}
	return narrowed(b, v, ir.Int64)
}

// STFT is https://onnx.ai/onnx/operators/onnx__STFT.html, version 17: the DFT of frames of a signal [batch, length, 1
// or 2] that begin frame_step apart, each times a window. Frames are as long as frame_length, else the window, else the
// signal; a shorter window is as if padded with zeros, a longer one is cut.
type STFT struct {
	OneSided bool `onnx:"onesided,1"`
	// Work asks for one more result of that many elements, the room that compiled code needs: float64, left as zeros.
	Work int `onnx:"sbtc_work,0"`
}

// Name is the operator's ONNX name.
func (*STFT) Name() string { return "STFT" }

// Infer counts frames and frequencies.
func (o *STFT) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	t := ir.Type{DType: x.DType, Shape: []int{-1, -1, -1, 2}}
	if !x.NoRank {
		if len(x.Shape) != 3 || x.Shape[2] != 1 && x.Shape[2] != 2 && x.Shape[2] >= 0 {
			return nil, fmt.Errorf("the signal is %v, wanted [batch, length, 1] or [batch, length, 2]", x)
		}
		if o.OneSided && x.Shape[2] == 2 {
			return nil, errors.New("attribute onesided is 1 for a complex signal")
		}
		t.Shape[0] = x.Shape[0]
	}
	length := -1
	w, l := at(in, 2), at(in, 3)
	if w != nil && (w.Type.DType != x.DType || !w.Type.NoRank && len(w.Type.Shape) != 1) {
		return nil, fmt.Errorf("the window is %v, wanted a vector of %v", w.Type, x.DType)
	}
	switch {
	case l != nil && l.Const != nil:
		length = l.Const.IntsAsInt()[0]
	case l != nil:
	case w != nil && !w.Type.NoRank:
		length = w.Type.Shape[0]
	case w == nil && !x.NoRank:
		length = x.Shape[1]
	}
	if length >= 0 {
		t.Shape[2] = o.bins(length)
		if s := in[1].Const; s != nil && !x.NoRank && x.Shape[1] >= 0 {
			step := s.IntsAsInt()[0]
			if step < 1 || length < 1 || length > x.Shape[1] {
				return nil, fmt.Errorf("frame_step is %d, frames have %d elements, the signal %d", step, length, x.Shape[1])
			}
			t.Shape[1] = 1 + (x.Shape[1]-length)/step
		}
	}
	types := []ir.Type{t}
	if o.Work > 0 {
		types = append(types, ir.Type{DType: ir.Float64, Shape: []int{o.Work}})
	}
	return types, nil
}

func (o *STFT) bins(length int) int {
	if o.OneSided {
		return length/2 + 1
	}
	return length
}

// Eval transforms frame by frame.
func (o *STFT) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, batch, size, parts := in[0].Floats(), in[0].Shape[0], in[0].Shape[1], in[0].Shape[2]
	w, length, step := floatsOf(at(in, 2)), size, in[1].IntsAsInt()[0]
	if w != nil {
		length = len(w)
	}
	if l := at(in, 3); l != nil {
		length = l.IntsAsInt()[0]
	}
	if step < 1 || length < 1 || length > size {
		return nil, fmt.Errorf("frame_step is %d, frames have %d elements, the signal %d", step, length, size)
	}
	frames := 1 + (size-length)/step
	l := newDFTLine(length, o.bins(length), false, o.OneSided)
	var y []float64
	for f := range batch * frames {
		start := f/frames*size + f%frames*step
		for k := range l.points {
			re, im := l.result(k, func(t int) (re, im float64) {
				weight := 1.0
				if w != nil {
					if t >= len(w) {
						return 0, 0
					}
					weight = w[t]
				}
				p := (start + t) * parts
				if parts == 2 {
					im = float64(x[p+1] * weight)
				}
				return float64(x[p] * weight), im
			})
			y = append(y, re, im)
		}
	}
	res := []*ir.Tensor{ir.FromFloats(in[0].DType, []int{batch, frames, l.points, 2}, y)}
	if o.Work > 0 {
		res = append(res, ir.NewTensor(ir.Float64, o.Work))
	}
	return res, nil
}

// Lower calls a kernel, for 16-bit floats on their values in float32.
func (o *STFT) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	op := *o
	op.Work = 2 * n.In[0].Type.Shape[1]
	in := []*ir.Value{float32Of(b, n.In[0]), int64Of(b, n.In[1]), float32Of(b, at(n.In, 2)), int64Of(b, at(n.In, 3))}
	t := n.Out[0].Type
	t.DType = in[0].Type.DType
	work := ir.Type{DType: ir.Float64, Shape: []int{op.Work}}
	c := &ir.Node{Op: &op, In: in, Out: []*ir.Value{{Type: t}, {Type: work}}}
	out := low.CallFor(b, c, "stft", n.In[0].Type.Shape, t.Shape, o.OneSided)
	return []*ir.Value{narrowed(b, out[0], n.Out[0].Type.DType)}, nil
}
