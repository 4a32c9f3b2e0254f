// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// laneSum adds x[i] to acc[i%16].
func laneSum(acc *[lanes]float32, x []float32) {
	laneSumGeneric(acc, x)
}

// laneMax sets acc[i%16] to x[i] where that is larger; a zero may have either sign.
func laneMax(acc *[lanes]float32, x []float32) {
	laneMaxGeneric(acc, x)
}

// laneSquares continues the chains acc = fma(d, d, acc), d = x[i] - mean[i%16].
func laneSquares(acc, mean *[lanes]float32, x []float32) {
	laneSquaresGeneric(acc, mean, x)
}

// laneExp computes dst[i] = expneg(src[i] - top[i%16]) and adds it to sum[i%16]; dst may be src.
func laneExp(dst, src []float32, top, sum *[lanes]float32) {
	laneExpGeneric(dst, src, top, sum)
}

// laneScale computes dst[i] = (src[i] - mean[i%16])·r[i%16]; dst may be src.
func laneScale(dst, src []float32, mean, r *[lanes]float32) {
	laneScaleGeneric(dst, src, mean, r)
}

// laneScaleRow computes fma(y, scale[i], bias[i]), or y·scale[i] without a bias, y as in laneScale.
func laneScaleRow(dst, src, scale, bias []float32, mean, r *[lanes]float32) {
	laneScaleRowGeneric(dst, src, scale, bias, mean, r)
}

// laneScalePanel is laneScaleRow with scale and bias of the features of a panel.
func laneScalePanel(dst, src, scale, bias []float32, mean, r *[lanes]float32) {
	laneScalePanelGeneric(dst, src, scale, bias, mean, r)
}
