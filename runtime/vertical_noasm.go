// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func vertical(dst, a, b, by []float32, p *verticalProduct, more bool) {
	verticalGeneric(dst, a, b, by, p, more)
}

func verticalWeights(e, inv []float32, scale float32, keys, rows, step int) {
	verticalWeightsGeneric(e, inv, scale, keys, rows, step)
}
