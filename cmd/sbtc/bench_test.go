package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/bench"
)

func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this builds programs")
	}
	model := writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), product)
	text := succeed(t, "bench", model, "--mode", "size", "--rounds", "3", "--cold", "1", "--paths", "purego", "--json")
	var r bench.Result
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Paths) != 1 || r.Paths["purego"].Turns != 3 || r.Mode != "size" || r.Flags != "--mode size" || r.WeightsBytes == 0 {
		t.Errorf("%+v", r)
	}
	if out := succeed(t, "bench", model, "--rounds", "1", "--cold", "0", "--paths", "purego"); !strings.Contains(out, "\npurego ") {
		t.Error(out)
	}
}

func TestBenchUsage(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"m.onnx --paths neon", exitUsage, "--paths neon"},
		{"m.onnx --rounds 0", exitUsage, "--rounds 0"},
		{"m.onnx --cold -1", exitUsage, "--cold -1"},
		{"m.onnx --ort-model n.onnx", exitUsage, "--ort-model needs --ort"},
		{"m.onnx --mode fast", exitUsage, "--mode fast"},
		{"nowhere.onnx", exitModel, "nowhere.onnx"},
		{"nowhere.onnx --ort nowhere.so", exitModel, "--ort takes the path"},
	} {
		status, _, stderr := sbtc(append([]string{"bench"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("bench %s: status %d\n%s", c.args, status, stderr)
		}
	}
}
