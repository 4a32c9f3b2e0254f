// SPDX-License-Identifier: MIT-0

package runtime

// sparseTiles are the weights of a k-row pattern in the order in which the code of a sparse layer reads them: of tiles of
// columns, as equal as can be and at most as wide as the code of the path has them, row by row. Three more follow, since
// the code loads four at once.
func sparseTiles(p pattern, values []float32, k, avx512, avx2 int) []float32 {
	width, n := avx2, len(p.ends)
	if path == pathAVX512 {
		width = avx512
	}
	out, next := make([]float32, len(values)+3), make([]int32, k) // where the next weight of a row goes
	tiles, at, begin := (n+width-1)/width, int32(0), int32(0)
	for t := range tiles {
		lo, hi := t*n/tiles, (t+1)*n/tiles
		clear(next)
		for _, c := range p.cells[begin:p.ends[hi-1]] {
			next[c>>1]++
		}
		for i, weights := range next {
			next[i] = at
			at += weights
		}
		for j := lo; j < hi; j++ {
			for i, c := range p.cells[begin:p.ends[j]] {
				out[next[c>>1]] = values[int(begin)+i]
				next[c>>1]++
			}
			begin = p.ends[j]
		}
	}
	return out
}
