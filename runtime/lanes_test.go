package runtime

import (
	"math/rand/v2"
	"testing"
)

// TestLanes has every length up to several blocks of the assembly, misaligned, in place and not.
func TestLanes(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 1))
		for n := range 150 {
			for _, values := range []func(*rand.Rand, int) []float32{finite, mixed} {
				testLanes(t, r, n, values)
			}
		}
	})
}

func testLanes(t *testing.T, r *rand.Rand, n int, values func(*rand.Rand, int) []float32) {
	x, check := guarded(t, n, n%13)
	copy(x, values(r, n))
	state := func() [lanes]float32 { return [lanes]float32(values(r, lanes)) }
	accumulate := func(name string, f func(acc *[lanes]float32), generic func(acc *[lanes]float32), start [lanes]float32) {
		t.Helper()
		got, want := start, start
		f(&got)
		generic(&want)
		for l := range got {
			if name == "max" && got[l] == want[l] { // zeros may differ in sign
				got[l] = want[l]
			}
		}
		equalBits(t, got[:], want[:])
	}
	var zero [lanes]float32
	mean, scale := state(), state()
	accumulate("sum", func(a *[lanes]float32) { laneSum(a, x) }, func(a *[lanes]float32) { laneSumGeneric(a, x) }, zero)
	accumulate("max", func(a *[lanes]float32) { laneMax(a, x) }, func(a *[lanes]float32) { laneMaxGeneric(a, x) }, everyLane(-inf32))
	accumulate("squares", func(a *[lanes]float32) { laneSquares(a, &mean, x) }, func(a *[lanes]float32) { laneSquaresGeneric(a, &mean, x) }, zero)

	dst, checkDst := guarded(t, n, n%7)
	want := make([]float32, n)
	both := func(f, generic func(dst, src []float32)) {
		t.Helper()
		generic(want, x)
		f(dst, x)
		equalBits(t, dst, want)
		copy(dst, x)
		f(dst, dst)
		equalBits(t, dst, want)
		checkDst()
	}
	var sum, sumGeneric [lanes]float32
	both(func(dst, src []float32) { sum = zero; laneExp(dst, src, &mean, &sum) },
		func(dst, src []float32) { laneExpGeneric(dst, src, &mean, &sumGeneric) })
	equalBits(t, sum[:], sumGeneric[:])
	both(func(dst, src []float32) { laneScale(dst, src, &mean, &scale) },
		func(dst, src []float32) { laneScaleGeneric(dst, src, &mean, &scale) })
	w, b := values(r, n), values(r, n)
	for _, b := range [][]float32{nil, b} {
		both(func(dst, src []float32) { laneScaleRow(dst, src, w, b, &mean, &scale) },
			func(dst, src []float32) { laneScaleRowGeneric(dst, src, w, b, &mean, &scale) })
		if n%lanes == 0 {
			f := n / lanes
			if b != nil {
				b = b[:f:f]
			}
			both(func(dst, src []float32) { laneScalePanel(dst, src, w[:f:f], b, &mean, &scale) },
				func(dst, src []float32) { laneScalePanelGeneric(dst, src, w[:f:f], b, &mean, &scale) })
		}
	}
	check()
}

// TestLongLanes has more than an assembly call takes.
func TestLongLanes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	const n = 1<<14 + 33
	x := finite(r, 2*lanes*n)
	w, b := finite(r, n), finite(r, n)
	scratch := make([]float32, n)
	runs := []func(dst []float32){
		func(dst []float32) { softmaxRows(dst[:2*n], x[:2*n], n) },
		func(dst []float32) { logsoftmaxRows(dst[:2*n], x[:2*n], scratch, n) },
		func(dst []float32) { layernormRows(dst[:2*n], x[:2*n], w, b, n, 1e-5) },
		func(dst []float32) { rmsnormRows(dst[:2*n], x[:2*n], w, nil, n, 1e-5) },
		func(dst []float32) { softmaxPanels(dst, x, n) },
		func(dst []float32) { logsoftmaxPanels(dst, x, n) },
		func(dst []float32) { layernormPanels(dst, x, w, b, n, 1e-5) },
		func(dst []float32) { rmsnormPanels(dst, x, w, nil, n, 1e-5) },
	}
	got := make([]float32, len(x))
	for _, run := range runs {
		want := make([]float32, len(x))
		onPath(pathPureGo, func() { run(want) })
		onPaths(t, func(t *testing.T) {
			clear(got)
			run(got)
			equalBits(t, got, want)
		})
	}
}

func BenchmarkNormalize(b *testing.B) {
	const n = 512
	r := rand.New(rand.NewPCG(1, 1))
	x, w := finite(r, 6*n*lanes), finite(r, n)
	y := make([]float32, len(x))
	benchPaths(b, "layernormPanels", len(x), func() { layernormPanels(y, x, w, w, n, 1e-5) })
	benchPaths(b, "softmaxPanels", len(x), func() { softmaxPanels(y, x, n) })
	benchPaths(b, "layernormRows", len(x), func() { layernormRows(y, x, w, w, n, 1e-5) })
	benchPaths(b, "softmaxRows", len(x), func() { softmaxRows(y, x, n) })
}
