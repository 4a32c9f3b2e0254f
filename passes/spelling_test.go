package passes

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// spelling is how masks are written.
type spelling struct{ scores, activations int }

const (
	anyhow              = -1
	scoreSpellings      = 8
	activationSpellings = 4
	onesOnTheDiagonal   = 1 // of scoreSpellings; not the same values
)

// TestSpellings makes the same graph of a model however its masks are written.
func TestSpellings(t *testing.T) {
	for seed := range uint64(12) {
		fold := func(by spelling) string {
			g := transformer(t, seed, by)
			if err := Fixpoint(g, Portable, Options{}); err != nil {
				t.Fatal(err)
			}
			return counts(g)
		}
		want := fold(spelling{0, 0})
		for i := range scoreSpellings {
			if got := fold(spelling{i, 0}); i != onesOnTheDiagonal && got != want {
				t.Errorf("model %d, mask of scores %d: %s, want %s", seed, i, got, want)
			}
		}
		for i := range activationSpellings {
			if got := fold(spelling{0, i}); got != want {
				t.Errorf("model %d, mask of activations %d: %s, want %s", seed, i, got, want)
			}
		}
	}
}

// mapped is f of every element of t.
func mapped(d ir.DType, t *ir.Tensor, f func(x float64) float64) *ir.Tensor {
	x := t.Floats()
	for i := range x {
		x[i] = f(x[i])
	}
	return ir.FromFloats(d, t.Shape, x)
}

func hidden(x float64) float64 {
	if math.IsInf(x, -1) {
		return 1
	}
	return 0
}

// maskScores spells the mask of scores [.., t, t].
func (w *modeller) maskScores(s *ir.Value) *ir.Value {
	w.guarded = false
	if w.full == nil {
		return s
	}
	full := w.full
	if w.IntN(2) == 0 {
		full = full.Reshape(1, w.t, w.t)
	}
	kind := w.IntN(scoreSpellings)
	if w.spelling.scores != anyhow {
		kind = w.spelling.scores
	}
	defer w.fork()()
	inf := w.num(math.Inf(-1))
	w.guarded = kind == 7 // as a query without keys would give no NaN
	switch kind {
	case 0:
		return w.add("Add", s, w.constant(full))
	case onesOnTheDiagonal: // the diagonal of a Step-T buffer holds ones
		return w.add("Add", w.constant(mapped(ir.Float32, full, func(x float64) float64 {
			if x == 0 {
				return 1
			}
			return x
		})), s)
	case 2:
		return w.add("Where", w.constant(mapped(ir.Bool, full, hidden)), inf, s)
	case 3:
		return w.add("Where", w.constant(mapped(ir.Bool, full, func(x float64) float64 { return 1 - hidden(x) })), s, inf)
	case 4:
		return w.add("Where", w.node(&op.IsInf{DetectPositive: true, DetectNegative: true}, 1, w.constant(full))[0], inf, s)
	case 5: // what nan_to_num leaves
		return w.add("Add", s, w.constant(mapped(ir.Float32, full, func(x float64) float64 { return -1e9 * hidden(x) })))
	}
	return w.add("Where", w.add("Not", w.add("Equal", w.constant(full), w.num(0))), inf, s)
}

// cleared spells a fixed 0/1 mask of an activation.
func (w *modeller) cleared(x *ir.Value) *ir.Value {
	shape := x.Type.Shape
	keep := ir.NewTensor(ir.Float32, pick(w.grower, shape, shape[1:], shape[2:])...)
	off := 0
	for i := range keep.Len() {
		if w.IntN(3) > 0 {
			keep.SetFloat(i, 1)
		} else {
			off++
		}
	}
	clear := mapped(ir.Bool, keep, func(x float64) float64 { return 1 - x })
	kind := w.IntN(activationSpellings)
	if w.spelling.activations != anyhow {
		kind = w.spelling.activations
	}
	defer w.fork()()
	if off == 0 {
		kind = min(kind, 2)
	}
	switch kind {
	case 0:
		return w.add("Mul", x, w.constant(keep))
	case 1:
		return w.add("Where", w.constant(clear), w.num(0), x)
	case 2:
		return w.add("Where", w.constant(mapped(ir.Bool, keep, func(x float64) float64 { return x })), x, w.num(0))
	}
	flat := w.add("Reshape", x, w.ints(-1, x.Type.Features())) // rows by features
	var at []int
	for r := range x.Type.Rows() {
		for c := range x.Type.Features() {
			if keep.At((r*x.Type.Features()+c)%keep.Len()) == 0 {
				at = append(at, r, c)
			}
		}
	}
	idx := w.ints(at...)
	idx = w.add("Reshape", idx, w.ints(-1, 2))
	y := w.add("ScatterND", flat, idx, w.constant(ir.NewTensor(ir.Float32, len(at)/2)))
	return w.add("Reshape", y, w.ints(shape...))
}

// fork lets what follows draw numbers of its own until the function that it returns is called, so that the rest of the
// model does not depend on them.
func (w *modeller) fork() (join func()) {
	whole := w.Rand
	w.Rand = rand.New(rand.NewPCG(whole.Uint64(), 3))
	return func() { w.Rand = whole }
}
