package check

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sbtc-go/sbtc/check/driver"
	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
)

// Limits of a compiled package that is run.
const (
	runLimit    = 2 * time.Minute
	memoryLimit = 4 << 30 // bytes
)

// A Program runs compiled packages in another process, so that nothing they do harms this one.
type Program struct {
	dir      string
	executor Executor
	packages []*Compiled
	index    []int   // of each package in the program
	errs     []error // why a package is not in it
	limit    time.Duration
	memory   int64
	path     string // that the process takes, or the best one below; "" for the best of all

	cmd    *exec.Cmd // nil: not started
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *head
}

// Close ends the process and removes the temporary module.
func (p *Program) Close() error {
	p.stop()
	return os.RemoveAll(p.dir)
}

func (p *Program) start() error {
	if p.cmd != nil {
		return nil
	}
	cmd := exec.Command(p.binary())
	cmd.Dir = p.dir
	cmd.Env = append(p.environment(), fmt.Sprintf("%s=%d", driver.MemoryVar, p.memory))
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.stderr = &head{}
	cmd.Stderr = p.stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.in, p.out = cmd, in, bufio.NewReaderSize(out, 1<<16)
	return nil
}

func (p *Program) stop() error {
	if p.cmd == nil {
		return nil
	}
	p.in.Close()
	p.cmd.Process.Kill()
	err := p.cmd.Wait()
	p.cmd = nil
	return err
}

// A runError is what a compiled package reports: an error of New or Run, or a panic.
type runError struct {
	panicked bool
	message  string
}

func (e *runError) Error() string { return "the compiled package: " + e.message }

// Run runs package i on the inputs and returns its outputs, both in the order of the graph. The inputs may be the first
// samples only, if the package takes fewer than the graph has.
func (p *Program) Run(i int, in []*ir.Tensor) ([]*ir.Tensor, error) {
	if p.errs[i] != nil {
		return nil, p.errs[i]
	}
	if err := p.start(); err != nil {
		return nil, err
	}
	process := p.cmd.Process
	timeout := time.AfterFunc(p.limit, func() { process.Kill() })
	out, err := p.exchange(i, in)
	late := !timeout.Stop()
	var reported *runError
	if err == nil || errors.As(err, &reported) {
		return out, err
	}
	ended := p.stop()
	var status *exec.ExitError
	switch {
	case late:
		return nil, fmt.Errorf("the compiled package takes more than %v", p.limit)
	case errors.As(ended, &status) && status.ExitCode() == driver.ExitMemory:
		return nil, fmt.Errorf("the compiled package takes more than %d MiB of memory", p.memory>>20)
	}
	return nil, fmt.Errorf("the compiled package ended its process: %v\n%s", err, p.stderr)
}

// runExactly is Run that also compares the outputs with those of the low graph: every bit.
func (p *Program) runExactly(i int, in []*ir.Tensor) ([]*ir.Tensor, error) {
	got, err := p.Run(i, in)
	if err != nil {
		return nil, err
	}
	want, err := p.packages[i].Eval(in)
	if err != nil {
		return nil, fmt.Errorf("the low graph: %w", err)
	}
	for k := range want {
		if err := sameBits(got[k], want[k]); err != nil {
			return nil, fmt.Errorf("output %q is not what the low graph gives: %w", p.packages[i].Out[k].Name, err)
		}
	}
	return got, nil
}

func (p *Program) exchange(i int, in []*ir.Tensor) ([]*ir.Tensor, error) {
	c := p.packages[i]
	inputs, outputs := c.Fields()
	if all := c.Samples; all > 1 && in[0].Len() < c.In[0].Type.Len() {
		for k, f := range outputs {
			outputs[k].Type = first(f.Type, in[0].Len()*all/c.In[0].Type.Len(), all)
		}
	}
	buf := bufio.NewWriterSize(p.in, 1<<16)
	w := driver.Writer{W: buf}
	w.Uint32(uint32(p.index[i]))
	w.Uint32(uint32(len(inputs)))
	for k, f := range inputs {
		w.String(f.Go)
		w.Slice(reflect.ValueOf(in[k].Any()))
	}
	w.Uint32(uint32(len(outputs)))
	for _, f := range outputs {
		w.String(f.Go)
		room := int64(-1)
		if f.Type.Static() {
			room = int64(f.Type.Len())
		}
		w.Uint64(uint64(room))
	}
	if err := errors.Join(w.Err, buf.Flush()); err != nil {
		return nil, err
	}
	r := driver.Reader{R: p.out}
	var status uint8
	if r.Into(&status); r.Err != nil {
		return nil, r.Err
	}
	if status != driver.OK {
		return nil, &runError{status == driver.Panic, r.String()}
	}
	out := make([]*ir.Tensor, len(outputs))
	for k, f := range outputs {
		t, err := readOutput(&r, f)
		if err != nil {
			return nil, err
		}
		out[k] = t
	}
	return out, r.Err
}

// first is the type of the first n of all samples in a value of type t.
func first(t ir.Type, n, all int) ir.Type {
	t.Shape = slices.Clone(t.Shape)
	t.Shape[0] = t.Shape[0] / all * n
	return t
}

func readOutput(r *driver.Reader, f codegen.Field) (*ir.Tensor, error) {
	v := reflect.New(reflect.TypeOf(ir.NewTensor(f.Type.DType, 0).Any())).Elem()
	r.Slice(v)
	shape := f.Type.Shape
	if n := r.Uint32(); n != driver.NoShape {
		shape = make([]int, n)
		for i := range shape {
			shape[i] = int(r.Uint64())
		}
	}
	if r.Err != nil {
		return nil, r.Err
	}
	if ir.Size(shape) != v.Len() {
		return nil, &runError{message: fmt.Sprintf("output %q has %d elements and the shape %v", f.Name, v.Len(), shape)}
	}
	t := ir.NewTensor(f.Type.DType, shape...)
	reflect.Copy(reflect.ValueOf(t.Any()), v)
	return t, nil
}

// head keeps the beginning of what a process says, where Go puts the reason of its end.
type head struct{ b strings.Builder }

func (t *head) Write(p []byte) (int, error) {
	const room = 4096
	t.b.Write(p[:min(len(p), max(0, room-t.b.Len()))])
	return len(p), nil
}

func (t *head) String() string { return t.b.String() }
