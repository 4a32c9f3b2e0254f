package check

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/internal/suite"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

func parse(t *testing.T, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse("model", text, op.New)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// writeModel writes the model that text describes to a file.
func writeModel(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := frontend.Encode(parse(t, text), f); err != nil {
		t.Fatal(err)
	}
	return path
}

const layer = `
g (float[1,2] x) => (float[1,2] y) {
  W = Constant<value=float[2,2] {1,2,3,4}>()
  y = MatMul(x, W)
}`

func TestVerifyGivenData(t *testing.T) {
	path := writeModel(t, layer)
	row := func(name string, x ...float32) map[string]*ir.Tensor {
		return map[string]*ir.Tensor{name: ir.Of(ir.Float32, []int{1, 2}, x)}
	}
	for _, c := range []struct {
		name          string
		input, expect map[string]*ir.Tensor
		level         Level
		err           string
	}{
		{"right", row("x", 1, 1), row("y", 4, 6), Good, ""},
		{"nothing expected", row("x", 1, 1), nil, Good, ""},
		{"within the margin", row("x", 1, 1), row("y", 4, 6.0005), Good, ""},
		{"wrong", row("x", 1, 1), row("y", 4, 6.001), Differs, ""},
		{"an unknown input", map[string]*ir.Tensor{"z": ir.NewTensor(ir.Float32, 1, 2)}, nil, "", `the model has no input "z"`},
		{"a wrong shape", map[string]*ir.Tensor{"x": ir.NewTensor(ir.Float32, 1, 3)}, nil, "", `input "x"`},
	} {
		r, err := Verify{Model: path, Input: c.input, Expect: c.expect}.Run()
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case r.Worst() != c.level:
			t.Errorf("%s: %s, want %s", c.name, r.Worst(), c.level)
		}
	}
}

// A result that differs from recorded data is the model's fault, one that differs from the model is sbtc's.
func TestReportErr(t *testing.T) {
	var wrong *WrongError
	if err := (&Report{Checks: []Finding{{Level: Good}, {Level: Note}}}).Err(); err != nil {
		t.Error(err)
	}
	if err := (&Report{Checks: []Finding{{Level: Differs}}}).Err(); err == nil || errors.As(err, &wrong) {
		t.Error(err)
	}
	if err := (&Report{Checks: []Finding{{Level: Differs}, {Level: Wrong}}}).Err(); !errors.As(err, &wrong) {
		t.Error(err)
	}
}

// A small difference before a discontinuous operator explains a large one behind it; nothing else does.
func TestThreshold(t *testing.T) {
	in := []*ir.Tensor{ir.Of(ir.Float32, []int{2}, []float32{1, 3})}
	graph := func(factor, node string) *ir.Graph {
		return parse(t, `g (float[2] x) => (float[2] y) {
  c = Constant<value=float {`+factor+`}>()
  a = Mul(x, c)
  b = `+node+`(a)
  y = Neg(b)
}`)
	}
	for _, c := range []struct {
		name, node, factor string
		want               string
	}{
		{"near a threshold", "Floor", "0.99999994", "Floor"},
		{"far from a threshold", "Floor", "0.7", ""},
		{"continuous", "Sqrt", "0.7", ""},
	} {
		imported, other := graph("1", c.node), graph(c.factor, c.node)
		d := diverge(imported, other, in, ir.Compiled)
		if got := d.threshold(imported.Out[0]); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNonFinite(t *testing.T) {
	in := []*ir.Tensor{ir.RandTensor(ir.Type{DType: ir.Float32, Shape: []int{1000}}, 1), ir.RandTensor(ir.Type{DType: ir.Int64, Shape: []int{3}}, 2)}
	out, any := nonFinite(in, 7)
	if !any || out[1] != in[1] {
		t.Error("integers cannot be infinite")
	}
	seen := map[string]int{}
	for _, x := range out[0].Floats() {
		switch {
		case x != x:
			seen["nan"]++
		case x > 2:
			seen["inf"]++
		case x < -2:
			seen["-inf"]++
		default:
			seen["finite"]++
		}
	}
	if seen["nan"] == 0 || seen["inf"] == 0 || seen["-inf"] == 0 || seen["finite"] < 900 {
		t.Error(seen)
	}
	if _, any := nonFinite(in[1:], 7); any {
		t.Error("integers alone are always finite")
	}
}

func TestDeclaredShapes(t *testing.T) {
	if declaredShapes(parse(t, layer)) {
		t.Error("the shapes of a plain layer are inferred")
	}
	c, ok := CaseAt(filepath.Join(suite.Dir(t), "test_reshape_one_dim"))
	if !ok {
		suite.Skip(t)
	}
	m, err := Load(c.Model(), Imported, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !declaredShapes(m.Graph) {
		t.Error("the shape of test_reshape_one_dim is an input")
	}
}
