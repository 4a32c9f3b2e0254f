package passes

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// called is an override for the layer of one name.
func called(name, strategy string) Override {
	return Override{Glob: name, Match: func(layer string) bool { return layer == name }, Strategy: strategy}
}

// choices are those of the cases of testdata/pass/target/strategy.txt.
var choices = map[string]Choice{
	"default":  {},
	"large":    {},
	"nothing":  {},
	"tables":   {},
	"budget":   {Budget: 2600},
	"cold":     {Cold: true},
	"lists":    {Budget: -1},
	"shared":   {Budget: 2600},
	"attended": {Budget: 5000},
	"override": {Override: []Override{called("A", "dense"), called("B", "sparse"), called("C", "4r"), called("d", "loop"), called("E", "sparse")}},
}

func TestStrategies(t *testing.T) {
	const file = "../testdata/pass/target/strategy.txt"
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := &txtar.Archive{Comment: a.Comment}
	for i, f := range a.Files {
		name, in := strings.CutSuffix(f.Name, ".in")
		c, ok := choices[name]
		if !in {
			continue
		}
		if !ok {
			t.Errorf("no choice for %s", name)
		}
		text := string(f.Data)
		if *update {
			text = parse(t, text).String()
		}
		g := parse(t, text)
		if s := g.String(); s != text {
			t.Errorf("the canonical text is\n%s", s)
		}
		want := evalSeeded(t, g)
		if err := Run(g, []Pass{{Name: "strategy", Run: c.strategy}}, Options{}); err != nil {
			t.Fatal(err)
		}
		agree(t, g, evalSeeded(t, g), want, ir.Folding)
		got := g.String()
		if again := parse(t, got).String(); again != got {
			t.Errorf("%s: what it gives is read as\n%s", name, again)
		}
		out.Files = append(out.Files, txtar.File{Name: f.Name, Data: []byte(text)}, txtar.File{Name: name + ".out", Data: []byte(got)})
		if want := ""; !*update {
			if i+1 < len(a.Files) && a.Files[i+1].Name == name+".out" {
				want = string(a.Files[i+1].Data)
			}
			if got != want {
				t.Errorf("%s: got\n%swant\n%s", name, got, want)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(out), 0o666); err != nil {
			t.Error(err)
		}
	}
}

// What cannot be done is said for all layers at once.
func TestImpossibleStrategies(t *testing.T) {
	const text = `g (float[40,12] X, float[1,12] Z, double[3,12] V) => (float[40,5] a, float[1,5] d, float[40,5] e, double[3,5] f) {
  W = sbtc.Rand<dtype="int8", shape=[12,5], seed=1, density=0.5, alpha=1>()
  U = sbtc.Rand<shape=[12,5], seed=3>()
  R = sbtc.Rand<dtype="double", shape=[12,5], seed=3>()
  S = sbtc.Rand<shape=[5], seed=4>()
  P = sbtc.Move<shape=[40,12], panels=1>(X)
  A = sbtc.Linear<kind="ternary">(P, W, S, S)
  a = sbtc.Move<shape=[40,5]>(A)
  d = sbtc.Linear<kind="ternary">(Z, W, S, "")
  E = sbtc.Linear(P, U, S)
  e = sbtc.Move<shape=[40,5]>(E)
  f = sbtc.Linear(V, R, "")
}
`
	for _, c := range []struct {
		override []Override
		want     string
	}{
		{[]Override{called("A", "perm")}, `--strategy A=perm: layer "A" works on panels of 16 rows, perm wants single rows`},
		{[]Override{called("d", "rt"), called("E", "4r")}, "layer \"d\" works row by row, rt wants panels of 16 rows\n--strategy E=4r: layer \"E\" has dense weights"},
		{[]Override{called("E", "loop")}, "has dense weights, loop wants ternary or sparse ones"},
		{[]Override{called("E", "perm")}, "has dense weights, perm wants ternary ones"},
		{[]Override{called("f", "sparse")}, "is double, sparse wants float"},
		{[]Override{called("G", "rt")}, `--strategy G=rt: no layer has such a name; there are ["A" "d" "E" "f"]`},
		{[]Override{called("A", "perm"), called("A", "rt")}, ""},
	} {
		_, err := Choice{Override: c.override}.strategy(parse(t, text))
		if got := ""; c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			if err != nil {
				got = err.Error()
			}
			t.Errorf("%v: got %q, want %q", c.override[0].Strategy, got, c.want)
		}
	}
}

// Of layers that exceed the budget those whose code runs most often have it, and no more than the budget is spent.
func TestBudget(t *testing.T) {
	a, err := txtar.ParseFile("../testdata/pass/target/strategy.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		if f.Name != "budget.in" {
			continue
		}
		for budget, want := range map[int]string{-1: "", 100: "", 2600: "R", 1 << 20: "QR"} {
			g, got := parse(t, string(f.Data)), ""
			if _, err := (Choice{Budget: budget}).strategy(g); err != nil {
				t.Fatal(err)
			}
			for _, n := range g.Nodes {
				if l, ok := n.Op.(*low.Linear); ok && l.Strategy == "rt" {
					got += n.Out[0].Name
				}
			}
			if got != want {
				t.Errorf("with %d bytes layers %q are code, want %q", budget, got, want)
			}
		}
	}
}
