package bench

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestStat(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want Stat
	}{
		{[]float64{3}, Stat{3, 3, 3, 3, 1}},
		{[]float64{4, 1}, Stat{2.5, 1.75, 3.25, 1, 2}},
		{[]float64{5, 1, 4, 2, 3}, Stat{3, 2, 4, 1, 5}},
		{[]float64{10, 0, 1000, 1}, Stat{5.5, 0.75, 257.5, 0, 4}},
	} {
		x := slices.Clone(c.x)
		if got := stat(x); got != c.want {
			t.Errorf("stat(%v) = %v, want %v", c.x, got, c.want)
		}
		if !slices.Equal(x, c.x) {
			t.Errorf("stat changed %v to %v", c.x, x)
		}
	}
	if s := stat(nil); s.N != 0 || s.Median == s.Median {
		t.Errorf("stat of nothing: %v", s)
	}
}

// Ratios pair the turns of a round: a machine that slows down in the middle changes both sides alike.
func TestSpeedup(t *testing.T) {
	nan := math.NaN()
	theirs := []float64{20, 40, 80, nan, 60, 20}
	ours := []float64{10, 20, 40, 10, nan, 5}
	if got := ratios(theirs, ours); !slices.Equal(got, []float64{2, 2, 2, 4}) {
		t.Error(got)
	}
	median, spread := speedup(theirs, ours)
	if median != 2 || *spread != [2]float64{2, 2.5} {
		t.Error(median, spread)
	}
	if median, spread := speedup([]float64{nan}, []float64{1}); median != 0 || spread != nil {
		t.Error(median, spread)
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name              string
		call              time.Duration
		rounds            int
		warm, calls, each int
	}{
		{"avx2", 100 * time.Nanosecond, 61, 1000, 2000, 1},
		{"avx2", 70 * time.Microsecond, 61, 2, 3, 1},
		{"avx2", time.Millisecond, 61, 1, 1, 1},
		{"avx2", 19 * time.Millisecond, 61, 0, 1, 1},
		{"avx2", 30 * time.Millisecond, 61, 0, 1, 2},
		{"avx2", 5 * time.Second, 61, 0, 1, 4}, // 15 turns or more, whatever they take
		{"avx2", 5 * time.Second, 20, 0, 1, 1},
		{"purego", 30 * time.Millisecond, 61, 0, 1, 2},
		{"purego", 5 * time.Second, 61, 0, 1, 16},
	} {
		x := contestant{name: c.name}
		x.plan(float64(c.call), c.rounds)
		if x.warm != c.warm || x.calls != c.calls || x.every != c.each {
			t.Errorf("%s, %v: warm %d, calls %d, every %d", c.name, c.call, x.warm, x.calls, x.every)
		}
	}
}
