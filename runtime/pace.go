// SPDX-License-Identifier: MIT-0

package runtime

import "time"

// A pace decides whether a team shares its jobs. How much that gains depends on how near to each other the processors are,
// on what else they do, and on whether the goroutines sleep when work comes. So at the end of a period of runs the team does
// a few of them in the way that is not in use, and changes over if the shortest one takes less time than the shortest of as
// many before. As long as it does not, periods get longer.
type pace struct {
	off    bool // the way in use: the caller is alone
	runs   int  // of the present period
	period int
	size   int // of runs that are compared
	start  time.Time
	best   [2]time.Duration // of runs in the way in use, and in the other one
}

const (
	trial       = 4 // runs in each way
	firstPeriod = 16
	lastPeriod  = 1024
)

// other reports whether the present run is in the way that is not in use.
func (p *pace) other() bool { return p.runs >= p.period-trial }

// alone reports whether the caller does the present run alone.
func (p *pace) alone() bool { return p.off != p.other() }

// begin begins a run of so many samples.
func (p *pace) begin(size int) {
	if p.runs == p.period-2*trial {
		p.size, p.best = size, [2]time.Duration{}
	}
	if p.size == size && p.runs >= p.period-2*trial {
		p.start = time.Now()
	}
}

// end ends it.
func (p *pace) end(size int) {
	if p.size == size && p.runs > p.period-2*trial { // the first one of each way brings memory into other caches
		p.took(time.Since(p.start))
	}
	p.runs++
	if p.runs < p.period {
		return
	}
	p.runs, p.period = 0, min(2*p.period, lastPeriod)
	if p.best[0] > 0 && p.best[1] > 0 && p.best[1] < p.best[0] {
		p.off, p.period = !p.off, firstPeriod
	}
}

// took notes the time of a run.
func (p *pace) took(d time.Duration) {
	if p.runs == p.period-trial {
		return
	}
	way := 0
	if p.other() {
		way = 1
	}
	if p.best[way] == 0 || d < p.best[way] {
		p.best[way] = max(d, 1)
	}
}
