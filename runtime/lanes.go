// SPDX-License-Identifier: MIT-0

package runtime

// What rows and panels are normalized with, on vectors of 16 lanes: element i belongs to lane i mod 16. In a panel a lane
// is a row; along a row it is one of 16 partial sums, combined 8, 4, 2 and 1 apart at the end. Sums and maxima go on from
// what the call before left.

// laneSumGeneric adds x[i] to acc[i%16].
func laneSumGeneric(acc *[lanes]float32, x []float32) {
	for ; len(x) >= lanes; x = x[lanes:] {
		for l, v := range (*[lanes]float32)(x) {
			acc[l] += v
		}
	}
	for l, v := range x {
		acc[l] += v
	}
}

// laneMaxGeneric sets acc[i%16] to x[i] where that is larger. Of zeros of both signs the assembly may find another one.
func laneMaxGeneric(acc *[lanes]float32, x []float32) {
	for i, v := range x {
		if v > acc[i%lanes] {
			acc[i%lanes] = v
		}
	}
}

// laneSquaresGeneric continues the chains acc = fma(d, d, acc), d = x[i] - mean[i%16].
func laneSquaresGeneric(acc, mean *[lanes]float32, x []float32) {
	for ; len(x) >= lanes; x = x[lanes:] {
		bits := uint32(0)
		var d, t [lanes]float64
		for l, v := range (*[lanes]float32)(x) {
			d[l] = float64(v - mean[l])
			t[l] = d[l]*d[l] + float64(acc[l]) // exact product
			bits |= flag(t[l])
		}
		if int32(bits) < 0 {
			for l := range t {
				t[l] = fix(t[l], d[l]*d[l], float64(acc[l]))
			}
		}
		for l := range acc {
			acc[l] = float32(t[l])
		}
	}
	for l, v := range x {
		d := v - mean[l]
		acc[l] = fma32(d, d, acc[l])
	}
}

// laneExpGeneric computes dst[i] = expneg(src[i] - top[i%16]) and adds it to sum[i%16].
func laneExpGeneric(dst, src []float32, top, sum *[lanes]float32) {
	for len(src) > 0 {
		n := min(len(src), 64*lanes)
		y := dst[:n]
		for i, v := range src[:n] {
			y[i] = v - top[i%lanes]
		}
		expneg32SliceGeneric(y, y)
		laneSumGeneric(sum, y)
		dst, src = dst[n:], src[n:]
	}
}

// laneScaleGeneric computes dst[i] = (src[i] - mean[i%16])·r[i%16].
func laneScaleGeneric(dst, src []float32, mean, r *[lanes]float32) {
	for ; len(src) >= lanes; dst, src = dst[lanes:], src[lanes:] {
		y := (*[lanes]float32)(dst)
		for l, v := range (*[lanes]float32)(src) {
			y[l] = (v - mean[l]) * r[l]
		}
	}
	for l, v := range src {
		dst[l] = (v - mean[l]) * r[l]
	}
}

// laneScaleRowGeneric computes fma(y, scale[i], bias[i]), or y·scale[i] without a bias, y as in laneScale.
func laneScaleRowGeneric(dst, src, scale, bias []float32, mean, r *[lanes]float32) {
	laneScaleGeneric(dst, src, mean, r)
	if bias == nil {
		for i, s := range scale {
			dst[i] *= s
		}
		return
	}
	for i, s := range scale {
		dst[i] = fma32(dst[i], s, bias[i])
	}
}

// laneScalePanelGeneric is laneScaleRow with scale and bias of the features of a panel.
func laneScalePanelGeneric(dst, src, scale, bias []float32, mean, r *[lanes]float32) {
	laneScaleGeneric(dst, src, mean, r)
	if bias != nil {
		scalePanel(dst[:len(scale)*lanes], scale, bias)
		return
	}
	for i, s := range scale {
		y := (*[lanes]float32)(dst[i*lanes:])
		for l := range y {
			y[l] *= s
		}
	}
}

// everyLane is v in every lane.
func everyLane(v float32) (g [lanes]float32) {
	for l := range g {
		g[l] = v
	}
	return g
}

// joinSums adds the lanes 8, 4, 2 and 1 apart.
func joinSums(p *[lanes]float32) float32 {
	for s := lanes / 2; s > 0; s /= 2 {
		for i := range s {
			p[i] += p[i+s]
		}
	}
	return p[0]
}
