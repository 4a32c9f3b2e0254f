package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// sbtc runs the command and returns its status and what it printed.
func sbtc(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, &out, &err)
	return status, out.String(), err.String()
}

// succeed fails the test unless the command succeeds.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := sbtc(args...)
	if status != exitOK {
		t.Fatalf("sbtc %s: status %d\n%s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

// product is a small model: a dense layer.
const product = `
g (float[2,3] x) => (float[2,2] y) {
  W = Constant<value=float[3,2] {1,2,3,4,5,6}>()
  y = MatMul(x, W)
}`

// noConstants is a model that needs no weights.bin.
const noConstants = `
g (float[2,3] x) => (float[3,2] y) {
  y = Transpose<perm=[1,0]>(x)
}`

// writeModel writes the model that text describes.
func writeModel(t *testing.T, path, text string) string {
	t.Helper()
	g, err := ir.Parse("model", text, op.New)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := frontend.Encode(g, &b); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.String())
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), product)
	write(t, filepath.Join(dir, "junk.onnx"), "not a model")
	write(t, filepath.Join(dir, "x.npz"), "not a zip")
	for _, c := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"--version"}, exitOK, ""},
		{[]string{"help"}, exitOK, ""},
		{[]string{"ops"}, exitOK, ""},
		{[]string{"dump", model}, exitOK, ""},
		{[]string{"inspect", model}, exitOK, ""},
		{[]string{"nonsense"}, exitUsage, `unknown command "nonsense"`},
		{[]string{"compile"}, exitUsage, "accepts 1 arg"},
		{[]string{"compile", "--nonsense", model}, exitUsage, "unknown flag"},
		{[]string{"compile", "--disable", "nonsense", model}, exitUsage, "no such pass"},
		{[]string{"compile", "--disable", "lower", model}, exitUsage, "nothing compiles without it"},
		{[]string{"compile", "--print-after", "nonsense", model}, exitUsage, "no such pass"},
		{[]string{"compile", "--package", "a-b", "-o", filepath.Join(dir, "p"), model}, exitUsage, "cannot be the name of a Go package"},
		{[]string{"dump", "--after", "nonsense", model}, exitUsage, "no such stage or pass"},
		{[]string{"dump", "-o", "x.pdf", model}, exitUsage, ".txt or .onnx"},
		{[]string{"conform", "--executors", "gpu", dir}, exitUsage, "unknown executor"},
		{[]string{"conform", "--run", "(", dir}, exitUsage, "--run"},
		{[]string{"run", "--input", "x.txt", model}, exitUsage, "want FILE.npz or NAME=FILE.npy"},
		{[]string{"run", "--input", "=x.npy", model}, exitUsage, "want FILE.npz or NAME=FILE.npy"},
		{[]string{"run", "--output", "y.txt", model}, exitUsage, "--output y.txt: want FILE.npz"},
		{[]string{"verify", "--expect", "y.npz", model}, exitUsage, "--expect needs --input"},
		{[]string{"verify", "--seed", "x", model}, exitUsage, `invalid argument "x" for "--seed": want a whole number`},
		{[]string{"inspect", "--json=x", model}, exitUsage, `invalid argument "x" for "--json": want true or false`},
		{[]string{"compile", "--report", "", model}, exitUsage, "--report has no value"},
		{[]string{"compile", "--disable", "", model}, exitUsage, "--disable has no value"},
		{[]string{"bench", "--paths", "", model}, exitUsage, "--paths has no value"},
		{[]string{"compile", "--dim", "n", model}, exitUsage, "not of the form NAME=N or INPUT:AXIS=N"},
		{[]string{"compile", "--dim", "n=0", model}, exitUsage, `"0" is no length`},
		{[]string{"compile", "--dim", "x:a=4", model}, exitModel, `"a" is no number of an axis of input "x"`},
		{[]string{"compile", "--strategy", "=rt", model}, exitUsage, "want GLOB="},
		{[]string{"compile", filepath.Join(dir, "absent.onnx")}, exitModel, "absent.onnx"},
		{[]string{"compile", filepath.Join(dir, "junk.onnx")}, exitModel, "not an ONNX model"},
		{[]string{"compile", "--dim", "n=4", model}, exitModel, `no dimension "n"`},
		{[]string{"run", model}, exitModel, `input "x" (float[2,3]) is missing`},
		{[]string{"run", "--input", filepath.Join(dir, "x.npz"), model}, exitModel, "x.npz"},
		{[]string{"dump", "--after", "low", "-o", filepath.Join(dir, "l.onnx"), model}, exitModel, "not ONNX"},
		{[]string{"conform", filepath.Join(dir, "absent")}, exitModel, "absent"},
		{[]string{"conform", dir}, exitModel, "holds no cases"},
		{[]string{"conform", "--skip", filepath.Join(dir, "absent"), dir}, exitModel, "absent"},
	} {
		status, _, stderr := sbtc(c.args...)
		if status != c.status || !strings.Contains(stderr, c.stderr) {
			t.Errorf("sbtc %s: status %d, want %d with %q\n%s", strings.Join(c.args, " "), status, c.status, c.stderr, stderr)
		}
	}
}

// A panic and a difference between the compiled package and the model are bugs of sbtc.
func TestReport(t *testing.T) {
	for want, err := range map[string]error{
		"pass fuse":      failure{&ir.BugError{Where: "pass fuse", Panic: "index out of range", Stack: []byte("goroutine 1\n")}},
		"results differ": failure{&check.WrongError{Err: errors.New("m.onnx: results differ")}},
	} {
		var b bytes.Buffer
		if status := tell(&b, err); status != exitBug || !strings.Contains(b.String(), want) || !strings.Contains(b.String(), "Please report it") {
			t.Errorf("status %d\n%s", status, b.String())
		}
	}
}

func TestOps(t *testing.T) {
	if out := succeed(t, "ops"); !strings.Contains(out, "MatMul ") || !strings.Contains(out, "opset 13") {
		t.Error(out)
	}
	if out := succeed(t, "ops", "--json"); !strings.Contains(out, `"family": "matmul"`) {
		t.Error(out)
	}
}

func TestDump(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), product)
	if out := succeed(t, "dump", "--after", "import", model); !strings.Contains(out, "y = MatMul(x, W)") {
		t.Error(out)
	}
	if out := succeed(t, "dump", "--after", "low", model); !strings.Contains(out, "sbtc.Linear") {
		t.Error(out)
	}
	again := filepath.Join(dir, "again.onnx")
	succeed(t, "dump", "-o", again, model)
	if a, b := succeed(t, "dump", model), succeed(t, "dump", again); a != b {
		t.Errorf("a model written and read back is\n%swant\n%s", b, a)
	}
}
