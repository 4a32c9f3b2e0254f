package op

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var pool = []Def{
	{Name: "AveragePool", Since: 22, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &AveragePool{}},
	{Name: "MaxPool", Since: 22, From: 1, In: Arity{1, 1}, Out: Arity{1, 2}, Types: []Types{Floats | bytesOf}, Proto: &MaxPool{}},
	{Name: "LpPool", Since: 22, From: 2, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &LpPool{}},
	{Name: "LpPool", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: upgradeNorm},
	{Name: "GlobalAveragePool", Since: 22, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &GlobalPool{name: "GlobalAveragePool", fn: "mean"}},
	{Name: "GlobalMaxPool", Since: 22, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &GlobalPool{name: "GlobalMaxPool", fn: "max"}},
	{Name: "GlobalLpPool", Since: 22, From: 2, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &GlobalLpPool{}},
	{Name: "GlobalLpPool", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: upgradeNorm},
	{Name: "MaxUnpool", Since: 22, From: 9, In: Arity{2, 3}, Out: Arity{1, 1}, Types: []Types{Floats, Int64s, Int64s}, Proto: &MaxUnpool{}},
	{Name: "MaxRoiPool", Since: 22, From: 1, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &MaxRoiPool{}},
}

// upgradeNorm turns p, a float in version 1, into an integer.
func upgradeNorm(_ *ir.Builder, n *Raw) ([]*ir.Value, error) {
	p := Take(n, "p", float32(2))
	if p != float32(int64(p)) {
		return nil, fmt.Errorf("attribute p is %v; only integers are supported", p)
	}
	n.Attrs["p"] = int64(p)
	return nil, nil
}

// pooled infers the result of a pooling window.
func (w *Window) pooled(x ir.Type, ceil bool) (ir.Type, error) {
	if len(w.KernelShape) == 0 {
		return x, fmt.Errorf("attribute kernel_shape is required")
	}
	if x.NoRank {
		return ir.Type{DType: x.DType, NoRank: true}, nil
	}
	axes, err := spatial("X", x)
	if err != nil {
		return x, err
	}
	s, err := w.slides(axes, w.KernelShape, ceil)
	if err != nil {
		return x, err
	}
	return ir.Type{DType: x.DType, Shape: append([]int{x.Shape[0], x.Shape[1]}, lengths(s)...)}, nil
}

// window is the convolution of one channel with one filter that reads what the pooling window reads.
func (w *Window) window(x []int, ceil bool) (convolution, error) {
	s, err := w.slides(x[2:], w.KernelShape, ceil)
	if err != nil {
		return convolution{}, err
	}
	return convolution{batch: x[0], channels: x[1], axes: three(s)}, nil
}

// each calls f for every result i of every channel with what the window reads there.
func (g *convolution) each(f func(i, channel int, taps []tap)) {
	in, out := g.inputs(), g.outputs()
	for p := range out {
		taps := g.taps(g.position(p))
		for c := range g.batch * g.channels {
			f(c*out+p, c*in, taps)
		}
	}
}

// AveragePool is https://onnx.ai/onnx/operators/onnx__AveragePool.html, version 22: the mean over a window of X [batch,
// channels, ...], summed in increasing positions; padding counts as elements only with count_include_pad.
type AveragePool struct {
	Window
	CeilMode        bool `onnx:"ceil_mode,0"`
	CountIncludePad bool `onnx:"count_include_pad,0"`
}

// Name is the operator's ONNX name.
func (*AveragePool) Name() string { return "AveragePool" }

// Infer checks the window.
func (o *AveragePool) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := o.pooled(in[0].Type, o.CeilMode)
	return []ir.Type{t}, err
}

// Eval computes one result after the other.
func (o *AveragePool) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	g, err := o.window(in[0].Shape, o.CeilMode)
	if err != nil {
		return nil, err
	}
	x := in[0].Floats()
	y := make([]float64, g.batch*g.channels*g.outputs())
	g.each(func(i, c int, taps []tap) {
		var sum float64
		for _, t := range taps {
			sum += x[c+t.x]
		}
		count := len(taps)
		if o.CountIncludePad {
			count = g.padded(g.position(i % g.outputs()))
		}
		y[i] = sum / float64(count)
	})
	shape := append([]int{g.batch, g.channels}, g.lengths(len(in[0].Shape)-2)...)
	return []*ir.Tensor{ir.FromFloats(in[0].DType, shape, y)}, nil
}

// padded counts the elements of a window that lie in the input or its padding; a window that ceil_mode adds can go
// beyond both.
func (g *convolution) padded(pos [maxSpatial]int) int {
	n := 1
	for i, a := range g.axes {
		live := 0
		for k := range a.kernel {
			if at, _ := a.at(pos[i], k); at < a.in+a.after {
				live++
			}
		}
		n *= live
	}
	return n
}

// moving is a Reduce whose windows move along the only spatial axis of float32, nil if they have gaps or some has no element.
func (g *convolution) moving(b *ir.Builder, n *ir.Node, fn string) *ir.Value {
	s, x := g.axes[maxSpatial-1], n.In[0]
	if len(x.Type.Shape) != 3 || x.Type.DType != ir.Float32 || x.Type.Len() == 0 || s.dilation != 1 || s.out == 0 {
		return nil
	}
	r := &low.Reduce{Fn: fn, Axes: []int{2}, KeepDims: true, Partials: 1, Window: s.kernel, Step: s.stride, Before: s.before,
		After: max(0, (s.out-1)*s.stride+s.kernel-s.in-s.before)}
	if types, err := r.Infer([]*ir.Value{x}); err != nil || types[0].Shape[2] != s.out {
		return nil
	}
	return b.Add(r, x)
}

// Lower makes a Reduce of windows along one axis, and calls a kernel for others.
func (o *AveragePool) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	g, err := o.window(n.In[0].Type.Shape, o.CeilMode)
	if err != nil {
		return nil, err
	}
	if !o.CountIncludePad || g.axes[maxSpatial-1].before == 0 && g.axes[maxSpatial-1].after == 0 {
		if v := g.moving(b, n, "mean"); v != nil {
			return one(v)
		}
	}
	return callWidened(b, n, o, 1, "averagePool", g.batch*g.channels, slideArgs(g.axes), o.CountIncludePad), nil
}

// MaxPool is https://onnx.ai/onnx/operators/onnx__MaxPool.html, version 22: the maximum over a window, a NaN being the
// largest, and its first place as the index into the whole of X, row-major or, with storage_order, with the first
// spatial axis changing fastest. Windows without elements give the least value and index 0.
type MaxPool struct {
	Window
	CeilMode     bool `onnx:"ceil_mode,0"`
	StorageOrder bool `onnx:"storage_order,0"`
}

// Name is the operator's ONNX name.
func (*MaxPool) Name() string { return "MaxPool" }

// Infer checks the window.
func (o *MaxPool) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := o.pooled(in[0].Type, o.CeilMode)
	at := t
	at.DType = ir.Int64
	return []ir.Type{t, at}, err
}

// Eval computes one result after the other.
func (o *MaxPool) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	g, err := o.window(in[0].Shape, o.CeilMode)
	if err != nil {
		return nil, err
	}
	x := in[0].Floats()
	y := make([]float64, g.batch*g.channels*g.outputs())
	at := make([]int64, len(y))
	least := math.Inf(-1)
	if in[0].DType.IsInt() {
		lo, _ := in[0].DType.IntRange()
		least = float64(lo)
	}
	g.each(func(i, c int, taps []tap) {
		y[i] = least
		for n, t := range taps {
			if v := x[c+t.x]; n == 0 || v > y[i] || v != v && y[i] == y[i] {
				y[i], at[i] = v, int64(c+o.place(&g, t.x))
			}
		}
	})
	shape := append([]int{g.batch, g.channels}, g.lengths(len(in[0].Shape)-2)...)
	return []*ir.Tensor{ir.FromFloats(in[0].DType, shape, y), ir.Of(ir.Int64, shape, at)}, nil
}

// place is the index of an element of a channel in the storage order.
func (o *MaxPool) place(g *convolution, i int) int {
	if !o.StorageOrder {
		return i
	}
	a := g.axes
	z, y, x := i/(a[1].in*a[2].in), i/a[2].in%a[1].in, i%a[2].in
	return (x*a[1].in+y)*a[0].in + z
}

// Lower makes a Reduce of windows along one axis, and calls a kernel for others.
func (o *MaxPool) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	g, err := o.window(n.In[0].Type.Shape, o.CeilMode)
	if err != nil {
		return nil, err
	}
	kernel := "maxPool"
	if len(n.Out) > 1 && n.Out[1] != nil {
		kernel = "maxPoolIndices"
	} else if v := g.moving(b, n, "max"); v != nil {
		return one(v)
	}
	return callWidened(b, n, o, 1, kernel, g.batch*g.channels, slideArgs(g.axes), o.StorageOrder), nil
}

// LpPool is https://onnx.ai/onnx/operators/onnx__LpPool.html, version 22: the p-norm over a window, summed in increasing
// positions.
type LpPool struct {
	Window
	CeilMode bool `onnx:"ceil_mode,0"`
	P        int  `onnx:"p,2"`
}

// Name is the operator's ONNX name.
func (*LpPool) Name() string { return "LpPool" }

// Infer checks the window.
func (o *LpPool) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.P < 1 {
		return nil, fmt.Errorf("attribute p is %d, wanted at least 1", o.P)
	}
	t, err := o.pooled(in[0].Type, o.CeilMode)
	return []ir.Type{t}, err
}

// Eval computes one result after the other.
func (o *LpPool) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	g, err := o.window(in[0].Shape, o.CeilMode)
	if err != nil {
		return nil, err
	}
	x := in[0].Floats()
	y := make([]float64, g.batch*g.channels*g.outputs())
	g.each(func(i, c int, taps []tap) {
		for _, t := range taps {
			y[i] += power(math.Abs(x[c+t.x]), o.P)
		}
		y[i] = root(y[i], o.P)
	})
	shape := append([]int{g.batch, g.channels}, g.lengths(len(in[0].Shape)-2)...)
	return []*ir.Tensor{ir.FromFloats(in[0].DType, shape, y)}, nil
}

func power(x float64, p int) float64 {
	y := x
	for range p - 1 {
		y = float64(y * x)
	}
	return y
}

func root(x float64, p int) float64 {
	switch p {
	case 1:
		return x
	case 2:
		return math.Sqrt(x)
	}
	return low.Pow64(x, 1/float64(p))
}

// Lower calls a kernel.
func (o *LpPool) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	g, err := o.window(n.In[0].Type.Shape, o.CeilMode)
	if err != nil {
		return nil, err
	}
	return callWidened(b, n, o, 1, "lpPool", g.batch*g.channels, slideArgs(g.axes), o.P), nil
}
