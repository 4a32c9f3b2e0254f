package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// suiteOf writes a folder of cases: the first model of the repository under three names, one of them with the recorded
// output of another.
func suiteOf(t *testing.T) string {
	dir, from := t.TempDir(), filepath.Join(checkout(t), "testdata", "models", "anomaly_sbt")
	for _, name := range []string{"good", "listed", "wrong"} {
		copyFolder(t, filepath.Join(dir, name), from)
	}
	write(t, filepath.Join(dir, "wrong", "test_data_set_0", "output_0.pb"), read(t, filepath.Join(from, "test_data_set_1", "output_0.pb")))
	return dir
}

func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestConform(t *testing.T) {
	dir := suiteOf(t)
	skip := filepath.Join(t.TempDir(), "skip.txt")
	status, stdout, _ := sbtc("conform", "--executors", "interp,purego", dir)
	if status != exitModel {
		t.Errorf("status %d", status)
	}
	for _, line := range []string{
		"PASS interp good\n", "PASS purego listed\n", "FAIL interp wrong test_data_set_0: output", "FAIL purego wrong test_data_set_0: output",
		"interp: 2 passed, 1 failed, 0 skipped\n", "purego: 2 passed, 1 failed, 0 skipped\n",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("no line %q in\n%s", line, stdout)
		}
	}
	write(t, skip, "wrong\t*\tthe record is wrong\nlisted\tpurego\tthought to fail\n")
	status, stdout, _ = sbtc("conform", "--executors", "interp,purego", "--skip", skip, dir)
	if status != exitModel || !strings.Contains(stdout, "SKIP interp wrong the record is wrong\n") ||
		!strings.Contains(stdout, "FAIL purego listed listed as skipped but passes\n") || !strings.Contains(stdout, "PASS interp listed\n") {
		t.Errorf("status %d\n%s", status, stdout)
	}
	write(t, skip, "wrong\t*\tthe record is wrong\n")
	var report struct {
		Results []struct{ Status, Executor, Case, Reason string }
		Totals  []struct {
			Executor         string
			Pass, Fail, Skip int
		}
	}
	out := succeed(t, "conform", "--executors", "interp", "--skip", skip, "--json", dir)
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 3 || len(report.Totals) != 1 || report.Totals[0].Pass != 2 || report.Totals[0].Skip != 1 {
		t.Errorf("%+v", report)
	}
	succeed(t, "conform", "--executors", "interp", "--run", "^good$", dir)
	if status, _, stderr := sbtc("conform", "--run", "nothing", dir); status != exitModel || !strings.Contains(stderr, "no case") {
		t.Errorf("status %d: %s", status, stderr)
	}
}
