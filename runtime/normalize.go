// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// Normalizations of rows of n elements, row-major. Sums along a row are 16 partial sums: see laneSum.

// expRow computes expneg(src - max(src)), and the sum of that.
func expRow(dst, src []float32) float32 {
	top, sum := everyLane(rowMax(src)), [lanes]float32{}
	laneExp(dst, src, &top, &sum)
	return joinSums(&sum)
}

func rowMax(x []float32) float32 {
	p := everyLane(-inf32)
	laneMax(&p, x)
	top := -inf32
	for _, v := range p {
		if v > top {
			top = v
		}
	}
	return top
}

// softmaxRows computes e·(1/sum(e)), e = expneg(x - max(x)).
func softmaxRows(dst, src []float32, n int) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		inv, zero := everyLane(1/expRow(dst[:n], src[:n])), [lanes]float32{}
		laneScale(dst[:n], dst[:n], &zero, &inv)
	}
}

// logsoftmaxRows computes (x - max(x)) - log(sum(expneg(x - max(x)))).
func logsoftmaxRows(dst, src, scratch []float32, n int) {
	one := everyLane(1)
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		top := everyLane(rowMax(src[:n]))
		l := everyLane(float32(log64(float64(expRow(scratch[:n], src[:n])))))
		laneScale(dst[:n], src[:n], &top, &one)
		laneScale(dst[:n], dst[:n], &l, &one)
	}
}

// layernormRows computes d·r, d = x - sum(x)/n, r = 1/sqrt(sum(d²)/n + epsilon), then fma(·, scale, bias), or the product
// with scale without a bias; a nil scale counts as ones.
func layernormRows(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		var sum [lanes]float32
		laneSum(&sum, src[:n])
		scaleRow(dst[:n], src[:n], scale, bias, everyLane(joinSums(&sum)/float32(n)), epsilon)
	}
}

// rmsnormRows computes x·r, r = 1/sqrt(sum(x²)/n + epsilon), then as layernormRows.
func rmsnormRows(dst, src, scale, bias []float32, n int, epsilon float32) {
	for ; len(src) > 0 && n > 0; dst, src = dst[n:], src[n:] {
		scaleRow(dst[:n], src[:n], scale, bias, [lanes]float32{}, epsilon)
	}
}

// scaleRow is layernormRows given the mean.
func scaleRow(dst, src, scale, bias []float32, mean [lanes]float32, epsilon float32) {
	var sum [lanes]float32
	laneSquares(&sum, &mean, src)
	r := everyLane(1 / sqrt32(joinSums(&sum)/float32(len(src))+epsilon))
	if scale == nil {
		laneScale(dst, src, &mean, &r)
	} else {
		laneScaleRow(dst, src, scale, bias, &mean, &r)
	}
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }
