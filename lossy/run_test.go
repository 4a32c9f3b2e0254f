package lossy

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// chain has five layers in a row. Those in the middle are diagonal but for one weight.
const chain = `
g (float[1,4] x) => (float[1,4] y) {
  W0 = Constant<value=float[4,4] {1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1}>()
  W1 = Constant<value=float[4,4] {1,0,0,0, 1,1,0,0, 0,0,1,0, 0,0,0,1}>()
  W2 = Constant<value=float[4,4] {1,0,0,0, 3,1,0,0, 0,0,1,0, 0,0,0,1}>()
  W3 = Constant<value=float[4,4] {1,0,0,0, 2,1,0,0, 0,0,1,0, 0,0,0,1}>()
  a = MatMul(x, W0)
  b = MatMul(a, W1)
  c = MatMul(b, W2)
  d = MatMul(c, W3)
  y = MatMul(d, W0)
}`

func parse(t *testing.T, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse("test", text, op.New)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func row(x ...float32) *ir.Tensor { return ir.Of(ir.Float32, []int{1, len(x)}, x) }

func approx(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-6 {
		t.Errorf("%s is %v, want %v", what, got, want)
		if got != nil {
			t.Errorf("that is %v", *got)
		}
	}
}

func TestLayers(t *testing.T) {
	g := parse(t, `
g (float[2,4] x, float[4,4] z) => (float[2,4] y, float[2,3] u) {
  W = sbtc.Rand<shape=[4,4], seed=1>()
  V = sbtc.Rand<shape=[4,3], seed=2>()
  a = MatMul(x, W)
  b = Relu(a)
  m = MatMul(b, z)
  c = MatMul(m, W)
  y = MatMul(c, W)
  u = MatMul(x, V)
}`)
	var got []string
	for _, l := range Layers(g) {
		s := l.Name
		if l.first {
			s += " first"
		}
		if l.last {
			s += " last"
		}
		got = append(got, s)
	}
	if want := []string{"a first", "c", "y last", "u first last"}; !slices.Equal(got, want) {
		t.Errorf("layers %q, want %q", got, want)
	}
}

// With x = (1,1,1,1) all is by hand:
//
//	a = 1 1 1 1, b = 2 1 1 1, c = 5 1 1 1, d = 7 1 1 1, y = d
//
// W1 is binary as it is. W2's first column (1 3 0 0) becomes (2 2 0 0): c = 6 1 1 1, d = y = 8 1 1 1. W3's first
// column (1 2 0 0) becomes (1.5 1.5 0 0): d = y = 9 1 1 1.
func TestRunMeasures(t *testing.T) {
	g := parse(t, chain)
	data := &Data{
		In:      [][]*ir.Tensor{{row(1, 1, 1, 1)}},
		Targets: [][]*ir.Tensor{{row(9, 1, 1, 1)}},
	}
	last, total := 0, 0
	r, err := Request{Binarize: []string{Auto}}.Run(g, data, func(n, of int) { last, total = n, of })
	if err != nil {
		t.Fatal(err)
	}
	if last != total || total != 4 {
		t.Errorf("progress ended with %d of %d", last, total)
	}
	var order []string
	for _, l := range r.Layers {
		order = append(order, l.Layer)
	}
	if !slices.Equal(order, []string{"b", "c", "d"}) {
		t.Fatalf("order %q", order)
	}
	if !r.Layers[0].Already || r.Layers[0].Changed || !r.Layers[1].Changed {
		t.Errorf("%+v", r.Layers)
	}
	norm := math.Sqrt(49 + 3)
	approx(t, "sensitivity of b", r.Layers[0].Sensitivity, 0)
	approx(t, "sensitivity of c", r.Layers[1].Sensitivity, 1/norm)
	approx(t, "sensitivity of d", r.Layers[2].Sensitivity, 2/norm)
	approx(t, "error of c's output", r.Layers[1].OutputError, 1/math.Sqrt(25+3))
	approx(t, "error of d's output", r.Layers[2].OutputError, 2/norm)
	approx(t, "error of c's weights", &r.Layers[1].WeightError, math.Sqrt2/math.Sqrt(10+3))
	approx(t, "density of c", &r.Layers[1].Density, 5.0/16)
	// Both changes: c = 6 1 1 1, d = 10.5 1 1 1.
	approx(t, "error", r.Error, 3.5/norm)
	approx(t, "MSE before", r.Before.MSE, 4.0/4)
	approx(t, "MSE after", r.After.MSE, 2.25/4)
	approx(t, "MAE after", r.After.MAE, 1.5/4)
	approx(t, "loss", r.Loss, (2.25-4)/4)
	if r.LossOf != "mse" || r.Runs != 1 {
		t.Errorf("%+v", r)
	}
	out, err := g.Eval(data.In[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{10.5, 1, 1, 1}; !slices.Equal(out[0].Floats(), want) {
		t.Errorf("the changed graph gives %v, want %v", out[0].Floats(), want)
	}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil || !strings.Contains(b.String(), "mean squared error: 1 before, 0.5625 after") {
		t.Errorf("%v\n%s", err, &b)
	}
}

func TestMaxLossStops(t *testing.T) {
	norm := math.Sqrt(49 + 3)
	for _, c := range []struct {
		max     float64
		changed []string
		err     float64
	}{
		{0, nil, 0},
		{0.99 / norm, nil, 0},
		{1.01 / norm, []string{"c"}, 1 / norm},
		{3.49 / norm, []string{"c"}, 1 / norm},
		{3.51 / norm, []string{"c", "d"}, 3.5 / norm},
	} {
		g := parse(t, chain)
		before := Weights(g)
		data := &Data{In: [][]*ir.Tensor{{row(1, 1, 1, 1)}}}
		last, total := 0, 0
		req := Request{Binarize: []string{Auto}, MaxLoss: &c.max}
		r, err := req.Run(g, data, func(n, of int) { last, total = n, of })
		if err != nil {
			t.Fatal(err)
		}
		var changed []string
		for _, l := range r.Layers {
			if l.Changed {
				changed = append(changed, l.Layer)
			}
		}
		if !slices.Equal(changed, c.changed) || last != total {
			t.Errorf("at most %v: changed %q, want %q; %d of %d done", c.max, changed, c.changed, last, total)
		}
		approx(t, "error", r.Error, c.err)
		approx(t, "loss", r.Loss, c.err)

		// The same again gives the same graph.
		again := parse(t, chain)
		if err := Repeat(again, before, Weights(g)); err != nil {
			t.Fatal(err)
		}
		if again.String() != g.String() {
			t.Errorf("applied again:\n%swant\n%s", again, g)
		}
	}
}

func TestAccuracy(t *testing.T) {
	text := `
g (float[1,4] x) => (float[1,2] y) {
  A = Constant<value=float[4,4] {1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1}>()
  M = Constant<value=float[4,2] {1,2, 3,1, 0,0, 0,0}>()
  a = MatMul(x, A)
  y = MatMul(a, M)
}`
	// Scores x0+3 x1 and 2 x0+x1; made binary with zeros kept, 2 x0+2 x1 and 1.5 x0+1.5 x1: the first always wins.
	data := &Data{
		In:     [][]*ir.Tensor{{row(1, 0, 0, 0)}, {row(0, 1, 0, 0)}, {row(1, 1, 0, 0)}, {row(2, 1, 0, 0)}},
		Labels: []int64{1, 0, 0, 1},
	}
	r, err := Request{Binarize: []string{"y"}}.Run(parse(t, text), data, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Before: 1, 0, 0 and, of 5 to 5, the first: three of four. After: all 0, two of four.
	approx(t, "accuracy before", r.Before.Accuracy, 0.75)
	approx(t, "accuracy after", r.After.Accuracy, 0.5)
	approx(t, "loss", r.Loss, 0.25)
	if r.LossOf != "accuracy" {
		t.Error(r.LossOf)
	}
	data.Labels = data.Labels[:3]
	if _, err := (Request{Binarize: []string{"y"}}).Run(parse(t, text), data, nil); err == nil || !strings.Contains(err.Error(), "3 labels for 4 runs") {
		t.Error(err)
	}
}

func TestRequestErrors(t *testing.T) {
	none := `
g (float[4] x) => (float[4] y) {
  y = Relu(x)
}`
	one := `
g (float[1,4] x) => (float[1,4] y) {
  W = sbtc.Rand<shape=[4,4], seed=1>()
  y = MatMul(x, W)
}`
	for _, c := range []struct {
		text string
		req  Request
		want string
	}{
		{none, Request{Binarize: []string{Auto}}, "no linear layer"},
		{one, Request{Binarize: []string{Auto}}, `--binarize auto: no such layer; the linear layers are` + "\n\t" + `"y" (the only one`},
		{one, Request{Prune: 0.5}, "--prune auto: no such layer"},
		{chain, Request{Ternarize: []string{"z"}}, `--ternarize z: no such layer`},
		{chain, Request{Ternarize: []string{"b"}, Binarize: []string{"[ab]"}}, `"b" is named by both`},
		{chain, Request{Ternarize: []string{Auto}, Binarize: []string{Auto}}, "mean the same layers"},
		{strings.Replace(chain, "W1 = Constant<value=float[4,4] {1,", "W1 = Constant<value=float[4,4] {nan,", 1), Request{Binarize: []string{Auto}}, "not finite"},
	} {
		if _, err := c.req.Run(parse(t, c.text), nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// A pattern wins over auto, pruning comes first, and names of weights are names of layers.
func TestRequestCombines(t *testing.T) {
	g := parse(t, chain)
	r, err := Request{Binarize: []string{Auto}, Ternarize: []string{"W2"}, Prune: 0.25}.Run(g, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range r.Layers {
		got = append(got, l.Layer+" "+l.Change)
		if l.Density > 0.25 || !l.Changed || l.OutputError != nil || l.Sensitivity != nil {
			t.Errorf("%+v", l)
		}
	}
	if want := []string{"b pruned, binary", "c pruned, ternary", "d pruned, binary"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil || !strings.Contains(b.String(), "Without --calib nothing is known") {
		t.Errorf("%v\n%s", err, &b)
	}
}
