package runtime

import (
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// TestReduceRows compares with the low operator's Eval: every length of up to several groups, few special values and many.
func TestReduceRows(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 1))
		for n := 1; n < 83; n++ {
			for _, values := range []func(*rand.Rand, int) []float32{finite, mixed} {
				testReduceRows(t, r, 1+n%5, n, values)
			}
		}
		testReduceRows(t, r, 3, 1<<15+21, finite)
		testReduceRows(t, r, 900, 70, finite)
	})
}

func testReduceRows(t *testing.T, r *rand.Rand, rows, n int, values func(*rand.Rand, int) []float32) {
	t.Helper()
	x := values(r, rows*n+3)[3:]
	in := ir.Of(ir.Float32, []int{rows, n}, x)
	for fn, kernel := range map[string]func(dst, src []float32, n int){"sum": rowsSum, "mean": rowsMean, "max": rowsMax, "min": rowsMin} {
		op := &low.Reduce{Fn: fn, Axes: []int{1}, Partials: low.Partials}
		want, err := op.Eval([]*ir.Tensor{in})
		if err != nil {
			t.Fatal(err)
		}
		got, check := guarded(t, rows, n%7)
		kernel(got, x, n)
		equalBits(t, got, ir.Data[float32](want[0]))
		check()
	}
}

func BenchmarkReduceRows(b *testing.B) {
	x, y := finite(rand.New(rand.NewPCG(1, 1)), 84*42), make([]float32, 84)
	benchPaths(b, "sum", len(x), func() { rowsSum(y, x, 42) })
	benchPaths(b, "max", len(x), func() { rowsMax(y, x, 42) })
}
