package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/ir"
)

// mlp has three layers, of which auto means the one in the middle.
const mlp = `
g (float[1,8] x) => (float[1,4] y) {
  A = sbtc.Rand<shape=[8,8], seed=1>()
  B = sbtc.Rand<shape=[8,8], seed=2>()
  C = sbtc.Rand<shape=[8,4], seed=3>()
  a = MatMul(x, A)
  r = Relu(a)
  b = MatMul(r, B)
  s = Relu(b)
  y = MatMul(s, C)
}`

func writeCalib(t *testing.T, path string, arrays map[string]*ir.Tensor) string {
	t.Helper()
	if err := npz.Write(path, arrays); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLossyFlags(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), mlp)
	x := ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{5, 8}}, 1)
	calib := writeCalib(t, filepath.Join(dir, "c.npz"), map[string]*ir.Tensor{"x": x})
	wrong := writeCalib(t, filepath.Join(dir, "w.npz"), map[string]*ir.Tensor{"z": x})
	write(t, filepath.Join(dir, "junk.npz"), "not a zip")
	for _, c := range []struct {
		args   string
		status int
		stderr string
	}{
		{"--binarize none", exitOK, ""},
		{"--binarize auto", exitOK, "1 layers changed. Without --calib nothing is known"},
		{"--ternarize auto --calib " + calib, exitOK, "1 of 1 layers changed; measured in 5 runs\nrelative error of the outputs: "},
		{"--binarize ** --max-loss 0 --calib " + calib, exitOK, "0 of 3 layers changed"},
		{"--prune global:0.5", exitOK, "pruned"},
		{"--binarize none --binarize auto", exitUsage, "contradicts"},
		{"--binarize auto --ternarize auto", exitUsage, "the same layers"},
		{"--binarize [", exitUsage, "not a pattern"},
		{"--prune 0", exitUsage, "above 0 and at most 1"},
		{"--prune all:0.5", exitUsage, "global:DENSITY"},
		{"--prune NaN", exitUsage, "above 0 and at most 1"},
		{"--binarize auto --max-loss 0.1", exitUsage, "needs --calib"},
		{"--binarize auto --max-loss -1 --calib " + calib, exitUsage, "0 or more"},
		{"--max-loss 0.1", exitUsage, "--max-loss needs --binarize"},
		{"--binarize none --calib " + calib, exitUsage, "--calib needs --binarize"},
		{"--binarize auto --calib c.txt", exitUsage, "want FILE.npz"},
		{"--binarize nothing", exitModel, "no such layer; the linear layers are"},
		{"--binarize auto --calib " + filepath.Join(dir, "absent.npz"), exitModel, "absent.npz"},
		{"--binarize auto --calib " + filepath.Join(dir, "junk.npz"), exitModel, "junk.npz"},
		{"--binarize auto --calib " + wrong, exitModel, `the model has no input or output "z"`},
	} {
		args := append([]string{"inspect", model}, strings.Fields(c.args)...)
		status, _, stderr := sbtc(args...)
		if status != c.status || !strings.Contains(stderr, c.stderr) {
			t.Errorf("sbtc %s: status %d, want %d with %q\n%s", strings.Join(args, " "), status, c.status, c.stderr, stderr)
		}
	}
}

// The package says how it was changed and is compared with the changed model.
func TestCompileLossy(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), mlp)
	calib := writeCalib(t, filepath.Join(dir, "c.npz"), map[string]*ir.Tensor{"x": ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{5, 8}}, 1)})
	args := []string{"compile", "--binarize", "b", "--calib", calib, "--max-loss", "10", "-o", filepath.Join(dir, "p"), model}
	if out := succeed(t, append(args, "--verify")...); !strings.Contains(out, "comparisons with the model with changed weights agree") {
		t.Error(out)
	}
	if text := read(t, filepath.Join(dir, "p", "model.go")); !strings.Contains(text, "--binarize b --calib c.npz --max-loss 10") {
		t.Errorf("%.600s", text)
	}
	succeed(t, append(args, "--check")...)
	if out := succeed(t, "inspect", "--binarize", "b", model); !strings.Contains(out, "binary") {
		t.Error(out)
	}
	if out := succeed(t, "inspect", "--json", "--binarize", "b", "--calib", calib, model); !strings.Contains(out, `"sensitivity": 0.`) {
		t.Error(out)
	}
	if a, b := succeed(t, "dump", "--after", "changed", "--prune", "0.5", model), succeed(t, "dump", model); a == b {
		t.Error("pruning changes nothing")
	}
	if out := succeed(t, "verify", "--trials", "1", "--binarize", "b", model); !strings.Contains(out, "the one with changed weights") {
		t.Error(out)
	}
}
