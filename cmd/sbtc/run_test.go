package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/ir"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), product)
	in, out := filepath.Join(dir, "in.npz"), filepath.Join(dir, "out.npz")
	// A float64 array will do where its elements are float32 numbers.
	if err := npz.Write(in, map[string]*ir.Tensor{"x": ir.Of(ir.Float64, []int{2, 3}, []float64{1, 0, 0, 0, 1, 1})}); err != nil {
		t.Fatal(err)
	}
	want := ir.Of(ir.Float32, []int{2, 2}, []float32{1, 2, 8, 10})
	succeed(t, "run", "--input", in, "--output", out, model)
	got, err := npz.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if got["y"] == nil || ir.Agree(got["y"], want, ir.Tolerance{}) != nil || len(got) != 1 {
		t.Errorf("%v", got)
	}
	if text := succeed(t, "run", "--input", in, model); text != "\"y\" float[2,2]\n  1 2\n  8 10\n" {
		t.Errorf("%q", text)
	}
	// What was written is what verify expects.
	succeed(t, "verify", "--trials", "1", "--input", in, "--expect", out, model)
	if err := npz.Write(out, map[string]*ir.Tensor{"y": ir.Of(ir.Float32, []int{2, 2}, []float32{1, 2, 8, 11})}); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := sbtc("verify", "--trials", "0", "--input", in, "--expect", out, model)
	if status != exitModel || !strings.Contains(stdout, "differs the given input: model against recorded: output \"y\"") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

// Where --dim gives a batch, inputs of fewer samples do.
func TestRunFewerSamples(t *testing.T) {
	model, in := filepath.Join("..", "..", "testdata", "models", "forecast_dynbatch", "model.onnx"), filepath.Join(t.TempDir(), "in.npz")
	write := func(n int) {
		if err := npz.Write(in, map[string]*ir.Tensor{"history": ir.NewTensor(ir.Float32, n, 96, 7)}); err != nil {
			t.Fatal(err)
		}
	}
	write(2)
	if text := succeed(t, "run", "--dim", "batch=4", "--input", in, model); !strings.HasPrefix(text, "\"forecast\" float[2,24]\n") {
		t.Error(text)
	}
	write(5)
	if status, _, stderr := sbtc("run", "--dim", "batch=4", "--input", in, model); status != exitModel || !strings.Contains(stderr, "float[5,96,7]") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestInspect(t *testing.T) {
	model := writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), product)
	text := succeed(t, "inspect", model)
	for _, part := range []string{`input  "x" float[2,3]`, `output "y" float[2,2]`, "Linear", "dense", "100.0%", "12"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if text := succeed(t, "inspect", "--json", model); !strings.Contains(text, `"macs_nonzero": 12`) {
		t.Error(text)
	}
}
