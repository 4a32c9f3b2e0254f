// Package suite finds the ONNX backend tests for tests that run them.
package suite

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir is the folder of the cases: what SBTC_ONNX_SUITE says, else ../shared/onnx-node beside the module.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("SBTC_ONNX_SUITE"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared", "onnx-node")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("the test does not run in a module")
		}
		dir = up
	}
}

// Models lists the files of all models; without any the test is skipped.
func Models(t testing.TB) []string {
	t.Helper()
	models := Find(t, filepath.Join("*", "model.onnx"))
	if models == nil {
		Skip(t)
	}
	return models
}

// Find lists what a pattern below the folder matches, which may be nothing.
func Find(t testing.TB, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(Dir(t), pattern))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Skip skips the test and says how to run it.
func Skip(t testing.TB) {
	t.Helper()
	t.Skipf("no ONNX backend tests in %s; SBTC_ONNX_SUITE says where they are", Dir(t))
}
