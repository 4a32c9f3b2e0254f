package passes

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
)

// goldens holds a file for every portable pass, and its folder target one for every other. Its head says what the pass
// is for; a line "after: a b" in it names passes that run before. Of its cases x, x.in becomes x.out, and x.same must not
// change. What passes of the second table leave behind is swept away.
const goldens = "../testdata/pass"

// update makes TestGoldens write the texts and results it finds; what changed is for a person to read.
var update = flag.Bool("update", false, "rewrite testdata/pass")

func TestGoldens(t *testing.T) {
	for i, p := range slices.Concat(Portable, Target) {
		file, tol, target := filepath.Join(goldens, p.Name+".txt"), ir.Folding, i >= len(Portable)
		if target {
			file, tol = filepath.Join(goldens, "target", p.Name+".txt"), ir.Compiled
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("pass %s has no goldens: %v", p.Name, err)
			continue
		}
		if p.Name == "strategy" { // TestStrategies has its cases, each with a choice
			continue
		}
		a := txtar.Parse(data)
		table := append(before(t, string(a.Comment)), p)
		if target {
			table = append(table, Pass{Name: "sweep", Run: deadcode})
		}
		for i := range a.Files {
			f := &a.Files[i]
			name, kind, _ := strings.Cut(f.Name, ".")
			want := f
			switch {
			case kind == "in" && i+1 < len(a.Files) && a.Files[i+1].Name == name+".out":
				want = &a.Files[i+1]
			case kind == "out" && i > 0 && a.Files[i-1].Name == name+".in":
				continue
			case kind != "same":
				t.Errorf("%s: %s is neither .same nor .in before its .out", file, f.Name)
				continue
			}
			t.Run(p.Name+"/"+name, func(t *testing.T) {
				if *update {
					f.Data = []byte(parse(t, string(f.Data)).String())
				}
				got := goldenCase(t, string(f.Data), table, p, tol)
				if *update && kind == "in" {
					want.Data = []byte(got)
				}
				if got != string(want.Data) {
					t.Errorf("got\n%swant\n%s", got, want.Data)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o666); err != nil {
				t.Error(err)
			}
		}
	}
}

// before are the passes that a file's head names.
func before(t *testing.T, head string) (table []Pass) {
	m := regexp.MustCompile(`(?m)^after: (.*)$`).FindStringSubmatch(head)
	if m == nil {
		return nil
	}
	for _, name := range strings.Fields(m[1]) {
		i := slices.IndexFunc(Portable, func(p Pass) bool { return p.Name == name })
		if i < 0 {
			t.Fatalf("no pass %q", name)
		}
		table = append(table, Portable[i])
	}
	return table
}

// goldenCase runs passes over a graph and returns the text of what they give. It checks that the text is canonical,
// that the graph is sound before and after, that pass p finds no more to do, and that the results stay the same.
func goldenCase(t *testing.T, text string, table []Pass, p Pass, tol ir.Tolerance) string {
	g := parse(t, text)
	if s := g.String(); s != text {
		t.Errorf("the canonical text is\n%s", s)
	}
	want := evalSeeded(t, g)
	if err := Run(g, table, Options{}); err != nil { // which checks the graph
		t.Fatal(err)
	}
	agree(t, g, evalSeeded(t, g), want, tol)
	out := g.String()
	again := parse(t, out)
	if s := again.String(); s != out {
		t.Errorf("the result reads back as\n%s", s)
	}
	if p.Name == "layout" { // moves its input to panels, wherever it comes from
		return out
	}
	if changed, err := run(again, p); err != nil || changed || again.String() != out {
		t.Errorf("a second run (changed: %v, error: %v) gives\n%s", changed, err, again)
	}
	return out
}

func parse(t *testing.T, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse("golden", text, func(name string, in []*ir.Value) (ir.Op, error) {
		if strings.HasPrefix(name, "sbtc.") {
			return low.New(name, in)
		}
		return op.New(name, in)
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// evalSeeded runs g on inputs that depend only on their types and places.
func evalSeeded(t *testing.T, g *ir.Graph) []*ir.Tensor {
	t.Helper()
	out, err := g.Eval(seeded(g))
	if err != nil {
		t.Fatalf("%v\n%s", err, g)
	}
	return out
}

func seeded(g *ir.Graph) (in []*ir.Tensor) {
	for i, v := range g.In {
		in = append(in, ir.RandTensor(v.Type, i+1))
	}
	return in
}

func agree(t *testing.T, g *ir.Graph, got, want []*ir.Tensor, tol ir.Tolerance) {
	t.Helper()
	for i, v := range g.Out {
		if err := ir.Agree(got[i], want[i], tol); err != nil {
			t.Errorf("output %q: %v\n%s", v.Name, err, g)
		}
	}
}
