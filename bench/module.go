package bench

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
)

//go:embed timer/*.go ort/*.go
var sources embed.FS

// Modules that are built: that of compiled packages and sbtc's own, of which the worker for ONNX Runtime is a part.
const (
	packageModule = "sbtc.invalid/run"
	ownModule     = "github.com/sbtc-go/sbtc"
)

// loaderModule is what the worker for ONNX Runtime needs beside the standard library, as in sbtc's go.mod and go.sum.
const (
	loaderModule = "github.com/ebitengine/purego v0.10.0"
	loaderSums   = loaderModule + ` h1:QIw4xfpWT6GWTzaW5XEKy3HXoqrJGx1ijYHzTF0/ISU=
` + loaderModule + `/go.mod h1:iIjxzd6CiRiOG0UyXP+V1+jWqUXVjPKLAI0mRfJZTmQ=
`
)

// module is a folder in which programs are built.
type module string

func (m module) write(name string, data []byte) error {
	path := filepath.Join(string(m), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}

// copy writes the embedded files of a folder below to, without tests.
func (m module) copy(folder, to string) error {
	entries, err := sources.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		data, err := sources.ReadFile(folder + "/" + e.Name())
		if err != nil {
			return err
		}
		if err := m.write(to+e.Name(), data); err != nil {
			return err
		}
	}
	return nil
}

func (m module) program(name string) string { return filepath.Join(string(m), name+".exe") }

// compiledPrograms are built of a compiled package.
type compiledPrograms struct {
	timer, minimal string // paths: what serves requests, and what only runs the model once
	seconds        float64
	memory         int64 // bytes, the most that a process of the build took; 0 where that is not known
}

// build builds them, without network.
func (m module) build(c *check.Compiled) (*compiledPrograms, error) {
	files := map[string]string{
		"go.mod":          "module " + packageModule + "\n\ngo 1.22\n",
		"serve/main.go":   fmt.Sprintf(serveMain, packageModule),
		"minimal/main.go": minimalMain(c),
		// So that the go command builds the package, whose time is told, even if it built the same one before.
		"p/built.go": fmt.Sprintf("package %s\n\n// %d\n", c.Package, time.Now().UnixNano()),
	}
	for _, f := range c.Files {
		files["p/"+f.Name] = string(f.Data)
	}
	for name, text := range files {
		if err := m.write(name, []byte(text)); err != nil {
			return nil, err
		}
	}
	if err := m.copy("timer", "timer/"); err != nil {
		return nil, err
	}
	p := &compiledPrograms{timer: m.program("serve"), minimal: m.program("minimal")}
	for _, b := range []struct{ folder, to string }{{"./minimal", p.minimal}, {"./serve", p.timer}} {
		begin := time.Now()
		output, memory, err := check.GoBuild(string(m), "-trimpath", "-o", b.to, b.folder)
		if err != nil {
			return nil, fmt.Errorf("building the compiled package: %w\n%s", err, output)
		}
		if p.seconds == 0 {
			p.seconds, p.memory = time.Since(begin).Seconds(), memory
		}
	}
	return p, nil
}

const serveMain = `package main

import (
	p "%[1]s/p"
	"%[1]s/timer"
)

func main() { timer.Serve(timer.Compiled(p.New, p.WithWorkers)) }
`

// minimalMain is a program that makes an instance, runs it, and tells how long that took. After a few runs more it waits.
func minimalMain(c *check.Compiled) string {
	inputs, outputs := c.Fields()
	make := func(fields []codegen.Field) string {
		var list []string
		for _, f := range fields {
			if f.Type.Static() {
				list = append(list, fmt.Sprintf("%s: make(%s, %d)", f.Go, f.GoType(), f.Type.Len()))
			}
		}
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf(`package main

import (
	"os"
	"time"

	p %q
)

func main() {
	start := time.Now()
	m, err := p.New()
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	in, out := &p.Inputs{%s}, &p.Outputs{%s}
	m.Run(in, out)
	d := time.Since(start)
	for range 3 {
		m.Run(in, out)
	}
	println(d.Nanoseconds())
	os.Stdin.Read([]byte{0})
}
`, packageModule+"/p", make(inputs), make(outputs))
}

// buildORT builds the worker for ONNX Runtime. Its one dependency comes from the module cache or, the first time, through
// the module proxy that is set.
func (m module) buildORT() (program string, err error) {
	for name, text := range map[string]string{
		"go.mod": "module " + ownModule + "\n\ngo 1.22\n\nrequire " + loaderModule + "\n",
		"go.sum": loaderSums,
	} {
		if err := m.write(name, []byte(text)); err != nil {
			return "", err
		}
	}
	for _, folder := range []string{"timer", "ort"} {
		if err := m.copy(folder, "bench/"+folder+"/"); err != nil {
			return "", err
		}
	}
	program = m.program("ort")
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, "./bench/ort")
	cmd.Dir = string(m)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod", "GO111MODULE=on", "CGO_ENABLED=0",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	output, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("the go command is not in PATH")
	}
	if err != nil {
		return "", fmt.Errorf("building what loads ONNX Runtime, which needs %s from the module cache or a proxy (GOPROXY): %w\n%s", loaderModule, err, output)
	}
	return program, nil
}
