package passes

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
)

// TestModels runs the portable passes over every model of testdata/models. What they make agrees with the model as it
// was read and with the recorded outputs, and is made of the operators that testdata/pass/models.txt lists: there one
// sees whether exporters' spellings were recognised.
func TestModels(t *testing.T) {
	const table = "../testdata/pass/models.txt"
	files, err := filepath.Glob("../testdata/models/*/model.onnx")
	if err != nil || len(files) == 0 {
		t.Fatalf("no models: %v", err)
	}
	var got strings.Builder
	for _, file := range files {
		sets, err := frontend.ReadCase(filepath.Dir(file))
		if err != nil || len(sets) == 0 {
			t.Fatalf("%s: no recorded data: %v", file, err)
		}
		last := ""
		for _, set := range sets {
			batch := set.Inputs[0].Tensor.Shape[0]
			name := fmt.Sprintf("%s of %d", filepath.Base(filepath.Dir(file)), batch)
			t.Run(name, func(t *testing.T) {
				if kinds := portable(t, file, set, batch); name != last {
					got.WriteString(name + ": " + kinds + "\n")
				}
			})
			last = name
		}
	}
	want, err := os.ReadFile(table)
	if *update {
		err = os.WriteFile(table, []byte(got.String()), 0o666)
	} else if got.String() != string(want) {
		t.Errorf("got\n%s%s has\n%s", got.String(), table, want)
	}
	if err != nil {
		t.Error(err)
	}
}

// portable runs one data set through the model before and after the passes and returns the operators it is made of.
func portable(t *testing.T, file string, set frontend.DataSet, batch int) string {
	g, err := frontend.Load(file)
	if err == nil && g.In[0].Type.Shape[0] != batch {
		g, err = frontend.Load(file, frontend.WithDim(fmt.Sprintf("%s:0=%d", g.In[0].Name, batch)))
	}
	if err != nil {
		t.Fatal(err)
	}
	before := evalSet(t, g, set)
	if err := Fixpoint(g, Portable, Options{}); err != nil {
		t.Fatal(err)
	}
	got := evalSet(t, g, set)
	agree(t, g, got, before, ir.Folding)
	for i, o := range set.Outputs {
		near(t, got[i], o.Tensor)
	}
	kinds := counts(g)
	if err := Run(g, Target, Options{}); err != nil {
		t.Fatal(err)
	}
	agree(t, g, evalSet(t, g, set), before, ir.Compiled)
	return kinds
}

func evalSet(t *testing.T, g *ir.Graph, set frontend.DataSet) []*ir.Tensor {
	t.Helper()
	var in []*ir.Tensor
	for _, x := range set.Inputs {
		in = append(in, x.Tensor)
	}
	out, err := g.Eval(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// near compares with a recorded output: 1e-4 of the larger of 1 and the largest recorded value.
func near(t *testing.T, got, want *ir.Tensor) {
	t.Helper()
	x, w := got.Floats(), want.Floats()
	if len(x) != len(w) {
		t.Fatalf("got %v, recorded %v", got.Type(), want.Type())
	}
	top := 1.0
	for _, v := range w {
		top = max(top, math.Abs(v))
	}
	for i := range w {
		if !(math.Abs(x[i]-w[i]) <= 1e-4*top) {
			t.Fatalf("element %d is %v, recorded %v", i, x[i], w[i])
		}
	}
}

// counts lists the operators of g with their numbers, most frequent first.
func counts(g *ir.Graph) string {
	n := map[string]int{}
	for _, m := range g.Nodes {
		n[m.Op.Name()]++
	}
	names := slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, n[name])
	}
	return strings.Join(names, ", ")
}
