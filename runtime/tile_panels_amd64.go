// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// Tiles of chains acc = fma(x, w, acc), k steps each, in float32. A tile begins with bias or, where that is nil, goes on
// from what dst holds; it writes dst once. All pointers must have room for the whole tile.

// A panelTile<n> has n columns in every lane of a panel. The steps of src and the columns of dst are 64 bytes apart:
//
//	for c := range n {
//		for l := range 16 {
//			acc := bias[c]
//			for i := range k {
//				acc = fma32(src[16*i+l], w[wStep/4*i+c], acc)
//			}
//			dst[16*c+l] = acc
//		}
//	}

//go:noescape
func panelTile24AVX512(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func panelTile16AVX512(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func panelTile8AVX512(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func panelTile6AVX2(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func panelTile4AVX2(dst, src, w, bias *float32, k, wStep int)

// A panelTile<p>x<n> is a panelTile<n> on p panels, which are srcPanel bytes apart in src and dstPanel bytes in dst.

//go:noescape
func panelTile3x8AVX512(dst, src, w, bias *float32, k, wStep, srcPanel, dstPanel int)

//go:noescape
func panelTile2x12AVX512(dst, src, w, bias *float32, k, wStep, srcPanel, dstPanel int)

//go:noescape
func panelTile2x8AVX512(dst, src, w, bias *float32, k, wStep, srcPanel, dstPanel int)

// A keyTile<n> is a panelTile<n> whose weights are in a panel too: those of column c are at w[wStep/4*i+16*c].

//go:noescape
func keyTile16AVX512(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func keyTile8AVX512(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func keyTile4AVX512(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func keyTile1AVX512(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func keyTile4AVX2(dst, src, w, bias *float32, k, wStep int)

//go:noescape
func keyTile1AVX2(dst, src, w, bias *float32, k, wStep int)
