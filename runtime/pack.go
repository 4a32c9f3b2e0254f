// SPDX-License-Identifier: MIT-0

package runtime

// packPanels writes a row-major matrix of rows of n features as panels.
func packPanels(dst, src []float32, rows, n int) {
	for p := 0; p < rows; p += lanes {
		at := laneRows(p, rows, n)
		packPanel(dst[p*n:(p+lanes)*n], src, &at, n)
	}
}

// unpackPanels writes panels as a row-major matrix of rows of n features.
func unpackPanels(dst, src []float32, rows, n int) {
	for p := 0; p < rows; p += lanes {
		at := laneRows(p, rows, n)
		unpackPanel(dst, src[p*n:(p+lanes)*n], &at, n)
	}
}

// laneRows is where the rows of a panel that begins at row p lie; lanes beyond the last have that row.
func laneRows(p, rows, n int) (at [lanes]int) {
	for l := range at {
		at[l] = min(p+l, rows-1) * n
	}
	return at
}

// packPanelGeneric writes features first to n of a panel.
func packPanelGeneric(panel, x []float32, rows *[lanes]int, first, n int) {
	for l, at := range rows {
		for i := first; i < n; i++ {
			panel[i*lanes+l] = x[at+i]
		}
	}
}

// unpackPanelGeneric writes features first to n of the rows of a panel, of equal rows the first.
func unpackPanelGeneric(x, panel []float32, rows *[lanes]int, first, n int) {
	for l, at := range rows {
		if l > 0 && at == rows[l-1] {
			return
		}
		for i := first; i < n; i++ {
			x[at+i] = panel[i*lanes+l]
		}
	}
}
