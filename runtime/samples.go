// SPDX-License-Identifier: MIT-0

package runtime

// packSamples is packPanels for n samples that have panels of their own.
func packSamples(dst, src []float32, n, rows, features int) {
	room := (rows + lanes - 1) / lanes * lanes * features
	for b := range n {
		packPanels(dst[b*room:(b+1)*room], src[b*rows*features:(b+1)*rows*features], rows, features)
	}
}

// unpackSamples is unpackPanels for n samples that have panels of their own.
func unpackSamples(dst, src []float32, n, rows, features int) {
	room := (rows + lanes - 1) / lanes * lanes * features
	for b := range n {
		unpackPanels(dst[b*rows*features:(b+1)*rows*features], src[b*room:(b+1)*room], rows, features)
	}
}
