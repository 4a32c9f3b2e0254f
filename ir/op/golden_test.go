package op_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/passes"
)

const goldens = "../../testdata/op"

var update = flag.Bool("update", false, "rewrite the models of the goldens in their canonical text")

// lookup knows the operators of ONNX and the low ones.
func lookup(name string, in []*ir.Value) (ir.Op, error) {
	if strings.HasPrefix(name, "sbtc.") {
		return low.New(name, in)
	}
	return op.New(name, in)
}

// TestGolden runs the cases of testdata/op/FAMILY.txt: x.model is a graph in its canonical text, x.in and x.out are one
// tensor a line; x.error is a graph that is refused at the line with # ERROR "part of the message".
func TestGolden(t *testing.T) {
	for _, f := range op.Families {
		file := filepath.Join(goldens, f.Name+".txt")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("family %s has no goldens: %v", f.Name, err)
			continue
		}
		sections, models := map[string]string{}, ""
		arc := txtar.Parse(text)
		for _, s := range arc.Files {
			if _, ok := sections[s.Name]; ok {
				t.Errorf("%s: two sections are called %s", file, s.Name)
			}
			sections[s.Name] = string(s.Data)
		}
		for i, s := range arc.Files {
			name, kind, _ := strings.Cut(s.Name, ".")
			switch kind {
			case "model":
				if *update {
					s.Data = []byte(parse(t, string(s.Data)).String())
					arc.Files[i] = s
				}
				models += string(s.Data)
				t.Run(f.Name+"/"+name, func(t *testing.T) { golden(t, string(s.Data), sections[name+".in"], sections[name+".out"]) })
			case "error":
				models += string(s.Data)
				t.Run(f.Name+"/"+name, func(t *testing.T) { goldenError(t, string(s.Data)) })
			case "in", "out":
				if _, ok := sections[name+".model"]; !ok {
					t.Errorf("%s: %s has no model", file, s.Name)
				}
			default:
				t.Errorf("%s: section %s", file, s.Name)
			}
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(arc), 0o644); err != nil {
				t.Error(err)
			}
		}
		for _, d := range f.Defs {
			if d.Proto != nil && !regexp.MustCompile(`= `+regexp.QuoteMeta(d.Name)+`[(<]`).MatchString(models) {
				t.Errorf("%s has no case of %s", file, d.Name)
			}
		}
	}
}

func golden(t *testing.T, model, in, out string) {
	g := parse(t, model)
	if got := g.String(); got != model {
		t.Errorf("the canonical text is\n%s", got)
	}
	args, want := tensors(t, in), tensors(t, out)
	got, err := g.Eval(args)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "Eval", g, got, want)
	if err := passes.Run(g, passes.Target[:1], passes.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := parse(t, g.String()).String(); got != g.String() {
		t.Errorf("the lowered graph is\n%s, read back as\n%s", g, got)
	}
	lowered, err := g.Eval(args)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "the lowered graph", g, lowered, got)
}

func parse(t *testing.T, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse("model", text, lookup)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return g
}

// tensors reads one tensor a line by means of the graph of a constant.
func tensors(t *testing.T, text string) (out []*ir.Tensor) {
	t.Helper()
	for line := range strings.Lines(text) {
		typ, _, _ := strings.Cut(line, "{")
		g := parse(t, fmt.Sprintf("g () => (%s o) {\n c = Constant<value=%s>()\n o = Identity(c)\n}\n", typ, strings.TrimSpace(line)))
		v, err := g.Eval(nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v...)
	}
	return out
}

func agree(t *testing.T, who string, g *ir.Graph, got, want []*ir.Tensor) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d results, want %d", who, len(got), len(want))
	}
	for i := range want {
		if err := ir.Agree(got[i], want[i], ir.Compiled); err != nil {
			t.Errorf("%s: output %q: %v", who, g.Out[i].Name, err)
		}
	}
}

var errorComment = regexp.MustCompile(`# ERROR "(.*)"`)

func goldenError(t *testing.T, model string) {
	at, want := 0, ""
	for i, line := range strings.Split(model, "\n") {
		if m := errorComment.FindStringSubmatch(line); m != nil {
			at, want = i+1, m[1]
		}
	}
	_, err := ir.Parse("model", model, lookup)
	if want == "" || err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("model:%d:", at)) || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %q at line %d", err, want, at)
	}
}
