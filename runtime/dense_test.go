package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// filled is n floats that no sum of products rounds specially.
func filled(n int) []float32 {
	x := make([]float32, n)
	s := uint32(1)
	for i := range x {
		s = s*1664525 + 1013904223
		x[i] = float32(int32(s)) * 0x1p-31
	}
	return x
}

func benchDense(b *testing.B, k, n int) {
	w := newPanelMatrix(filled(k*n), k, n)
	src, dst, scratch := filled(6*k*lanes), make([]float32, 6*n*lanes), make([]float64, k*lanes)
	for b.Loop() {
		densePanels(dst, src, w, nil, scratch, 6, k, n)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(k*n*96), "ns/mac")
}

func BenchmarkDense64x256(b *testing.B)  { benchDense(b, 64, 256) }
func BenchmarkDense512x512(b *testing.B) { benchDense(b, 512, 512) }

func benchLists(b *testing.B, k, n, panels int, density float64, run func(dst, src []float32, w *signs, v *sparse, scale []float32)) {
	p := listed(rand.New(rand.NewPCG(1, 2)), k, n, density)
	w, v := newSigns(p), newSparse(p, filled(len(p.cells)), panels, k)
	scale := filled(n)
	src, dst := filled((panels*lanes+1)*k), make([]float32, (panels*lanes+1)*n)
	for b.Loop() {
		run(dst, src, &w, &v, scale)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(w.rows)*max(1, panels)), "ns/nz")
}

func BenchmarkLists(b *testing.B) {
	for _, s := range [][2]int{{64, 256}, {512, 512}} {
		for _, d := range []float64{0.1, 0.5} {
			for _, panels := range []int{1, 2, 6} {
				name := fmt.Sprintf("%dx%d/d=%v/panels=%d", s[0], s[1], d, panels)
				b.Run("ternary/"+name, func(b *testing.B) {
					benchLists(b, s[0], s[1], panels, d, func(dst, src []float32, w *signs, v *sparse, scale []float32) {
						ternaryPanels(dst, src, w, scale, scale, panels, s[0], s[1])
					})
				})
				b.Run("sparse/"+name, func(b *testing.B) {
					scratch := make([]float64, s[0]*lanes)
					benchLists(b, s[0], s[1], panels, d, func(dst, src []float32, w *signs, v *sparse, scale []float32) {
						sparsePanels(dst, src, v, scale, scratch, panels, s[0], s[1])
					})
				})
			}
			b.Run(fmt.Sprintf("rows/%dx%d/d=%v", s[0], s[1], d), func(b *testing.B) {
				benchLists(b, s[0], s[1], 0, d, func(dst, src []float32, w *signs, v *sparse, scale []float32) {
					sparseRows(dst, src, v, scale, 1, s[0], s[1])
				})
			})
		}
	}
}

func BenchmarkGelu(b *testing.B) {
	x := filled(4096)
	y := make([]float32, len(x))
	for b.Loop() {
		gelu32Slice(y, x)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/elem")
}

func BenchmarkExpneg(b *testing.B) {
	x := filled(4096)
	for i := range x {
		x[i] = -8 * x[i] * x[i]
	}
	y := make([]float32, len(x))
	for b.Loop() {
		expneg32Slice(y, x)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/elem")
}
