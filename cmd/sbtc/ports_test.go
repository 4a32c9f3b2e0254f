package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// models are compiled for every port: every kind of kernel in few models.
func models(t *testing.T, dir string) map[string]string {
	return map[string]string{
		"dense":    writeModel(t, filepath.Join(dir, "dense.onnx"), product),
		"anomaly":  filepath.Join(checkout(t), "testdata", "models", "anomaly_sbt", "model.onnx"),
		"forecast": filepath.Join(checkout(t), "testdata", "models", "forecast_dense", "model.onnx"),
	}
}

// Generated packages build for every port without cgo.
func TestCrossBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library for seven ports")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/ports\n\ngo 1.22\n")
	for name, model := range models(t, t.TempDir()) {
		succeed(t, "compile", "-o", filepath.Join(dir, name), "--package", name, model)
	}
	for _, port := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64", "wasip1/wasm"} {
		system, arch := filepath.Split(port)
		args := []string{"go", "build"}
		switch filepath.Clean(system) {
		case "darwin", "windows": // the instructions are those for linux: no need to optimize again
			args = append(args, "-gcflags=all=-N -l -dwarf=false")
		}
		goCommand(t, dir, []string{"GOOS=" + filepath.Clean(system), "GOARCH=" + arch}, append(args, "./...")...)
	}
}

// The command gives the same bytes on every processor.
func TestSameBytesEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sbtc for other processors")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("runs binaries for linux/amd64")
	}
	temp := t.TempDir()
	for _, c := range []struct {
		name string
		env  []string
		run  []string
	}{
		{"amd64.v3", []string{"GOARCH=amd64", "GOAMD64=v3"}, nil},
		{"arm64", []string{"GOARCH=arm64"}, []string{"qemu-aarch64-static"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.run != nil {
				if _, err := exec.LookPath(c.run[0]); err != nil {
					t.Skip(err)
				}
			}
			binary := filepath.Join(temp, "sbtc-"+c.name)
			goCommand(t, checkout(t), c.env, "go", "build", "-ldflags=-w", "-o", binary, "./cmd/sbtc")
			for name, model := range models(t, t.TempDir()) {
				here, there := filepath.Join(temp, name), filepath.Join(temp, c.name, name)
				if _, err := os.Stat(here); err != nil {
					succeed(t, "compile", "-o", here, "--package", name, model)
				}
				goCommand(t, temp, nil, append(slices.Clone(c.run), binary, "compile", "-o", there, "--package", name, model)...)
				if got, want := files(t, there), files(t, here); !slices.Equal(got, want) {
					t.Errorf("%s: files %v, want %v", name, got, want)
				}
				for _, f := range files(t, here) {
					if read(t, filepath.Join(here, f)) != read(t, filepath.Join(there, f)) {
						t.Errorf("%s: %s differs", name, f)
					}
				}
			}
		})
	}
}
