package main

import (
	"strings"

	"github.com/sbtc-go/sbtc/ir/low"
)

// amd64 and noasm choose the implementation of a function F on slices. An assembly call takes at most some 50
// microseconds: the garbage collector cannot interrupt it.
const (
	amd64 = `//go:build !purego

package runtime

//go:noescape
func F32AVX2(dst, src []float32)

//go:noescape
func F32AVX512(dst, src []float32)

// F32Slice computes dst[i] = F32(src[i]); dst may be src.
func F32Slice(dst, src []float32) {
	dst = dst[:len(src)]
	if path == pathPureGo {
		F32SliceGeneric(dst, src)
		return
	}
	for len(src) > 0 {
		n := min(len(src), 1<<14)
		if path == pathAVX512 {
			F32AVX512(dst[:n], src[:n])
		} else {
			F32AVX2(dst[:n], src[:n])
		}
		dst, src = dst[n:], src[n:]
	}
}
`
	noasm = `//go:build !amd64 || purego

package runtime

// F32Slice computes dst[i] = F32(src[i]); dst may be src.
func F32Slice(dst, src []float32) { F32SliceGeneric(dst, src) }
`
)

func dispatch(text string, s *low.Sequence) string {
	return strings.ReplaceAll(text, "F32", s.Name+"32")
}
