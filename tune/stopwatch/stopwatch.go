// Package stopwatch times compiled layers. It is built into a temporary module beside them, so it imports only the
// standard library.
package stopwatch

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// A Layer makes an instance of a layer and returns what runs it.
type Layer func() (run func() error, err error)

// How long is measured: until every form of a layer has run so often, or so long.
const (
	enough  = 300
	longest = 20 * time.Second
	least   = 9
)

// Random is n numbers between -1 and 1.
func Random(n int) []float32 {
	x := make([]float32, n)
	s := uint64(n) + 1
	for i := range x {
		s = s*6364136223846793005 + 1442695040888963407
		x[i] = float32(int32(s>>32)) / (1 << 31)
	}
	return x
}

// Serve times the forms of each layer and writes the first quartile of each, in nanoseconds, to standard output, and the
// path that they take: most of what disturbs a time makes it longer. In a round every layer runs once, one after the other as in their model, so that
// each finds the caches as the others leave them; the next round takes the next form of each. With cold, all caches hold
// other data before each run.
func Serve(path string, layers [][]Layer, cold bool) {
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	runs := make([][]func() error, len(layers))
	times := make([][][]float64, len(layers))
	most := 0
	for i, forms := range layers {
		for _, f := range forms {
			run, err := f()
			for k := 0; k < 3 && err == nil; k++ {
				err = run()
			}
			if err != nil {
				println(err.Error())
				os.Exit(1)
			}
			runs[i] = append(runs[i], run)
		}
		times[i] = make([][]float64, len(forms))
		most = max(most, len(forms))
	}
	begin := time.Now()
	for round := 0; round < enough*most && (round < least*most || time.Since(begin) < longest); round++ {
		for i := range runs {
			at := (round + i) % len(runs[i])
			if cold {
				flush()
			}
			start := time.Now()
			if err := runs[i][at](); err != nil {
				println(err.Error())
				os.Exit(1)
			}
			times[i][at] = append(times[i][at], float64(time.Since(start).Nanoseconds()))
		}
	}
	out := struct {
		Path  string
		Nanos [][]float64
	}{path, make([][]float64, len(times))}
	for i := range times {
		for _, t := range times[i] {
			slices.Sort(t)
			out.Nanos[i] = append(out.Nanos[i], t[len(t)/4])
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		os.Exit(1)
	}
}

var (
	other [96 << 20]byte
	sum   byte
)

// flush touches more memory than the caches hold.
func flush() {
	if sum == 0 {
		for i := 0; i < len(other); i += 4096 {
			other[i] = 1 // a page of its own
		}
	}
	sum = 1
	for i := 0; i < len(other); i += 64 {
		sum += other[i]
	}
	sum |= 1
}
