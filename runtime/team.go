// SPDX-License-Identifier: MIT-0

package runtime

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A team runs jobs on several goroutines: that of the caller and others, which wait in between. A job has parts, and of each
// job a worker owns the same share, so that it finds in its caches what it wrote in the job before. Parts that their owner
// has not begun are for whoever is free: a job never waits for a goroutine to wake up.
type team struct {
	step    func(job, worker, lo, hi int) // computes units [lo, hi) of a job
	workers []worker                      // the first is the caller
	jobs    uint64                        // so far
	parts   uint32                        // of all of them
	decoy   chan struct{}
	pace    pace
	closed  atomic.Bool
	ended   sync.WaitGroup
}

// worker is what the team has of a goroutine. A job writes and reads one line of the cache for each.
type worker struct {
	own  atomic.Uint64 // parts of the present job that it owns and nobody has taken: number of the job, first, end
	job  atomic.Uint64 // what step gets, number of units, number of parts
	done atomic.Uint32 // parts that it did, of all jobs

	asleep atomic.Bool
	wake   chan struct{}
	_      [96]byte // apart from others in the cache
}

const (
	partBits = 16 // of numbers of parts
	unitBits = 28 // of numbers of units
	partMask = 1<<partBits - 1

	// spins is how often a worker looks for work before it sleeps: some 100 microseconds, about what waking it takes.
	spins = 1 << 16
	// yields is how often it looks before it lets others run.
	yields = 1 << 9
)

// newTeam starts a team of n, the caller included.
func newTeam(n int, step func(job, worker, lo, hi int)) *team {
	t := &team{step: step, workers: make([]worker, n), decoy: make(chan struct{}, 1), pace: pace{period: firstPeriod}}
	t.ended.Add(n)
	for i := range n - 1 {
		t.workers[i+1].wake = make(chan struct{}, 1)
		go t.work(i + 1)
	}
	go t.distract()
	return t
}

// close ends the goroutines of the team, which must not be at work.
func (t *team) close() {
	t.closed.Store(true)
	for i := range t.workers[1:] {
		t.workers[i+1].rouse()
	}
	close(t.decoy)
	t.ended.Wait()
}

// run computes all units of a job in at most so many parts. With more parts than workers those that have the processor for
// longer take more of them.
func (t *team) run(job, units, parts int) {
	parts = min(parts, units, partMask)
	n := min(parts, len(t.workers)) // own parts
	if n < 2 || t.pace.alone() {
		t.step(job, 0, 0, units)
		return
	}
	t.jobs++
	t.parts += uint32(parts)
	woken := false
	for i := n - 1; i >= 0; i-- {
		w := &t.workers[i]
		lo, hi := parts*i/n, parts*(i+1)/n
		w.job.Store(uint64(job)<<(unitBits+partBits) | uint64(units)<<partBits | uint64(parts))
		w.own.Store(t.jobs<<(2*partBits) | uint64(lo)<<partBits | uint64(hi))
		woken = i > 0 && w.rouse() || woken
	}
	if woken {
		select {
		case t.decoy <- struct{}{}:
		default:
		}
	}
	for t.take(0) {
	}
	for i := 1; !t.finished(); i++ { // others are at work
		if i%yields == 0 {
			runtime.Gosched()
		}
	}
}

// finished reports whether all parts of all jobs are done.
func (t *team) finished() bool {
	var n uint32
	for i := range t.workers {
		n += t.workers[i].done.Load()
	}
	return n == t.parts
}

// take computes a part of the present job: one that the worker owns or else one of another; it reports whether there was one.
func (t *team) take(worker int) bool {
	for i := range t.workers {
		of := worker + i
		if of >= len(t.workers) {
			of -= len(t.workers)
		}
		w := &t.workers[of]
		for {
			own := w.own.Load()
			part, end := int(own>>partBits&partMask), int(own&partMask)
			if part >= end {
				break
			}
			job, left := w.job.Load(), own+1<<partBits // of this job, if own is still the same
			if i > 0 {
				part, left = end-1, own-1 // the last one, which the owner comes to last
			}
			if w.own.CompareAndSwap(own, left) {
				units, parts := int(job>>partBits&(1<<unitBits-1)), int(job&partMask)
				t.step(int(job>>(unitBits+partBits)), worker, units*part/parts, units*(part+1)/parts)
				t.workers[worker].done.Add(1)
				return true
			}
		}
	}
	return false
}

// idle reports whether the worker owns no part that nobody has taken.
func (w *worker) idle() bool {
	own := w.own.Load()
	return own>>partBits&partMask >= own&partMask
}

// rouse wakes the worker if it sleeps; it reports whether it did.
func (w *worker) rouse() bool {
	if !w.asleep.Load() || !w.asleep.CompareAndSwap(true, false) {
		return false
	}
	w.wake <- struct{}{}
	return true
}

// work takes parts until the team is closed.
func (t *team) work(i int) {
	defer t.ended.Done()
	w := &t.workers[i]
	for looks := 1; !t.closed.Load(); looks++ {
		if !w.idle() {
			for t.take(i) {
			}
			looks = 0
		}
		if looks%yields == 0 {
			runtime.Gosched()
		}
		if looks < spins {
			continue
		}
		looks = 0
		w.asleep.Store(true)
		if (t.closed.Load() || !w.idle()) && w.asleep.CompareAndSwap(true, false) {
			continue
		}
		<-w.wake
	}
}

// distract is a goroutine that does nothing, woken after others. The scheduler keeps the last one that became ready for the
// processor of who made it ready, and lets other processors wait some 50 microseconds before they take it.
func (t *team) distract() {
	defer t.ended.Done()
	for range t.decoy {
	}
}
