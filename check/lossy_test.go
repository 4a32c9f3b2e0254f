package check

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/lossy"
)

// forecast is a model with the windows that it was recorded with.
const forecast = "../testdata/models/forecast_dense"

// stack joins tensors along their first axis.
func stack(list []*ir.Tensor) *ir.Tensor {
	var x []float32
	shape := slices.Clone(list[0].Shape)
	shape[0] = 0
	for _, t := range list {
		x = append(x, ir.Data[float32](t)...)
		shape[0] += t.Shape[0]
	}
	return ir.Of(ir.Float32, shape, x)
}

// calibrationOf writes the recorded windows as a calibration file and reads it back.
func calibrationOf(t *testing.T, windows []*ir.Tensor) map[string]*ir.Tensor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calib.npz")
	if err := npz.Write(path, map[string]*ir.Tensor{"history": stack(windows)}); err != nil {
		t.Fatal(err)
	}
	arrays, err := npz.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return arrays
}

// The end-to-end error of the report is that of the changed model against the one of the file, each run on its own.
func TestLossyErrorIsThatOfTheInterpreters(t *testing.T) {
	sets, err := frontend.ReadCase(forecast)
	if err != nil || len(sets) < 2 {
		t.Fatal(err, len(sets))
	}
	var windows []*ir.Tensor
	for _, s := range sets {
		windows = append(windows, s.Inputs[0].Tensor)
	}
	var report *lossy.Report
	l := &Lossy{
		Request:     lossy.Request{Binarize: []string{lossy.Auto}},
		Calibration: calibrationOf(t, windows),
		Report:      func(r *lossy.Report) { report = r },
	}
	model := filepath.Join(forecast, "model.onnx")
	imported, err := Load(model, Imported, Options{})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := Load(model, Changed, Options{Lossy: l})
	if err != nil {
		t.Fatal(err)
	}
	difference, norm := 0.0, 0.0
	for _, w := range windows {
		want, err := imported.Graph.Eval([]*ir.Tensor{w})
		if err != nil {
			t.Fatal(err)
		}
		got, err := changed.Graph.Eval([]*ir.Tensor{w})
		if err != nil {
			t.Fatal(err)
		}
		x := got[0].Floats()
		for i, y := range want[0].Floats() {
			difference += (x[i] - y) * (x[i] - y)
			norm += y * y
		}
	}
	want := math.Sqrt(difference / norm)
	if report.Runs != len(windows) || report.Error == nil || want < 0.01 || math.Abs(*report.Error-want) > 1e-5*want {
		t.Errorf("the report says %v on %d samples, the interpreters %v on %d", *report.Error, report.Runs, want, len(windows))
	}
	// The layers become ternary ones, the same in every later graph.
	low, err := Load(model, Low, Options{Lossy: l})
	if err != nil {
		t.Fatal(err)
	}
	ternary := strings.Count(low.Graph.String(), `kind="ternary"`)
	if len(report.Layers) != 12 || ternary != 12 {
		t.Errorf("%d layers in the report, %d ternary ones compiled, want the 12 between embedding and head", len(report.Layers), ternary)
	}
}

// The compiled package is compared with the changed model, and recorded outputs of the other one are no fault of it.
func TestVerifyLossy(t *testing.T) {
	l := &Lossy{Request: lossy.Request{Ternarize: []string{"**/linear?/**"}, Prune: 0.5}}
	// The head sees 64 features, not 6144: its chain of sums stays far from the bound (TestChainError in ir/low).
	model := filepath.Join("..", "testdata", "models", "forecast_last")
	r, err := Verify{Model: model, Options: Options{Lossy: l}, Seed: 1, Trials: 1}.Run()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	notes := 0
	for _, f := range r.Checks {
		if f.Check == againstRecorded && f.Level == Note {
			notes++
		}
	}
	if notes == 0 || !r.Changed {
		t.Errorf("changed %v, %d notes on recorded data", r.Changed, notes)
	}
}

// A batch is changed like one sample, whether the package runs its samples one by one or all at once, and whichever of the
// two graphs the layers were chosen with.
func TestVerifyLossyBatch(t *testing.T) {
	rows := func(n int) *ir.Tensor { return ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{n, 12}}, 1) }
	lanes := writeModel(t, `
g (float[?,12] x) => (float[?,4] y) {
  A = sbtc.Rand<shape=[12,16], seed=1>()
  B = sbtc.Rand<shape=[16,16], seed=2>()
  C = sbtc.Rand<shape=[16,4], seed=3>()
  a = MatMul(x, A)
  r = Relu(a)
  b = MatMul(r, B)
  s = Relu(b)
  y = MatMul(s, C)
}`)
	open := filepath.Join("..", "testdata", "models", "forecast_dynbatch", "model.onnx")
	loss := 10.0
	for _, c := range []struct {
		name, model, dim string
		calibration      map[string]*ir.Tensor
		each             int
	}{
		{"one by one", open, "batch=4", nil, 4},
		{"in one graph", lanes, "x:0=16", map[string]*ir.Tensor{"x": rows(32)}, 1},
		{"few rows", lanes, "x:0=3", map[string]*ir.Tensor{"x": rows(9)}, 3},
	} {
		for _, request := range []lossy.Request{{Binarize: []string{lossy.Auto}, MaxLoss: &loss}, {Ternarize: []string{lossy.Auto}, Prune: 0.6}} {
			l := &Lossy{Request: request}
			if request.MaxLoss != nil {
				if l.Calibration = c.calibration; l.Calibration == nil {
					continue
				}
			}
			opt := Options{Dims: []string{c.dim}, Lossy: l}
			compiled, err := Compile(c.model, opt)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if compiled.Each != c.each || compiled.Samples < 3 {
				t.Errorf("%s: %d one by one, up to %d", c.name, compiled.Each, compiled.Samples)
			}
			if !strings.Contains(compiled.Graph.String(), `kind="ternary"`) {
				t.Errorf("%s: no layer is changed in\n%s", c.name, compiled.Graph)
			}
			// The other way round, the graph of all samples decides.
			again := Options{Dims: opt.Dims, Lossy: &Lossy{Request: request, Calibration: l.Calibration}}
			changed, err := Load(c.model, Changed, again)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			same, err := Compile(c.model, again)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if compiled.Graph.String() != same.Graph.String() {
				t.Errorf("%s: who decides makes a difference", c.name)
			}
			in, err := randomInputs(compiled.In, 1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := compiled.Eval(in)
			if err != nil {
				t.Fatal(err)
			}
			want, err := changed.Graph.Eval(in)
			if err != nil {
				t.Fatal(err)
			}
			// Wide enough for any order of sums: other weights are off by a tenth.
			if err := ir.Agree(got[0], want[0], ir.Tolerance{Rel: 0x1p-14}); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

func TestCalibrate(t *testing.T) {
	g, err := ir.Parse("test", `
g (float[2,3] x, int64[2] k) => (float[2,3] y) {
  y = Relu(x)
}`, op.New)
	if err != nil {
		t.Fatal(err)
	}
	x := ir.RandTensor(ir.Type{DType: ir.Float64, Shape: []int{4, 3}}, 1)
	x = ir.FromFloats(ir.Float32, x.Shape, x.Floats())
	k := ir.Of(ir.Int64, []int{2, 2}, []int64{1, 2, 3, 4})
	data, err := calibrate(map[string]*ir.Tensor{"x": x, "k": k, "y": x.Reshape(2, 2, 3), "labels": ir.Of(ir.Int32, []int{4}, []int32{0, 1, 2, 0})}, g)
	if err != nil {
		t.Fatal(err)
	}
	second := x.Floats()[6:]
	if len(data.In) != 2 || !slices.Equal(data.In[1][0].Floats(), second) || !slices.Equal(data.In[1][1].Ints(), []int64{3, 4}) ||
		!slices.Equal(data.Targets[1][0].Floats(), second) || !slices.Equal(data.Labels, []int64{0, 1, 2, 0}) {
		t.Errorf("%+v", data)
	}
	for _, c := range []struct {
		arrays map[string]*ir.Tensor
		want   string
	}{
		{map[string]*ir.Tensor{"x": x}, `input "k" (int64[2]) are missing`},
		{map[string]*ir.Tensor{"x": x, "k": k, "z": k}, `no input or output "z"`},
		{map[string]*ir.Tensor{"x": x.Reshape(3, 4), "k": k}, `"x": the array is float[3,4], wanted samples of float[2,3]`},
		{map[string]*ir.Tensor{"x": ir.NewTensor(ir.Float32, 3, 3), "k": k}, "3 samples are no multiple of the 2"},
		{map[string]*ir.Tensor{"x": ir.NewTensor(ir.Float32, 0, 3), "k": k}, "no samples"},
		{map[string]*ir.Tensor{"x": ir.NewTensor(ir.Float32, 6, 3), "k": k}, `"k" has samples for 2 runs of the model, "x" for 3`},
		{map[string]*ir.Tensor{"x": x, "k": x}, `"k": the elements are float`},
		{map[string]*ir.Tensor{"x": x, "k": k, "labels": x}, `"labels" is float[4,3], wanted int64[N]`},
	} {
		if _, err := calibrate(c.arrays, g); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
