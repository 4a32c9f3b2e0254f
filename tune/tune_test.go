package tune

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/passes"
)

// model has a sparse layer, two ternary ones that may be one, and one of a single row without a choice of its own.
const model = `
g (float[40,12] x, float[1,12] z) => (float[40,6] y, float[1,6] w) {
  S = sbtc.Rand<shape=[12,10], seed=1, density=0.3>()
  A = sbtc.Rand<shape=[10,24], seed=2, density=0.5, alpha=0.25>()
  B = sbtc.Rand<shape=[24,6], seed=3, density=0.5, alpha=0.25>()
  D = sbtc.Rand<shape=[12,6], seed=4>()
  a = MatMul(x, S)
  b = MatMul(a, A)
  c = Relu(b)
  y = MatMul(c, B)
  w = MatMul(z, D)
}`

func write(t *testing.T, text string) string {
	t.Helper()
	g, err := ir.Parse("model", text, op.New)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := frontend.Encode(g, &b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every trial of every unit computes what the unit does in its model, whatever the order of sums.
func TestUnits(t *testing.T) {
	m, err := check.Load(write(t, model), check.Low, check.Options{Disable: []string{"strategy"}})
	if err != nil {
		t.Fatal(err)
	}
	chosen := map[string]passes.Plan{}
	for _, n := range m.Graph.Nodes {
		if _, ok := n.Op.(*low.Linear); ok {
			chosen[n.Out[0].Name] = passes.PlanOf(n)
		}
	}
	list := units(m.Graph, chosen, func(string) bool { return false })
	if len(list) != 2 || len(list[0].nodes) != 1 || len(list[1].nodes) != 2 {
		t.Fatalf("%d units", len(list))
	}
	for _, u := range list {
		var want []*ir.Tensor
		seen := map[string]bool{}
		for _, trial := range u.trials {
			g, err := u.graph()
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = eval(t, g)
			}
			took := 0
			c := passes.Choice{Tuned: u.tuned(trial), TunedTo: func(layer string, err error) {
				if took++; err != nil {
					t.Errorf("%s: %v", layer, err)
				}
			}}
			table := passes.TargetFor(c)
			if err := passes.Run(g, table[len(table)-2:], passes.Options{}); err != nil {
				t.Fatal(err)
			}
			if took != len(u.nodes) {
				t.Errorf("%d of %d layers take their plans", took, len(u.nodes))
			}
			if err := ir.Agree(eval(t, g)[0], want[0], ir.Folding); err != nil {
				t.Errorf("%v: %v", trial.plans, err)
			}
			text := ""
			for _, n := range g.Nodes {
				if _, ok := n.Op.(*low.Linear); ok {
					text += Describe(passes.PlanOf(n)) + ";"
				}
			}
			if seen[text] {
				t.Errorf("%s twice", text)
			}
			seen[text] = true
		}
	}
}

func eval(t *testing.T, g *ir.Graph) []*ir.Tensor {
	t.Helper()
	var in []*ir.Tensor
	for i, v := range g.In {
		in = append(in, ir.RandTensor(v.Type, i+1))
	}
	out, err := g.Eval(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A measured file reads back, names every layer that has a choice, and chooses among what it measured.
func TestMeasure(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this builds programs")
	}
	path := write(t, strings.NewReplacer("c = Relu(b)", "y = Relu(b)", "  y = MatMul(c, B)\n", "", "float[40,6] y", "float[40,24] y",
		"A = sbtc.Rand<shape=[10,24], seed=2, density=0.5, alpha=0.25>()", "A = sbtc.Rand<shape=[10,24], seed=2>()").Replace(model))
	f, err := Measure(path, check.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), Name)
	if err := os.WriteFile(file, f.Marshal(), 0o666); err != nil {
		t.Fatal(err)
	}
	if f, err = Read(file); err != nil {
		t.Fatal(err)
	}
	if len(f.Layers) != 1 || f.Path == "" || f.Machine == "" {
		t.Fatalf("%+v", f)
	}
	l := f.Layers[0]
	if l.Kind != "sparse" || l.Rows != 40 || l.Shape != [2]int{12, 10} || len(l.Times) != 3 || l.time(l.Plan) <= 0 || l.time(l.Plan) > l.time(l.Model) {
		t.Errorf("%+v", l)
	}
	var b strings.Builder
	if err := f.WriteTable(&b); err != nil || !strings.Contains(b.String(), "sparse 12x10") {
		t.Errorf("%v\n%s", err, &b)
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "not what compile --tune writes",
		"[]":                "not what compile --tune writes",
		`{"made": "by me"}`: `it does not say so in "made"`,
	} {
		file := filepath.Join(t.TempDir(), Name)
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The fastest plan wins only if it is faster by more than noise.
func TestFastest(t *testing.T) {
	m, err := check.Load(write(t, model), check.Low, check.Options{Disable: []string{"strategy"}})
	if err != nil {
		t.Fatal(err)
	}
	var n *ir.Node
	for _, n = range m.Graph.Nodes {
		if o, ok := n.Op.(*low.Linear); ok && o.Kind == "sparse" {
			break
		}
	}
	dense, sparse := passes.Plan{Strategy: "dense"}, passes.Plan{Strategy: "sparse"}
	u := &unit{nodes: []*ir.Node{n}, model: []passes.Plan{sparse}, trials: []trial{{[]passes.Plan{sparse}, -1}, {[]passes.Plan{dense}, 0}}}
	for _, c := range []struct {
		nanos []float64
		want  passes.Plan
	}{
		{[]float64{10000, 9000}, dense}, {[]float64{10000, 9900}, sparse}, {[]float64{300, 270}, sparse}, {[]float64{10000, 12000}, sparse},
	} {
		if got := u.layers(c.nanos)[0]; got.Plan != c.want || got.time(dense) != c.nanos[1]/1000 {
			t.Errorf("%v: %+v", c.nanos, got)
		}
	}
}
