// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func ternaryPanels(dst, src []float32, w *signs, scale, bias []float32, panels, k, n int) {
	ternaryPanelsGeneric(dst, src, w, scale, bias, panels, k, n)
}

func ternaryRows(dst, src []float32, w *signs, scale, bias []float32, rows, k, n int) {
	ternaryRowsGeneric(dst, src, w, scale, bias, rows, k, n)
}

func sparsePanels(dst, src []float32, w *sparse, bias []float32, scratch []float64, panels, k, n int) {
	sparsePanelsGeneric(dst, src, w, bias, scratch, panels, k, n)
}

func sparseRows(dst, src []float32, w *sparse, bias []float32, rows, k, n int) {
	sparseRowsGeneric(dst, src, w, bias, rows, k, n)
}
