//go:build !purego

package runtime

import "testing"

// Feature bits of processors that exist, and of systems that save less than the processor has.
func TestPathOf(t *testing.T) {
	const (
		haswellC = 1<<12 | 1<<27 | 1<<28
		avx2B    = 1 << 5
		avx512B  = avx2B | 1<<16 | 1<<17 | 1<<30 | 1<<31
	)
	for _, c := range []struct {
		name        string
		top, c1, b7 uint32
		xcr0        uint32
		want        int
	}{
		{"Pentium 4", 5, 0, 0, 0, pathPureGo},
		{"Sandy Bridge: no FMA", 13, 1<<27 | 1<<28, 0, 7, pathPureGo},
		{"Haswell", 13, haswellC, avx2B, 7, pathAVX2},
		{"Haswell, no XSAVE enabled", 13, 1<<12 | 1<<28, avx2B, 0, pathPureGo},
		{"Haswell, YMM not saved", 13, haswellC, avx2B, 3, pathPureGo},
		{"Skylake-X", 22, haswellC, avx512B, 0xe7, pathAVX512},
		{"Skylake-X, ZMM not saved", 22, haswellC, avx512B, 7, pathAVX2},
		{"Knights Landing: no BW, DQ, VL", 22, haswellC, avx2B | 1<<16, 0xe7, pathAVX2},
	} {
		cpuid := func(leaf, sub uint32) (uint32, uint32, uint32, uint32) {
			switch leaf {
			case 0:
				return c.top, 0, 0, 0
			case 1:
				return 0, 0, c.c1, 0
			}
			return 0, c.b7, 0, 0
		}
		if got := pathOf(cpuid, func() uint32 { return c.xcr0 }); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, pathNames[got], pathNames[c.want])
		}
	}
}

func TestChoosePath(t *testing.T) {
	for _, c := range []struct {
		best int
		name string
		want int
	}{
		{pathAVX512, "", pathAVX512}, {pathAVX512, "avx2", pathAVX2}, {pathAVX512, "purego", pathPureGo},
		{pathAVX2, "avx512", pathAVX2}, {pathPureGo, "avx2", pathPureGo}, {pathAVX2, "sse", pathAVX2},
	} {
		if got := choosePath(c.best, c.name); got != c.want {
			t.Errorf("%s with SBTC_CPU=%s: %s", pathNames[c.best], c.name, pathNames[got])
		}
	}
}
