package bench

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/check"
)

// ortVar names the shared library of ONNX Runtime.
const ortVar = "SBTC_ORT"

func testModel(name string) string { return filepath.Join("..", "testdata", "models", name) }

// keys returns the paths of all numbers, as jq would name them.
func keys(prefix string, v any) []string {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{prefix}
	}
	var list []string
	for k, v := range m {
		list = append(list, keys(strings.TrimPrefix(prefix+"."+k, "."), v)...)
	}
	return list
}

func measure(t *testing.T, b Bench) map[string]any {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this builds programs and takes times")
	}
	r, err := b.Run()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Text(), "microseconds per call") {
		t.Error(r.Text())
	}
	return v
}

func TestPackageAlone(t *testing.T) {
	v := measure(t, Bench{Model: testModel("anomaly_sbt"), Rounds: 3, Cold: 1})
	got := keys("", v)
	want := []string{"paths.purego.median_us", "paths.purego.cold_us", "allocs_per_run", "start_us", "rss_bytes", "code_bytes", "weights_bytes"}
	for _, k := range want {
		if !slices.Contains(got, k) {
			t.Errorf("no %s among %v", k, got)
		}
	}
	if v["allocs_per_run"] != 0.0 || v["inputs"] != "test_data_set_0" {
		t.Errorf("%v allocations, %v", v["allocs_per_run"], v["inputs"])
	}
	for _, k := range []string{"start_us", "weights_bytes", "package_bytes", "program_bytes", "compile_s", "build_s"} {
		if v[k].(float64) <= 0 {
			t.Errorf("%s is %v", k, v[k])
		}
	}
	if runtime.GOOS == "linux" && (v["rss_bytes"].(float64) < 1<<20 || v["code_bytes"].(float64) < 1<<10) {
		t.Errorf("resident %v, code %v", v["rss_bytes"], v["code_bytes"])
	}
	paths := v["paths"].(map[string]any)
	if paths[v["path"].(string)] == nil {
		t.Errorf("path %v is not among %v", v["path"], paths)
	}
}

func TestBesideORT(t *testing.T) {
	library := os.Getenv(ortVar)
	if library == "" {
		t.Skip("set " + ortVar + " to the shared library of ONNX Runtime")
	}
	v := measure(t, Bench{Model: testModel("anomaly_sbt"), Library: library, Rounds: 5, Cold: 2})
	got := keys("", v)
	for _, k := range []string{
		"ort.fp32.median_us", "ort.int8.median_us", "ort.fp32.cold_us", "ort.fp32.error", "ort.version",
		"paths.purego.median_us", "paths.purego.cold_us", "paths.purego.speedup_vs_ort",
		"speedup_vs_ort", "speedup_vs_ort_int8", "speedup_vs_ort_cold",
	} {
		if !slices.Contains(got, k) {
			t.Errorf("no %s among %v", k, got)
		}
	}
	ort := v["ort"].(map[string]any)
	float, quantized := ort["fp32"].(map[string]any), ort["int8"].(map[string]any)
	if e := float["error"].(float64); e > 1e-5 {
		t.Errorf("float32 differs by %v", e)
	}
	if e := quantized["error"].(float64); e < 1e-5 || e > 0.1 {
		t.Errorf("int8 differs by %v", e)
	}
	// The ratio of medians and the median of ratios are not the same number, but near.
	path := v["paths"].(map[string]any)[v["path"].(string)].(map[string]any)
	ratio := float["median_us"].(float64) / path["median_us"].(float64)
	if s := v["speedup_vs_ort"].(float64); s < ratio/3 || s > ratio*3 {
		t.Errorf("speedup %v, medians %v", s, ratio)
	}
}

func TestAnotherModelDiffers(t *testing.T) {
	library := os.Getenv(ortVar)
	if library == "" {
		t.Skip("set " + ortVar + " to the shared library of ONNX Runtime")
	}
	_, err := Bench{Model: testModel("forecast_dense"), ORTModel: testModel("forecast_pals"), Library: library, Rounds: 1}.Run()
	var differs *DiffersError
	if !errors.As(err, &differs) {
		t.Errorf("pruned weights pass for the others: %v", err)
	}
}

func TestErrors(t *testing.T) {
	notALibrary := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(notALibrary, []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		b    Bench
		want string
	}{
		{"no model", Bench{Model: "nowhere.onnx"}, "nowhere.onnx"},
		{"no library", Bench{Model: testModel("dlinear"), Library: "nowhere.so"}, "nowhere.so"},
		{"no such path", Bench{Model: testModel("dlinear"), Paths: []string{"neon"}}, "neon"},
		{"another library", Bench{Model: testModel("dlinear"), Library: notALibrary}, notALibrary},
	} {
		if testing.Short() && c.name != "no model" {
			continue
		}
		c.b.Rounds = 1
		_, err := c.b.Run()
		var bug *check.WrongError
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &bug) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What the worker for ONNX Runtime is built with is what this module's go.mod and go.sum say.
func TestLoaderModule(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "\t"+loaderModule+"\n") || !strings.Contains(string(sum), loaderSums) {
		t.Error("update loaderModule and loaderSums")
	}
}
