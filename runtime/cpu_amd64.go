// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// cpuid executes CPUID for a leaf and subleaf.
//
//go:noescape
func cpuid(leaf, sub uint32) (a, b, c, d uint32)

// xgetbv reads the low half of XCR0: which registers the operating system saves.
//
//go:noescape
func xgetbv() uint32

// bestPath is the best path that the processor and the operating system support.
func bestPath() int { return pathOf(cpuid, xgetbv) }

// pathOf reads the feature bits (Intel SDM, volume 2A, CPUID; volume 1, section 13.3): AVX needs the state of the YMM
// registers saved, AVX-512 also that of the masks and of both halves of the ZMM registers.
func pathOf(cpuid func(leaf, sub uint32) (a, b, c, d uint32), xgetbv func() uint32) int {
	const (
		fma, osxsave, avx = 1 << 12, 1 << 27, 1 << 28       // leaf 1, ECX
		avx2              = 1 << 5                          // leaf 7, EBX
		avx512            = 1<<16 | 1<<17 | 1<<30 | 1<<31   // leaf 7, EBX: F, DQ, BW, VL
		ymm, zmm          = 1<<1 | 1<<2, 1<<5 | 1<<6 | 1<<7 // XCR0
	)
	if top, _, _, _ := cpuid(0, 0); top < 7 {
		return pathPureGo
	}
	_, _, c, _ := cpuid(1, 0)
	if c&(fma|osxsave|avx) != fma|osxsave|avx {
		return pathPureGo
	}
	saved := xgetbv()
	_, b, _, _ := cpuid(7, 0)
	switch {
	case saved&ymm != ymm || b&avx2 == 0:
		return pathPureGo
	case saved&zmm != zmm || b&avx512 != avx512:
		return pathAVX2
	}
	return pathAVX512
}
