package codegen

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var someCases = flag.String("cases", "", "run only the cases of TestBits whose names contain this")

// TestBits builds the package of every case of testdata/codegen and runs its tests: golden vectors are what the low
// operators' Eval gives, and must be met bit for bit, without allocation; those of a batch also by every sample alone.
func TestBits(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), []byte("module cases\n\ngo 1.22\n"))
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
				for _, o := range out {
					write(t, filepath.Join(dir, m, name, o.Name), o.Data)
				}
			}
		}
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
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
