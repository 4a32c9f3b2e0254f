// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func densePanels(dst, src []float32, w denseMatrix, bias []float32, scratch []float64, panels, k, n int) {
	densePanelsGeneric(dst, src, w.wide, bias, scratch, panels, k, n)
}

func denseRows(dst, src []float32, w denseMatrix, bias []float32, rows, k, n int) {
	denseRowsGeneric(dst, src, w.wide, bias, rows, k, n)
}
