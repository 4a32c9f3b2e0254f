// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// listWork is about how many weights times panels one call of a list kernel takes, so that none lasts long.
const listWork = 1 << 15

// listColumns is how many columns from j on have at most listWork/panels weights, at least one. The list of column j
// ends at ends[per·(j+1)-1].
func listColumns(ends []int32, per, j, panels int) int {
	from, n := listBegin(ends, per, j), 1
	for per*(j+n+1) <= len(ends) && (int(ends[per*(j+n+1)-1])-from)*panels <= listWork {
		n++
	}
	return n
}

// listBegin is where the list of column j begins.
func listBegin(ends []int32, per, j int) int {
	if j == 0 {
		return 0
	}
	return int(ends[per*j-1])
}

// listPanels is how many of panels with k features a list kernel takes at once: a power of two, more for short lists.
func listPanels(panels, k int) int {
	switch {
	case panels >= 4 && k <= 128: // which fit in the cache of a core
		return 4
	case panels >= 2:
		return 2
	}
	return 1
}

func ternaryPanels(dst, src []float32, w *signs, scale, bias []float32, panels, k, n int) {
	if path == pathPureGo || len(w.rows) == 0 {
		ternaryPanelsGeneric(dst, src, w, scale, bias, panels, k, n)
		return
	}
	_, _, _ = dst[panels*n*lanes-1], src[panels*k*lanes-1], scale[n-1]
	for p := 0; p < panels; {
		m := listPanels(panels-p, k)
		x := &src[p*k*lanes]
		for j := 0; j < n; {
			c := listColumns(w.ends, 2, j, m)
			y, begin, b := &dst[(p*n+j)*lanes], listBegin(w.ends, 2, j), (*float32)(nil)
			if bias != nil {
				b = &bias[j]
			}
			switch {
			case path == pathAVX512 && m == 4:
				ternaryList4AVX512(y, x, &w.rows[0], &w.ends[2*j], &scale[j], b, begin, c, 4*k*lanes, 4*n*lanes)
			case path == pathAVX512 && m == 2:
				ternaryList2AVX512(y, x, &w.rows[0], &w.ends[2*j], &scale[j], b, begin, c, 4*k*lanes, 4*n*lanes)
			case path == pathAVX512:
				ternaryList1AVX512(y, x, &w.rows[0], &w.ends[2*j], &scale[j], b, begin, c, 4*k*lanes, 4*n*lanes)
			case m == 4:
				ternaryList4AVX2(y, x, &w.rows[0], &w.ends[2*j], &scale[j], b, begin, c, 4*k*lanes, 4*n*lanes)
			case m == 2:
				ternaryList2AVX2(y, x, &w.rows[0], &w.ends[2*j], &scale[j], b, begin, c, 4*k*lanes, 4*n*lanes)
			default:
				ternaryList1AVX2(y, x, &w.rows[0], &w.ends[2*j], &scale[j], b, begin, c, 4*k*lanes, 4*n*lanes)
			}
			j += c
		}
		p += m
	}
}

func ternaryRows(dst, src []float32, w *signs, scale, bias []float32, rows, k, n int) {
	if path == pathPureGo || len(w.rows) == 0 {
		ternaryRowsGeneric(dst, src, w, scale, bias, rows, k, n)
		return
	}
	_, _, _ = dst[rows*n-1], src[rows*k-1], scale[n-1]
	for r := range rows {
		for j := 0; j < n; {
			c, b := listColumns(w.ends, 2, j, 1), (*float32)(nil)
			if bias != nil {
				b = &bias[j]
			}
			ternaryRowAVX2(&dst[r*n+j], &src[r*k], &w.rows[0], &w.ends[2*j], &scale[j], b, listBegin(w.ends, 2, j), c)
			j += c
		}
	}
}

func sparseRows(dst, src []float32, w *sparse, bias []float32, rows, k, n int) {
	if path == pathPureGo || len(w.rows) == 0 {
		sparseRowsGeneric(dst, src, w, bias, rows, k, n)
		return
	}
	_, _ = dst[rows*n-1], src[rows*k-1]
	for r := range rows {
		for j := 0; j < n; {
			c, b := listColumns(w.ends, 1, j, 1), (*float32)(nil)
			if bias != nil {
				b = &bias[j]
			}
			sparseRowAVX2(&dst[r*n+j], &src[r*k], &w.rows[0], &w.narrow[0], &w.ends[j], b, listBegin(w.ends, 1, j), c)
			j += c
		}
	}
}

// A ternaryList<m> computes n columns on m panels, which are srcPanel bytes apart in src and dstPanel bytes in dst. The
// arguments point to the first column; begin is where its list begins in rows, and ends are those of [signs].
//
//	for j := range n {
//		acc := the sum of src[16*rows[i]+l] for i from begin to ends[2*j], less that from there to ends[2*j+1]
//		dst[16*j+l] = fma32(scale[j], acc, bias[j]) // or scale[j]*acc for a nil bias
//		begin = ends[2*j+1]
//	}

//go:noescape
func ternaryList4AVX512(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func ternaryList2AVX512(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func ternaryList1AVX512(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func ternaryList4AVX2(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func ternaryList2AVX2(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)

//go:noescape
func ternaryList1AVX2(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n, srcPanel, dstPanel int)

// ternaryRowAVX2 computes n columns of one row.
//
//go:noescape
func ternaryRowAVX2(dst, src *float32, rows *uint16, ends *int32, scale, bias *float32, begin, n int)

// sparseRowAVX2 is the same for the chains of [sparse]: acc = fma32(src[rows[i]], values[i], acc) for i from begin to ends[j],
// from bias[j] or +0.
//
//go:noescape
func sparseRowAVX2(dst, src *float32, rows *uint16, values *float32, ends *int32, bias *float32, begin, n int)
