package check

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// A grower makes a random model of the kinds that sbtc is for: blocks over x, [samples, steps, features] or
// [steps, samples, features], and a head. Samples stay apart, so that a batch of them compiles to one that takes fewer.
type grower struct {
	*rand.Rand
	t         *testing.T
	g         *ir.Graph
	samples   int
	timeFirst bool
	older     []*ir.Value // what blocks may go back to
}

// grow makes the model of a seed.
func grow(t *testing.T, seed uint64) *grower {
	w := &grower{Rand: rand.New(rand.NewPCG(seed, 3)), t: t, g: &ir.Graph{Name: "g"}, samples: 1}
	if w.IntN(4) == 0 {
		w.samples = 2 + w.IntN(5)
	}
	steps := pick(w, 1, 2, 5, 10, 16, 17, 20, 24, 33, 48, 96)
	x := w.input("x", ir.Float32, w.samples, steps, pick(w, 1, 3, 7, 12, 20))
	if w.timeFirst = w.IntN(4) == 0; w.timeFirst {
		x = w.perm(x, 1, 0, 2)
	}
	x = w.layer(x, pick(w, 4, 7, 8, 16, 20, 32, 50, 64))
	if w.IntN(4) == 0 && (w.samples == 1 || w.IntN(4) == 0) { // a lookup takes all samples at once
		x = w.add("Add", x, w.embedded(x))
	}
	if w.IntN(2) == 0 { // positions
		shape := slices.Clone(x.Type.Shape)
		shape[1-w.time()] = 1
		x = w.add("Add", x, w.floats(shape...))
	}
	for range 2 + w.IntN(4) {
		w.older = append(w.older, x)
		if x = w.block(x); x.Type.Len() > 1<<14 {
			x = w.add("Slice", x, w.ints(0), w.ints(8), w.ints(w.time()))
		}
	}
	w.g.Out = []*ir.Value{w.head(x)}
	if w.IntN(4) == 0 {
		w.g.Out = append(w.g.Out, w.head(w.older[len(w.older)-1]))
	}
	if err := w.g.Check(); err != nil {
		t.Fatal(err)
	}
	return w
}

func pick[T any](w *grower, list ...T) T { return list[w.IntN(len(list))] }

func (w *grower) time() int {
	if w.timeFirst {
		return 0
	}
	return 1
}

func (w *grower) input(name string, d ir.DType, shape ...int) *ir.Value {
	v := &ir.Value{Name: name, Type: ir.Type{DType: d, Shape: shape}}
	w.g.In = append(w.g.In, v)
	return v
}

// node appends a node.
func (w *grower) node(o ir.Op, results int, in ...*ir.Value) []*ir.Value {
	w.t.Helper()
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

// add appends an operator without attributes.
func (w *grower) add(name string, in ...*ir.Value) *ir.Value {
	w.t.Helper()
	return w.node(w.op(name, in...), 1, in...)[0]
}

func (w *grower) op(name string, in ...*ir.Value) ir.Op {
	w.t.Helper()
	o, err := op.New(name, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (w *grower) perm(v *ir.Value, p ...int) *ir.Value {
	return w.node(&op.Transpose{Perm: p}, 1, v)[0]
}

func (w *grower) constant(t *ir.Tensor) *ir.Value {
	return &ir.Value{Name: w.g.Fresh("c"), Type: t.Type(), Const: t}
}

func (w *grower) floats(shape ...int) *ir.Value {
	return w.constant(ir.RandTensor(ir.Type{DType: ir.Float32, Shape: shape}, w.IntN(1000)))
}

func (w *grower) num(x float64) *ir.Value {
	return w.constant(ir.FromFloats(ir.Float32, nil, []float64{x}))
}

func (w *grower) ints(x ...int) *ir.Value {
	t := ir.NewTensor(ir.Int64, len(x))
	for i, v := range x {
		t.SetInt(i, int64(v))
	}
	return w.constant(t)
}

// like is a shape as x has it, with n features.
func (w *grower) like(x *ir.Value, n int) []int {
	return append(slices.Clone(x.Type.Shape[:2]), n)
}

// matrix is a random matrix: dense, sparse, ternary or binary, its scales for all, by column or by row, often with rows
// and columns of zeros; or one that was quantized.
func (w *grower) matrix(k, n int) *ir.Value {
	density := pick(w, 1, 0.5, 0.35, 0.2, 0.1, 0.03)
	if w.IntN(8) == 0 {
		q := ir.NewTensor(ir.Int8, k, n)
		for i := range q.Len() {
			if w.Float64() < density {
				q.SetInt(i, int64(1-2*w.IntN(2)))
			}
		}
		return w.add("DequantizeLinear", w.constant(q), w.num(0.125))
	}
	t := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{k, n}}, w.IntN(1000))
	kind := pick(w, "dense", "sparse", "ternary", "ternary", "ternary")
	row, col := make([]float64, k), make([]float64, n)
	by := w.IntN(4) // 0, 1: one scale
	zeros := w.IntN(3) == 0
	for i := range k + n {
		s := 0.25
		if by == 2 && i >= k || by == 3 && i < k {
			s = 0.1 + 0.2*w.Float64()
		}
		if zeros && w.IntN(6) == 0 {
			s = 0
		}
		if i < k {
			row[i] = s
		} else {
			col[i-k] = 4 * s
		}
	}
	for i := range t.Len() {
		x := t.At(i)
		if kind == "ternary" {
			x = math.Copysign(1, x)
		}
		if kind != "dense" && w.Float64() >= density {
			x = 0
		}
		t.SetFloat(i, x*row[i/n]*col[i%n])
	}
	return w.constant(t)
}

// layer is x times a matrix, as one of the exporters writes it, mostly with a bias.
func (w *grower) layer(x *ir.Value, n int) *ir.Value {
	k := x.Type.Features()
	switch w.IntN(8) {
	case 0: // over rows
		flat := w.add("Reshape", x, w.ints(-1, k))
		m := w.perm(w.matrix(k, n), 1, 0)
		y := w.node(&op.Gemm{Alpha: 1, Beta: 1, TransB: true}, 1, flat, m, w.floats(n))[0]
		return w.add("Reshape", y, w.ints(w.like(x, n)...))
	case 1:
		return w.add("MatMul", x, w.matrix(k, n))
	case 2:
		return w.node(&op.Einsum{Equation: "abk,kn->abn"}, 1, x, w.matrix(k, n))[0]
	}
	return w.add("Add", w.add("MatMul", x, w.matrix(k, n)), w.floats(n))
}

func (w *grower) width() int { return pick(w, 3, 8, 16, 20, 30, 32, 64, 96, 160) }

// act applies an activation.
func (w *grower) act(x *ir.Value) *ir.Value {
	switch w.IntN(8) {
	case 0:
		return w.add(pick(w, "Tanh", "Sigmoid", "Softplus", "Erf", "Exp", "HardSwish", "Mish", "Elu", "Selu", "LeakyRelu", "Softsign"), x)
	case 1:
		return w.node(&op.Gelu{Approximate: pick(w, "none", "tanh")}, 1, x)[0]
	case 2:
		return w.add("Clip", x, w.num(-0.5), w.num(1.5))
	case 3:
		return w.add("Mul", x, w.add("Sigmoid", x))
	case 4:
		half := w.add("Mul", x, w.num(0.5))
		return w.add("Mul", half, w.add("Add", w.add("Erf", w.add("Div", x, w.num(math.Sqrt2))), w.num(1)))
	}
	return w.add("Relu", x)
}
