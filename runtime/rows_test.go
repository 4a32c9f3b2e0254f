package runtime

import (
	"math/rand/v2"
	"testing"
)

// partials sums terms of n rows by definition: in 16 interleaved chains, joined 8, 4, 2 and 1 apart. Chains are as long as
// the first: what is missing adds term(-1).
func partials(n int, add func(acc float32, row int) float32) float32 {
	var acc [16]float32
	for i := range (n + 15) / 16 * 16 {
		if i < n {
			acc[i%16] = add(acc[i%16], i)
		} else {
			acc[i%16] = add(acc[i%16], -1)
		}
	}
	for s := 8; s > 0; s /= 2 {
		for i := range s {
			acc[i] += acc[i+s]
		}
	}
	return acc[0]
}

func TestRows(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(120) {
			r := rand.New(rand.NewPCG(seed, 3))
			rows, n, kind := 1+r.IntN(70), 1+r.IntN(40), r.IntN(3)
			panels := (rows + 15) / 16
			x := misplaced(operand32(r, panels*16*n, kind), r.IntN(5))
			at := func(i, f int) float32 { return x[i/16*n*16+f*16+i%16] }
			mean, e := operand32(r, n, kind), operand32(r, panels*16, kind)
			clear(e[rows:])
			sum, check1 := guarded(t, n, r.IntN(5))
			squares, check2 := guarded(t, n, r.IntN(5))
			products, check3 := guarded(t, n, r.IntN(5))
			rowSum(sum, x, rows, n)
			rowSquares(squares, x, mean, rows, n)
			rowProducts(products, x, e, rows, n, n*16)
			check1()
			check2()
			check3()
			for f := range n {
				want := []float32{
					partials(rows, func(acc float32, i int) float32 {
						if i < 0 {
							return acc
						}
						return acc + at(i, f)
					}),
					partials(rows, func(acc float32, i int) float32 {
						if i < 0 {
							return acc
						}
						return fma32(at(i, f)-mean[f], at(i, f)-mean[f], acc)
					}),
					partials(rows, func(acc float32, i int) float32 {
						if i < 0 {
							return fma32(0, 0, acc)
						}
						return fma32(e[i], at(i, f), acc)
					}),
				}
				if !sameFloats([]float32{sum[f], squares[f], products[f]}, want) {
					t.Fatalf("seed %d: %d rows, feature %d of %d: %v, want %v", seed, rows, f, n, []float32{sum[f], squares[f], products[f]}, want)
				}
			}
			q := misplaced(operand32(r, 1+r.IntN(n), kind), r.IntN(5))
			scores, check := guarded(t, panels*16, r.IntN(5))
			queryKeys(scores, q, x, panels, n*16)
			check()
			for i, v := range scores {
				want := chain(func(c int) float32 { return q[c] }, func(c int) float32 { return at(i, c) }, 0, len(q))
				if !sameFloats([]float32{v}, []float32{want}) {
					t.Fatalf("seed %d: score %d is %v, want %v", seed, i, v, want)
				}
			}
		}
	})
}
