// SPDX-License-Identifier: MIT-0

package runtime

// Normalizations of panels of n features: every lane is a row. Sums are one chain, the feature increasing.

// softmaxPanels computes e·(1/sum(e)), e = expneg(x - max(x)).
func softmaxPanels(dst, src []float32, n int) {
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		top := panelMax(src[:n*lanes])
		var sum [lanes]float32
		for i, v := range src[:n*lanes] {
			e := expneg32(v - top[i%lanes])
			sum[i%lanes] += e
			dst[i] = e
		}
		for l, s := range sum {
			sum[l] = 1 / s
		}
		for i := range n * lanes {
			dst[i] *= sum[i%lanes]
		}
	}
}

// logsoftmaxPanels computes (x - max(x)) - log(sum(expneg(x - max(x)))).
func logsoftmaxPanels(dst, src []float32, n int) {
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		top := panelMax(src[:n*lanes])
		var sum [lanes]float32
		for i, v := range src[:n*lanes] {
			dst[i] = v - top[i%lanes]
			sum[i%lanes] += expneg32(dst[i])
		}
		for l, s := range sum {
			sum[l] = float32(log64(float64(s)))
		}
		for i := range n * lanes {
			dst[i] -= sum[i%lanes]
		}
	}
}

func panelMax(x []float32) (top [lanes]float32) {
	for l := range top {
		top[l] = -inf32
	}
	for i, v := range x {
		if v > top[i%lanes] {
			top[i%lanes] = v
		}
	}
	return top
}

// layernormPanels computes d·r, d = x - sum(x)/n, r = 1/sqrt(sum(d²)/n + epsilon), then fma(·, scale, bias), or the
// product with scale without a bias.
func layernormPanels(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		var mean [lanes]float32
		for i := range n {
			for l, v := range (*[lanes]float32)(src[i*lanes:]) {
				mean[l] += v
			}
		}
		for l := range mean {
			mean[l] /= float32(n)
		}
		for i := range n {
			y, x := (*[lanes]float32)(dst[i*lanes:]), (*[lanes]float32)(src[i*lanes:])
			for l := range y {
				y[l] = x[l] - mean[l]
			}
		}
		rescalePanel(dst[:n*lanes], scale, bias, n, epsilon)
	}
}

// rmsnormPanels computes x·r, r = 1/sqrt(sum(x²)/n + epsilon), then as layernormPanels.
func rmsnormPanels(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		copy(dst[:n*lanes], src)
		rescalePanel(dst[:n*lanes], scale, bias, n, epsilon)
	}
}

// rescalePanel multiplies the lanes of one panel by 1/sqrt(sum(y²)/n + epsilon) and applies scale and bias.
func rescalePanel(y, scale, bias []float32, n int, epsilon float32) {
	var r [lanes]float32
	for i := range n {
		squares(&r, (*[lanes]float32)(y[i*lanes:]))
	}
	for l, s := range r {
		r[l] = 1 / sqrt32(s/float32(n)+epsilon)
	}
	for i := range n {
		x := (*[lanes]float32)(y[i*lanes:])
		for l := range x {
			x[l] *= r[l]
		}
	}
	switch {
	case scale == nil:
	case bias == nil:
		for i, s := range scale {
			rescale(y[i*lanes:(i+1)*lanes], s)
		}
	default:
		scalePanel(y, scale, bias)
	}
}

// squares continues sixteen chains fma(x, x, acc).
func squares(acc, x *[lanes]float32) {
	bits := uint32(0)
	var t [lanes]float64
	for l, v := range x {
		t[l] = float64(v)*float64(v) + float64(acc[l]) // exact product
		bits |= flag(t[l])
	}
	if int32(bits) < 0 {
		for l, v := range x {
			t[l] = fix(t[l], float64(v)*float64(v), float64(acc[l]))
		}
	}
	for l := range acc {
		acc[l] = float32(t[l])
	}
}
