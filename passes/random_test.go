package passes

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
)

var graphs = flag.Int("graphs", 400, "number of random graphs")

// TestRandom walks random graphs through the representations. Arrows down are passes, sideways is printing and parsing,
// which gives the same text; "=" is agreement of what Eval gives.
//
//	random graph  ⇄ text
//	     | Portable      = (ir.Folding)
//	ONNX operators ⇄ text
//	     | Target        = (ir.Compiled)
//	low operators  ⇄ text
//
// In some thousand graphs there is one whose output is small because larger values cancel: it has to agree in float64.
func TestRandom(t *testing.T) {
	for seed := range *graphs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { walk(t, uint64(seed)) })
	}
}

func walk(t *testing.T, seed uint64) {
	g := randomGraph(t, seed)
	text := g.String()
	defer func() {
		if t.Failed() {
			t.Logf("the graph was\n%s", text)
		}
	}()
	roundTrip(t, g, op.New)
	want := evalSeeded(t, g)
	if err := Fixpoint(g, Portable, Options{}); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, g, op.New)
	check := func(tol ir.Tolerance) {
		got := evalSeeded(t, g)
		for i := range got {
			if err := ir.Agree(got[i], want[i], tol); err != nil && !cancels(t, text, [][]*ir.Tensor{seeded(g)}, got, want, tol) {
				t.Errorf("output %q: %v\n%s", g.Out[i].Name, err, g)
			}
		}
	}
	check(ir.Folding)
	if err := Run(g, Target, Options{}); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, g, func(name string, in []*ir.Value) (ir.Op, error) {
		if o, err := low.New(name, in); err == nil {
			return o, nil
		}
		return op.New(name, in)
	})
	check(ir.Compiled)
}

func roundTrip(t *testing.T, g *ir.Graph, lookup ir.Lookup) {
	t.Helper()
	text := g.String()
	h, err := ir.Parse("random", text, lookup)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if h.String() != text {
		t.Errorf("printed\n%sand read back\n%s", text, h)
	}
}

// A grower makes a random graph. Its operators do not magnify rounding errors, so that agreement is to be expected.
type grower struct {
	*rand.Rand
	g    *ir.Graph
	pool []*ir.Value // values to go on from
	t    *testing.T
}

func randomGraph(t *testing.T, seed uint64) *ir.Graph {
	w := &grower{rand.New(rand.NewPCG(seed, 1)), &ir.Graph{Name: "g"}, nil, t}
	for i := range 1 + w.IntN(2) {
		x := &ir.Value{Name: fmt.Sprintf("x%d", i), Type: ir.Type{DType: ir.Float32, Shape: w.shape()}}
		w.g.In = append(w.g.In, x)
		w.pool = append(w.pool, x)
	}
	for range 4 + w.IntN(20) {
		w.grow()
	}
	for i := range min(len(w.pool), 1+w.IntN(2)) {
		v := w.pool[len(w.pool)-1-i]
		if v.Def == nil || slices.Contains(w.g.Out, v) {
			v = w.add("Neg", v)
		}
		w.g.Out = append(w.g.Out, v)
	}
	if err := w.g.Check(); err != nil {
		t.Fatal(err)
	}
	return w.g
}

func (w *grower) shape() []int {
	s := make([]int, 1+w.IntN(4))
	for i := range s {
		s[i] = []int{1, 1, 2, 3, 4, 6}[w.IntN(6)]
	}
	return s
}

func pick[T any](w *grower, list ...T) T { return list[w.IntN(len(list))] }

// add appends a node of an operator without attributes.
func (w *grower) add(name string, in ...*ir.Value) *ir.Value {
	o, err := op.New(name, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.node(o, 1, in...)[0]
}

func (w *grower) node(o ir.Op, results int, in ...*ir.Value) []*ir.Value {
	names := make([]string, results)
	for i := range names {
		names[i] = w.g.Fresh("v")
	}
	n, err := w.g.Add(o, in, names...)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.Clone(n.Out)
}

func (w *grower) constant(t *ir.Tensor) *ir.Value {
	return &ir.Value{Name: w.g.Fresh("c"), Type: t.Type(), Const: t}
}

func (w *grower) weights(shape ...int) *ir.Value {
	return w.constant(ir.RandTensor(ir.Type{DType: ir.Float32, Shape: shape}, w.IntN(9)))
}

func (w *grower) num(x float64) *ir.Value {
	return w.constant(ir.FromFloats(ir.Float32, pick(w, []int{}, []int{1}), []float64{x}))
}

func (w *grower) ints(x ...int) *ir.Value {
	t := ir.NewTensor(ir.Int64, len(x))
	for i, v := range x {
		t.SetInt(i, int64(v))
	}
	return w.constant(t)
}

// grow adds one operator, or the several that an exporter writes for one, and puts its results into the pool.
func (w *grower) grow() {
	x := w.pool[max(0, len(w.pool)-1-w.IntN(4))]
	if x.Type.Len() > 600 {
		x = w.pool[0]
	}
	w.pool = append(w.pool, pick(w,
		w.unary, w.unary, w.binary, w.binary, w.number, w.reshape, w.reshape, w.transpose, w.transpose, w.slice, w.split, w.gather,
		w.concat, w.linear, w.linear, w.rows, w.layernorm, w.gelu, w.attention, w.attention, w.batchnorm, w.shapes, w.known,
	)(x)...)
}

func one(v *ir.Value) []*ir.Value { return []*ir.Value{v} }

func (w *grower) unary(x *ir.Value) []*ir.Value {
	return one(w.add(pick(w, "Relu", "Tanh", "Sigmoid", "Neg", "Abs", "Erf", "Identity", "Dropout", "Softplus"), x))
}

func (w *grower) binary(x *ir.Value) []*ir.Value {
	y := w.weights(pick(w, x.Type.Shape, x.Type.Shape[len(x.Type.Shape)-1:], ones(x.Type.Shape, w.IntN(4)))...)
	for _, v := range w.pool {
		if slices.Equal(v.Type.Shape, x.Type.Shape) && w.IntN(3) > 0 {
			y = v
		}
	}
	if w.IntN(2) == 0 {
		x, y = y, x
	}
	if w.IntN(6) == 0 {
		c := w.constant(ir.RandTensor(ir.Type{DType: ir.Bool, Shape: pick(w, x, y).Type.Shape}, w.IntN(9)))
		return one(w.add("Where", c, x, y))
	}
	return one(w.add(pick(w, "Add", "Add", "Mul", "Max"), x, y))
}

// ones is shape with some axes of length 1.
func ones(shape []int, mask int) []int {
	s := slices.Clone(shape)
	for i := range s {
		if mask>>i&1 == 1 {
			s[i] = 1
		}
	}
	return s
}

func (w *grower) number(x *ir.Value) []*ir.Value {
	k := w.num(pick(w, 0, 1, 2, 0.5, -1, math.Sqrt2))
	switch name := pick(w, "Add", "Sub", "Mul", "Div", "Pow"); name {
	case "Div":
		return one(w.add(name, x, w.num(pick(w, 1, 4, 3.0))))
	case "Pow":
		return one(w.add(name, x, w.num(pick(w, 1, 2.0))))
	case "Sub":
		return one(w.add(name, x, k))
	default:
		in := []*ir.Value{x, k}
		if w.IntN(2) == 0 {
			slices.Reverse(in)
		}
		return one(w.add(name, in...))
	}
}

func (w *grower) reshape(x *ir.Value) []*ir.Value {
	switch w.IntN(4) {
	case 0:
		return one(w.add("Unsqueeze", x, w.ints(w.IntN(len(x.Type.Shape)+1))))
	case 1:
		return one(w.node(&op.Flatten{Axis: w.IntN(len(x.Type.Shape) + 1)}, 1, x)[0])
	}
	var shape []int // the prime factors of the size, grouped anew
	rest := x.Type.Len()
	for p := 2; rest > 1; {
		if rest%p != 0 {
			p++
			continue
		}
		rest /= p
		if len(shape) > 0 && w.IntN(2) == 0 {
			shape[w.IntN(len(shape))] *= p
		} else {
			shape = append(shape, p)
		}
	}
	shape = slices.Insert(shape, w.IntN(len(shape)+1), 1)
	return one(w.add("Reshape", x, w.ints(shape...)))
}

func (w *grower) transpose(x *ir.Value) []*ir.Value {
	return one(w.node(&op.Transpose{Perm: w.Perm(len(x.Type.Shape))}, 1, x)[0])
}

func (w *grower) axis(x *ir.Value) (a, n int) {
	a = w.IntN(len(x.Type.Shape))
	return a, x.Type.Shape[a]
}

func (w *grower) slice(x *ir.Value) []*ir.Value {
	a, n := w.axis(x)
	lo := w.IntN(n)
	hi := lo + 1 + w.IntN(n-lo)
	if w.IntN(4) == 0 {
		return one(w.add("Slice", x, w.ints(-1), w.ints(-n-1), w.ints(a), w.ints(-1)))
	}
	return one(w.add("Slice", x, w.ints(lo), w.ints(hi), w.ints(a-len(x.Type.Shape))))
}

func (w *grower) split(x *ir.Value) []*ir.Value {
	a, n := w.axis(x)
	if n < 2 {
		return one(x)
	}
	k := 1 + w.IntN(n-1)
	return w.node(&op.Split{Axis: a}, 2, x, w.ints(k, n-k))
}

func (w *grower) gather(x *ir.Value) []*ir.Value {
	a, n := w.axis(x)
	if len(x.Type.Shape) > 1 && w.IntN(2) == 0 {
		i := w.constant(ir.Of(ir.Int64, nil, []int64{int64(w.IntN(2*n) - n)}))
		return one(w.node(&op.Gather{Axis: a}, 1, x, i)[0])
	}
	return one(w.node(&op.Gather{Axis: a}, 1, x, w.ints(w.IntN(n), n-1))[0])
}

func (w *grower) concat(x *ir.Value) []*ir.Value {
	a, _ := w.axis(x)
	in := []*ir.Value{x}
	for _, v := range w.pool {
		if slices.Equal(v.Type.Shape, x.Type.Shape) && len(in) < 3 {
			in = append(in, v)
		}
	}
	return one(w.node(&op.Concat{Axis: a}, 1, in...)[0])
}

// linear is a layer as one of the exporters writes it, read whole or in two parts.
func (w *grower) linear(x *ir.Value) []*ir.Value {
	k, n := x.Type.Features(), pick(w, 2, 4, 6)
	var y *ir.Value
	if len(x.Type.Shape) == 2 && w.IntN(2) == 0 {
		y = w.node(&op.Gemm{Alpha: 1, Beta: pick[float32](w, 1, 2), TransB: true}, 1, x, w.weights(n, k), w.weights(n))[0]
	} else {
		if len(x.Type.Shape) < 2 {
			x = w.add("Unsqueeze", x, w.ints(0))
		}
		y = w.add("MatMul", x, w.weights(k, n))
		if w.IntN(3) > 0 {
			y = w.add("Add", w.weights(n), y)
		}
	}
	if w.IntN(3) == 0 {
		return w.node(&op.Split{Axis: -1}, 2, y, w.ints(n/2, n-n/2))
	}
	return one(y)
}

func (w *grower) rows(x *ir.Value) []*ir.Value {
	a, _ := w.axis(x)
	if w.IntN(2) == 0 {
		return one(w.add("ReduceMean", x, w.ints(a)))
	}
	return one(w.soft(x, a))
}

func (w *grower) soft(x *ir.Value, axis int) *ir.Value {
	o, err := op.New("Softmax", one(x))
	if err != nil {
		w.t.Fatal(err)
	}
	o.(*op.Softmax).Axis = axis
	return w.node(o, 1, x)[0]
}

func (w *grower) layernorm(x *ir.Value) []*ir.Value {
	last := w.ints(-1)
	d := w.add("Sub", x, w.add("ReduceMean", x, last))
	v := w.add("Add", w.add("ReduceMean", w.add("Pow", d, w.num(2)), last), w.num(0.25))
	n := x.Type.Features()
	y := w.add("Div", d, w.add("Sqrt", v))
	return one(w.add("Add", w.add("Mul", y, w.weights(n)), w.weights(n)))
}

// gelu keeps to the range where 1+erf does not cancel, which Gelu computes better.
func (w *grower) gelu(x *ir.Value) []*ir.Value {
	x = w.add("Tanh", x)
	gate := w.add("Add", w.add("Erf", w.add("Div", x, w.num(math.Sqrt2))), w.num(1))
	if w.IntN(2) == 0 {
		return one(w.add("Mul", w.add("Mul", x, w.num(0.5)), gate))
	}
	return one(w.add("Mul", w.add("Mul", gate, x), w.num(0.5)))
}

// attention is self-attention over [batch, seq, features] or [seq, batch, features], packed or not.
func (w *grower) attention(x *ir.Value) []*ir.Value {
	if len(x.Type.Shape) != 3 {
		return w.linear(x)
	}
	d := 4
	h := pick(w, 1, 2, 4)
	var qkv []*ir.Value
	if w.IntN(2) == 0 {
		y := w.add("Add", w.add("MatMul", x, w.weights(x.Type.Features(), 3*d)), w.weights(3*d))
		qkv = w.node(&op.Split{Axis: 2}, 3, y, w.ints(d, d, d))
	} else {
		for range 3 {
			qkv = append(qkv, w.add("MatMul", x, w.weights(x.Type.Features(), d)))
		}
	}
	scale := w.num(1 / math.Sqrt(float64(d/h)))
	early := w.IntN(2) == 0
	if early {
		qkv[0] = w.add("Mul", qkv[0], scale)
	}
	a, b := x.Type.Shape[0], x.Type.Shape[1]
	perm := func(v *ir.Value, p ...int) *ir.Value { return w.node(&op.Transpose{Perm: p}, 1, v)[0] }
	timeFirst := w.IntN(2) == 0
	var q, k, v *ir.Value
	seq := b
	if timeFirst {
		seq = a
		shape := w.ints(a, b*h, d/h)
		q = perm(w.add("Reshape", qkv[0], shape), 1, 0, 2)
		k = perm(w.add("Reshape", qkv[1], shape), 1, 2, 0)
		v = perm(w.add("Reshape", qkv[2], shape), 1, 0, 2)
	} else {
		shape := w.ints(a, b, h, d/h)
		q = perm(w.add("Reshape", qkv[0], shape), 0, 2, 1, 3)
		k = perm(w.add("Reshape", qkv[1], shape), 0, 2, 3, 1)
		v = perm(w.add("Reshape", qkv[2], shape), 0, 2, 1, 3)
	}
	s := w.add("MatMul", q, k)
	if !early {
		s = w.add("Mul", s, scale)
	}
	if w.IntN(2) == 0 {
		s = w.add("Add", s, w.mask(seq))
	}
	y := w.add("MatMul", w.soft(s, -1), v)
	if timeFirst {
		y = perm(y, 1, 0, 2)
	} else {
		y = perm(y, 0, 2, 1, 3)
	}
	return one(w.add("Reshape", y, w.ints(a, b, d)))
}

// mask is additive, with some entries that exclude a key; the diagonal stays finite.
func (w *grower) mask(n int) *ir.Value {
	m := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{1, n, n}}, w.IntN(9))
	for i := range m.Len() {
		if i/n != i%n && w.IntN(2) == 0 {
			m.SetFloat(i, math.Inf(-1))
		}
	}
	return w.constant(m)
}

func (w *grower) batchnorm(x *ir.Value) []*ir.Value {
	if len(x.Type.Shape) < 2 {
		return one(x)
	}
	n := x.Type.Shape[1]
	v := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{n}}, w.IntN(9))
	for i := range n {
		v.SetFloat(i, 1+math.Abs(v.At(i)))
	}
	return one(w.node(&op.BatchNormalization{Epsilon: 1e-5}, 1, x, w.weights(n), w.weights(n), w.weights(n), w.constant(v))[0])
}

// shapes computes the shape of a Reshape from that of a value, as exporters of open dimensions do, for an output.
func (w *grower) shapes(x *ir.Value) []*ir.Value {
	s := w.node(&op.Shape{}, 1, x)[0]
	first := w.node(&op.Gather{}, 1, s, w.ints(0))[0]
	y := w.add("Reshape", x, w.node(&op.Concat{Axis: 0}, 1, first, w.ints(-1))[0])
	w.g.Out = append(w.g.Out, y) // its type is not static, which other operators here need
	return nil
}

// known combines the value with one that folding finds.
func (w *grower) known(x *ir.Value) []*ir.Value {
	y := w.add(pick(w, "Tanh", "Abs"), w.weights(x.Type.Shape...))
	return one(w.add("Add", y, x))
}
