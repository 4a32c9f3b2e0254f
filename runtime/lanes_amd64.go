// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func laneSumAVX2(acc *[lanes]float32, x []float32)

//go:noescape
func laneSumAVX512(acc *[lanes]float32, x []float32)

//go:noescape
func laneMaxAVX2(acc *[lanes]float32, x []float32)

//go:noescape
func laneMaxAVX512(acc *[lanes]float32, x []float32)

//go:noescape
func laneSquaresAVX2(acc, mean *[lanes]float32, x []float32)

//go:noescape
func laneSquaresAVX512(acc, mean *[lanes]float32, x []float32)

//go:noescape
func laneExpAVX2(dst, src []float32, top, sum *[lanes]float32)

//go:noescape
func laneExpAVX512(dst, src []float32, top, sum *[lanes]float32)

//go:noescape
func laneScaleAVX2(dst, src []float32, mean, r *[lanes]float32)

//go:noescape
func laneScaleAVX512(dst, src []float32, mean, r *[lanes]float32)

//go:noescape
func laneScaleRowAVX2(dst, src, scale []float32, mean, r *[lanes]float32)

//go:noescape
func laneScaleRowAVX512(dst, src, scale []float32, mean, r *[lanes]float32)

//go:noescape
func laneScaleRowBiasAVX2(dst, src, scale, bias []float32, mean, r *[lanes]float32)

//go:noescape
func laneScaleRowBiasAVX512(dst, src, scale, bias []float32, mean, r *[lanes]float32)

//go:noescape
func laneScalePanelAVX2(dst, src, scale []float32, mean, r *[lanes]float32)

//go:noescape
func laneScalePanelAVX512(dst, src, scale []float32, mean, r *[lanes]float32)

//go:noescape
func laneScalePanelBiasAVX2(dst, src, scale, bias []float32, mean, r *[lanes]float32)

//go:noescape
func laneScalePanelBiasAVX512(dst, src, scale, bias []float32, mean, r *[lanes]float32)

// laneBlock is how many elements an assembly call has: it takes at most some 20 microseconds, in which the garbage collector
// cannot interrupt it.
const laneBlock = 1 << 14

// laneSum adds x[i] to acc[i%16].
func laneSum(acc *[lanes]float32, x []float32) {
	if path == pathPureGo {
		laneSumGeneric(acc, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), laneBlock)
		if path == pathAVX512 {
			laneSumAVX512(acc, x[:n])
		} else {
			laneSumAVX2(acc, x[:n])
		}
		x = x[n:]
	}
}

// laneMax sets acc[i%16] to x[i] where that is larger; a zero may have either sign.
func laneMax(acc *[lanes]float32, x []float32) {
	if path == pathPureGo {
		laneMaxGeneric(acc, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), laneBlock)
		if path == pathAVX512 {
			laneMaxAVX512(acc, x[:n])
		} else {
			laneMaxAVX2(acc, x[:n])
		}
		x = x[n:]
	}
}

// laneSquares continues the chains acc = fma(d, d, acc), d = x[i] - mean[i%16].
func laneSquares(acc, mean *[lanes]float32, x []float32) {
	if path == pathPureGo {
		laneSquaresGeneric(acc, mean, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), laneBlock)
		if path == pathAVX512 {
			laneSquaresAVX512(acc, mean, x[:n])
		} else {
			laneSquaresAVX2(acc, mean, x[:n])
		}
		x = x[n:]
	}
}

// laneExp computes dst[i] = expneg(src[i] - top[i%16]) and adds it to sum[i%16]; dst may be src.
func laneExp(dst, src []float32, top, sum *[lanes]float32) {
	if path == pathPureGo {
		laneExpGeneric(dst, src, top, sum)
		return
	}
	for len(src) > 0 {
		n := min(len(src), laneBlock)
		if path == pathAVX512 {
			laneExpAVX512(dst[:n], src[:n], top, sum)
		} else {
			laneExpAVX2(dst[:n], src[:n], top, sum)
		}
		dst, src = dst[n:], src[n:]
	}
}

// laneScale computes dst[i] = (src[i] - mean[i%16])·r[i%16]; dst may be src.
func laneScale(dst, src []float32, mean, r *[lanes]float32) {
	if path == pathPureGo {
		laneScaleGeneric(dst, src, mean, r)
		return
	}
	for len(src) > 0 {
		n := min(len(src), laneBlock)
		if path == pathAVX512 {
			laneScaleAVX512(dst[:n], src[:n], mean, r)
		} else {
			laneScaleAVX2(dst[:n], src[:n], mean, r)
		}
		dst, src = dst[n:], src[n:]
	}
}

// laneScaleRow computes fma(y, scale[i], bias[i]), or y·scale[i] without a bias, y as in laneScale.
func laneScaleRow(dst, src, scale, bias []float32, mean, r *[lanes]float32) {
	if path == pathPureGo {
		laneScaleRowGeneric(dst, src, scale, bias, mean, r)
		return
	}
	for len(scale) > 0 {
		n := min(len(scale), laneBlock)
		d, x, s := dst[:n], src[:n], scale[:n]
		switch wide := path == pathAVX512; {
		case bias == nil && wide:
			laneScaleRowAVX512(d, x, s, mean, r)
		case bias == nil:
			laneScaleRowAVX2(d, x, s, mean, r)
		case wide:
			laneScaleRowBiasAVX512(d, x, s, bias[:n], mean, r)
		default:
			laneScaleRowBiasAVX2(d, x, s, bias[:n], mean, r)
		}
		dst, src, scale = dst[len(d):], src[len(d):], scale[n:]
		if bias != nil {
			bias = bias[n:]
		}
	}
}

// laneScalePanel is laneScaleRow with scale and bias of the features of a panel.
func laneScalePanel(dst, src, scale, bias []float32, mean, r *[lanes]float32) {
	if path == pathPureGo {
		laneScalePanelGeneric(dst, src, scale, bias, mean, r)
		return
	}
	for len(scale) > 0 {
		n := min(len(scale), laneBlock/lanes)
		d, x, s := dst[:n*lanes], src[:n*lanes], scale[:n]
		switch wide := path == pathAVX512; {
		case bias == nil && wide:
			laneScalePanelAVX512(d, x, s, mean, r)
		case bias == nil:
			laneScalePanelAVX2(d, x, s, mean, r)
		case wide:
			laneScalePanelBiasAVX512(d, x, s, bias[:n], mean, r)
		default:
			laneScalePanelBiasAVX2(d, x, s, bias[:n], mean, r)
		}
		dst, src, scale = dst[len(d):], src[len(d):], scale[n:]
		if bias != nil {
			bias = bias[n:]
		}
	}
}
