// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// chunk is the number of steps of a chain that one call of a tile takes, so that none lasts long.
const chunk = 4096

// densePanels multiplies panels of k features by a matrix packed with newPanelMatrix, from bias (nil: zeros). Scratch holds
// 16·k elements, which only pure Go uses.
func densePanels(dst, src []float32, w denseMatrix, bias []float32, scratch []float64, panels, k, n int) {
	if path == pathPureGo {
		densePanelsGeneric(dst, src, w.wide, bias, scratch, panels, k, n)
		return
	}
	var tail [panelColumns * lanes]float32
	for j := 0; j < n; j += panelColumns {
		cols := min(panelColumns, n-j)
		step := (cols + panelUnit - 1) / panelUnit * panelUnit
		wj := w.narrow[j*k : (j+step)*k]
		var b [panelColumns]float32
		if bias != nil {
			copy(b[:cols], bias[j:])
		}
		p := 0
		for m := panelsOfTile(panels); m > 1 && cols == step && k <= tiledRows; m = panelsOfTile(panels - p) {
			_, _ = src[(p+m)*k*lanes-1], dst[((p+m-1)*n+j+cols)*lanes-1]
			start := &b
			for i := 0; i < k; i += chunk {
				panelTiles(dst[(p*n+j)*lanes:], &src[(p*k+i)*lanes], wj[i*step:], start, m, min(chunk, k-i), step, 4*k*lanes, 4*n*lanes)
				start = nil
			}
			p += m
		}
		for ; p < panels; p++ {
			x, y := src[p*k*lanes:(p+1)*k*lanes], dst[(p*n+j)*lanes:(p*n+j+cols)*lanes]
			t := y
			if cols < step {
				t = tail[:step*lanes]
			}
			start := &b
			for i := 0; i < k; i += chunk {
				panelTile(t, x[i*lanes:], wj[i*step:], start, min(chunk, k-i), step)
				start = nil
			}
			if cols < step {
				copy(y, t)
			}
		}
	}
}

// tiledRows is the most rows of a matrix for tiles of several panels: they read a block of columns several times, of which the
// rows have to be in the first cache.
const tiledRows = 256

// panelsOfTile is how many of panels the next tiles take.
func panelsOfTile(panels int) int {
	switch {
	case path != pathAVX512 || panels < 2:
		return 1
	case panels == 2 || panels == 4:
		return 2
	}
	return 3
}

// panelTiles runs the chains of a block of n columns, 8, 16 or 24, for m panels, from bias; nil: from dst.
func panelTiles(dst []float32, src *float32, w []float32, bias *[panelColumns]float32, m, k, n, srcPanel, dstPanel int) {
	_ = w[k*n-1]
	for j := 0; j < n; {
		b, d := (*float32)(nil), &dst[j*lanes]
		if bias != nil {
			b = &bias[j]
		}
		switch {
		case m == 3:
			panelTile3x8AVX512(d, src, &w[j], b, k, 4*n, srcPanel, dstPanel)
			j += 8
		case n == 24:
			panelTile2x12AVX512(d, src, &w[j], b, k, 4*n, srcPanel, dstPanel)
			j += 12
		default:
			panelTile2x8AVX512(d, src, &w[j], b, k, 4*n, srcPanel, dstPanel)
			j += 8
		}
	}
}

// panelTile runs the chains of a block of n columns, 8, 16 or 24, for a panel, from bias; nil: from dst.
func panelTile(dst, src, w []float32, bias *[panelColumns]float32, k, n int) {
	_, _, _ = dst[n*lanes-1], src[k*lanes-1], w[k*n-1]
	if path == pathAVX512 {
		b := (*float32)(nil)
		if bias != nil {
			b = &bias[0]
		}
		switch n {
		case 24:
			panelTile24AVX512(&dst[0], &src[0], &w[0], b, k, 4*n)
		case 16:
			panelTile16AVX512(&dst[0], &src[0], &w[0], b, k, 4*n)
		case 8:
			panelTile8AVX512(&dst[0], &src[0], &w[0], b, k, 4*n)
		}
		return
	}
	for j := 0; j < n; {
		b := (*float32)(nil)
		if bias != nil {
			b = &bias[j]
		}
		if (n-j)%6 != 0 {
			panelTile4AVX2(&dst[j*lanes], &src[0], &w[j], b, k, 4*n)
			j += 4
		} else {
			panelTile6AVX2(&dst[j*lanes], &src[0], &w[j], b, k, 4*n)
			j += 6
		}
	}
}

// denseRows multiplies row-major rows by a matrix packed with newRowMatrix, from bias (nil: zeros).
func denseRows(dst, src []float32, w denseMatrix, bias []float32, rows, k, n int) {
	if path == pathPureGo {
		denseRowsGeneric(dst, src, w.wide, bias, rows, k, n)
		return
	}
	var tail [tileRows * rowColumns]float32
	for j := 0; j < n; j += rowColumns {
		cols := min(rowColumns, n-j)
		step := (cols + rowUnit - 1) / rowUnit * rowUnit
		wj := w.narrow[j*k : (j+step)*k]
		var b [rowColumns]float32
		if bias != nil {
			copy(b[:cols], bias[j:])
		}
		for r := 0; r < rows; {
			m := rowsOfTile(rows - r)
			t, tRow := dst[r*n+j:], n
			if cols < step {
				t, tRow = tail[:], step
			}
			start := &b
			for i := 0; i < k; i += chunk {
				rowTiles(t, src[r*k+i:], wj[i*step:], start, m, min(chunk, k-i), step, 1, k, step, tRow)
				start = nil
			}
			if cols < step {
				for i := range m {
					copy(dst[(r+i)*n+j:(r+i)*n+n], t[i*step:])
				}
			}
			r += m
		}
	}
}
