// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// termPanels multiplies two panels at a time where tab holds their tables.
func termPanels(dst, src []float32, w *terms, scale, bias, tab []float32, panels, k, n int) {
	if path == pathPureGo {
		termPanelsGeneric(dst, src, w, scale, bias, tab, panels, k, n)
		return
	}
	_, _, _, _ = dst[panels*n*lanes-1], src[panels*k*lanes-1], scale[n-1], tab[w.room*lanes-1]
	room := w.room * lanes
	for p := 0; p < panels; {
		m := 1
		if panels-p > 1 && len(tab) >= 2*room {
			m = 2
		}
		top := -1
		for i := range w.blocks {
			b := &w.blocks[i]
			for q := range m {
				t := tab[q*room : (q+1)*room]
				if b.top != top {
					termRowsOf(t, &src[((p+q)*k+b.top)*lanes], b.end-b.top)
				}
				termSumsOf(t, b)
			}
			top = b.top
			if len(b.cells) == 0 {
				w.empty(b, dst[p*n*lanes:], scale, bias, m, k, n)
				continue
			}
			for j := b.lo; j < b.hi; {
				c := j - b.lo
				columns := listColumns(b.ends, 1, c, m)
				var start, s, a *float32
				if b.top == 0 {
					start = &w.start[j]
				}
				if b.end == k {
					if s = &scale[j]; bias != nil {
						a = &bias[j]
					}
				}
				y, begin := &dst[(p*n+j)*lanes], listBegin(b.ends, 1, c)
				switch {
				case path == pathAVX512 && m == 2:
					termList2AVX512(y, &tab[0], &b.cells[0], &b.ends[c], start, s, a, begin, columns, 4*room, 4*n*lanes)
				case path == pathAVX512:
					termList1AVX512(y, &tab[0], &b.cells[0], &b.ends[c], start, s, a, begin, columns, 4*room, 4*n*lanes)
				case m == 2:
					termList2AVX2(y, &tab[0], &b.cells[0], &b.ends[c], start, s, a, begin, columns, 4*room, 4*n*lanes)
				default:
					termList1AVX2(y, &tab[0], &b.cells[0], &b.ends[c], start, s, a, begin, columns, 4*room, 4*n*lanes)
				}
				j += columns
			}
		}
		p += m
	}
}

// empty does for a block without weights what is left to do on m panels of dst: begin the sums, or end them.
func (w *terms) empty(b *termBlock, dst, scale, bias []float32, m, k, n int) {
	for q := range m {
		y := dst[q*n*lanes : (q+1)*n*lanes]
		for j := b.lo; b.top == 0 && j < b.hi; j++ {
			for l := range lanes {
				y[j*lanes+l] = w.start[j]
			}
		}
		if b.end == k {
			rest := bias
			if bias != nil {
				rest = bias[b.lo:b.hi]
			}
			scalePanel(y[b.lo*lanes:b.hi*lanes], scale[b.lo:b.hi], rest)
		}
	}
}

// termRowsOf fills in the entries of n rows.
func termRowsOf(tab []float32, x *float32, n int) {
	if path == pathAVX512 {
		termTableAVX512(&tab[0], x, n)
	} else {
		termTableAVX2(&tab[0], x, n)
	}
}

// termSumsOf fills in the entries of a block's sums.
func termSumsOf(tab []float32, b *termBlock) {
	if len(b.sums) == 0 {
		return
	}
	to := &tab[2*(b.end-b.top)*lanes]
	if path == pathAVX512 {
		termSumsAVX512(&tab[0], to, &b.sums[0], len(b.sums))
	} else {
		termSumsAVX2(&tab[0], to, &b.sums[0], len(b.sums))
	}
}

// termTable stores n > 0 rows x[16*i+l] as tab[32*i+l], and their negatives as tab[32*i+16+l].
//
//go:noescape
func termTableAVX512(tab, x *float32, n int)

//go:noescape
func termTableAVX2(tab, x *float32, n int)

// termSums stores n > 0 sums of rows sums[i][0] and sums[i][1] of tab, and their negatives, from to on.
//
//go:noescape
func termSumsAVX512(tab, to *float32, sums *[2]uint16, n int)

//go:noescape
func termSumsAVX2(tab, to *float32, sums *[2]uint16, n int)

// A termList<m> computes n columns on m panels, whose tables are srcPanel bytes apart in src; dst is dstPanel bytes apart.
// The arguments point to the first column; begin is where its list begins in rows.
//
//	for j := range n {
//		acc := start[j], or for a nil start dst[16*j+l], and src[16*rows[i]+l] for i from begin to ends[j]
//		dst[16*j+l] = fma32(scale[j], acc, bias[j]), or scale[j]*acc for a nil bias, or acc for a nil scale
//		begin = ends[j]
//	}

//go:noescape
func termList2AVX512(dst, src *float32, rows *uint16, ends *int32, start, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func termList1AVX512(dst, src *float32, rows *uint16, ends *int32, start, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func termList2AVX2(dst, src *float32, rows *uint16, ends *int32, start, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func termList1AVX2(dst, src *float32, rows *uint16, ends *int32, start, scale, bias *float32, begin, n, srcPanel, dstPanel int)
