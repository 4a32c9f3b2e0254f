// SPDX-License-Identifier: MIT-0

package runtime

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A team runs parts of a job on several goroutines: that of the caller and others, which wait in between. Parts are taken
// by whoever is free, so that a job never waits for a goroutine to wake up.
type team struct {
	step func(job, worker, lo, hi int) // computes units [lo, hi) of a job

	// ticket is the number of the job, how many parts it has, and how many of them are taken.
	ticket atomic.Uint64
	job    atomic.Uint64 // what step gets, and the number of units
	left   atomic.Int32  // parts that are not done
	closed atomic.Bool

	members []member
	ended   sync.WaitGroup
}

// member is a goroutine of the team other than the caller's.
type member struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [48]byte // apart from others in the cache
}

const (
	partBits = 20 // of numbers of parts
	unitBits = 32 // of numbers of units
)

// spins is how often a member looks for work before it sleeps: some ten microseconds.
const spins = 1 << 12

// newTeam starts a team of n, the caller included.
func newTeam(n int, step func(job, worker, lo, hi int)) *team {
	t := &team{step: step, members: make([]member, n-1)}
	t.ended.Add(n - 1)
	for i := range t.members {
		t.members[i].wake = make(chan struct{}, 1)
		go t.work(i)
	}
	return t
}

// close ends the goroutines of the team, which must not be at work.
func (t *team) close() {
	t.closed.Store(true)
	t.rouse(len(t.members))
	t.ended.Wait()
}

// run computes all units of a job in at most so many parts. With more parts than members those that have the processor for
// longer take more of them.
func (t *team) run(job, units, parts int) {
	parts = min(parts, units, 1<<partBits-1)
	if parts < 2 {
		t.step(job, 0, 0, units)
		return
	}
	t.left.Store(int32(parts))
	t.job.Store(uint64(job)<<unitBits | uint64(units))
	t.ticket.Store((t.ticket.Load()>>(2*partBits)+1)<<(2*partBits) | uint64(parts)<<partBits)
	t.rouse(min(parts-1, len(t.members)))
	for t.take(0) {
	}
	for i := 0; t.left.Load() > 0; i++ { // others are at work
		if i%64 == 63 {
			runtime.Gosched()
		}
	}
}

// take computes a part of the present job; it reports whether there was one.
func (t *team) take(worker int) bool {
	const mask = 1<<partBits - 1
	ticket := t.ticket.Load()
	parts, next := int(ticket>>partBits&mask), int(ticket&mask)
	if next >= parts {
		return false
	}
	job := t.job.Load() // of this ticket, if that is still the present one
	if !t.ticket.CompareAndSwap(ticket, ticket+1) {
		return true
	}
	units := int(job & (1<<unitBits - 1))
	t.step(int(job>>unitBits), worker, units*next/parts, units*(next+1)/parts)
	t.left.Add(-1)
	return true
}

// rouse wakes members that sleep, n at most.
func (t *team) rouse(n int) {
	for i := range t.members[:n] {
		if m := &t.members[i]; m.asleep.Load() && m.asleep.CompareAndSwap(true, false) {
			m.wake <- struct{}{}
		}
	}
}

// work takes parts until the team is closed.
func (t *team) work(i int) {
	defer t.ended.Done()
	m := &t.members[i]
	for idle := 0; !t.closed.Load(); idle++ {
		if t.take(i + 1) {
			idle = 0
		} else if idle%64 == 63 {
			runtime.Gosched()
		}
		if idle < spins {
			continue
		}
		idle = 0
		m.asleep.Store(true)
		if t.closed.Load() || t.pending() {
			if m.asleep.CompareAndSwap(true, false) {
				continue
			}
		}
		<-m.wake
	}
}

// pending reports whether the present job has parts that nobody has taken.
func (t *team) pending() bool {
	const mask = 1<<partBits - 1
	ticket := t.ticket.Load()
	return ticket&mask < ticket>>partBits&mask
}
