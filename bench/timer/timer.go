// Package timer is the half of a measurement that runs in the process of what is measured. It is built into temporary
// modules, beside a compiled package or beside what loads another engine, so it imports only the standard library. All
// engines are timed by this code, in processes that take turns.
//
// A Request is one line of JSON on standard input, its Reply one on standard output.
package timer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// A Tensor is an input with its elements, or an output before it has any.
type Tensor struct {
	Name  string // of the graph's value
	Field string // of a compiled package's Inputs or Outputs
	DType int    // the number that ONNX gives the element type
	Shape []int  // nil where only a run tells it
	Size  int    // of an element, in bytes
	Data  []byte `json:",omitempty"` // row-major, little-endian
}

// A Job is what an engine is to run.
type Job struct {
	Library string // of the engine, where it is not a compiled package
	Model   string // path of the file that the engine reads
	In, Out []Tensor
	Workers int // goroutines of a compiled package; 0 for its caller's alone
}

// An Engine runs a model on inputs that do not change.
type Engine interface {
	// Open makes the model ready and says what runs it.
	Open(Job) (About, error)
	// Run computes the outputs.
	Run() error
	// Outputs returns the elements of the outputs, row-major and little-endian.
	Outputs() ([][]byte, error)
}

// About says what an engine is.
type About struct {
	Version string
	Path    string // the instructions that a compiled package uses
}

// A Request asks for one thing.
type Request struct {
	Open    *Job `json:",omitempty"` // make the model ready
	Outputs bool `json:",omitempty"` // run once and return the outputs
	Warm    int  `json:",omitempty"` // calls before those that are timed
	Calls   int  `json:",omitempty"` // calls to time together
	Cold    int  `json:",omitempty"` // calls to time each on its own, with other data in all caches
	Allocs  int  `json:",omitempty"` // calls to count the allocations of
}

// A Reply is the answer.
type Reply struct {
	Error   string    `json:",omitempty"`
	About   About     `json:",omitzero"`
	Outputs [][]byte  `json:",omitempty"`
	Times   []float64 `json:",omitempty"` // nanoseconds per call: one number for Calls, or as many as Cold
	Allocs  float64   `json:",omitempty"` // per call
}

// Serve answers requests until standard input ends.
func Serve(e Engine) {
	debug.SetGCPercent(-1) // no collection disturbs a time; what a process allocates here is little
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var q Request
		if err := in.Decode(&q); err != nil {
			return
		}
		reply, err := answer(e, q)
		if err != nil {
			reply.Error = err.Error()
		}
		if err := out.Encode(reply); err != nil {
			return
		}
	}
}

func answer(e Engine, q Request) (r Reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	switch {
	case q.Open != nil:
		r.About, err = e.Open(*q.Open)
	case q.Outputs:
		if err = e.Run(); err == nil {
			r.Outputs, err = e.Outputs()
		}
	case q.Calls > 0:
		r.Times, err = together(e, q.Warm, q.Calls)
	case q.Cold > 0:
		r.Times, err = cold(e, q.Cold)
	case q.Allocs > 0:
		r.Allocs, err = allocations(e, q.Allocs)
	default:
		err = errors.New("an empty request")
	}
	return r, err
}

// together times calls that follow each other.
func together(e Engine, warm, calls int) ([]float64, error) {
	for range warm {
		if err := e.Run(); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	for range calls {
		if err := e.Run(); err != nil {
			return nil, err
		}
	}
	return []float64{float64(time.Since(start).Nanoseconds()) / float64(calls)}, nil
}

// coldBytes is what is touched between cold calls: more than the caches of a processor core and what it shares.
const coldBytes = 96 << 20

var (
	coldMemory []byte
	coldSum    byte
)

// cold times calls each of which finds the caches full of something else.
func cold(e Engine, calls int) ([]float64, error) {
	if coldMemory == nil {
		coldMemory = make([]byte, coldBytes)
		for i := 0; i < len(coldMemory); i += 4096 {
			coldMemory[i] = 1 // a page of its own: those that are only read share one
		}
	}
	times := make([]float64, calls)
	for i := range times {
		for j := 0; j < len(coldMemory); j += 64 {
			coldSum += coldMemory[j]
		}
		start := time.Now()
		if err := e.Run(); err != nil {
			return nil, err
		}
		times[i] = float64(time.Since(start).Nanoseconds())
	}
	return times, nil
}

// allocations counts those of a call. The one before warms up.
func allocations(e Engine, calls int) (float64, error) {
	if err := e.Run(); err != nil {
		return 0, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if err := e.Run(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	// As testing.AllocsPerRun: an allocation that the runtime made once in many calls is not the model's.
	return float64((after.Mallocs - before.Mallocs) / uint64(calls)), nil
}
