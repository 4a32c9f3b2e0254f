package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/report"
)

func TestCompileReport(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), signs)
	out, file := filepath.Join(dir, "p"), filepath.Join(dir, "r.json")
	succeed(t, "compile", model, "-o", out, "--report", file, "--code-budget", "1MiB")
	var r report.Report
	if err := json.Unmarshal([]byte(read(t, file)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Package != "p" && r.Package != "m" || r.Flags != "--code-budget 1MiB" || len(r.Code) != 2 || len(r.Files) != len(files(t, out)) {
		t.Errorf("%+v", r)
	}
	page := filepath.Join(dir, "r.html")
	succeed(t, "compile", model, "-o", out, "--report", page)
	if text := read(t, page); !strings.HasPrefix(text, "<!DOCTYPE html>") || !strings.HasSuffix(text, "</html>\n") {
		t.Error(text)
	}
	if got := files(t, dir); len(got) != 4 {
		t.Errorf("left behind: %q", got)
	}
}

// Where the report cannot be written, the package is not written either.
func TestCompileReportErrors(t *testing.T) {
	dir := t.TempDir()
	model := writeModel(t, filepath.Join(dir, "m.onnx"), product)
	out := filepath.Join(dir, "p")
	for _, c := range []struct {
		flags  []string
		status int
		want   string
	}{
		{[]string{"--report", "r.pdf"}, exitUsage, "--report r.pdf: want FILE.html or FILE.json"},
		{[]string{"--report", "r.html", "--check"}, exitUsage, "--check writes nothing"},
		{[]string{"--report", filepath.Join(dir, "nowhere", "r.html")}, exitModel, "nowhere"},
	} {
		status, _, stderr := sbtc(append([]string{"compile", model, "-o", out}, c.flags...)...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: status %d\n%s", c.flags, status, stderr)
		}
		if got := files(t, dir); len(got) != 1 {
			t.Errorf("%v leaves %q", c.flags, got)
		}
	}
}
