package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/bench/timer"
)

// Throughput is how many samples a package computes in a second on the path that Info reports, in a Run of so many of
// them with so many goroutines.
type Throughput struct {
	Samples   int     `json:"samples"`
	Workers   int     `json:"workers"`
	Median    float64 `json:"median_us"` // per call
	Min       float64 `json:"min_us"`
	PerSecond float64 `json:"samples_per_second"` // by the median
	Gain      float64 `json:"gain"`               // over one sample, or as few as the package takes, with one goroutine: the median over pairs of turns

	of *contestant
}

// many is the kind of contestants that take some samples or have several goroutines.
const many = "throughput"

// openThroughput starts a process for each number of samples and goroutines, if there are several.
func (w *run) openThroughput() error {
	c := w.sample.Compiled
	samples := []int{1}
	if c.Samples > 1 {
		samples = append(samples, c.Samples)
	}
	if c.Samples < 2 && w.Workers < 2 {
		return nil
	}
	for _, n := range samples {
		for _, k := range slices.Compact([]int{1, max(1, w.Workers)}) {
			job, err := w.job("")
			if err != nil {
				return err
			}
			firstSamples(job.In, n, c.Samples)
			firstSamples(job.Out, n, c.Samples)
			job.Workers = k
			o, err := w.open("the compiled package", w.programs.timer, job)
			if err != nil {
				return err
			}
			o.kind, o.name = many, fmt.Sprintf("%d samples, %d goroutines", n, k)
			w.contestants = append(w.contestants, o)
			w.Throughput = append(w.Throughput, &Throughput{Samples: n, Workers: k, of: o})
		}
	}
	return nil
}

// firstSamples cuts the values of all samples down to the first n.
func firstSamples(list []timer.Tensor, n, all int) {
	for i := range list {
		t := &list[i]
		if all < 2 || len(t.Shape) == 0 {
			continue
		}
		t.Shape[0] = t.Shape[0] / all * n
		t.Data = t.Data[:len(t.Data)/all*n]
	}
}

// throughput sums up the turns.
func (w *run) throughput() {
	for _, t := range w.Throughput {
		s := stat(turnsOf(t.of.times))
		t.Median, t.Min, t.PerSecond = micros(s.Median), micros(s.Min), float64(t.Samples)*1e9/s.Median
		gain, _ := speedup(w.Throughput[0].of.times, t.of.times)
		t.Gain = gain * float64(t.Samples) / float64(w.Throughput[0].Samples)
	}
}

// throughputText is the table for people.
func (r *Result) throughputText() string {
	if r.Throughput == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%8s %11s %14s %14s %16s %8s\n", "samples", "goroutines", "us per call", "smallest", "samples/second", "gain")
	for _, t := range r.Throughput {
		fmt.Fprintf(&b, "%8d %11d %14.2f %14.2f %16.0f %7.2fx\n", t.Samples, t.Workers, t.Median, t.Min, t.PerSecond, t.Gain)
	}
	return b.String()
}
