package codegen

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var someCases = flag.String("cases", "", "run only the cases of TestBits whose names contain this")

// TestBits builds the package of every case of testdata/codegen and runs its tests: golden vectors are what the low
// operators' Eval gives, and must be met bit for bit, without allocation; those of a batch also by every sample alone.
// The packages are linked into one binary, which has their tests as subtests.
func TestBits(t *testing.T) {
	all := &tester{dir: t.TempDir()}
	files, err := filepath.Glob("../testdata/codegen/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range a.Files {
			name, ok := strings.CutSuffix(s.Name, ".model")
			if !strings.Contains(name, *someCases) {
				continue
			}
			if !ok {
				t.Errorf("%s: what is %s?", f, s.Name)
				continue
			}
			g, err := ir.Parse(f+":"+s.Name, string(s.Data), low.New)
			if err != nil {
				t.Error(err)
				continue
			}
			if got := g.String(); got != string(s.Data) {
				t.Errorf("%s: %s is not canonical, want\n%s", f, s.Name, got)
			}
			for mode, m := range Modes {
				batch := 1
				fmt.Sscanf(name, "batch%d_", &batch)
				n, _ := fmt.Sscanf(name, "each%d_", &batch)
				out, err := Generate(g, Options{Package: PackageName(name), Model: name + ".onnx", Version: "test", Mode: Mode(mode), Batch: batch, Each: n == 1})
				if err != nil {
					t.Errorf("%s: %s: %v", f, s.Name, err)
					continue
				}
				if want := fmt.Sprintf("Run takes 1 to %d samples", batch); batch > 1 && strings.HasSuffix(name, "_mixed") == bytes.Contains(text(out, "model.go"), []byte(want)) {
					t.Errorf("%s: %s: whether samples are apart, wrong in\n%s", f, s.Name, text(out, "model.go"))
				}
				if strings.HasSuffix(name, "_lanes") != bytes.Contains(text(out, "model.go"), []byte(") group(")) {
					t.Errorf("%s: %s: whether samples are lanes, wrong", f, s.Name)
				}
				all.add(t, m+"_"+name, out)
			}
		}
	}
	all.run(t)
}

// A tester is a module of generated packages whose tests are linked into one binary.
type tester struct {
	dir            string
	imports, calls bytes.Buffer
}

// testFunction matches the head of a test.
var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// add adds the package, with its tests as functions that other packages may call.
func (a *tester) add(t *testing.T, name string, files []File) {
	t.Helper()
	fmt.Fprintf(&a.imports, "\t%s \"cases/p/%s\"\n", name, name)
	tests := testFunction.FindAllSubmatch(text(files, "model_test.go"), -1)
	if len(tests) < 2 {
		t.Errorf("%s has %d tests", name, len(tests))
	}
	for _, f := range tests {
		fmt.Fprintf(&a.calls, "\tt.Run(\"%s/%s\", %s.%s)\n", name, f[1], name, f[1])
	}
	for _, o := range files {
		if o.Name == "model_test.go" {
			o.Name = "model_golden.go"
		}
		write(t, filepath.Join(a.dir, "p", name, o.Name), o.Data)
	}
}

// run vets the packages and runs their tests. Debugging information, which nobody reads, takes a fifth of the time to build.
func (a *tester) run(t *testing.T) {
	t.Helper()
	write(t, filepath.Join(a.dir, "go.mod"), []byte("module cases\n\ngo 1.22\n"))
	write(t, filepath.Join(a.dir, "cases_test.go"), fmt.Appendf(nil,
		"package cases\n\nimport (\n\t\"testing\"\n\n%s)\n\nfunc TestCases(t *testing.T) {\n%s}\n", &a.imports, &a.calls))
	for _, args := range [][]string{{"vet", "./p/..."}, {"test", "-vet=off", "-gcflags=cases/...=-dwarf=false", "."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = a.dir
		cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=mod")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", args[0], err, out)
		}
	}
}

// text is the contents of a file.
func text(files []File, name string) []byte {
	for _, f := range files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Layers are printed side by side; the files must not depend on who is first.
func TestSameFiles(t *testing.T) {
	a, err := txtar.ParseFile("../testdata/codegen/layers.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		var first []File
		for range 3 {
			g, err := ir.Parse(f.Name, string(f.Data), low.New)
			if err != nil {
				t.Fatal(err)
			}
			files, err := Generate(g, Options{Package: "same", Model: "same.onnx", Version: "test"})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = files
			}
			for i, o := range files {
				if o.Name != first[i].Name || string(o.Data) != string(first[i].Data) {
					t.Errorf("%s: %s differs from %s of the run before", f.Name, o.Name, first[i].Name)
				}
			}
		}
	}
}
