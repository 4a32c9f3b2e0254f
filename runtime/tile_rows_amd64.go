// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// Tiles of chains acc = fma(x, w, acc), k steps each, in float32. A tile begins with bias or, where that is nil, goes on
// from what dst holds; it writes dst once. All pointers must have room for the whole tile.

// A rowTile<m>x<n> has m rows and n columns. The distances are in bytes:
//
//	for r := range m {
//		for c := range n {
//			acc := bias[c]
//			for i := range k {
//				acc = fma32(src[xRow/4*r+xStep/4*i], w[wStep/4*i+c], acc)
//			}
//			dst[dstRow/4*r+c] = acc
//		}
//	}

// tileRows is the most rows of a tile.
const tileRows = 6

// rowsOfTile is how many of rows the next tile takes.
func rowsOfTile(rows int) int {
	if path == pathAVX512 {
		return min(rows, 6)
	}
	return min(rows, 3)
}

// rowTiles runs the chains of m rows, at most rowsOfTile, by n columns, a multiple of 16 up to 64; the distances are in
// elements.
func rowTiles(dst, src, w []float32, bias *[rowColumns]float32, m, k, n, xStep, xRow, wStep, dstRow int) {
	_, _, _ = dst[(m-1)*dstRow+n-1], src[(m-1)*xRow+(k-1)*xStep], w[(k-1)*wStep+n-1]
	for j := 0; j < n; {
		b := (*float32)(nil)
		if bias != nil {
			b = &bias[j]
		}
		d, x, v := &dst[j], &src[0], &w[j]
		if path == pathAVX512 {
			j += rowTileAVX512(d, x, v, b, m, k, n-j, 4*xStep, 4*xRow, 4*wStep, 4*dstRow)
		} else {
			j += rowTileAVX2(d, x, v, b, m, k, n-j, 4*xStep, 4*xRow, 4*wStep, 4*dstRow)
		}
	}
}

// rowTileAVX512 runs the widest tile that fits n columns and returns its width.
func rowTileAVX512(d, x, w, b *float32, m, k, n, xStep, xRow, wStep, dstRow int) int {
	switch {
	case n >= 64:
		switch m {
		case 1:
			rowTile1x64AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 2:
			rowTile2x64AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 3:
			rowTile3x64AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 4:
			rowTile4x64AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 5:
			rowTile5x64AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 6:
			rowTile6x64AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		}
		return 64
	case n >= 32:
		switch m {
		case 1:
			rowTile1x32AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 2:
			rowTile2x32AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 3:
			rowTile3x32AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 4:
			rowTile4x32AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 5:
			rowTile5x32AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 6:
			rowTile6x32AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		}
		return 32
	default:
		switch m {
		case 1:
			rowTile1x16AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 2:
			rowTile2x16AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 3:
			rowTile3x16AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 4:
			rowTile4x16AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 5:
			rowTile5x16AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 6:
			rowTile6x16AVX512(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		}
		return 16
	}
}

// rowTileAVX2 runs the widest tile that fits n columns and returns its width.
func rowTileAVX2(d, x, w, b *float32, m, k, n, xStep, xRow, wStep, dstRow int) int {
	switch {
	case n >= 64 && m == 1:
		rowTile1x64AVX2(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		return 64
	case n >= 32:
		switch m {
		case 1:
			rowTile1x32AVX2(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 2:
			rowTile2x32AVX2(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 3:
			rowTile3x32AVX2(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		}
		return 32
	default:
		switch m {
		case 1:
			rowTile1x16AVX2(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 2:
			rowTile2x16AVX2(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		case 3:
			rowTile3x16AVX2(d, x, w, b, k, xStep, xRow, wStep, dstRow)
		}
		return 16
	}
}

//go:noescape
func rowTile1x64AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile1x32AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile1x16AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile2x64AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile2x32AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile2x16AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile3x64AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile3x32AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile3x16AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile4x64AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile4x32AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile4x16AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile5x64AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile5x32AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile5x16AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile6x64AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile6x32AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile6x16AVX512(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile1x32AVX2(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile1x16AVX2(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile2x32AVX2(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile2x16AVX2(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile3x32AVX2(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile3x16AVX2(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)

//go:noescape
func rowTile1x64AVX2(dst, src, w, bias *float32, k, xStep, xRow, wStep, dstRow int)
