// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// packPanel writes a panel of n features, lane l from x[rows[l]] on.
func packPanel(panel, x []float32, rows *[lanes]int, n int) {
	packPanelGeneric(panel, x, rows, 0, n)
}

// unpackPanel writes the rows of a panel, lane l from x[rows[l]] on.
func unpackPanel(x, panel []float32, rows *[lanes]int, n int) {
	unpackPanelGeneric(x, panel, rows, 0, n)
}
