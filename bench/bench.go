// Package bench times compiled packages beside ONNX Runtime: processes that take turns, in one run, on the same inputs.
package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sbtc-go/sbtc/bench/timer"
	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Paths are those that a compiled package may take, the fastest first.
var Paths = []string{"avx512", "avx2", pureGo}

const pureGo = "purego"

// Bench says what to measure.
type Bench struct {
	Model    string // path of the model, or of a check.Case's folder
	Options  check.Options
	Input    map[string]*ir.Tensor // inputs by name; nil for those of the case, else random ones
	Seed     int                   // of the random inputs
	Library  string                // ONNX Runtime, a shared library; "" to leave it out
	ORTModel string                // the model that ONNX Runtime runs; "" for the same
	Paths    []string              // to measure; nil for all that the processor has
	Workers  int                   // goroutines to measure beside one; at most 1 for none
	Rounds   int                   // in each of which all take a turn
	Cold     int                   // rounds of cold calls
	Progress func(done, all int)   // called after each round; may be nil
}

// run is a measurement under way.
type run struct {
	Bench
	*Result
	sample      *check.Sample
	dir         module
	programs    *compiledPrograms
	contestants []*contestant
	want        []*ir.Tensor // the outputs of the first path
}

// Run compiles the model, builds the package in a temporary module without network, and measures.
func (b Bench) Run() (r *Result, err error) {
	if b.Library != "" {
		if _, err := os.Stat(b.Library); err != nil {
			return nil, fmt.Errorf("ONNX Runtime: %w; --ort takes the path of libonnxruntime.so (or .dylib, .dll)", err)
		}
		if b.Library, err = filepath.Abs(b.Library); err != nil { // else a name alone would be looked for in the system's folders
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "sbtc-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w := &run{Bench: b, dir: module(dir), Result: &Result{Model: b.Model, Machine: check.Machine(), Rounds: b.Rounds, Paths: map[string]*Timing{}}}
	defer func() {
		for _, c := range w.contestants {
			c.worker.close()
		}
	}()
	for _, step := range []func() error{w.compile, w.size, w.openPaths, w.openThroughput, w.openORT, w.contest, w.allocations} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Model, err)
		}
	}
	w.summarize()
	return w.Result, nil
}

func (w *run) compile() error {
	begin := time.Now()
	var err error
	if w.sample, err = check.NewSample(w.Bench.Model, w.Options, w.Input, w.Seed); err != nil {
		return err
	}
	w.CompileSeconds = time.Since(begin).Seconds()
	w.Inputs = w.sample.From
	w.Mode, w.Flags, w.Budget = w.Options.Mode.String(), w.Options.Flags, budget(w.Options)
	for _, f := range w.sample.Compiled.Files {
		w.PackageBytes += len(f.Data)
		switch {
		case f.Name == "weights.bin":
			w.WeightsBytes = len(f.Data)
		case filepath.Ext(f.Name) == ".s":
			w.AssemblyBytes += len(f.Data)
		}
	}
	if w.programs, err = w.dir.build(w.sample.Compiled); err != nil {
		return err
	}
	w.BuildSeconds, w.BuildMemory = w.programs.seconds, w.programs.memory
	return nil
}

// budget is the machine code that the package may have for weights, in bytes.
func budget(opt check.Options) int {
	switch {
	case opt.Choice.Budget < 0 || opt.Choice.Loops || opt.Mode == codegen.Size:
		return 0
	case opt.Choice.Budget == 0:
		return low.DefaultBudget
	}
	return opt.Choice.Budget
}

// size measures what does not need turns: start, memory and code of the minimal program.
func (w *run) size() error {
	var start, resident []float64
	for range starts {
		s, r, err := begin(w.programs.minimal)
		if err != nil {
			return err
		}
		start, resident = append(start, s), append(resident, r)
	}
	w.StartMicros = micros(stat(start).Median)
	w.ResidentBytes = int(stat(resident).Median)
	w.CodeBytes = codeBytes(w.programs.minimal)
	if info, err := os.Stat(w.programs.minimal); err == nil {
		w.ProgramBytes = int(info.Size())
	}
	return nil
}

// job is what engines run: files names the model for those that are no compiled package.
func (w *run) job(file string) (timer.Job, error) {
	inputs, outputs := w.sample.Compiled.Fields()
	job := timer.Job{Library: w.Library, Model: file}
	for i, f := range inputs {
		data, err := encode(w.sample.In[i])
		if err != nil {
			return job, fmt.Errorf("input %q: %w", f.Name, err)
		}
		job.In = append(job.In, tensor(f, data))
	}
	for _, f := range outputs {
		job.Out = append(job.Out, tensor(f, nil))
	}
	return job, nil
}

func tensor(f codegen.Field, data []byte) timer.Tensor {
	t := timer.Tensor{Name: f.Name, Field: f.Go, DType: int(f.Type.DType), Size: max(1, f.Type.DType.Bits()/8), Data: data}
	if f.Type.Static() {
		t.Shape = append([]int{}, f.Type.Shape...)
	}
	return t
}

// openPaths starts a process for each path of the package, and compares their outputs.
func (w *run) openPaths() error {
	job, err := w.job("")
	if err != nil {
		return err
	}
	for i, path := range Paths {
		var env []string
		if i > 0 {
			env = []string{cpuVar + path}
		}
		c, err := w.open("the compiled package", w.programs.timer, job, env...)
		if err != nil {
			return err
		}
		if i == 0 {
			w.Path = c.about.Path
		}
		c.name = c.about.Path
		wanted := w.Bench.Paths == nil || slices.Contains(w.Bench.Paths, c.name)
		if !wanted || slices.ContainsFunc(w.contestants, func(o *contestant) bool { return o.name == c.name }) {
			c.worker.close() // the processor does not have this path, so it is a lower one
			continue
		}
		w.contestants = append(w.contestants, c)
		out, err := w.outputs(c)
		if err != nil {
			return err
		}
		if w.want == nil {
			w.want = out
		}
		for k := range out {
			if err := check.SameBits(out[k], w.want[k]); err != nil {
				return &check.WrongError{Err: fmt.Errorf("output %q of %s is not that of %s: %w", job.Out[k].Name, c.name, w.contestants[0].name, err)}
			}
		}
	}
	if w.contestants == nil {
		return fmt.Errorf("this processor has none of the paths %v; the package takes %s here", w.Bench.Paths, w.Path)
	}
	return nil
}

// open starts a process and makes the model ready in it.
func (w *run) open(what, program string, job timer.Job, env ...string) (*contestant, error) {
	p, err := start(program, env...)
	if err != nil {
		return nil, err
	}
	r, err := p.ask(timer.Request{Open: &job})
	if err != nil {
		p.close()
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &contestant{worker: p, about: r.About}, nil
}

func (w *run) outputs(c *contestant) ([]*ir.Tensor, error) {
	r, err := c.worker.ask(timer.Request{Outputs: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	out := make([]*ir.Tensor, len(r.Outputs))
	for i, v := range w.sample.Compiled.Out {
		if out[i], err = decode(v.Type, r.Outputs[i]); err != nil {
			return nil, fmt.Errorf("output %q: %w", v.Name, err)
		}
	}
	return out, nil
}

// contest takes all times.
func (w *run) contest() error {
	for _, c := range w.contestants {
		if err := c.calibrate(w.Bench.Rounds); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	done := 0
	progress := func() {
		if done++; w.Progress != nil {
			w.Progress(done, w.Bench.Rounds+w.Cold)
		}
	}
	if err := play(w.contestants, w.Bench.Rounds, progress); err != nil {
		return err
	}
	finalists := slices.DeleteFunc(slices.Clone(w.contestants), func(c *contestant) bool {
		return c.kind == many || c.kind == int8 || c.kind == fp32 && c != best(w.contestants, fp32)
	})
	return playCold(finalists, w.Cold, progress)
}

// allocCalls is the number of calls whose allocations are counted, fewer of slow ones.
const allocCalls = 100

func (w *run) allocations() error {
	for _, c := range w.contestants {
		if c.kind != "" {
			continue
		}
		calls := max(1, min(allocCalls, int(float64(time.Second)/stat(turnsOf(c.times)).Median)))
		r, err := c.worker.ask(timer.Request{Allocs: calls})
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		w.Allocs = max(w.Allocs, r.Allocs)
	}
	return nil
}
