package timer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
)

type model[I, O, Info any] interface {
	Run(*I, *O) error
	Close() error
	Info() Info
}

// Compiled is the engine that is a compiled package, given by its New and its WithWorkers.
func Compiled[Opt any, M model[I, O, Info], I, O, Info any](newModel func(...Opt) (M, error), workers func(int) Opt) Engine {
	return &compiled[M, I, O, Info]{open: func(n int) (M, error) {
		if n == 0 {
			return newModel()
		}
		return newModel(workers(n))
	}}
}

type compiled[M model[I, O, Info], I, O, Info any] struct {
	open func(workers int) (M, error)
	m    M
	in   I
	out  O
	job  Job
}

func (c *compiled[M, I, O, Info]) Open(job Job) (about About, err error) {
	if c.m, err = c.open(job.Workers); err != nil {
		return about, err
	}
	c.job = job
	in, out := reflect.ValueOf(&c.in).Elem(), reflect.ValueOf(&c.out).Elem()
	for _, t := range job.In {
		f := in.FieldByName(t.Field)
		n := len(t.Data) / t.Size
		f.Set(reflect.MakeSlice(f.Type(), n, n))
		if err := binary.Read(bytes.NewReader(t.Data), binary.LittleEndian, f.Interface()); err != nil {
			return about, fmt.Errorf("input %q: %w", t.Name, err)
		}
	}
	for _, t := range job.Out {
		if t.Shape != nil {
			f := out.FieldByName(t.Field)
			n := elements(t.Shape)
			f.Set(reflect.MakeSlice(f.Type(), n, n))
		}
	}
	info := reflect.ValueOf(c.m.Info())
	return About{info.FieldByName("Version").String(), info.FieldByName("Path").String()}, nil
}

func (c *compiled[M, I, O, Info]) Run() error { return c.m.Run(&c.in, &c.out) }

func (c *compiled[M, I, O, Info]) Outputs() ([][]byte, error) {
	out := reflect.ValueOf(&c.out).Elem()
	list := make([][]byte, len(c.job.Out))
	for i, t := range c.job.Out {
		var b bytes.Buffer
		if err := binary.Write(&b, binary.LittleEndian, out.FieldByName(t.Field).Interface()); err != nil {
			return nil, fmt.Errorf("output %q: %w", t.Name, err)
		}
		list[i] = b.Bytes()
	}
	return list, nil
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
