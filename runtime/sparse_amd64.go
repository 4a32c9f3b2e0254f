// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

func sparsePanels(dst, src []float32, w *sparse, bias []float32, scratch []float64, panels, k, n int) {
	if path == pathPureGo {
		sparsePanelsGeneric(dst, src, w, bias, scratch, panels, k, n)
		return
	}
	_, _ = dst[panels*n*lanes-1], src[panels*k*lanes-1]
	if bias == nil {
		bias = w.start
	}
	shares := (panels + w.group - 1) / w.group
	for s := range shares {
		p, end := s*panels/shares, (s+1)*panels/shares
		start := &bias[:n][0]
		for i := range w.blocks {
			b := &w.blocks[i]
			for l := range b.lists {
				addLists(&b.lists[l], &dst[p*n*lanes], &src[(p*k+b.top)*lanes], start, end-p, 4*k*lanes, 4*n*lanes)
			}
			start = nil
		}
	}
}

// addLists continues the chains of m panels, for about sparseWork weights at a time; those of the first block begin with start.
func addLists(l *sparseLists, dst, src, start *float32, m, srcPanel, dstPanel int) {
	weights, groups := 0, 0
	for i := 0; i < len(l.runs); {
		n, w, g := 0, 0, 0
		for i+n < len(l.runs) && w < sparseWork {
			w += int(l.runs[i+n].weights*l.runs[i+n].groups) * l.width
			g += int(l.runs[i+n].groups)
			n++
		}
		rows, values := &l.rows[weights : weights+w+1][0], &l.values[weights : weights+w+1][0]
		cols := &l.cols[groups : groups+g*l.width][0]
		switch {
		case path == pathAVX512 && m == 4:
			sparseRuns4AVX512(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		case path == pathAVX512 && m == 3:
			sparseRuns3AVX512(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		case path == pathAVX512 && m == 2:
			sparseRuns2AVX512(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		case path == pathAVX512:
			sparseRuns1AVX512(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		case m == 4:
			sparseRuns4AVX2(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		case m == 3:
			sparseRuns3AVX2(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		case m == 2:
			sparseRuns2AVX2(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		default:
			sparseRuns1AVX2(dst, src, rows, values, cols, &l.runs[i].weights, start, l.width, n, srcPanel, dstPanel)
		}
		i, weights, groups = i+n, weights+w, groups+g*l.width
	}
}

// A sparseRuns<m> adds n runs of groups of width columns on m panels, which are srcPanel bytes apart in src and dstPanel bytes
// in dst. The chains begin with start[j] or, if that is nil, go on from dst:
//
//	for each run r, for each of its groups, for c := range width {
//		j := cols[c]
//		acc := start[j] // or dst[16*j+l]
//		for i := range r.weights {
//			acc = fma32(src[rows[width*i+c]/4+l], values[width*i+c], acc)
//		}
//		dst[16*j+l] = acc
//	} // then rows, values and cols go on to the next group

//go:noescape
func sparseRuns4AVX512(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)

//go:noescape
func sparseRuns3AVX512(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)

//go:noescape
func sparseRuns2AVX512(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)

//go:noescape
func sparseRuns1AVX512(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)

//go:noescape
func sparseRuns4AVX2(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)

//go:noescape
func sparseRuns3AVX2(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)

//go:noescape
func sparseRuns2AVX2(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)

//go:noescape
func sparseRuns1AVX2(dst, src *float32, rows *uint16, values *float32, cols *uint32, runs *uint32, start *float32, width, n, srcPanel, dstPanel int)
