// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// Normalizations of float64 rows of n elements: as those of float32, without fma.

// partialSum64 combines 16 partial sums of f(x), element i in partial i mod 16.
func partialSum64(x []float64, square bool) float64 {
	var p [16]float64
	for i, v := range x {
		if square {
			v = float64(v * v)
		}
		p[i%16] += v
	}
	for s := 8; s > 0; s /= 2 {
		for i := range s {
			p[i] += p[i+s]
		}
	}
	return p[0]
}

// shifted writes x - max(x) and returns the sum of its exponentials, which it writes to e.
func shifted(y, e, x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	for i, v := range x {
		d := v - top
		y[i] = d
		e[i] = exp64(d)
	}
	return partialSum64(e, false)
}

func softmaxRows64(dst, src []float64, n int) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y := dst[:n]
		inv := 1 / shifted(y, y, src[:n])
		for i := range y {
			y[i] *= inv
		}
	}
}

func logsoftmaxRows64(dst, src, scratch []float64, n int) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y := dst[:n]
		l := log64(shifted(y, scratch[:n], src[:n]))
		for i := range y {
			y[i] -= l
		}
	}
}

func layernormRows64(dst, src, scale, bias []float64, n int, epsilon float32) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y, mean := dst[:n], partialSum64(src[:n], false)/float64(n)
		for i, v := range src[:n] {
			y[i] = v - mean
		}
		rescale64(y, scale, bias, epsilon)
	}
}

func rmsnormRows64(dst, src, scale, bias []float64, n int, epsilon float32) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y := dst[:n]
		copy(y, src)
		rescale64(y, scale, bias, epsilon)
	}
}

func rescale64(y, scale, bias []float64, epsilon float32) {
	r := 1 / math.Sqrt(partialSum64(y, true)/float64(len(y))+float64(epsilon))
	for i, v := range y {
		v = float64(v * r)
		if scale != nil {
			v = float64(v * scale[i])
		}
		if bias != nil {
			v += bias[i]
		}
		y[i] = v
	}
}
