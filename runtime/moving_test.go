package runtime

import (
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// TestMoving compares with the low operator's Eval, for windows of every length and place.
func TestMoving(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		for seed := range uint64(400) {
			r := rand.New(rand.NewPCG(seed, 9))
			op := &low.Reduce{Fn: "mean", Axes: []int{1}, KeepDims: true, Partials: 1, Window: 1 + r.IntN(9), Step: 1 + r.IntN(3), Edge: r.IntN(2) == 0}
			outer, n, inner := 1+r.IntN(2), 1+r.IntN(40), 1+r.IntN(40)
			op.Before, op.After = r.IntN(op.Window), r.IntN(op.Window)
			values := finite
			if r.IntN(2) == 0 {
				op.Fn, values = "max", mixed
			}
			x := values(r, outer*n*inner)
			in := ir.Of(ir.Float32, []int{outer, n, inner}, x)
			types, err := op.Infer([]*ir.Value{{Name: "x", Type: in.Type()}})
			if err != nil {
				continue // shorter than a window, or windows beside all elements
			}
			want, err := op.Eval([]*ir.Tensor{in})
			if err != nil {
				t.Fatal(err)
			}
			d := moving{n: n, m: types[0].Shape[1], inner: inner, window: op.Window, step: op.Step, before: op.Before, edge: op.Edge}
			got, check := guarded(t, types[0].Len(), int(seed%7))
			if op.Fn == "max" {
				movingMax(got, x, &d)
			} else {
				movingMean(got, x, make([]float32, (op.Window+2)*inner), &d)
			}
			equalBits(t, got, ir.Data[float32](want[0]))
			check()
		}
	})
}

// The mean of a window is close to the plain sum over it, and a NaN or an infinity stays in the windows that have it.
func TestMovingMeanIsLocal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	const n, w = 60, 25
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	x[30] = inf32
	d := moving{n: n, m: n, inner: 1, window: w, step: 1, before: w / 2, edge: true}
	y := make([]float32, n)
	movingMean(y, x, make([]float32, w+2), &d)
	for i, v := range y {
		sum := 0.0
		for k := i - w/2; k <= i+w/2; k++ {
			sum += float64(x[min(max(k, 0), n-1)])
		}
		if want := float32(sum / w); v != want && !(v-want < 1e-6 && want-v < 1e-6) {
			t.Errorf("window %d: %v, want %v", i, v, want)
		}
	}
}

func BenchmarkMoving(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, inner := range []int{16, 128} {
		d := moving{n: 42, m: 42, inner: inner, window: 25, step: 1, before: 12, edge: true}
		x, y, s := make([]float32, 42*inner), make([]float32, 42*inner), make([]float32, 27*inner)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		benchPaths(b, "mean", len(x), func() { movingMean(y, x, s, &d) })
	}
}
