// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func termPanels(dst, src []float32, w *terms, scale, bias, tab []float32, panels, k, n int) {
	termPanelsGeneric(dst, src, w, scale, bias, tab, panels, k, n)
}
