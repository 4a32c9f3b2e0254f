package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGenerated finds generated files that are not what `go generate ./ir/low` writes.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"low", "runtime"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("go", "run", "../../internal/genfunc", dir)
	run.Dir = "../../ir/low"
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*", "*.go"))
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files are written, %v", len(names), err)
	}
	for _, name := range names {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		old := map[string]string{"low": "../../ir/low", "runtime": "../../runtime"}[filepath.Base(filepath.Dir(name))]
		old = filepath.Join(old, filepath.Base(name))
		if got, err := os.ReadFile(old); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run go generate ./ir/low", old)
		}
	}
}
