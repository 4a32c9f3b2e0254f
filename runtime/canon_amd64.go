// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

//go:noescape
func canonNaN32AVX2(x []float32)

//go:noescape
func canonNaN32AVX512(x []float32)

// canonNaN32 gives every NaN the bits 0x7fc00000.
func canonNaN32(x []float32) {
	if path == pathPureGo {
		canonNaN32Generic(x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), 1<<15) // an assembly call cannot be interrupted by the garbage collector
		if path == pathAVX512 {
			canonNaN32AVX512(x[:n])
		} else {
			canonNaN32AVX2(x[:n])
		}
		x = x[n:]
	}
}
