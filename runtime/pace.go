// SPDX-License-Identifier: MIT-0

package runtime

import (
	"slices"
	"time"
)

// A pace decides whether a team shares its jobs. How much that gains depends on how near to each other the processors are,
// on what else they do, and on whether the goroutines sleep when work comes. So at the end of a period of runs the team does
// a few of them in the way that is not in use, and compares the median with that of as many before. As long as that changes
// nothing, periods get longer.
type pace struct {
	off    bool // the way in use: the caller is alone
	runs   int  // of the present period
	period int
	size   int // of runs that are compared
	start  time.Time
	times  [2][trial]time.Duration // of runs in the way in use, and in the other one; 0 for others
}

const (
	trial       = 6 // runs in each way; the first one brings memory into other caches and is not compared
	firstPeriod = 16
	lastPeriod  = 1024
	leastGain   = 20 // part of the time that sharing has to save, since it takes the time of others
)

// other reports whether the present run is in the way that is not in use.
func (p *pace) other() bool { return p.runs >= p.period-trial }

// alone reports whether the caller does the present run alone.
func (p *pace) alone() bool { return p.off != p.other() }

// begin begins a run of so many samples.
func (p *pace) begin(size int) {
	if p.runs == p.period-2*trial {
		p.size, p.times = size, [2][trial]time.Duration{}
	}
	if p.size == size && p.runs >= p.period-2*trial {
		p.start = time.Now()
	}
}

// end ends it.
func (p *pace) end(size int) {
	if i := p.runs - (p.period - 2*trial); p.size == size && i >= 0 && i%trial > 0 {
		p.times[i/trial][i%trial] = time.Since(p.start)
	}
	p.runs++
	if p.runs < p.period {
		return
	}
	p.runs, p.period = 0, min(2*p.period, lastPeriod)
	shared, alone := middle(&p.times[0]), middle(&p.times[1])
	if p.off {
		shared, alone = alone, shared
	}
	if off := shared > alone-alone/leastGain; off != p.off && shared > 0 && alone > 0 {
		p.off, p.period = off, firstPeriod
	}
}

// middle is the median of the times after the first one, 0 if half of them are not there.
func middle(times *[trial]time.Duration) time.Duration {
	slices.Sort(times[1:])
	return times[trial/2]
}
