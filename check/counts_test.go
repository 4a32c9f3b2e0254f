package check

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

func inspected(t *testing.T, path string, disable ...string) *Inspection {
	t.Helper()
	r, err := Inspect(path, Options{Disable: disable, Warn: func(text string) {
		if !strings.Contains(text, "is taken as 1") {
			t.Error(text)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What layers count adds up to what the model counts, and the bits stored are those of weights.bin.
func TestCountsAddUp(t *testing.T) {
	files, err := filepath.Glob("../testdata/models/*/model.onnx")
	if err != nil || len(files) == 0 {
		t.Fatal("no models", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			for _, mode := range []codegen.Mode{codegen.Speed, codegen.Size} {
				r, err := Inspect(file, Options{Mode: mode})
				if err != nil {
					t.Fatal(err)
				}
				var sum Counts
				for _, l := range r.Layers {
					sum.MACsLive += l.MACsLive
					sum.MACsNonZero += l.MACsNonZero
					sum.MACsExecuted += l.MACsExecuted
					sum.BitsStored += l.BitsStored
					if l.MACsNonZero > l.MACsLive || l.MACsLive > l.MACsDense || l.Op == "Linear" && (l.Kind == "" || l.Strategy == "") {
						t.Errorf("%+v", l)
					}
				}
				if tt := r.Total; sum.MACsLive != tt.MACsLive || sum.MACsNonZero != tt.MACsNonZero || sum.MACsExecuted != tt.MACsExecuted || sum.BitsStored != tt.BitsStored {
					t.Errorf("layers have %+v, the total %+v", sum, tt)
				}
				c, err := Compile(file, Options{Mode: mode})
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(c.Files, func(f codegen.File) bool { return f.Name == "weights.bin" })
				if i < 0 || 8*len(c.Files[i].Data) != r.Total.BitsStored {
					t.Errorf("%v: %d bits stored, weights.bin has %d bytes", mode, r.Total.BitsStored, len(c.Files[i].Data))
				}
			}
		})
	}
}

// The anomaly model has the sizes of the paper's MSL: 12,177,000 is 50·55·110 for the embedding and as much for the
// decoder, and for each of two layers 50·(4·110² + 2·110·256) and twice 50²·110 for attention. The other figures are of
// the same sizes counted by hand, where a quarter of the weights is left and dead rows are not computed.
func TestCountsOfAnomalyModel(t *testing.T) {
	const file = "../testdata/models/anomaly_sbt/model.onnx"
	r, plain := inspected(t, file), inspected(t, file, "reassociate")
	if r.Total.MACsDense != 12_177_000 || plain.Total.MACsDense != 12_177_000 {
		t.Errorf("%d multiply-adds dense", r.Total.MACsDense)
	}
	if r.Total.MACsNonZero != 1_150_598 || plain.Total.MACsNonZero != 1_570_028 {
		t.Errorf("%d multiply-adds, %d without reassociation", r.Total.MACsNonZero, plain.Total.MACsNonZero)
	}
	if p := r.Paper; p == nil || p.BitsDense != 7_158_944 || *p.BitsSBT != 221_540 || p.FlopsDense != 4_949_440 || *p.FlopsSBT != 982_994 {
		t.Errorf("paper: %+v", p)
	}
	var names []string
	for _, p := range plain.Passes {
		names = append(names, p.Pass)
	}
	if got := strings.Join(names, " "); got != "imported attention live" {
		t.Errorf("multiply-adds change by %s", got)
	}
	for _, l := range r.Layers {
		if l.Op == "Linear" && (l.Kind != "ternary" || l.Scale == nil || l.Strategy != "rt" && l.Strategy != "perm") {
			t.Errorf("%s: %s weights, scale %v, kernel %s", l.Name, l.Kind, l.Scale, l.Strategy)
		}
	}
}

// In the classifier half of the queries, keys and values are zero, in places that are drawn: a quarter of the products
// of queries with keys is left, and half of those with values.
func TestCountsOfClassifier(t *testing.T) {
	r := inspected(t, "../testdata/models/classify_sbt/model.onnx")
	linear := 29 * (12*32 + 2*(4*32*32+2*32*256) + 32*9) / 2
	attention := 2 * 29 * 29 * 32 // of one product in two layers
	if got, want := r.Total.MACsDense, 2*linear+2*attention; got != want {
		t.Errorf("%d multiply-adds dense, want %d", got, want)
	}
	if got, want := float64(r.Total.MACsNonZero), float64(linear)+0.75*float64(attention); got < 0.99*want || got > 1.01*want {
		t.Errorf("%g multiply-adds, want about %g", got, want)
	}
	// Attention multiplies the half of the keys and values that is left with the queries of 32 lanes, wherever these have zeros.
	attends := 0
	for _, l := range r.Layers {
		if l.Op == "Attend" {
			attends++
			if want := 32 * 2 * (29 * 32 / 2); l.Strategy != "attendKept" || l.MACsExecuted != want {
				t.Errorf("%s: %s executes %d, want attendKept and %d", l.Name, l.Strategy, l.MACsExecuted, want)
			}
		}
	}
	if attends != 2 {
		t.Errorf("%d attentions", attends)
	}
	if p := r.Paper; p == nil || *p.FlopsSBT != 156_148 || p.BitsDense != 2_416_928 {
		t.Errorf("paper: %+v", p)
	}
}

// A last-step head leaves most of the last layer without a reader.
func TestCountsByPass(t *testing.T) {
	r := inspected(t, "../testdata/models/forecast_last/model.onnx")
	fell := map[string]int{}
	for i, p := range r.Passes[1:] {
		fell[p.Pass] += r.Passes[i].MACsLive - p.MACsLive
	}
	if fell["live"] <= 0 || fell["live"]+fell["reassociate"] != r.Total.MACsDense-r.Total.MACsLive {
		t.Errorf("multiply-adds fell by %v, from %d to %d", fell, r.Total.MACsDense, r.Total.MACsLive)
	}
}

func TestCountsJSON(t *testing.T) {
	b, err := json.Marshal(inspected(t, "../testdata/models/classify_sbt/model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Total, Paper map[string]any
		Layers       []map[string]any
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	counts := []string{"params", "nonzero", "macs_dense", "macs_live", "macs_nonzero", "macs_executed", "bits_dense", "bits_stored"}
	has := func(m map[string]any, keys ...string) {
		t.Helper()
		for _, k := range keys {
			if m[k] == nil {
				t.Errorf("no %s in %v", k, m)
			}
		}
	}
	has(v.Total, counts...)
	has(v.Paper, "bits_dense", "bits_sbt", "flops_dense", "flops_sbt")
	for _, l := range v.Layers {
		has(l, append(counts, "name", "strategy", "shape")...)
		if l["op"] == "Linear" {
			has(l, "kind")
		}
	}
}

// Worked out from the loops of package runtime by hand.
func TestExecuted(t *testing.T) {
	rows := ir.Type{DType: ir.Float32, Shape: []int{1, 20, 7}}
	panels := rows
	panels.Layout = ir.Panels
	for _, c := range []struct {
		kind   string
		x      ir.Type
		kernel string
		want   int
	}{
		{"dense", rows, "denseRows", 20 * 7 * 16}, // 9 columns are two octets
		{"dense", panels, "densePanels", 32 * 7 * 10},
		{"dense", ir.Type{DType: ir.Float64, Shape: []int{20, 7}}, "denseRows64", 20 * 7 * 9},
		{"sparse", panels, "sparsePanels", 32 * 5},
		{"ternary", rows, "ternaryRows", 20 * 5},
	} {
		w := ir.NewTensor(ir.Float32, 7, 9)
		for i := range 5 {
			w.SetFloat(i, 1)
		}
		if kernel, got := linearWork(&low.Linear{Kind: c.kind}, c.x, w); kernel != c.kernel || got != c.want {
			t.Errorf("%s: %s executes %d, want %s and %d", c.kind, kernel, got, c.kernel, c.want)
		}
	}
	if got, want := attendTiles(&low.Attend{}, 5, 3, 6, 5), 2*4*(4*6+3*6); got != want { // two tiles, two pairs of keys
		t.Errorf("attend executes %d, want %d", got, want)
	}
	spans := low.Spans{{{Lo: 1, Hi: 3}}, {{Lo: 1, Hi: 3}}, {{Lo: 2, Hi: 4}}}
	if got, want := attendTiles(&low.Attend{Finite: spans}, 3, 4, 2, 2), 4*(4*2+2*2)+4*(2*2+2*2); got != want {
		t.Errorf("attend executes %d with spans, want %d", got, want)
	}
}
