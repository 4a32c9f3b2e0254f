// Package imports holds which package may import which.
package imports

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sbtc-go/sbtc/"

// rules: in a line "a, b < c, d" the packages on the right may import those on the left and what these may import.
// The standard library is for all. Other modules are named by a prefix of their packages; they are only for those that
// stand directly on their right.
const rules = `
	ir < ir/low < ir/op < frontend, passes, lossy;
	ir/low, runtime < codegen;
	ir/low < codegen/asm < codegen;
	frontend, passes, lossy, codegen < check < bench < cmd/sbtc, bench/table;
	check < report, tune < cmd/sbtc;

	# The frontend alone decodes protobuf and lets onnx-go wire graphs.
	google.golang.org/protobuf < frontend/internal/onnxpb, frontend/internal/pbtest, frontend;
	frontend/internal/onnxpb < frontend/internal/pbtest, frontend;
	github.com/owulveryck/onnx-go, gonum.org/v1/gonum/graph < frontend;

	# Code generation alone prints Go.
	github.com/dave/jennifer, golang.org/x/tools < codegen;

	# What runs compiled packages is copied beside them and knows nothing else; so is what times them.
	check/driver < check;
	bench/timer < bench, bench/ort;

	# A program of its own loads C libraries.
	github.com/ebitengine/purego < bench/ort;

	ir < internal/npz < check;
	github.com/spf13/cobra, github.com/spf13/pflag, github.com/cheggaaa/pb < cmd/sbtc;

	# What writes the tables of functions and their constants when sbtc is developed.
	ir/low < internal/genfunc;
`

// allowed returns for each package what it may import.
func allowed(t *testing.T) map[string]map[string]bool {
	below := map[string]map[string]bool{}
	add := func(p string) map[string]bool {
		if below[p] == nil {
			below[p] = map[string]bool{}
		}
		return below[p]
	}
	var text []string
	for line := range strings.Lines(rules) {
		if before, _, _ := strings.Cut(line, "#"); strings.TrimSpace(before) != "" {
			text = append(text, before)
		}
	}
	for rule := range strings.SplitSeq(strings.Join(text, ""), ";") {
		if strings.TrimSpace(rule) == "" {
			continue
		}
		sides := strings.Split(rule, "<")
		if len(sides) < 2 {
			t.Fatalf("rule %q", rule)
		}
		for i, side := range sides[1:] {
			for to := range strings.SplitSeq(side, ",") {
				for from := range strings.SplitSeq(sides[i], ",") {
					add(strings.TrimSpace(from))
					add(strings.TrimSpace(to))[strings.TrimSpace(from)] = true
				}
			}
		}
	}
	for changed := true; changed; { // transitive closure
		changed = false
		for _, set := range below {
			for p := range set {
				for q := range below[p] {
					if other(q) {
						continue
					}
					changed = changed || !set[q]
					set[q] = true
				}
			}
		}
	}
	for p, set := range below {
		if set[p] {
			t.Fatalf("the rules are circular: %s is below itself", p)
		}
	}
	return below
}

func TestImports(t *testing.T) {
	may := allowed(t)
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		p := strings.TrimPrefix(f[0], module)
		set, ok := may[p]
		if !ok && slices.ContainsFunc(f[1:], other) {
			t.Errorf("no rule says what %s may import", p)
			continue
		}
		for _, imported := range f[1:] {
			name, own := strings.CutPrefix(imported, module)
			if !other(imported) || own && set[name] || !own && anyPrefix(set, imported) {
				continue
			}
			t.Errorf("%s must not import %s", p, imported)
		}
	}
}

// other reports whether path belongs to another module.
func other(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

func anyPrefix(set map[string]bool, path string) bool {
	for p := range set {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

// With a replace or exclude line, `go install` and `go tool` in other modules would not get what is tested here.
func TestNoReplace(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json", "../../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Replace, Exclude []any }
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	if m.Replace != nil || m.Exclude != nil {
		t.Errorf("go.mod replaces %v and excludes %v", m.Replace, m.Exclude)
	}
}
