// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
)

// A sampler reads at coordinates between elements. Arithmetic is in float64.
type sampler struct {
	mode, padding string
	align         bool
	dims          []int
	first         [maxRank]int
	weights       [maxRank][4]float64
}

// gridSample reads x, [batch, channels, dims...], at points coordinates a batch, grid [batch, points, len(dims)], last
// axis first.
func gridSample[T number, G floating](out, x []T, grid []G, batch, channels, points int, dims []int, mode, padding string, align bool) {
	s := sampler{mode: mode, padding: padding, align: align, dims: dims}
	size, k := 1, len(dims)
	for _, d := range dims {
		size *= d
	}
	for n := range batch {
		for p := range points {
			for a := range dims {
				s.set(a, float64(grid[(n*points+p)*k+k-1-a]))
			}
			for c := range channels {
				image := x[(n*channels+c)*size:]
				out[(n*channels+c)*points+p] = fromFloat[T](sampleSum(&s, image, 0, 0))
			}
		}
	}
}

// set finds the elements along axis a, and their weights, that a coordinate of the grid stands for.
func (s *sampler) set(a int, n float64) {
	d := float64(s.dims[a])
	var x float64
	if s.align {
		x = (n + 1) / 2 * (d - 1)
	} else {
		x = (float64((n+1)*d) - 1) / 2
	}
	switch {
	case x != x:
		x = -10
	default:
		x = max(min(x, 1<<31), -1<<31)
		if s.mode == "nearest" {
			x = math.RoundToEven(x)
		}
		if s.padding == "border" {
			x = max(min(x, d-1), 0)
		} else if s.padding == "reflection" {
			x = s.mirror(x, d)
		}
	}
	low := math.Floor(x)
	f := x - low
	s.first[a] = int(low)
	switch s.mode {
	case "linear":
		s.weights[a] = [4]float64{1 - f, f}
	case "cubic":
		s.first[a]--
		for i := range 4 {
			s.weights[a][i] = keysWeight(math.Abs(float64(i-1) - f))
		}
	}
}

// keysWeight is the weight of Keys' cubic filter, a = -0.75, at distance x.
func keysWeight(x float64) float64 {
	const a = -0.75
	switch {
	case x <= 1:
		return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64((float64(a*x)-5*a)*x)+8*a)*x) - 4*a
	}
	return 0
}

// mirror reflects a coordinate at the ends of an axis of length d.
func (s *sampler) mirror(x, d float64) float64 {
	lo, hi := -0.5, d-0.5
	if s.align {
		lo, hi = 0, d-1
	}
	if lo == hi {
		return lo
	}
	size := hi - lo
	switch {
	case x < lo:
		n := math.Floor((lo - x) / size)
		rest := lo - x - float64(n*size)
		if int64(n)%2 == 0 {
			return lo + rest
		}
		return hi - rest
	case x > hi:
		n := math.Floor((x - hi) / size)
		rest := x - hi - float64(n*size)
		if int64(n)%2 == 0 {
			return hi - rest
		}
		return lo + rest
	}
	return x
}

// index is the element that stands at i, -1 for none.
func (s *sampler) index(i, d int) int {
	if s.padding == "reflection" {
		i = int(s.mirror(float64(i), float64(d)))
	}
	if s.padding != "zeros" {
		return max(min(i, d-1), 0)
	}
	if i < 0 || i >= d {
		return -1
	}
	return i
}

// sampleSum is the weighted sum, along axis a, of those along the axes after it.
func sampleSum[T number](s *sampler, x []T, a, base int) float64 {
	if a == len(s.dims) {
		return float64(x[base])
	}
	n := 1
	switch s.mode {
	case "linear":
		n = 2
	case "cubic":
		n = 4
	}
	sum := 0.0
	for i := range n {
		v := 0.0
		if j := s.index(s.first[a]+i, s.dims[a]); j >= 0 {
			v = sampleSum(s, x, a+1, base*s.dims[a]+j)
		}
		if n == 1 {
			return v
		}
		sum += float64(s.weights[a][i] * v)
	}
	return sum
}

// affineGrid multiplies the matrices theta with the coordinates of an image of the run-time size, giving out, of shape
// [batch, axes..., number of axes].
func affineGrid[T floating](out, theta []T, size []int64, shape []int, align bool) error {
	k := len(shape) - 2
	fits := len(size) == k+2 && size[0] == int64(shape[0])
	for a := 1; fits && a <= k; a++ {
		fits = size[a+1] == int64(shape[a])
	}
	if !fits {
		return fmt.Errorf("AffineGrid: the size is %v, compiled for a grid of shape %v", size, shape)
	}
	for i := range out {
		row, rest := i%k, i/k
		batch := rest
		for a := 1; a <= k; a++ {
			batch /= shape[a]
		}
		m := theta[(batch*k+row)*(k+1):]
		sum := 0.0
		for a := range k {
			d := shape[k-a]
			j := rest % d
			rest /= d
			c := float64(2*j+1)/float64(d) - 1
			if align {
				if c = 0; d > 1 {
					c = float64(2*j)/float64(d-1) - 1
				}
			}
			sum += float64(float64(m[a]) * c)
		}
		out[i] = T(sum + float64(m[k]))
	}
	return nil
}
