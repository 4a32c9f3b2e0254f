package main

import (
	"path/filepath"
	"strings"
	"testing"
)

const ternary = `
g (float[2,64] x) => (float[2,64] y) {
  W = sbtc.Rand<shape=[64,64], seed=1, density=0.2, alpha=0.5>()
  y = MatMul(x, W)
}`

func TestCompileMode(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), ternary)
	out := filepath.Join(dir, "m")
	size := map[string]int{}
	for _, mode := range []string{"speed", "size"} {
		// A loop needs nothing but the weights; code of its own may read sums and scales from tables.
		flags := []string{"--mode", mode, "--strategy", "**=loop", "-o", out, model}
		succeed(t, append([]string{"compile"}, flags...)...)
		size[mode] = len(read(t, filepath.Join(out, "weights.bin")))
		succeed(t, append([]string{"compile", "--check"}, flags...)...)
	}
	// At least 64·64·(H(0.2) + 0.2)/8 = 472 bytes; with a bit a cell, 512 + 0.2·512.
	if size["size"] < 440 || size["size"] > 510 || size["speed"] < 580 || size["speed"] > 650 {
		t.Errorf("weights.bin has %v bytes", size)
	}
	if text := read(t, filepath.Join(out, "model.go")); !strings.Contains(text, "--mode size") {
		t.Errorf("the header does not name the mode:\n%.600s", text)
	}
	if status, _, stderr := sbtc("compile", "--mode", "size", "-v", "-o", out, model); status != 0 || !strings.Contains(stderr, "ternary") {
		t.Errorf("-v: status %d\n%s", status, stderr)
	}
	if status, _, stderr := sbtc("compile", "--mode", "small", "-o", out, model); status != exitUsage || !strings.Contains(stderr, "want speed or size") {
		t.Errorf("--mode small: status %d\n%s", status, stderr)
	}
}
