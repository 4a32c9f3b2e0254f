package lossy

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// sums are what errors and metrics of one value are made of. Added up in the order of samples they are the same
// whatever runs at once.
type sums struct {
	squares, reference float64 // of differences from the reference, and of the reference
	differ, of         float64 // elements of other types: those that differ, and all
	absolute, count    float64 // of differences, for metrics
}

func (s *sums) plus(t sums) {
	s.squares += t.squares
	s.reference += t.reference
	s.differ += t.differ
	s.of += t.of
	s.absolute += t.absolute
	s.count += t.count
}

// add compares got with want. Elements that are not finite in want have no distance and are left out.
func (s *sums) add(got, want *ir.Tensor) {
	if want.DType.IsFloat() && slices.Equal(got.Shape, want.Shape) {
		g := got.Floats()
		for i, w := range want.Floats() {
			if math.IsNaN(w) || math.IsInf(w, 0) {
				continue
			}
			d := g[i] - w
			if d != d {
				d = math.Inf(1)
			}
			s.squares += float64(d * d)
			s.reference += float64(w * w)
			s.absolute += math.Abs(d)
			s.count++
		}
		return
	}
	for i := range want.Len() {
		at := func(int) int { return i }
		s.of++
		if i >= got.Len() || ir.Agree(got.Gather(nil, at), want.Gather(nil, at), ir.Tolerance{}) != nil {
			s.differ++
		}
	}
}

// relative is the Euclidean norm of the differences over that of the reference; for other than floats the share of
// elements that differ.
func (s *sums) relative() float64 {
	if s.of > 0 {
		return s.differ / s.of
	}
	return ratio(math.Sqrt(s.squares), math.Sqrt(s.reference))
}

// largest is the largest relative error of several outputs.
func largest(outputs []sums) float64 {
	x := 0.0
	for i := range outputs {
		x = max(x, outputs[i].relative())
	}
	return x
}

// ratio is a/b, and 0 of nothing.
func ratio(a, b float64) float64 {
	if a == 0 {
		return 0
	}
	return a / b
}
