package runtime

import (
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

func BenchmarkTernary64x256(b *testing.B) {
	const k, n = 64, 256
	w := &signs{}
	for j := range n {
		for i := range k {
			if (i*7+j*13)%10 == 0 {
				w.rows = append(w.rows, uint16(i))
			}
			if i == k/2 || i == k-1 {
				w.ends = append(w.ends, int32(len(w.rows)))
			}
		}
		_ = j
	}
	scale := filled(n)
	src, dst := filled(6*k*lanes), make([]float32, 6*n*lanes)
	for b.Loop() {
		ternaryPanels(dst, src, w, scale, scale, 6, k, n)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(w.rows)*96), "ns/nz")
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
