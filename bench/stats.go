package bench

import (
	"math"
	"slices"
)

// Stat describes a sample.
type Stat struct {
	Median float64
	Low    float64 // quartile
	High   float64 // quartile
	Min    float64
	N      int
}

// stat describes x; without elements all is NaN.
func stat(x []float64) Stat {
	if len(x) == 0 {
		nan := math.NaN()
		return Stat{nan, nan, nan, nan, 0}
	}
	x = slices.Sorted(slices.Values(x))
	return Stat{quantile(x, 0.5), quantile(x, 0.25), quantile(x, 0.75), x[0], len(x)}
}

// quantile interpolates between the elements of x, which are sorted.
func quantile(x []float64, q float64) float64 {
	at := q * float64(len(x)-1)
	i := int(at)
	if i+1 == len(x) {
		return x[i]
	}
	return x[i] + (at-float64(i))*(x[i+1]-x[i])
}

// ratios are a/b for each pair of turns in the same round. NaN marks a round without a turn.
func ratios(a, b []float64) []float64 {
	var list []float64
	for i := range min(len(a), len(b)) {
		if r := a[i] / b[i]; r == r {
			list = append(list, r)
		}
	}
	return list
}

// turnsOf leaves out the rounds without a turn.
func turnsOf(x []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(x), func(t float64) bool { return t != t })
}
