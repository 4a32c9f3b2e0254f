package main

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/sbtc-go/sbtc/bench/timer"
)

// engine is a session of ONNX Runtime with one thread and all graph optimizations, and its bound inputs and outputs.
type engine struct {
	api               api
	job               timer.Job
	session           uintptr
	inNames, outNames []*byte
	in, out           []uintptr // OrtValue
	outData           [][]byte
	keep              []any // what the library points to
	run               [8]uintptr
}

// Open loads the library and, if there is one, the model.
func (e *engine) Open(job timer.Job) (about timer.About, err error) {
	e.job = job
	if e.api, about.Version, err = load(job.Library); err != nil {
		return about, err
	}
	if job.Model == "" {
		return about, nil
	}
	env, err := e.environment()
	if err != nil {
		return about, err
	}
	options, err := e.options()
	if err != nil {
		return about, err
	}
	path := cPath(job.Model)
	e.keep = append(e.keep, path)
	if err := e.api.call(createSession, env, pointer(unsafe.SliceData(path)), options, pointer(&e.session)); err != nil {
		return about, err
	}
	if err := e.counts(); err != nil {
		return about, err
	}
	var memory uintptr
	if err := e.api.call(createCPUMemoryInfo, arenaAllocator, defaultMemory, pointer(&memory)); err != nil {
		return about, err
	}
	for _, t := range job.In {
		v, _, err := e.tensor(memory, t)
		if err != nil {
			return about, fmt.Errorf("input %q: %w", t.Name, err)
		}
		e.in, e.inNames = append(e.in, v), append(e.inNames, cString(t.Name))
	}
	for _, t := range job.Out {
		t.Data = make([]byte, elements(t.Shape)*t.Size)
		v, data, err := e.tensor(memory, t)
		if err != nil {
			return about, fmt.Errorf("output %q: %w", t.Name, err)
		}
		e.out, e.outNames, e.outData = append(e.out, v), append(e.outNames, cString(t.Name)), append(e.outData, data)
	}
	e.run = [8]uintptr{
		e.session, 0,
		pointer(unsafe.SliceData(e.inNames)), pointer(unsafe.SliceData(e.in)), uintptr(len(e.in)),
		pointer(unsafe.SliceData(e.outNames)), uintptr(len(e.out)), pointer(unsafe.SliceData(e.out)),
	}
	return about, nil
}

// Run is one call of the C function Run; outputs go to memory that was there before, as in a compiled package.
func (e *engine) Run() error {
	r := &e.run
	return e.api.call(run, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
}

// Outputs returns what the last Run wrote.
func (e *engine) Outputs() ([][]byte, error) {
	runtime.KeepAlive(e.keep)
	return e.outData, nil
}

func (e *engine) environment() (env uintptr, err error) {
	name := cString("sbtc")
	err = e.api.call(createEnv, logErrors, pointer(name), pointer(&env))
	e.keep = append(e.keep, name)
	return env, err
}

func (e *engine) options() (o uintptr, err error) {
	if err = e.api.call(createSessionOptions, pointer(&o)); err != nil {
		return 0, err
	}
	for _, set := range []struct{ f, value uintptr }{
		{setSessionExecutionMode, sequential},
		{setSessionGraphOptimizationLevel, allOptimizations},
		{setIntraOpNumThreads, 1},
		{setInterOpNumThreads, 1},
	} {
		if err = e.api.call(set.f, o, set.value); err != nil {
			return 0, err
		}
	}
	return o, nil
}

// counts checks that the model takes as many inputs as are given.
func (e *engine) counts() error {
	for _, c := range []struct {
		kind string
		f    uintptr
		want int
	}{{"inputs", sessionGetInputCount, len(e.job.In)}, {"outputs", sessionGetOutputCount, len(e.job.Out)}} {
		var n uintptr
		if err := e.api.call(c.f, e.session, pointer(&n)); err != nil {
			return err
		}
		if int(n) != c.want {
			return fmt.Errorf("the model has %d %s there, %d here", n, c.kind, c.want)
		}
	}
	return nil
}

// tensor makes an OrtValue of the memory at data, which begins at a cache line.
func (e *engine) tensor(memory uintptr, t timer.Tensor) (value uintptr, data []byte, err error) {
	const line = 64
	room := make([]byte, len(t.Data)+line)
	skip := -int(pointer(unsafe.SliceData(room))) & (line - 1)
	data = room[skip : skip+len(t.Data)]
	copy(data, t.Data)
	shape := make([]int64, len(t.Shape))
	for i, d := range t.Shape {
		shape[i] = int64(d)
	}
	e.keep = append(e.keep, room, shape)
	err = e.api.call(createTensorWithDataAsOrtValue, memory, pointer(unsafe.SliceData(data)), uintptr(len(data)),
		pointer(unsafe.SliceData(shape)), uintptr(len(shape)), uintptr(t.DType), pointer(&value))
	return value, data, err
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
