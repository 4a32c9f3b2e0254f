package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/check"
)

// signs is a model of two ternary layers over 40 rows and one over one row.
const signs = `
g (float[40,24] x, float[1,24] z) => (float[40,20] a, float[40,20] b, float[1,20] c) {
  W = sbtc.Rand<shape=[24,20], seed=1, density=0.5, alpha=0.25>()
  V = sbtc.Rand<shape=[24,20], seed=2, density=0.5, alpha=0.5>()
  a = MatMul(x, W)
  b = MatMul(x, V)
  c = MatMul(z, W)
}`

// lowOf lists the strategies and kinds of the layers of the model, by result.
func lowOf(t *testing.T, model string, flags ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(succeed(t, append([]string{"dump", model, "--after", "low"}, flags...)...)) {
		name, op, ok := strings.Cut(strings.TrimSpace(line), " = sbtc.Linear")
		if !ok {
			continue
		}
		name = name[:1] // before what the change of layout adds
		switch {
		case strings.Contains(op, `strategy="`):
			_, s, _ := strings.Cut(op, `strategy="`)
			out[name], _, _ = strings.Cut(s, `"`)
		case strings.Contains(op, `kind="ternary"`):
			out[name] = "loop"
		case strings.Contains(op, `kind="sparse"`):
			out[name] = "sparse"
		default:
			out[name] = "dense"
		}
	}
	return out
}

func TestStrategyFlags(t *testing.T) {
	model := writeModel(t, filepath.Join(t.TempDir(), "signs.onnx"), signs)
	for _, c := range []struct{ flags, a, b, c string }{
		{"", "rt", "rt", "perm"},
		{"--mode size", "loop", "loop", "perm"},
		{"--code-budget 0", "loop", "loop", "perm"},
		{"--code-budget 1KiB", "loop", "loop", "perm"},
		{"--optimize cold", "rt", "rt", "perm"},
		{"--strategy **=loop --strategy b*=4r", "loop", "4r", "loop"},
		{"--strategy a*=dense --strategy c*=sparse --code-budget 1MB", "dense", "rt", "sparse"},
		{"--disable strategy", "loop", "loop", "loop"},
	} {
		got := lowOf(t, model, strings.Fields(c.flags)...)
		if got["a"] != c.a || got["b"] != c.b || got["c"] != c.c {
			t.Errorf("%s: %v, want %s, %s and %s", c.flags, got, c.a, c.b, c.c)
		}
	}
	for flags, want := range map[string]string{
		"":                    "a avx512,avx2 else termPanels, b avx512,avx2 else termPanels, c else permRows",
		"--code-budget 3000":  "a avx512 else termPanels, b else ternaryPanels, c else permRows",
		"--mode size":         "a else ternaryPanels, b else ternaryPanels, c else permRows",
		"--strategy a*=dense": "b avx512,avx2 else termPanels, c else permRows",
		"--strategy c*=loop":  "a avx512,avx2 else termPanels, b avx512,avx2 else termPanels, c else ternaryRows",
	} {
		var r check.Inspection
		if err := json.Unmarshal([]byte(succeed(t, append([]string{"inspect", model, "--json"}, strings.Fields(flags)...)...)), &r); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range r.Layers {
			if l.Loop != "" {
				got = append(got, strings.Join(strings.Fields(l.Name[:1]+" "+strings.Join(l.Code, ",")+" else "+l.Loop), " "))
			}
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %s, want %s", flags, got, want)
		}
	}
	for _, c := range []struct {
		flags  string
		status int
		want   string
	}{
		{"--strategy a*=perm", exitModel, "perm wants single rows"},
		{"--strategy nowhere=rt", exitModel, "no layer has such a name"},
		{"--strategy a*", exitUsage, "want GLOB=dense|sparse|rt|4r|perm|loop"},
		{"--strategy a*=jit", exitUsage, "want GLOB="},
		{"--strategy [=rt", exitUsage, "syntax error in pattern"},
		{"--code-budget 3GB", exitUsage, "want bytes, or KiB or MiB"},
		{"--code-budget -1", exitUsage, "want bytes, or KiB or MiB"},
		{"--optimize warm", exitUsage, "want hot or cold"},
	} {
		status, _, stderr := sbtc(append([]string{"inspect", model}, strings.Fields(c.flags)...)...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d\n%swant %d, %s", c.flags, status, stderr, c.status, c.want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "512": 512, "3KiB": 3072, "3KB": 3072, "2MiB": 2 << 20, "16MB": 16 << 20} {
		if n, ok := parseSize(s); !ok || n != want {
			t.Errorf("%s: %d, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", "MiB", "1.5MiB", "-1", "1 KiB", "9999999999999MiB", "1KiBMiB"} {
		if n, ok := parseSize(s); ok {
			t.Errorf("%s: %d", s, n)
		}
	}
}
