// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func panelMeansAVX2(mean *[lanes]float32, x []float32, count float32)

//go:noescape
func panelMeansAVX512(mean *[lanes]float32, x []float32, count float32)

//go:noescape
func panelFactorsAVX2(r, mean *[lanes]float32, x []float32, count, epsilon float32)

//go:noescape
func panelFactorsAVX512(r, mean *[lanes]float32, x []float32, count, epsilon float32)

// longPanel is from how many elements on a panel takes too long for an assembly call, in which the garbage collector cannot
// interrupt it.
const longPanel = 4 * laneBlock

// panelMeans computes the means of the features of the panel x.
func panelMeans(mean *[lanes]float32, x []float32) {
	switch {
	case path == pathPureGo || len(x) > longPanel:
		panelMeansGeneric(mean, x)
	case path == pathAVX512:
		panelMeansAVX512(mean, x, float32(len(x)/lanes))
	default:
		panelMeansAVX2(mean, x, float32(len(x)/lanes))
	}
}

// panelFactors is panelFactorsGeneric.
func panelFactors(r, mean *[lanes]float32, x []float32, epsilon float32) {
	switch {
	case path == pathPureGo || len(x) > longPanel:
		panelFactorsGeneric(r, mean, x, epsilon)
	case path == pathAVX512:
		panelFactorsAVX512(r, mean, x, float32(len(x)/lanes), epsilon)
	default:
		panelFactorsAVX2(r, mean, x, float32(len(x)/lanes), epsilon)
	}
}
