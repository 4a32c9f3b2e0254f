package main

import (
	"errors"
	"fmt"
	"runtime"
	"unicode/utf16"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Places in the table of functions OrtApi (onnxruntime_c_api.h), which only ever grows at its end.
const (
	getErrorMessage                  = 2
	createEnv                        = 3
	createSession                    = 7
	run                              = 9
	createSessionOptions             = 10
	setSessionExecutionMode          = 13
	setSessionGraphOptimizationLevel = 23
	setIntraOpNumThreads             = 24
	setInterOpNumThreads             = 25
	sessionGetInputCount             = 30
	sessionGetOutputCount            = 31
	createTensorWithDataAsOrtValue   = 49
	createCPUMemoryInfo              = 69
	releaseStatus                    = 93
	tableLength                      = 94 // as far as this list goes
)

// Values of the enumerations there.
const (
	logErrors        = 3  // ORT_LOGGING_LEVEL_ERROR
	sequential       = 0  // ORT_SEQUENTIAL
	allOptimizations = 99 // ORT_ENABLE_ALL
	arenaAllocator   = 1  // OrtArenaAllocator
	defaultMemory    = 0  // OrtMemTypeDefault
)

// apiVersion is the version of OrtApi that is asked for: that of ONNX Runtime 1.14, the first one with opset 18.
const apiVersion = 14

// api is the table of functions.
type api struct{ functions *[tableLength]uintptr }

// call calls a function that returns an OrtStatus, and makes an error of that.
func (a api) call(f uintptr, args ...uintptr) error {
	status, _, _ := purego.SyscallN(a.functions[f], args...)
	if status == 0 {
		return nil
	}
	text, _, _ := purego.SyscallN(a.functions[getErrorMessage], status)
	err := errors.New(goString(text))
	purego.SyscallN(a.functions[releaseStatus], status)
	return err
}

// load opens the library and returns its functions and its version.
func load(library string) (table api, version string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("ONNX Runtime in %s: %w", library, err)
		}
	}()
	handle, err := open(library)
	if err != nil {
		return table, "", err
	}
	base, err := symbol(handle, "OrtGetApiBase")
	if err != nil {
		return table, "", errors.New("it has no function OrtGetApiBase, so it is another library")
	}
	r, _, _ := purego.SyscallN(base)
	functions := (*[2]uintptr)(at(r)) // GetApi, GetVersionString
	r, _, _ = purego.SyscallN(functions[1])
	version = goString(r)
	r, _, _ = purego.SyscallN(functions[0], apiVersion)
	if r == 0 {
		return table, version, fmt.Errorf("its version is %s; 1.%d or a later one is needed", version, apiVersion)
	}
	return api{(*[tableLength]uintptr)(at(r))}, version, nil
}

// escaped is where pointer leaves what it was given, so that it is in memory that stays in its place, unlike a stack.
var escaped unsafe.Pointer

// pointer returns the address of what the library reads or writes.
func pointer[T any](p *T) uintptr {
	escaped = unsafe.Pointer(p)
	return uintptr(escaped)
}

// at makes a pointer of an address that the library gave.
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// cString returns s with the zero that C wants behind it.
func cString(s string) *byte { return unsafe.SliceData(append([]byte(s), 0)) }

// cPath returns a path as OrtApi takes it (ORTCHAR_T): UTF-16 on Windows.
func cPath(s string) []byte {
	if runtime.GOOS != "windows" {
		return append([]byte(s), 0)
	}
	var b []byte
	for _, u := range append(utf16.Encode([]rune(s)), 0) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func goString(address uintptr) string {
	p := (*byte)(at(address))
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
