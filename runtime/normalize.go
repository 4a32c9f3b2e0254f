// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// Normalizations of rows of n elements, row-major. Sums along a row are 16 partial sums, element i in partial i mod 16,
// combined 8, 4, 2 and 1 apart.

func rowSum(x []float32) float32 {
	var p [16]float32
	for len(x) >= 16 {
		for i, v := range (*[16]float32)(x) {
			p[i] += v
		}
		x = x[16:]
	}
	for i, v := range x {
		p[i] += v
	}
	return sumPartials(&p)
}

// rowSumSquares is rowSum of chains fma(v, v, acc).
func rowSumSquares(x []float32) float32 {
	var p [16]float32
	for i, v := range x {
		p[i%16] = fma32(v, v, p[i%16])
	}
	return sumPartials(&p)
}

func sumPartials(p *[16]float32) float32 {
	for s := 8; s > 0; s /= 2 {
		for i := range s {
			p[i] += p[i+s]
		}
	}
	return p[0]
}

func rowMax(x []float32) float32 {
	top := -inf32
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

// softmaxRows computes e·(1/sum(e)), e = expneg(x - max(x)).
func softmaxRows(dst, src []float32, n int) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y, top := dst[:n], rowMax(src[:n])
		for i, v := range src[:n] {
			y[i] = v - top
		}
		expneg32Slice(y, y)
		inv := 1 / rowSum(y)
		for i := range y {
			y[i] *= inv
		}
	}
}

// logsoftmaxRows computes (x - max(x)) - log(sum(expneg(x - max(x)))).
func logsoftmaxRows(dst, src, scratch []float32, n int) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y, e, top := dst[:n], scratch[:n], rowMax(src[:n])
		for i, v := range src[:n] {
			y[i] = v - top
		}
		expneg32Slice(e, y)
		l := float32(log64(float64(rowSum(e))))
		for i := range y {
			y[i] -= l
		}
	}
}

// layernormRows computes d·r, d = x - sum(x)/n, r = 1/sqrt(sum(d²)/n + epsilon), then affine.
func layernormRows(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y, mean := dst[:n], rowSum(src[:n])/float32(n)
		for i, v := range src[:n] {
			y[i] = v - mean
		}
		rescale(y, 1/sqrt32(rowSumSquares(y)/float32(n)+epsilon))
		affine(y, scale, bias)
	}
}

// rmsnormRows computes x·r, r = 1/sqrt(sum(x²)/n + epsilon), then affine.
func rmsnormRows(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		y := dst[:n]
		copy(y, src)
		rescale(y, 1/sqrt32(rowSumSquares(y)/float32(n)+epsilon))
		affine(y, scale, bias)
	}
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func rescale(y []float32, r float32) {
	for i := range y {
		y[i] *= r
	}
}

// affine computes fma(y, scale, bias), or y·scale without a bias; a nil scale leaves y as it is.
func affine(y, scale, bias []float32) {
	switch {
	case scale == nil:
	case bias == nil:
		for i, s := range scale {
			y[i] *= s
		}
	default:
		for i, s := range scale {
			y[i] = fma32(y[i], s, bias[i])
		}
	}
}
