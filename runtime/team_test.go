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
				team.workers[1].offered = 0 // so that it is woken, whatever it did before
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

// A worker that comes too late sleeps through ever more jobs, until it did half of its share for once.
func TestDue(t *testing.T) {
	var w worker
	for i, x := range []struct {
		offered, did uint32
		pause        int
	}{{0, 0, 0}, {8, 4, 0}, {8, 3, 1}, {8, 0, 3}, {1, 0, 7}, {9, 5, 0}, {9, 1, 1}} {
		w.offered = x.offered
		w.done.Add(x.did)
		slept := 0
		for !w.due() {
			slept++
		}
		if want := max(0, x.pause-1); slept != want {
			t.Errorf("%d: slept through %d jobs, want %d", i, slept, want)
		}
	}
	for range 20 {
		w.offered = 4
		for !w.due() {
		}
	}
	if w.useless != longPause {
		t.Errorf("a pause of %d jobs, want %d", w.useless, longPause)
	}
}
