package check

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// block is one part of a model; its result has the rank of x and keeps its samples apart.
func (w *grower) block(x *ir.Value) *ir.Value {
	return pick(w,
		w.feedForward, w.feedForward, w.feedForward, w.attention, w.attention, w.attention, w.norm, w.norm, w.norm,
		w.convolution, w.convolution, w.average, w.reduced, w.steps, w.steps, w.steps, w.elementwise, w.elementwise,
		w.product, w.masked, w.recurrent, w.residual,
	)(x)
}

func (w *grower) feedForward(x *ir.Value) *ir.Value {
	y := w.act(w.layer(x, w.width()))
	if w.IntN(4) == 0 {
		return y
	}
	y = w.layer(y, x.Type.Features())
	if w.IntN(4) > 0 {
		y = w.add("Add", x, y)
	}
	return y
}

// residual combines x with an earlier value of its shape, or puts the features of both side by side.
func (w *grower) residual(x *ir.Value) *ir.Value {
	for _, v := range w.older {
		switch {
		case v == x || !slices.Equal(v.Type.Shape[:2], x.Type.Shape[:2]):
		case v.Type.Features() == x.Type.Features() && w.IntN(2) == 0:
			return w.add(pick(w, "Add", "Sub", "Mul", "Max"), x, v)
		case v.Type.Features()+x.Type.Features() <= 96:
			return w.node(&op.Concat{Axis: -1}, 1, x, v)[0]
		}
	}
	return w.layer(x, w.width())
}

// attention is self-attention, spelled out or as the operator, with a mask of scores or without, and sometimes with
// fixed masks of queries, keys and values.
func (w *grower) attention(x *ir.Value) *ir.Value {
	h := pick(w, 1, 2, 4)
	d := h * pick(w, 3, 4, 8, 16)
	cleared := w.IntN(4) == 0
	var qkv [3]*ir.Value
	for i := range qkv {
		qkv[i] = w.layer(x, d)
		if cleared {
			qkv[i] = w.masked(qkv[i])
		}
	}
	mask := w.scoreMask(x.Type.Shape[w.time()])
	var y *ir.Value
	if samplesFirst := !w.timeFirst; samplesFirst && w.IntN(2) == 0 {
		in := qkv[:]
		causal := mask == nil && w.IntN(2) == 0
		if mask != nil {
			in = append(in, mask)
		}
		y = w.node(&op.Attention{QHeads: h, KVHeads: h, IsCausal: causal}, 1, in...)[0]
	} else {
		y = w.spelled(qkv, h, d/h, mask)
	}
	if y = w.layer(y, x.Type.Features()); w.IntN(4) > 0 {
		y = w.add("Add", x, y)
	}
	return y
}

// spelled is attention as its products, with the heads of each sample behind one another.
func (w *grower) spelled(qkv [3]*ir.Value, h, size int, mask *ir.Value) *ir.Value {
	a, b := qkv[0].Type.Shape[0], qkv[0].Type.Shape[1]
	shape, q, k, back := w.ints(a, b, h, size), []int{0, 2, 1, 3}, []int{0, 2, 3, 1}, []int{0, 2, 1, 3}
	if w.timeFirst {
		shape, q, k, back = w.ints(a, b*h, size), []int{1, 0, 2}, []int{1, 2, 0}, []int{1, 0, 2}
	}
	s := w.add("MatMul", w.perm(w.add("Reshape", qkv[0], shape), q...), w.perm(w.add("Reshape", qkv[1], shape), k...))
	s = w.add("Mul", s, w.num(1/math.Sqrt(float64(size))))
	if mask != nil {
		s = w.add("Add", s, mask)
	}
	s = w.node(w.soft(s, -1), 1, s)[0]
	y := w.add("MatMul", s, w.perm(w.add("Reshape", qkv[2], shape), q...))
	return w.add("Reshape", w.perm(y, back...), w.ints(a, b, h*size))
}

func (w *grower) soft(x *ir.Value, axis int) ir.Op {
	o := w.op("Softmax", x)
	o.(*op.Softmax).Axis = axis
	return o
}

// scoreMask is additive: of Step-T, causal, of a window, random, or one of finite numbers; or nil.
func (w *grower) scoreMask(n int) *ir.Value {
	kind := w.IntN(7)
	if kind > 4 {
		return nil
	}
	m := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{n, n}}, w.IntN(1000))
	for e := range m.Len() {
		i, j := e/n, e%n
		var seen bool
		switch last := n - 1; kind {
		case 0:
			seen = i != last && i == j || i == last && (j != last || n == 1)
		case 1:
			seen = j <= i
		case 2:
			seen = max(i-j, j-i) < 3
		case 3:
			seen = i == j || w.IntN(2) == 0
		default:
			continue
		}
		if m.SetFloat(e, 0); !seen {
			m.SetFloat(e, math.Inf(-1))
		}
	}
	return w.constant(m)
}

// masked multiplies by a constant of zeros and ones, the same for all samples.
func (w *grower) masked(x *ir.Value) *ir.Value {
	shape := slices.Clone(x.Type.Shape)
	shape[1-w.time()] = 1
	if w.IntN(3) == 0 {
		shape[pick(w, w.time(), 2)] = 1
	}
	m := ir.NewTensor(ir.Float32, shape...)
	density := pick(w, 0.9, 0.5, 0.2)
	for i := range m.Len() {
		if w.Float64() < density {
			m.SetFloat(i, 1)
		}
	}
	return w.add("Mul", x, w.constant(m))
}

// norm is one over features, over the steps or by statistics of training.
func (w *grower) norm(x *ir.Value) *ir.Value {
	n, steps := x.Type.Features(), x.Type.Shape[w.time()]
	gamma := func(n int) *ir.Value {
		t := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{n}}, w.IntN(1000))
		zeros := w.IntN(2) == 0
		for i := range n {
			if t.SetFloat(i, 1+t.At(i)/2); zeros && w.IntN(2) == 0 {
				t.SetFloat(i, 0)
			}
		}
		return w.constant(t)
	}
	over := func(v *ir.Value, n int) *ir.Value {
		return w.node(&op.LayerNormalization{Axis: -1, Epsilon: 1e-5, StashType: 1}, 1, v, gamma(n), w.floats(n))[0]
	}
	to, back := []int{0, 2, 1}, []int{0, 2, 1} // samples, features, steps
	if w.timeFirst {
		to, back = []int{1, 2, 0}, []int{2, 0, 1}
	}
	switch w.IntN(6) {
	case 0:
		return w.node(&op.RMSNormalization{Axis: -1, Epsilon: 1e-5, StashType: 1}, 1, x, gamma(n))[0]
	case 1:
		return w.perm(over(w.perm(x, to...), steps), back...)
	case 2:
		variance := gamma(n)
		for i := range n {
			variance.Const.SetFloat(i, 0.5+math.Abs(variance.Const.At(i)))
		}
		y := w.node(&op.BatchNormalization{Epsilon: 1e-5}, 1, w.perm(x, to...), gamma(n), w.floats(n), w.floats(n), variance)[0]
		return w.perm(y, back...)
	case 3:
		y := w.node(&op.InstanceNormalization{Epsilon: 1e-5}, 1, w.perm(x, to...), gamma(n), w.floats(n))[0]
		return w.perm(y, back...)
	}
	return over(x, n)
}

// windowed applies a window operator to x with the steps last.
func (w *grower) windowed(x *ir.Value, apply func(*ir.Value) *ir.Value) *ir.Value {
	to, back := []int{0, 2, 1}, []int{0, 2, 1}
	if w.timeFirst {
		to, back = []int{1, 2, 0}, []int{2, 0, 1}
	}
	return w.perm(apply(w.perm(x, to...)), back...)
}

func (w *grower) convolution(x *ir.Value) *ir.Value {
	n, out, kernel, group := x.Type.Features(), w.width(), pick(w, 1, 3, 3, 5), 1
	o := &op.Conv{Group: 1, Window: op.Window{AutoPad: "NOTSET"}}
	o.Pads = []int{kernel / 2, kernel / 2}
	switch w.IntN(5) {
	case 0: // each feature alone
		o.Group, group, out = n, n, n
	case 1:
		o.Strides = []int{2}
	case 2:
		o.Dilations, o.Pads = []int{2}, []int{kernel - 1, kernel - 1}
	}
	m := w.matrix(n/group*kernel, out)
	weights := w.add("Reshape", w.perm(m, 1, 0), w.ints(out, n/group, kernel))
	return w.windowed(x, func(v *ir.Value) *ir.Value {
		in := []*ir.Value{v, weights, w.floats(out)}
		return w.node(o, 1, in[:2+w.IntN(2)]...)[0]
	})
}

// average takes the moving average of steps, or what is left of x without it.
func (w *grower) average(x *ir.Value) *ir.Value {
	const kernel = 5
	window := op.Window{AutoPad: "NOTSET", KernelShape: []int{kernel}, Pads: []int{2, 2}}
	y := w.windowed(x, func(v *ir.Value) *ir.Value {
		switch w.IntN(3) {
		case 0:
			return w.node(&op.MaxPool{Window: window}, 1, v)[0]
		case 1: // the first and the last step repeated in front and behind
			window.Pads = nil
			o := w.op("Pad", v, w.ints(0, 0, 0, 0, 0, 0))
			o.(*op.Pad).Mode = "edge"
			v = w.node(o, 1, v, w.ints(0, 0, 2, 0, 0, 2))[0]
		}
		return w.node(&op.AveragePool{Window: window, CountIncludePad: true}, 1, v)[0]
	})
	if w.IntN(2) == 0 {
		return w.add("Sub", x, y)
	}
	return y
}

// reduced relates x to a sum over features or steps.
func (w *grower) reduced(x *ir.Value) *ir.Value {
	axis := pick(w, w.time(), 2)
	switch w.IntN(5) {
	case 0:
		return w.node(w.soft(x, axis), 1, x)[0]
	case 1:
		return w.add("CumSum", x, w.constant(ir.Of(ir.Int64, nil, []int64{int64(axis)})))
	}
	name := pick(w, "ReduceMean", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2")
	return w.add(pick(w, "Sub", "Add", "Mul"), x, w.add(name, x, w.ints(axis)))
}

// steps moves steps: some of them, in another order, or more.
func (w *grower) steps(x *ir.Value) *ir.Value {
	axis := w.time()
	n := x.Type.Shape[axis]
	switch w.IntN(7) {
	case 0:
		lo := w.IntN(n)
		return w.add("Slice", x, w.ints(lo), w.ints(lo+1+w.IntN(n-lo)), w.ints(axis))
	case 1: // every other, or backwards
		if w.IntN(2) == 0 {
			return w.add("Slice", x, w.ints(-1), w.ints(-n-1), w.ints(axis), w.ints(-1))
		}
		return w.add("Slice", x, w.ints(0), w.ints(n), w.ints(axis), w.ints(2))
	case 2:
		at := make([]int, 1+w.IntN(n+3))
		for i := range at {
			at[i] = w.IntN(n)
		}
		return w.node(&op.Gather{Axis: axis}, 1, x, w.ints(at...))[0]
	case 3:
		pads := make([]int, 6)
		pads[axis], pads[3+axis] = w.IntN(3), w.IntN(3)
		return w.add("Pad", x, w.ints(pads...), w.num(pick(w, 0, 0.5)))
	case 4:
		return w.node(&op.Concat{Axis: axis}, 1, x, x)[0]
	case 5: // a learnt step in front
		shape := slices.Clone(x.Type.Shape)
		shape[axis] = 1
		first := w.add("Expand", w.floats(1, 1, x.Type.Features()), w.ints(shape...))
		return w.node(&op.Concat{Axis: axis}, 1, first, x)[0]
	}
	if n < 2 {
		return x
	}
	k := 1 + w.IntN(n-1)
	parts := w.node(&op.Split{Axis: axis}, 2, x, w.ints(k, n-k))
	slices.Reverse(parts)
	return w.node(&op.Concat{Axis: axis}, 1, parts...)[0]
}

func (w *grower) elementwise(x *ir.Value) *ir.Value {
	n := x.Type.Features()
	switch w.IntN(6) {
	case 0:
		return w.add("Where", w.add("Greater", x, w.num(0.1)), x, w.floats(n))
	case 1:
		return w.add("Div", x, w.add("Add", w.add("Abs", x), w.num(1)))
	case 2:
		return w.add("Sqrt", w.add("Abs", x))
	case 3:
		return w.add(pick(w, "Mul", "Add", "Min"), x, w.floats(n))
	case 4:
		return w.add("Pow", x, w.num(2))
	}
	return w.act(x)
}

// product is one of two values that the model computes: of steps with steps, and back.
func (w *grower) product(x *ir.Value) *ir.Value {
	if w.timeFirst {
		return w.elementwise(x)
	}
	s := w.add("MatMul", x, w.perm(x, 0, 2, 1))
	return w.add("MatMul", w.add("Tanh", s), x)
}

// recurrent is an LSTM over the steps, of few units.
func (w *grower) recurrent(x *ir.Value) *ir.Value {
	if w.IntN(2) == 0 {
		return w.feedForward(x)
	}
	const units = 5
	v := x
	if !w.timeFirst {
		v = w.perm(v, 1, 0, 2)
	}
	o := w.op("LSTM", v, v, v)
	o.(*op.LSTM).HiddenSize = units
	y := w.node(o, 1, v, w.floats(1, 4*units, x.Type.Features()), w.floats(1, 4*units, units))[0] // [steps, 1, samples, units]
	y = w.add("Reshape", y, w.ints(y.Type.Shape[0], w.samples, units))
	if !w.timeFirst {
		y = w.perm(y, 1, 0, 2)
	}
	return y
}

// embedded looks up rows of a table by an input of numbers.
func (w *grower) embedded(x *ir.Value) *ir.Value {
	const rows = 16
	at := w.input("token", ir.Uint8, w.samples, w.stepsOf(x)) // random inputs are below 16
	e := w.node(&op.Gather{}, 1, w.floats(rows, x.Type.Features()), w.node(&op.Cast{To: ir.Int64, Saturate: true, RoundMode: "up"}, 1, at)[0])[0]
	if w.timeFirst {
		e = w.perm(e, 1, 0, 2)
	}
	return e
}

func (w *grower) stepsOf(x *ir.Value) int { return x.Type.Shape[w.time()] }

// head reads the last step, the mean over steps, all of them side by side, or each; its result begins with the samples.
func (w *grower) head(x *ir.Value) *ir.Value {
	n := 1 + w.IntN(20)
	if w.timeFirst {
		w.timeFirst = false
		defer func() { w.timeFirst = true }()
		x = w.perm(x, 1, 0, 2)
	}
	flat := func(v *ir.Value) *ir.Value {
		y := w.add("MatMul", v, w.matrix(v.Type.Features(), n))
		return w.add("Add", y, w.floats(n))
	}
	switch w.IntN(6) {
	case 0:
		last := w.constant(ir.Of(ir.Int64, nil, []int64{-1}))
		return flat(w.node(&op.Gather{Axis: 1}, 1, x, last)[0])
	case 1:
		return flat(w.add("Squeeze", w.add("ReduceMean", x, w.ints(1)), w.ints(1)))
	case 2:
		return flat(w.add("Reshape", x, w.ints(w.samples, -1)))
	case 3:
		y := w.layer(x, n)
		return w.node(w.soft(y, -1), 1, y)[0]
	case 4:
		return w.node(w.op("ArgMax", x), 1, w.perm(w.layer(x, n), 0, 2, 1))[0]
	}
	return w.layer(x, n)
}
