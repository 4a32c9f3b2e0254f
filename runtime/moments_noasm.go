// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// panelMeans computes the means of the features of the panel x.
func panelMeans(mean *[lanes]float32, x []float32) { panelMeansGeneric(mean, x) }

// panelFactors is panelFactorsGeneric.
func panelFactors(r, mean *[lanes]float32, x []float32, epsilon float32) {
	panelFactorsGeneric(r, mean, x, epsilon)
}
