// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// pool calls f for every output with the index of the first element of its channel, its position and the ranges of
// kernel elements that read inside the input.
func pool(channels int, s *[3]slide, f func(i, channel int, pos, lo, hi [3]int)) {
	in, i := s[0].in*s[1].in*s[2].in, 0
	for c := range channels {
		var pos, lo, hi [3]int
		for pos[0] = range s[0].out {
			lo[0], hi[0] = s[0].taps(s[0].first(pos[0]))
			for pos[1] = range s[1].out {
				lo[1], hi[1] = s[1].taps(s[1].first(pos[1]))
				for pos[2] = range s[2].out {
					lo[2], hi[2] = s[2].taps(s[2].first(pos[2]))
					f(i, c*in, pos, lo, hi)
					i++
				}
			}
		}
	}
}

// over calls f for the elements of a window, positions increasing.
func over(s *[3]slide, pos, lo, hi [3]int, f func(at int)) {
	for i := lo[0]; i < hi[0]; i++ {
		z := s[0].first(pos[0]) + i*s[0].dilation
		for j := lo[1]; j < hi[1]; j++ {
			v := s[1].first(pos[1]) + j*s[1].dilation
			for k := lo[2]; k < hi[2]; k++ {
				f((z*s[1].in+v)*s[2].in + s[2].first(pos[2]) + k*s[2].dilation)
			}
		}
	}
}

// averagePool is the mean of each window, summed in float64; padding counts as elements only if padded.
func averagePool[T floating](y, x []T, channels int, axes []int, padded bool) {
	s := slides(axes)
	if s[0].still() && s[1].still() && s[2].stride == 1 && s[2].dilation == 1 {
		averageRows(y, x, s[2], padded)
		return
	}
	pool(channels, &s, func(i, channel int, pos, lo, hi [3]int) {
		var sum float64
		over(&s, pos, lo, hi, func(at int) { sum += float64(x[channel+at]) })
		count := 1
		for a := range s {
			live := max(0, hi[a]-lo[a])
			if padded {
				room := s[a].in + s[a].after - s[a].first(pos[a])
				live = min(s[a].kernel, (room+s[a].dilation-1)/s[a].dilation)
			}
			count *= live
		}
		y[i] = T(sum / float64(count))
	})
}

// averageRows is averagePool of windows that move along the last axis alone, by one element: a moving average. Windows
// that lie inside the input are summed four side by side, each in its own order, from elements that are converted once.
func averageRows[T floating](y, x []T, s slide, padded bool) {
	var wide [512]float64
	for ; len(y) > 0; y, x = y[s.out:], x[s.in:] {
		for i := 0; i < s.out; {
			first := s.first(i)
			if n := min(s.out-i, s.in-s.kernel+1-first, len(wide)-s.kernel+1); first >= 0 && n > 0 {
				w := wide[:n+s.kernel-1]
				for k := range w {
					w[k] = float64(x[first+k])
				}
				averages(y[i:i+n], w, s.kernel)
				i += n
				continue
			}
			lo, hi := s.taps(first)
			var sum float64
			for k := lo; k < hi; k++ {
				sum += float64(x[first+k])
			}
			count := max(0, hi-lo)
			if padded {
				count = min(s.kernel, s.in+s.after-first)
			}
			y[i] = T(sum / float64(count))
			i++
		}
	}
}

// averages are the means of n elements of x from each place on.
func averages[T floating](y []T, x []float64, n int) {
	i := 0
	for ; i+4 <= len(y); i += 4 {
		var a, b, c, d float64
		w := x[i : i+n+3]
		for ; len(w) >= 7; w = w[4:] {
			w3, w4, w5, w6 := w[3], w[4], w[5], w[6]
			a, b, c, d = a+w[0], b+w[1], c+w[2], d+w3
			a, b, c, d = a+w[1], b+w[2], c+w3, d+w4
			a, b, c, d = a+w[2], b+w3, c+w4, d+w5
			a, b, c, d = a+w3, b+w4, c+w5, d+w6
		}
		for ; len(w) >= 4; w = w[1:] {
			a, b, c, d = a+w[0], b+w[1], c+w[2], d+w[3]
		}
		y[i], y[i+1], y[i+2], y[i+3] = T(a/float64(n)), T(b/float64(n)), T(c/float64(n)), T(d/float64(n))
	}
	for ; i < len(y); i++ {
		var a float64
		for _, v := range x[i : i+n] {
			a += v
		}
		y[i] = T(a / float64(n))
	}
}

// maxPool is the largest element of each window, NaN being the largest.
func maxPool[T floating | int8 | uint8](y, x []T, channels int, axes []int, columns bool) {
	maxPoolIndices(y, nil, x, channels, axes, columns)
}

// maxPoolIndices is maxPool with the first place of each, which is row-major or, if columns, with the first axis
// changing fastest.
func maxPoolIndices[T floating | int8 | uint8](y []T, at []int64, x []T, channels int, axes []int, columns bool) {
	s := slides(axes)
	least := leastOf[T]()
	pool(channels, &s, func(i, channel int, pos, lo, hi [3]int) {
		best, place := least, -1
		over(&s, pos, lo, hi, func(p int) {
			if v := x[channel+p]; place < 0 || v > best || v != v && best == best {
				best, place = v, p
			}
		})
		y[i] = best
		if at == nil {
			return
		}
		if at[i] = 0; place >= 0 {
			if columns {
				z, v, u := place/(s[1].in*s[2].in), place/s[2].in%s[1].in, place%s[2].in
				place = (u*s[1].in+v)*s[0].in + z
			}
			at[i] = int64(channel + place)
		}
	})
}

func leastOf[T floating | int8 | uint8]() (v T) {
	switch p := any(&v).(type) {
	case *float32:
		*p = float32(math.Inf(-1))
	case *float64:
		*p = math.Inf(-1)
	case *int8:
		*p = math.MinInt8
	}
	return v
}

// lpPool is the p-norm of each window, summed in float64.
func lpPool[T floating](y, x []T, channels int, axes []int, p int) {
	s := slides(axes)
	pool(channels, &s, func(i, channel int, pos, lo, hi [3]int) {
		var sum float64
		over(&s, pos, lo, hi, func(at int) {
			v := math.Abs(float64(x[channel+at]))
			t := v
			for range p - 1 {
				t = float64(t * v)
			}
			sum += t
		})
		switch p {
		case 1:
		case 2:
			sum = math.Sqrt(sum)
		default:
			sum = pow64(sum, 1/float64(p))
		}
		y[i] = T(sum)
	})
}
