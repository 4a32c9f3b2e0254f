// Package driver runs compiled packages for another process, which feeds it tensors through a pipe. It is built into
// a temporary module beside the packages, so it knows them only by the shape of their API and imports only the
// standard library.
//
// All numbers are little-endian; a string or slice is its length as uint32 and its elements. A request is the index
// of a package (uint32), its inputs (name of the field, elements) in the order of the graph, their number first, and
// then its outputs: number, name of the field, room to allocate as int64 or -1 where Run allocates. The reply is a
// status byte and either a message or, for each output, its elements and the number and lengths of its axes as Run
// tells them (NoShape if it does not).
package driver

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// The status of a reply.
const (
	OK     = 0
	Failed = 1 // New, Run or Close returned an error
	Panic  = 2
)

// NoShape is the number of axes of an output whose shape is fixed.
const NoShape = 1<<32 - 1

// MemoryVar is the environment variable that limits the memory of the process, in bytes.
const MemoryVar = "SBTC_DRIVER_MEMORY"

// ExitMemory is the status with which the process ends if it takes more.
const ExitMemory = 86

// An Instance is a model ready to run. In and Out are structs of slices.
type Instance struct {
	In, Out reflect.Value
	Run     func() error
	Close   func() error
}

// A Package makes instances of one compiled package.
type Package func() (Instance, error)

type model[I, O any] interface {
	Run(*I, *O) error
	Close() error
}

// Of wraps the New function of a compiled package.
func Of[Opt any, M model[I, O], I, O any](newModel func(...Opt) (M, error)) Package {
	return func() (Instance, error) {
		m, err := newModel()
		if err != nil {
			return Instance{}, err
		}
		in, out := new(I), new(O)
		return Instance{
			reflect.ValueOf(in).Elem(), reflect.ValueOf(out).Elem(),
			func() error { return m.Run(in, out) }, m.Close,
		}, nil
	}
}

// Serve answers requests from standard input until it ends.
func Serve(packages []Package) {
	if limit, err := strconv.ParseUint(os.Getenv(MemoryVar), 10, 64); err == nil {
		go watch(limit)
	}
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	s := &server{packages: packages, at: -1, r: Reader{R: in}, w: Writer{W: out}}
	for {
		if _, err := in.Peek(1); err != nil {
			return
		}
		s.answer()
		if err := errors.Join(s.r.Err, s.w.Err, out.Flush()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// watch ends the process when it takes more memory than limit.
func watch(limit uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(20 * time.Millisecond) {
		metrics.Read(sample)
		if sample[0].Value.Uint64()-sample[1].Value.Uint64() > limit {
			fmt.Fprintf(os.Stderr, "more than %d bytes of memory\n", limit)
			os.Exit(ExitMemory)
		}
	}
}

type server struct {
	packages []Package
	at       int // package of live, or -1
	live     Instance
	r        Reader
	w        Writer
}

// answer reads one request and writes the reply.
func (s *server) answer() {
	i := int(s.r.Uint32())
	if s.r.Err != nil {
		return
	}
	if err := s.open(i); err != nil {
		s.skip()
		s.fail(err)
		return
	}
	for range s.r.Uint32() {
		s.r.Slice(field(s.live.In, s.r.String()))
	}
	outs := make([]reflect.Value, s.r.Uint32())
	shapes := make([]reflect.Value, len(outs))
	for i := range outs {
		name, room := s.r.String(), int64(s.r.Uint64())
		outs[i] = field(s.live.Out, name)
		shapes[i] = s.live.Out.FieldByName(name + "Shape")
		if room >= 0 {
			outs[i].Set(reflect.MakeSlice(outs[i].Type(), int(room), int(room)))
		}
	}
	if s.r.Err != nil {
		return
	}
	if err := protect(s.live.Run); err != nil {
		s.fail(err)
		return
	}
	s.w.Bytes([]byte{OK})
	for i, v := range outs {
		s.w.Slice(v)
		if !shapes[i].IsValid() {
			s.w.Uint32(NoShape)
			continue
		}
		s.w.Uint32(uint32(shapes[i].Len()))
		for j := range shapes[i].Len() {
			s.w.Uint64(uint64(shapes[i].Index(j).Int()))
		}
	}
}

// open makes package i the live one.
func (s *server) open(i int) error {
	if i == s.at {
		return nil
	}
	if s.at >= 0 {
		s.at = -1
		if err := protect(s.live.Close); err != nil {
			return err
		}
	}
	err := protect(func() (err error) {
		s.live, err = s.packages[i]()
		return err
	})
	if err == nil {
		s.at = i
	}
	return err
}

// skip drops what a request still holds: without an instance the types of the inputs are unknown, so each is
// preceded by its size in bytes.
func (s *server) skip() {
	for range s.r.Uint32() {
		_ = s.r.String()
		s.r.skip()
	}
	for range s.r.Uint32() {
		_ = s.r.String()
		s.r.Uint64()
	}
}

func (s *server) fail(err error) {
	status := byte(Failed)
	var p panicError
	if errors.As(err, &p) {
		status = Panic
		s.at = -1
	}
	s.w.Bytes([]byte{status})
	s.w.String(err.Error())
}

func field(v reflect.Value, name string) reflect.Value {
	f := v.FieldByName(name)
	if !f.IsValid() {
		panic(fmt.Sprintf("%v has no field %s", v.Type(), name))
	}
	return f
}

type panicError struct{ error }

func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError{fmt.Errorf("panic: %v\n%s", r, debug.Stack())}
		}
	}()
	return f()
}

// A Reader reads what a Writer wrote. After an error it reads nothing.
type Reader struct {
	R   io.Reader
	Err error
}

// Into reads a fixed-size value or a slice of them.
func (r *Reader) Into(v any) {
	if r.Err == nil {
		r.Err = binary.Read(r.R, binary.LittleEndian, v)
	}
}

// Uint32 reads a number.
func (r *Reader) Uint32() (n uint32) { r.Into(&n); return n }

// Uint64 reads a number.
func (r *Reader) Uint64() (n uint64) { r.Into(&n); return n }

// String reads a string.
func (r *Reader) String() string {
	b := make([]byte, r.Uint32())
	r.Into(b)
	return string(b)
}

func (r *Reader) skip() {
	if n := int64(r.Uint64()); r.Err == nil {
		_, r.Err = io.CopyN(io.Discard, r.R, n)
	}
}

// Slice reads a slice into v, a settable slice of numbers, booleans or strings.
func (r *Reader) Slice(v reflect.Value) {
	r.Uint64() // size in bytes
	n := int(r.Uint32())
	if r.Err != nil {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	if s, ok := v.Interface().([]string); ok {
		for i := range s {
			s[i] = r.String()
		}
		return
	}
	r.Into(v.Interface())
}

// A Writer writes numbers, strings and slices. After an error it writes nothing.
type Writer struct {
	W   io.Writer
	Err error
}

// Bytes writes b.
func (w *Writer) Bytes(b []byte) {
	if w.Err == nil {
		_, w.Err = w.W.Write(b)
	}
}

// Uint32 writes a number.
func (w *Writer) Uint32(n uint32) { w.Bytes(binary.LittleEndian.AppendUint32(nil, n)) }

// Uint64 writes a number.
func (w *Writer) Uint64(n uint64) { w.Bytes(binary.LittleEndian.AppendUint64(nil, n)) }

// String writes a string.
func (w *Writer) String(s string) {
	w.Uint32(uint32(len(s)))
	w.Bytes([]byte(s))
}

// Slice writes a slice of numbers, booleans or strings, preceded by its size in bytes.
func (w *Writer) Slice(v reflect.Value) {
	s, ok := v.Interface().([]string)
	if !ok {
		size := 4
		if v.Len() > 0 {
			size += binary.Size(v.Interface())
		}
		w.Uint64(uint64(size))
		w.Uint32(uint32(v.Len()))
		if w.Err == nil && v.Len() > 0 {
			w.Err = binary.Write(w.W, binary.LittleEndian, v.Interface())
		}
		return
	}
	size := 4
	for _, x := range s {
		size += 4 + len(x)
	}
	w.Uint64(uint64(size))
	w.Uint32(uint32(len(s)))
	for _, x := range s {
		w.String(x)
	}
}
