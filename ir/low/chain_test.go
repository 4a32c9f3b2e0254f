package low

import (
	"math"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

// TestChainError measures how far the chain of fma of a layer of one row is from the exact sum, as a share of what
// ir.Compiled allows. It grows with the root of the number of inputs: docs/numerics.md has the figures.
func TestChainError(t *testing.T) {
	const n, trials = 24, 10
	for _, k := range []int{64, 512, 2048, 6144} {
		mean, worst := 0.0, 0.0
		for trial := range trials {
			x := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{1, k}}, 3*trial)
			w := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{k, n}}, 3*trial+1)
			y, err := (&Linear{Kind: "dense"}).Eval([]*ir.Tensor{x, w, nil})
			if err != nil {
				t.Fatal(err)
			}
			difference, largest := 0.0, 0.0
			for j := range n {
				sum := 0.0
				for i := range k {
					sum += x.At(i) * w.At(i*n+j)
				}
				difference, largest = max(difference, math.Abs(y[0].At(j)-sum)), max(largest, math.Abs(sum))
			}
			share := difference / (ir.Compiled.Rel * largest)
			mean, worst = mean+share/trials, max(worst, share)
		}
		t.Logf("%5d inputs: %.2f of the bound, at most %.2f", k, mean, worst)
		if worst > 1 {
			t.Errorf("%d inputs use %.2f of the bound", k, worst)
		}
	}
}
