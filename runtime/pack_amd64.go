// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// packFeaturesAVX2 is packPanel for n a multiple of 8.
//
//go:noescape
func packFeaturesAVX2(panel, x []float32, rows *[lanes]int, n int)

// packFewAVX2 is packPanel for n from 1 to 7.
//
//go:noescape
func packFewAVX2(panel, x []float32, rows *[lanes]int, n int)

// unpackFeaturesAVX2 is unpackPanel for n a multiple of 8; of equal rows the first counts.
//
//go:noescape
func unpackFeaturesAVX2(x, panel []float32, rows *[lanes]int, n int)

// packBlock is how many features an assembly call has: it takes at most some 10 microseconds, in which the garbage
// collector cannot interrupt it.
const packBlock = 1 << 10

// packPanel writes a panel of n features, lane l from x[rows[l]] on.
func packPanel(panel, x []float32, rows *[lanes]int, n int) {
	done := 0
	for path != pathPureGo && n-done >= 8 {
		m := min((n-done)&^7, packBlock)
		packFeaturesAVX2(panel[done*lanes:], x[done:], rows, m)
		done += m
	}
	if done > 0 && done < n { // the last eight, some of them again
		packFeaturesAVX2(panel[(n-8)*lanes:], x[n-8:], rows, 8)
		done = n
	}
	if path != pathPureGo && done < n {
		packFewAVX2(panel, x, rows, n)
		return
	}
	packPanelGeneric(panel, x, rows, done, n)
}

// unpackPanel writes the rows of a panel, lane l from x[rows[l]] on.
func unpackPanel(x, panel []float32, rows *[lanes]int, n int) {
	done := 0
	for path != pathPureGo && n-done >= 8 {
		m := min((n-done)&^7, packBlock)
		unpackFeaturesAVX2(x[done:], panel[done*lanes:], rows, m)
		done += m
	}
	if done > 0 && done < n { // the last eight, some of them again
		unpackFeaturesAVX2(x[n-8:], panel[(n-8)*lanes:], rows, 8)
		done = n
	}
	unpackPanelGeneric(x, panel, rows, done, n)
}
