package runtime

import (
	"runtime"
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

func BenchmarkTeam(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	team := newTeam(2, func(k, worker, lo, hi int) {})
	defer team.close()
	for b.Loop() {
		team.run(1, 2, 2)
	}
}
