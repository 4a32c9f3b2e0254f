package passes

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

var models = flag.Int("models", 60, "number of random masked transformers")

// TestRandomMasks builds small transformers with random masks, slices and patterns of zeros in the spellings of
// exporters. What the passes make of them agrees with them on several inputs, liveness and its kin never add work, and
// the passes come to an end soon. In some thousand graphs there is one where larger values cancel; it has to agree in
// float64 (cancels).
func TestRandomMasks(t *testing.T) {
	for seed := range *models {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { maskedModel(t, uint64(seed)) })
	}
}

// soon is the number of rounds within which the portable passes have nothing more to do.
const soon = 10

func maskedModel(t *testing.T, seed uint64) {
	g := transformer(t, seed, spelling{anyhow, anyhow})
	text := g.String()
	defer func() {
		if t.Failed() {
			t.Logf("the graph was\n%s", text)
		}
	}()
	roundTrip(t, g, op.New)
	const inputs = 3
	input := func(i int) *ir.Tensor { return ir.RandTensor(g.In[0].Type, 7*i+1) }
	run := func() *ir.Tensor { // all results in one tensor
		var all []float64
		for i := range inputs {
			out, err := g.Eval([]*ir.Tensor{input(i)})
			if err != nil {
				t.Fatalf("%v\n%s", err, g)
			}
			all = append(all, out[0].Floats()...)
		}
		return ir.FromFloats(ir.Float32, []int{len(all)}, all)
	}
	want := run()
	before, rounds := work(g), 0
	opt := Options{
		Log: func(pass string, _ int, _ time.Duration, _ bool) {
			if pass == "deadcode" {
				rounds++
			}
		},
		After: func(pass string, g *ir.Graph) {
			now := work(g)
			if now > before && slices.Contains([]string{"live", "reassociate", "meanhead", "scales"}, pass) {
				t.Errorf("%s takes the work from %d to %d", pass, before, now)
			}
			before = now
		},
	}
	if err := Fixpoint(g, Portable, opt); err != nil {
		t.Fatal(err)
	}
	if rounds > soon {
		t.Errorf("%d rounds", rounds)
	}
	check := func(stage string, tol ir.Tolerance) {
		got := run()
		err := ir.Agree(got, want, tol)
		if err == nil {
			return
		}
		var in [][]*ir.Tensor
		for i := range inputs {
			in = append(in, []*ir.Tensor{input(i)})
		}
		if !cancels(t, text, in, []*ir.Tensor{got}, []*ir.Tensor{want}, tol) {
			t.Errorf("%s: %v\n%s", stage, err, g)
		}
	}
	check("folded", ir.Folding)
	if err := Run(g, Target, Options{}); err != nil {
		t.Fatal(err)
	}
	check("low", ir.Compiled)
}

// A modeller grows one transformer over x, [1,t,m] or [t,1,m].
type modeller struct {
	*grower
	t, d, h   int
	timeFirst bool
	full      *ir.Tensor // the additive mask [t,t] of every layer
	spelling  spelling
	guarded   bool // weights of a query without keys are 0
}

func transformer(t *testing.T, seed uint64, by spelling) *ir.Graph {
	w := &modeller{grower: &grower{rand.New(rand.NewPCG(seed, 2)), &ir.Graph{Name: "g"}, nil, t}, spelling: by}
	w.t, w.h, w.timeFirst = 2+w.IntN(5), 1+w.IntN(2), w.IntN(2) == 0
	w.d = w.h * pick(w.grower, 2, 3, 4)
	m := 1 + w.IntN(3)
	shape := []int{1, w.t, m}
	x := &ir.Value{Name: "x", Type: ir.Type{DType: ir.Float32, Shape: shape}}
	w.g.In = []*ir.Value{x}
	w.full = w.pattern()
	if w.timeFirst {
		x = w.perm(x, 1, 0, 2)
	}
	x = w.dense(x, w.d)
	if w.IntN(2) == 0 {
		x = w.add("Mul", x, w.num(math.Sqrt(float64(w.d))))
	}
	if w.IntN(2) == 0 {
		x = w.add("Add", x, w.weights(w.rows(w.d)...))
	}
	for range 1 + w.IntN(2) {
		x = w.norm(w.add("Add", x, w.attend(x)))
		if w.IntN(4) > 0 {
			h := w.dense(x, 2*w.d)
			h = w.add(pick(w.grower, "Relu", "Relu", "Tanh"), h)
			x = w.norm(w.add("Add", x, w.dense(h, w.d)))
		}
	}
	y := w.head(w.moved(x))
	w.g.Out = []*ir.Value{y}
	if err := w.g.Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := deadcode(w.g); err != nil {
		t.Fatal(err)
	}
	return w.g
}

// rows is the shape of all rows with n features.
func (w *modeller) rows(n int) []int {
	if w.timeFirst {
		return []int{w.t, 1, n}
	}
	return []int{1, w.t, n}
}

func (w *modeller) time() int {
	if w.timeFirst {
		return 0
	}
	return 1
}

func (w *modeller) perm(v *ir.Value, p ...int) *ir.Value {
	return w.node(&op.Transpose{Perm: p}, 1, v)[0]
}

// matrix has zeros here and there, often rows or columns of them, and may be ternary.
func (w *modeller) matrix(k, n int) *ir.Value {
	t := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{k, n}}, w.IntN(1000))
	density, ternary := pick(w.grower, 100, 60, 30), w.IntN(2) == 0
	row, col := make([]bool, k), make([]bool, n)
	for i := range row {
		row[i] = w.IntN(8) == 0
	}
	for j := range col {
		col[j] = w.IntN(8) == 0
	}
	for i := range t.Len() {
		if ternary {
			t.SetFloat(i, math.Copysign(0.375, t.At(i)))
		}
		if row[i/n] || col[i%n] || w.IntN(100) >= density {
			t.SetFloat(i, 0)
		}
	}
	return w.constant(t)
}

func (w *modeller) dense(x *ir.Value, n int) *ir.Value {
	y := w.add("MatMul", x, w.matrix(x.Type.Features(), n))
	switch w.IntN(4) {
	case 0:
		return y
	case 1:
		return w.add("Add", y, w.weights(n))
	}
	return w.add("Add", w.weights(n), y)
}

// pattern is a mask in which every query sees a key: that of Step-T, a causal or a random one, or none.
func (w *modeller) pattern() *ir.Tensor {
	kind := w.IntN(4)
	if kind == 3 {
		return nil
	}
	m := ir.NewTensor(ir.Float32, w.t, w.t)
	for e := range m.Len() {
		i, j := e/w.t, e%w.t
		var seen bool
		switch last := w.t - 1; kind {
		case 0:
			seen = i != last && i == j || i == last && j != last
		case 1:
			seen = j <= i
		default:
			seen = j == i || w.IntN(2) == 0
		}
		if !seen {
			m.SetFloat(e, math.Inf(-1))
		}
	}
	return m
}

// weighted is the softmax of scores, sometimes times a constant: then it is no attention.
func (w *modeller) weighted(s *ir.Value) *ir.Value {
	p := w.soft(s, -1)
	if w.guarded {
		p = w.add("Where", w.add("IsNaN", p), w.constant(ir.NewTensor(ir.Float32)), p)
	}
	if w.spelling.scores == anyhow && w.IntN(5) == 0 {
		return w.cleared(p)
	}
	return p
}

func (w *modeller) attend(x *ir.Value) *ir.Value {
	var qkv []*ir.Value
	masked := w.IntN(3) == 0
	for range 3 {
		v := w.dense(x, w.d)
		if masked {
			v = w.cleared(v)
		}
		qkv = append(qkv, v)
	}
	size := w.d / w.h
	scale := w.num(1 / math.Sqrt(float64(size)))
	qkv[0] = w.add("Mul", qkv[0], scale)
	var y *ir.Value
	if w.timeFirst {
		shape := w.ints(w.t, w.h, size)
		q := w.perm(w.add("Reshape", qkv[0], shape), 1, 0, 2)
		k := w.perm(w.add("Reshape", qkv[1], shape), 1, 2, 0)
		v := w.perm(w.add("Reshape", qkv[2], shape), 1, 0, 2)
		y = w.perm(w.add("MatMul", w.weighted(w.maskScores(w.add("MatMul", q, k))), v), 1, 0, 2)
	} else {
		shape := w.ints(1, w.t, w.h, size)
		q := w.perm(w.add("Reshape", qkv[0], shape), 0, 2, 1, 3)
		k := w.perm(w.add("Reshape", qkv[1], shape), 0, 2, 3, 1)
		v := w.perm(w.add("Reshape", qkv[2], shape), 0, 2, 1, 3)
		y = w.perm(w.add("MatMul", w.weighted(w.maskScores(w.add("MatMul", q, k))), v), 0, 2, 1, 3)
	}
	return w.dense(w.add("Reshape", y, w.ints(w.rows(w.d)...)), w.d)
}

// norm is none, one over features, one over the window, some of whose gammas may be zero, or one by batch statistics.
func (w *modeller) norm(x *ir.Value) *ir.Value {
	const eps = 0.1 // small variances do not magnify rounding errors
	masked := func(n int) *ir.Value {
		c := w.weights(n)
		t := c.Const
		for i := range n {
			if w.IntN(2) == 0 {
				t.SetFloat(i, 0)
			} else {
				t.SetFloat(i, 1+t.At(i)/2)
			}
		}
		return c
	}
	switch w.IntN(5) {
	case 0:
		return w.node(&op.LayerNormalization{Axis: -1, Epsilon: eps, StashType: 1}, 1, x, w.weights(w.d), w.weights(w.d))[0]
	case 1, 2:
		to, back := []int{0, 2, 1}, []int{0, 2, 1}
		if w.timeFirst {
			to, back = []int{1, 2, 0}, []int{2, 0, 1}
		}
		gamma := masked(w.t)
		in := []*ir.Value{w.perm(x, to...), gamma, w.weights(w.t)}
		return w.perm(w.node(&op.LayerNormalization{Axis: -1, Epsilon: eps, StashType: 1}, 1, in...)[0], back...)
	case 3:
		to, back := []int{0, 2, 1}, []int{0, 2, 1}
		if w.timeFirst {
			to, back = []int{1, 2, 0}, []int{2, 0, 1}
		}
		v := mapped(ir.Float32, w.weights(w.d).Const, func(x float64) float64 { return 1 + math.Abs(x) })
		in := []*ir.Value{w.perm(x, to...), w.weights(w.d), w.weights(w.d), w.weights(w.d), w.constant(v)}
		return w.perm(w.node(&op.BatchNormalization{Epsilon: 1e-5}, 1, in...)[0], back...)
	}
	return x
}

// moved pads, repeats or overwrites rows and elements, and takes as many of them as there were, or leaves x as it is.
func (w *modeller) moved(x *ir.Value) *ir.Value {
	t, zeros := w.time(), make([]int, 6)
	part := func(v *ir.Value) *ir.Value {
		lo := w.IntN(v.Type.Shape[t] - w.t + 1)
		return w.add("Slice", v, w.ints(lo), w.ints(lo+w.t), w.ints(t))
	}
	switch w.IntN(10) {
	case 0:
		zeros[t], zeros[3+t] = w.IntN(3), w.IntN(3)
		return part(w.add("Pad", x, w.ints(zeros...), w.num(0.5)))
	case 1:
		repeats := []int{1, 1, 1}
		repeats[t] = 2
		return part(w.add("Tile", x, w.ints(repeats...)))
	case 2:
		flat := w.add("Reshape", x, w.ints(w.t, w.d))
		return w.add("Reshape", w.add("Trilu", flat), w.ints(x.Type.Shape...))
	case 3:
		flat := w.add("Reshape", x, w.ints(w.t, w.d))
		y := w.add("ScatterND", flat, w.add("Reshape", w.ints(w.IntN(w.t), w.IntN(w.t)), w.ints(2, 1)), w.weights(2, w.d))
		return w.add("Reshape", y, w.ints(x.Type.Shape...))
	case 4:
		var at []int
		for range w.t * w.d {
			at = append(at, w.IntN(w.t))
		}
		return w.node(&op.GatherElements{Axis: t}, 1, x, w.add("Reshape", w.ints(at...), w.ints(x.Type.Shape...)))[0]
	}
	return x
}

// head reads the last step, the mean over time, all rows side by side, or every row.
func (w *modeller) head(x *ir.Value) *ir.Value {
	n := 4 + w.IntN(4)
	switch w.IntN(6) {
	case 0:
		i := w.constant(ir.Of(ir.Int64, nil, []int64{-1}))
		return w.dense(w.node(&op.Gather{Axis: w.time()}, 1, x, i)[0], n)
	case 1:
		return w.dense(w.add("Slice", x, w.ints(-1), w.ints(math.MaxInt64), w.ints(w.time())), n)
	case 2:
		return w.add("ReduceMean", w.dense(x, n), w.ints(w.time()))
	case 3:
		return w.dense(w.add("ReduceMean", w.add("Relu", x), w.ints(w.time())), n)
	case 4:
		return w.dense(w.add("Reshape", x, w.ints(1, -1)), n)
	}
	return w.dense(x, n)
}
