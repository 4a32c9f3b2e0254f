// SPDX-License-Identifier: MIT-0

package runtime

// Normalizations of panels of n features: every lane is a row. Sums of softmax are one chain, the feature increasing; those of
// layernorm and rmsnorm are four, as in panelMeans.

// softmaxPanels computes e·(1/sum(e)), e = expneg(x - max(x)).
func softmaxPanels(dst, src []float32, n int) {
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		y, x := dst[:n*lanes], src[:n*lanes]
		top := everyLane(-inf32)
		laneMax(&top, x)
		var sum, zero [lanes]float32
		laneExp(y, x, &top, &sum)
		for l, s := range sum {
			sum[l] = 1 / s
		}
		laneScale(y, y, &zero, &sum)
	}
}

// logsoftmaxPanels computes (x - max(x)) - log(sum(expneg(x - max(x)))).
func logsoftmaxPanels(dst, src []float32, n int) {
	one := everyLane(1)
	var e [16 * lanes]float32 // only its sums are wanted
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		y, x := dst[:n*lanes], src[:n*lanes]
		top := everyLane(-inf32)
		laneMax(&top, x)
		var sum [lanes]float32
		for i := 0; i < len(x); i += len(e) {
			part := x[i:min(i+len(e), len(x))]
			laneExp(e[:len(part)], part, &top, &sum)
		}
		for l, s := range sum {
			sum[l] = float32(log64(float64(s)))
		}
		laneScale(y, x, &top, &one)
		laneScale(y, y, &sum, &one)
	}
}

// layernormPanels computes d·r, d = x - sum(x)/n, r = 1/sqrt(sum(d²)/n + epsilon), then fma(·, scale, bias), or the
// product with scale without a bias; a nil scale counts as ones.
func layernormPanels(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		var mean [lanes]float32
		panelMeans(&mean, src[:n*lanes])
		normalizePanel(dst[:n*lanes], src[:n*lanes], scale, bias, &mean, epsilon)
	}
}

// rmsnormPanels computes x·r, r = 1/sqrt(sum(x²)/n + epsilon), then as layernormPanels.
func rmsnormPanels(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0; dst, src = dst[n*lanes:], src[n*lanes:] {
		normalizePanel(dst[:n*lanes], src[:n*lanes], scale, bias, &[lanes]float32{}, epsilon)
	}
}

// normalizePanel is layernormPanels for one panel, given the means.
func normalizePanel(dst, src, scale, bias []float32, mean *[lanes]float32, epsilon float32) {
	var r [lanes]float32
	panelFactors(&r, mean, src, epsilon)
	if scale == nil {
		laneScale(dst, src, mean, &r)
	} else {
		laneScalePanel(dst, src, scale, bias, mean, &r)
	}
}
