package bench

import (
	"math"
	"time"

	"github.com/sbtc-go/sbtc/bench/timer"
)

const (
	batch    = 200 * time.Microsecond // what a turn times, at least
	warmup   = 100 * time.Microsecond // what it runs before, to bring its data back into the caches
	slowCall = 2 * time.Millisecond   // longer calls need no warm-up
	slowTurn = 20 * time.Millisecond  // longer turns are taken in fewer rounds

	// Throughput is that of a process at work: its goroutines sleep while others have their turn and are slow to wake, and
	// those of others go on looking for work for some time.
	batchOfMany = 3 * time.Millisecond
	callsOfMany = 4
	settling    = 64 // calls before, in which a team finds out whether to share work

	leastTurns  = 15
	leastPureGo = 3 // which can take a thousand times as long as the others
)

// contestant is one of those that take turns.
type contestant struct {
	name   string // of a path, or of a form of ONNX Runtime's model
	kind   string // fp32 or int8; "" for a path
	worker *worker
	about  timer.About
	warm   int // calls
	calls  int
	every  int       // takes part in each round that this divides
	times  []float64 // nanoseconds per call and round; NaN where it took no turn
	cold   []float64 // the same for cold calls
	err    float64   // how far its outputs are from those of the package, relative to the largest
	agrees bool
}

func (c *contestant) time(q timer.Request) (float64, error) {
	r, err := c.worker.ask(q)
	if err != nil {
		return 0, err
	}
	return r.Times[0], nil
}

// batch is what a turn times, at least.
func (c *contestant) batch() time.Duration {
	if c.kind == many {
		return batchOfMany
	}
	return batch
}

// calibrate finds how many calls make a turn, and warms up.
func (c *contestant) calibrate(rounds int) error {
	calls := 1
	if c.kind == many {
		calls = settling
	}
	var t float64
	for {
		var err error
		if t, err = c.time(timer.Request{Calls: calls}); err != nil {
			return err
		}
		if t*float64(calls) >= float64(c.batch()) || calls >= 1<<20 {
			break
		}
		calls *= 2
	}
	// The time is that of the last and longest trial; the first ones are warm-up.
	c.plan(t, rounds)
	return nil
}

// plan decides what a turn is of calls that take t nanoseconds, and in how many rounds it is taken: all of them or, where
// it is slow, one in 2, 4, 8 and so on, so that any two share the rounds of the slower one.
func (c *contestant) plan(t float64, rounds int) {
	c.calls = max(1, int(math.Ceil(float64(c.batch())/t)))
	c.warm = int(math.Ceil(float64(warmup) / t))
	switch {
	case c.kind == many:
		c.calls = max(callsOfMany, c.calls)
		c.warm = c.calls
	case t > float64(slowCall):
		c.warm = 0 // caches fill in a small part of a call
	}
	least := leastTurns
	if c.name == pureGo {
		least = leastPureGo
	}
	c.every = 1
	for turn := t * float64(c.calls+c.warm); turn > float64(c.every)*float64(slowTurn) && rounds/(2*c.every) >= least; {
		c.every *= 2
	}
}

// play lets all take turns for a number of rounds.
func play(all []*contestant, rounds int, progress func()) error {
	return take(all, rounds, progress, func(c *contestant) (timer.Request, *[]float64) {
		return timer.Request{Warm: c.warm, Calls: c.calls}, &c.times
	})
}

// playCold is play for single calls with cold caches.
func playCold(all []*contestant, rounds int, progress func()) error {
	return take(all, rounds, progress, func(c *contestant) (timer.Request, *[]float64) {
		return timer.Request{Cold: 1}, &c.cold
	})
}

// take asks all for what turn says, in rounds of which each begins with another one, and appends the answers; one that
// sits out a round has NaN.
func take(all []*contestant, rounds int, progress func(), turn func(c *contestant) (timer.Request, *[]float64)) error {
	for round := range rounds {
		for k := range all {
			c := all[(k+round)%len(all)]
			request, times := turn(c)
			t := math.NaN()
			if round%c.every == 0 {
				var err error
				if t, err = c.time(request); err != nil {
					return err
				}
			}
			*times = append(*times, t)
		}
		progress()
	}
	return nil
}
