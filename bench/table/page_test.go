package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/bench"
)

// Goals are of works, and no two works share files.
func TestRows(t *testing.T) {
	ids := map[string]bool{}
	for _, w := range works {
		if ids[w.id] || w.name == "" || len(w.make) < 3 {
			t.Errorf("work %+v", w)
		}
		ids[w.id] = true
	}
	for _, g := range goals {
		for _, id := range g.works {
			if !ids[id] {
				t.Errorf("goal %+v: no work %q", g, id)
			}
		}
		if len(g.works) > 1 && g.name == "" || g.least > g.aim {
			t.Errorf("goal %+v", g)
		}
	}
}

// The smallest of repeated runs counts, and several works by their geometric mean.
func TestGoalRow(t *testing.T) {
	all := map[string][]*bench.Result{
		"smd": {{Speedup: 30, SpeedupInt8: 2, SpeedupCold: 9}, {Speedup: 26, SpeedupInt8: 3, SpeedupCold: 8}},
		"msl": {{Speedup: 10, SpeedupInt8: 8}},
	}
	for _, c := range []struct {
		g    goal
		want string
	}{
		{goal{works: one("smd"), figure: hot, least: 25, aim: 35}, "| SBT anomaly, SMD | float32, hot | 26.00x | 25x | 35x | reached |\n"},
		{goal{works: one("smd"), figure: cold, least: 9, aim: 12}, "| SBT anomaly, SMD | float32, cold | 8.00x | 9x | 12x | **open** |\n"},
		{goal{name: "both", works: []string{"smd", "msl"}, figure: int8, least: 1, aim: 4}, "| both | int8, hot | 4.00x | 1x | 4x | aim reached |\n"},
		{goal{name: "some", works: []string{"smd", "smap"}, figure: hot, least: 1, aim: 4}, "| some | float32, hot | - | 1x | 4x | not measured |\n"},
		{goal{works: one("msl"), figure: cold, least: 1, aim: 4}, "| SBT anomaly, MSL | float32, cold | - | 1x | 4x | not measured |\n"},
	} {
		if got := c.g.row(all); got != c.want {
			t.Errorf("got  %swant %s", got, c.want)
		}
	}
}

func TestPage(t *testing.T) {
	c := command{work: t.TempDir()}
	if _, err := c.page(); err == nil {
		t.Error("a page without results")
	}
	text, err := json.Marshal([]*bench.Result{{
		Machine: "a processor", Mode: "speed", Rounds: 41, Speedup: 26, Budget: 16 << 20, CodeBytes: 70 << 10, Allocs: 0,
		Paths: map[string]*bench.Timing{"avx512": {Median: 20, Low: 19, High: 21}, "avx2": {Median: 40}},
		ORT:   &bench.ORT{Version: "1.2.3", FP32: &bench.ORTTiming{Timing: bench.Timing{Median: 520, Low: 500, High: 560}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.results("smd"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	page, err := c.page()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a processor", "ONNX Runtime 1.2.3", "at least 15 of them",
		"| SBT anomaly, SMD | float32, hot | 26.00x | 25x | 35x | reached |",
		"| SBT anomaly, SMD | 20.0 (19.0..21.0) | 40.0 | - | 520 (500..560) | - | - | - | 0.50 |",
		"| SBT anomaly, SMD | - | speed | 16.0 MiB | 70 KiB |",
		"| SBT anomaly, SMD | `python3 -m train.shapes --name smd` | `sbtc bench MODEL` |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}
