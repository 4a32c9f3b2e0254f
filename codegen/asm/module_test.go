package asm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// module is a Go module with generated layers and a program that checks them.
type module struct {
	dir              string
	asm, stubs, main strings.Builder
	data             bytes.Buffer
}

func newModule(t testing.TB) *module {
	m := &module{dir: t.TempDir()}
	m.asm.WriteString("//go:build !purego\n\n#include \"textflag.h\"\n\n")
	m.stubs.WriteString("package main\n\n")
	return m
}

func (m *module) add(t testing.TB, l *testLayer) {
	pool := NewPool(l.Name, 1+len(l.twins))
	var functions [AVX512 + 1][]Function
	for _, set := range []Set{AVX2, AVX512} {
		fs, err := l.Functions(set, pool)
		if err != nil {
			t.Fatal(err)
		}
		if l.ahead {
			for i := range fs {
				fs[i].Ahead(&fs[(i+1)%len(fs)], l.panels)
			}
		}
		for _, f := range fs {
			m.asm.WriteString(f.Text + "\n")
			params := ""
			if len(f.Params) > 0 {
				params = ", " + strings.Join(f.Params, ", ") + " *float32"
			}
			if f.Shared {
				params += ", " + Constants + " int"
			}
			fmt.Fprintf(&m.stubs, "//go:noescape\nfunc %s(dst, src *float32, panels int%s)\n\n", f.Name, params)
		}
		functions[set] = fs
	}
	m.asm.WriteString(pool.Text() + "\n")
	for i, twin := range append([]*testLayer{l}, l.twins...) {
		for result := range 1 + len(l.also) {
			m.runs(twin, functions, pool.Offset(i), result)
		}
	}
}

// runs adds calls of the functions of l, whose constants are at an offset, which check one of the results.
func (m *module) runs(l *testLayer, functions [AVX512 + 1][]Function, constants, result int) {
	all := append([]*testLayer{l}, l.also...)
	var extra [][]float32
	first := make([]int, len(all)) // of the inputs in memory
	for i, a := range all {
		first[i] = len(extra)
		extra = append(extra, a.extra...)
	}
	for set, fs := range functions {
		k := l.Schedule.K
		if l.First != nil {
			k = l.First.Schedule.K
		}
		fmt.Fprintf(&m.main, "\trun(%q, %v, %d, %d, %d, %d,\n", all[result].Name+" "+Set(set).String(), Set(set) == AVX512, len(extra), l.panels, k, l.Schedule.N)
		fmt.Fprintf(&m.main, "func(dst, src *float32, x []*float32) {\n")
		to := func(i int) string {
			if i == result {
				return "dst"
			}
			return fmt.Sprintf("&other[%d][0]", i)
		}
		for _, f := range fs {
			args := ""
			for _, p := range f.Params {
				var i, of int
				switch {
				case p == Scratch:
					args += ", &table[0]"
				case p == Values:
					args += ", &" + l.Name + "values" + Set(set).String() + "[0]"
				case p[0] == 'd':
					fmt.Sscanf(p, "dst%d", &of)
					args += ", " + to(of-1)
				default:
					if n, _ := fmt.Sscanf(p, "x%dof%d", &i, &of); n == 1 {
						of = 1
					}
					args += fmt.Sprintf(", x[%d]", first[of-1]+i-1)
				}
			}
			if f.Shared {
				args += fmt.Sprint(", ", constants)
			}
			fmt.Fprintf(&m.main, "%s(%s, src, %d%s)\n", f.Name, to(0), l.panels, args)
		}
		m.main.WriteString("})\n")
		if l.Sparse != nil {
			fmt.Fprintf(&m.stubs, "var %svalues%v = [...]float32{%s}\n\n", l.Name, Set(set), l.stream(Set(set)))
		}
	}
	for _, x := range append(extra, l.src, all[result].want) {
		binary.Write(&m.data, binary.LittleEndian, x)
	}
}

const mainText = `package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"time"
	"unsafe"
)

var data, _ = os.ReadFile("data.bin")

func floats(n int) []float32 {
	x := make([]float32, n)
	binary.Decode(data, binary.LittleEndian, x)
	data = data[4*n:]
	return x
}

var failed bool

func run(name string, avx512 bool, extra, panels, k, n int, f func(dst, src *float32, x []*float32)) {
	rest := data
	x := make([]*float32, extra)
	for i := range x {
		x[i] = &floats(panels * n * 16)[0]
	}
	src, want := floats(panels*k*16), floats(panels*n*16)
	if avx512 && os.Getenv("AVX512") == "" {
		return
	}
	dst := make([]float32, len(want)+32)
	for i := range dst {
		dst[i] = 12345
	}
	f(&dst[16], &src[0], x)
	for i, v := range dst {
		if i < 16 || i >= len(dst)-16 {
			if v != 12345 {
				fmt.Println(name, "writes beside its result")
				failed = true
			}
			continue
		}
		w := want[i-16]
		if math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
			fmt.Printf("%s: element %d (panel %d, column %d, lane %d) is %g, want %g\n", name, i-16, (i-16)/16/n, (i-16)/16%n, i%16, v, w)
			failed = true
			break
		}
	}
	if !avx512 {
		data = rest
	}
	calls = append(calls, func() { f(&dst[16], &src[0], x) })
}

var (
	calls []func()
	table [1 << 16]float32
	other [4][1 << 14]float32
	_     unsafe.Pointer
)
`

func (m *module) run(t testing.TB, args ...string) string {
	t.Helper()
	for name, text := range map[string]string{
		"go.mod": "module layers\n\ngo 1.23\n", "layers_amd64.s": m.asm.String(), "layers_amd64.go": m.stubs.String(),
		"main.go": mainText + benchText + "\nfunc main() {\n" + m.main.String() + "\tif failed {\n\t\tos.Exit(1)\n\t}\n}\n", "data.bin": m.data.String(),
	} {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=mod", "AVX512="+avx512())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("go %v: %v\n%.4000s", args, err, out)
	}
	return string(out)
}

// avx512 is not empty if the machine has AVX-512.
func avx512() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if strings.Contains(string(b), "avx512dq") {
		return "1"
	}
	return ""
}
