package runtime

import (
	"math/rand/v2"
	"testing"
)

// Sums that are scaled are as the layer itself would scale them.
func TestScaledPanels(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 1))
		for n := 1; n < 150; n += 1 + n/9 {
			panels := 1 + n%3
			src, scale := mixed(r, panels*n*lanes), mixed(r, n)
			for _, bias := range [][]float32{nil, mixed(r, n)} {
				want := make([]float32, len(src))
				for i, v := range src {
					if j := i / lanes % n; bias == nil {
						want[i] = scale[j] * v
					} else {
						want[i] = fma32(scale[j], v, bias[j])
					}
				}
				dst, check := guarded(t, len(src), n%9)
				scaledPanels(dst, src, scale, bias, panels, n)
				equalBits(t, dst, want)
				copy(dst, src)
				scaledPanels(dst, dst, scale, bias, panels, n)
				equalBits(t, dst, want)
				check()
			}
		}
	})
}
