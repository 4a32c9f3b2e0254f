// What this finds does not depend on how it is built itself.
//go:build !purego

package runtime

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestAssembly finds assembly files that are not what runtime/_asm/generate writes. It needs avo in the module cache.
func TestAssembly(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the generators")
	}
	have := exec.Command("go", "mod", "download")
	have.Dir = "_asm"
	have.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := have.CombinedOutput(); err != nil {
		t.Skipf("the modules of runtime/_asm are not in the module cache: %s", out)
	}
	dir := t.TempDir()
	if out, err := exec.Command("_asm/generate", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.s"))
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files are written, %v", len(names), err)
	}
	for _, name := range names {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Base(name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run go generate ./runtime", filepath.Base(name))
		}
	}
}
