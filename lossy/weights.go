package lossy

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Products that are then added are rounded first here and in all of the package, by a conversion: the same weights and
// the same decisions come out on every processor.

// finite reports weights that have no magnitude.
func finite(l *Layer) error {
	for _, x := range l.weights().Floats() {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("layer %+q has weights that are not finite", l.Name)
		}
	}
	return nil
}

// eachChannel replaces the weights of every output channel, a column of a matrix [..., K, N], by what f makes of them.
func eachChannel(w []float64, shape []int, f func(column []float64)) {
	k, n := len(w), 1
	if d := len(shape); d > 1 {
		k, n = shape[d-2], shape[d-1]
	}
	column := make([]float64, k)
	for base := 0; base < len(w); base += k * n {
		for j := range n {
			for i := range column {
				column[i] = w[base+i*n+j]
			}
			f(column)
			for i, x := range column {
				w[base+i*n+j] = x
			}
		}
	}
}

// binarize replaces weights by their signs times the mean magnitude, which of all scales gives the smallest sum of squared
// errors. Zeros are pruned weights: they stay, and do not count.
func binarize(w []float64) {
	sum, n := 0.0, 0
	for _, x := range w {
		if x != 0 {
			sum += math.Abs(x)
			n++
		}
	}
	for i, x := range w {
		if x != 0 {
			w[i] = math.Copysign(sum/float64(n), x)
		}
	}
}

// ternarize replaces weights by -a, 0 and +a with the smallest sum of squared errors. For the m weights that are not to
// be zero, a is their mean magnitude S/m, and the error is the sum of all squares less S*S/m. So they are the m largest
// for some m, and all m are tried.
func ternarize(w []float64) {
	at := byMagnitude(w)
	sum, best, m, a := 0.0, 0.0, 0, 0.0
	for i, j := range at {
		sum += math.Abs(w[j])
		if gain := sum * sum / float64(i+1); gain > best {
			best, m, a = gain, i+1, sum/float64(i+1)
		}
	}
	for i, j := range at {
		if i < m && w[j] != 0 {
			w[j] = math.Copysign(a, w[j])
		} else {
			w[j] = 0
		}
	}
}

// byMagnitude lists the indices of w, the largest magnitude first; of equal ones the earlier.
func byMagnitude(w []float64) []int {
	at := make([]int, len(w))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(i, j int) int {
		switch a, b := math.Abs(w[i]), math.Abs(w[j]); {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	return at
}

// prune sets all but the largest weights of the layers together to zero: round(density times their number) stay, at
// least one; of equal magnitudes the earlier.
func prune(layers [][]float64, density float64) {
	all := slices.Concat(layers...)
	if len(all) == 0 {
		return
	}
	keep := max(1, int(math.Round(density*float64(len(all)))))
	for _, i := range byMagnitude(all)[min(keep, len(all)):] {
		for _, w := range layers {
			if i < len(w) {
				w[i] = 0
				break
			}
			i -= len(w)
		}
	}
}

// relative is |b-a| / |a| with Euclidean norms.
func relative(a, b *ir.Tensor) float64 {
	var s sums
	s.add(b, a)
	return s.relative()
}
