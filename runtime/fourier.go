// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
)

// fourier transforms lines of n elements by a table of cosines and sines of 2 pi k/n.
type fourier struct {
	n                 int
	inverse, onesided bool
	cos, sin          []float64
}

func newFourier(work []float64, n int, inverse, onesided bool) fourier {
	f := fourier{n, inverse, onesided, work[:n], work[n : 2*n]}
	for k := range n {
		angle := 2 * math.Pi * float64(k) / float64(n)
		f.cos[k], f.sin[k] = cos64(angle), sin64(angle)
	}
	return f
}

// sum is result k of the elements re and im.
func (f *fourier) sum(k int, at func(t int) (re, im float64)) (re, im float64) {
	turn := 0
	for t := range f.n {
		var x, y float64
		switch mirror := f.inverse && f.onesided; {
		case mirror && 2*t > f.n:
			x, y = at(f.n - t)
			y = -y
		case mirror && (t == 0 || 2*t == f.n):
			x, _ = at(t)
		default:
			x, y = at(t)
		}
		c, s := f.cos[turn], f.sin[turn]
		if !f.inverse {
			s = -s
		}
		re += float64(x * c)
		re -= float64(y * s)
		im += float64(x * s)
		im += float64(y * c)
		if turn += k; turn >= f.n {
			turn -= f.n
		}
	}
	if f.inverse {
		re /= float64(f.n)
		im /= float64(f.n)
	}
	return re, im
}

// dft transforms x, of shape in, along an axis to y, of shape out, in float64. The length and the axis may be nil: what
// in has along the axis, and -2. Work is room for the table.
func dft[T floating](y []T, work []float64, x []T, length, axis []int64, in, out []int, inverse, onesided bool) error {
	rank, a := len(in), len(in)-2
	if axis != nil {
		if a = int(axis[0]); a < 0 {
			a += rank
		}
		if a < 0 || a > rank-2 {
			return fmt.Errorf("DFT: axis is %d, the input has %d axes", axis[0], rank)
		}
	}
	n := in[a]
	if inverse && onesided {
		n = 2 * (in[a] - 1)
	}
	if length != nil {
		n = int(length[0])
	}
	points := n
	if onesided && !inverse {
		points = n/2 + 1
	}
	fits := n > 0 && 2*n <= len(work)
	for i := range rank - 1 {
		fits = fits && (i == a && out[i] == points || i != a && out[i] == in[i])
	}
	if !fits {
		return fmt.Errorf("DFT: a transform of %d elements along axis %d of %v does not give the shape %v that was compiled", n, a, in, out)
	}
	f := newFourier(work, n, inverse, onesided)
	inner, outer, parts, results := 1, 1, in[rank-1], out[rank-1]
	for i, d := range in[:rank-1] {
		if i > a {
			inner *= d
		} else if i < a {
			outer *= d
		}
	}
	for o := range outer {
		for i := range inner {
			for k := range points {
				re, im := f.sum(k, func(t int) (re, im float64) {
					if t >= in[a] {
						return 0, 0
					}
					p := ((o*in[a]+t)*inner + i) * parts
					if parts == 2 {
						im = float64(x[p+1])
					}
					return float64(x[p]), im
				})
				p := ((o*points+k)*inner + i) * results
				y[p] = T(re)
				if results == 2 {
					y[p+1] = T(im)
				}
			}
		}
	}
	clear(work)
	return nil
}

// stft transforms frames of x, of shape in, that begin step apart, each times window, to y, of shape out, in float64.
// The window and the length of a frame may be nil. Work is room for the table.
func stft[T floating](y []T, work []float64, x []T, step []int64, window []T, length []int64, in, out []int, onesided bool) error {
	size, parts := in[1], in[2]
	n, hop := size, int(step[0])
	if window != nil {
		n = len(window)
	}
	if length != nil {
		n = int(length[0])
	}
	points := n
	if onesided {
		points = n/2 + 1
	}
	if hop < 1 || n < 1 || n > size || out[1] != 1+(size-n)/hop || out[2] != points {
		return fmt.Errorf("STFT: frames of %d elements, %d apart, of %d do not give the shape %v that was compiled", n, hop, size, out)
	}
	f := newFourier(work, n, false, onesided)
	p := 0
	for b := range in[0] {
		for frame := range out[1] {
			start := b*size + frame*hop
			for k := range points {
				re, im := f.sum(k, func(t int) (re, im float64) {
					weight := 1.0
					if window != nil {
						if t >= len(window) {
							return 0, 0
						}
						weight = float64(window[t])
					}
					q := (start + t) * parts
					if parts == 2 {
						im = float64(float64(x[q+1]) * weight)
					}
					return float64(float64(x[q]) * weight), im
				})
				y[p], y[p+1] = T(re), T(im)
				p += 2
			}
		}
	}
	clear(work)
	return nil
}

// melWeightMatrix is the weights, of shape out, of triangles evenly spaced on the mel scale.
func melWeightMatrix(y []float64, bands, length, rate []int64, lower, upper []float64, out []int) error {
	bins, n := out[0], out[1]
	if length[0] < 0 || length[0]/2+1 != int64(bins) || bands[0] != int64(n) {
		return fmt.Errorf("MelWeightMatrix: %d mel bins of a DFT of length %d do not have the shape %v that was compiled", bands[0], length[0], out)
	}
	const ln10 = 2.302585092994046
	mel := func(f float64) float64 { return float64(2595 * (log64(1+f/700) / ln10)) }
	lo := mel(lower[0])
	step := (mel(upper[0]) - lo) / float64(n+2)
	edge := func(i int) int {
		m := float64(float64(i)*step) + lo
		f := float64(700 * (pow64(10, m/2595) - 1))
		return int(math.Floor(float64(float64(length[0]+1)*f) / float64(rate[0])))
	}
	clear(y)
	for i := range n {
		left, center, right := edge(i), edge(i+1), edge(i+2)
		if left < 0 || center < left || center >= bins || right < center || right > bins {
			return fmt.Errorf("MelWeightMatrix: mel bin %d lies beyond the %d bins of the spectrum", i, bins)
		}
		for j := left; j <= center; j++ {
			y[j*n+i] = 1
			if center > left {
				y[j*n+i] = float64(j-left) / float64(center-left)
			}
		}
		for j := center; j < right; j++ {
			y[j*n+i] = float64(right-j) / float64(right-center)
		}
	}
	return nil
}
