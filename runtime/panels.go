// SPDX-License-Identifier: MIT-0

package runtime

// copyLastRow makes the lanes beyond the last row of panels of n features copies of that row.
func copyLastRow(x []float32, rows, n int) {
	last := rows % lanes
	if last == 0 {
		return
	}
	panel := x[rows/lanes*n*lanes:]
	for i := range n {
		p := (*[lanes]float32)(panel[i*lanes:])
		for l := last; l < lanes; l++ {
			p[l] = p[last-1]
		}
	}
}
