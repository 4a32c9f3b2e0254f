package check

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed driver/driver.go
var driverSource []byte

// module is the path of the temporary module in which compiled packages are built.
const module = "sbtc.invalid/run"

// buildLimit is how long building one program may take.
const buildLimit = 10 * time.Minute

// Build builds the packages and a driver into one program, in a temporary module and without network. A package that
// does not build fails alone: running it returns the compiler's message.
func Build(packages []*Compiled, e Executor) (_ *Program, err error) {
	dir, err := os.MkdirTemp("", "sbtc-")
	if err != nil {
		return nil, err
	}
	p := &Program{
		dir: dir, executor: e, limit: runLimit, memory: memoryLimit,
		packages: packages, index: make([]int, len(packages)), errs: make([]error, len(packages)),
	}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	files := map[string][]byte{
		"go.mod":           []byte("module " + module + "\n\ngo 1.22\n"),
		"driver/driver.go": driverSource,
	}
	for i, c := range packages {
		for _, f := range c.Files {
			files[fmt.Sprintf("p%d/%s", i, f.Name)] = f.Data
		}
	}
	for name, data := range files {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), data); err != nil {
			return nil, err
		}
	}
	for {
		if err := writeFile(filepath.Join(dir, "main.go"), p.main()); err != nil {
			return nil, err
		}
		out, err := p.goBuild()
		if err == nil {
			return p, nil
		}
		if !p.blame(out) {
			return nil, fmt.Errorf("building the compiled package: %w\n%s", err, out)
		}
	}
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}

// main writes the program: every package that is not known to be broken.
func (p *Program) main() []byte {
	var imports, list bytes.Buffer
	n := 0
	for i := range p.packages {
		if p.errs[i] != nil {
			continue
		}
		fmt.Fprintf(&imports, "\tp%d %q\n", i, fmt.Sprintf("%s/p%d", module, i))
		fmt.Fprintf(&list, "\t\tdriver.Of(p%d.New),\n", i)
		p.index[i] = n
		n++
	}
	return fmt.Appendf(nil, "package main\n\nimport (\n\t%q\n%s)\n\nfunc main() {\n\tdriver.Serve([]driver.Package{\n%s\t})\n}\n",
		module+"/driver", &imports, &list)
}

func (p *Program) goBuild() (output []byte, err error) {
	// Without debugging information, which takes a fifth of the time to build. Panics name files and lines nevertheless.
	args := []string{"-trimpath", "-gcflags=" + module + "/...=-dwarf=false", "-ldflags=-w", "-o", p.binary()}
	if p.executor == PureGo {
		args = append(args, "-tags=purego")
	}
	output, _, err = GoBuild(p.dir, append(args, ".")...)
	return output, err
}

// GoBuild runs go build in the temporary module in dir, for this machine and without network. It returns what that says
// and the most memory that one of its processes took, in bytes, 0 where the system does not tell.
func GoBuild(dir string, args ...string) (output []byte, memory int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod", "GO111MODULE=on",
		"CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	output, err = cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		err = errors.New("the go command is not in PATH")
	}
	return output, peakMemory(cmd.ProcessState), err
}

// peakMemory is ru_maxrss of getrusage(2), of a process and those that it waited for, in bytes: Linux counts in KiB.
func peakMemory(s *os.ProcessState) int64 {
	if s == nil || runtime.GOOS != "linux" {
		return 0
	}
	usage := reflect.Indirect(reflect.ValueOf(s.SysUsage()))
	if usage.Kind() != reflect.Struct || !usage.FieldByName("Maxrss").IsValid() {
		return 0
	}
	return usage.FieldByName("Maxrss").Int() * 1024
}

func (p *Program) binary() string { return filepath.Join(p.dir, "program.exe") }

var brokenPackage = regexp.MustCompile(`(?m)^# ` + regexp.QuoteMeta(module) + `/p(\d+)$`)

// blame finds the packages that the output of go build complains about; it reports whether there are any.
func (p *Program) blame(output []byte) (more bool) {
	at := brokenPackage.FindAllSubmatchIndex(output, -1)
	for k, m := range at {
		end := len(output)
		if k+1 < len(at) {
			end = at[k+1][0]
		}
		i, err := strconv.Atoi(string(output[m[2]:m[3]]))
		if err == nil && i < len(p.errs) && p.errs[i] == nil {
			more = true
			p.errs[i] = fmt.Errorf("the compiled package does not build: %s", bytes.TrimSpace(output[m[1]:end]))
		}
	}
	return more
}

// environment is that of the program, for its executor.
func (p *Program) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "SBTC_CPU=") })
	switch {
	case p.executor == PureGo:
		env = append(env, "SBTC_CPU=purego")
	case p.path != "":
		env = append(env, "SBTC_CPU="+p.path)
	}
	return env
}
