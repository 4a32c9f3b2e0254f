package runtime

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// Every unit of every job is computed once, by one worker at a time, whether members sleep or not.
func TestTeam(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	before := runtime.NumGoroutine()
	for n := 1; n <= 5; n++ {
		var job int
		var units [37]atomic.Int32
		busy := make([]atomic.Int32, n)
		team := newTeam(n, func(k, worker, lo, hi int) {
			if k != job || busy[worker].Add(1) != 1 {
				t.Errorf("worker %d at job %d, in job %d", worker, k, job)
			}
			for u := lo; u < hi; u++ {
				units[u].Add(1)
			}
			busy[worker].Add(-1)
		})
		for r := range 3000 {
			job = r
			count := r % (len(units) + 1)
			team.run(r, count, 1+r%6)
			for u := range units {
				if got := units[u].Swap(0); got != 0 != (u < count) || got > 1 {
					t.Fatalf("unit %d of %d was computed %d times", u, count, got)
				}
			}
			if r%1000 == 999 {
				time.Sleep(2 * time.Millisecond) // members go to sleep
			}
		}
		if allocs := testing.AllocsPerRun(10, func() { team.run(job, 8, n) }); allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
		team.close()
	}
	for i := 0; runtime.NumGoroutine() > before; i++ { // those that ended are counted for a moment yet
		if i == 1000 {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		time.Sleep(time.Millisecond)
	}
}

// A step that nobody needs a part of costs the caller this much, beside its work.
func BenchmarkTeam(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	team := newTeam(2, func(k, worker, lo, hi int) {})
	defer team.close()
	for b.Loop() {
		team.run(1, 2, 2)
	}
}

// A member begins with its part so long after Run has handed it out: one that looks for work, and one that sleeps.
func BenchmarkHandoff(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for _, asleep := range []bool{false, true} {
		b.Run(map[bool]string{false: "awake", true: "asleep"}[asleep], func(b *testing.B) {
			const work = 200 * time.Microsecond
			var begun time.Time
			taken := false
			team := newTeam(2, func(_, worker, _, _ int) {
				now := time.Now()
				if worker > 0 {
					begun, taken = now, true
				}
				for time.Since(now) < work {
				}
			})
			defer team.close()
			var late []time.Duration
			for b.Loop() {
				for asleep && !team.workers[1].asleep.Load() {
					time.Sleep(20 * time.Microsecond)
				}
				taken = false
				start := time.Now()
				if team.run(1, 2, 2); taken {
					late = append(late, begun.Sub(start))
				}
			}
			if slices.Sort(late); len(late) > 0 {
				b.ReportMetric(float64(late[len(late)/2]), "ns/handoff")
			}
			b.ReportMetric(float64(len(late))/float64(b.N), "taken")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// Runs are shared where that takes less time, and for a few runs in many where it does not.
func TestPace(t *testing.T) {
	for _, x := range []struct {
		alone, shared, at time.Duration // the times change places in the middle
		want              [2]int        // of 10000 runs, at least so many alone in each half
	}{{100, 60, 0, [2]int{0, 0}}, {60, 100, 0, [2]int{4800, 4800}}, {100, 97, 0, [2]int{4800, 4800}}, {60, 100, 5000, [2]int{4800, 0}}, {100, 60, 5000, [2]int{0, 3800}}} {
		p := pace{period: firstPeriod}
		var alone [2]int
		for i := range 10000 {
			p.begin(1)
			was, took := p.alone(), x.shared
			if was {
				took = x.alone
				alone[i/5000]++
			}
			if x.at > 0 && i >= int(x.at) {
				took = x.alone + x.shared - took
			}
			p.start = time.Now().Add(-took * time.Second)
			p.end(1)
		}
		for h, n := range alone {
			if want := x.want[h]; n < want || want == 0 && n > 1200 {
				t.Errorf("alone %v, shared %v, changed at %d: %d runs of half %d alone, want %d", x.alone, x.shared, x.at, n, h, want)
			}
		}
	}
}
