package codegen

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Long source is cut between layers; each file is whole and the code is told once.
func TestLongSourceIsCut(t *testing.T) {
	defer func(n int) { longFile = n }(longFile)
	longFile = 1
	g := lowGraph(t, `
g (float[20,9] X) => (float[20,6] Y) {
  V = sbtc.Rand<dtype="int8", shape=[9,8], seed=1, density=0.5, alpha=1>()
  W = sbtc.Rand<dtype="int8", shape=[8,6], seed=2, density=0.5, alpha=1>()
  S = sbtc.Rand<shape=[8], seed=3>()
  T = sbtc.Rand<shape=[6], seed=4>()
  P = sbtc.Move<shape=[20,9], panels=1>(X)
  L = sbtc.Linear<kind="ternary", strategy="rt", columns=4>(P, V, S, "")
  R = sbtc.Map<expr="relu(x0)">(L)
  M = sbtc.Linear<kind="ternary", strategy="rt", columns=4>(R, W, T, "")
  Y = sbtc.Move<shape=[20,6]>(M)
}`)
	files, err := Generate(g, Options{Package: "m"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	coded := 0
	for _, f := range files {
		if strings.HasPrefix(f.Name, "layers") && strings.HasSuffix(f.Name, ".s") {
			names = append(names, f.Name)
			if text := string(f.Data); !strings.HasPrefix(text, "// ") || !strings.Contains(text, "//go:build !purego") || !strings.Contains(text, "#include \"textflag.h\"") ||
				strings.Count(text, "TEXT ") == 0 {
				t.Errorf("%s:\n%.300s", f.Name, text)
			}
		}
		coded += len(f.Code)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"layers2_amd64.s", "layers_amd64.s"}) || coded != 2 {
		t.Errorf("files %v, %d layers told", names, coded)
	}
}

// A layer is code on the paths that its operator names, and on no others.
func TestCodeIsOnItsPaths(t *testing.T) {
	a, err := txtar.ParseFile("../testdata/codegen/layers.txt")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "coded_paths.model" })
	files, err := Generate(lowGraph(t, string(a.Files[i].Data)), Options{Package: "m"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, c := range f.Code {
			if c.Result != "M" || c.AVX512 == 0 || c.AVX2 != 0 {
				t.Errorf("%s has %d bytes for AVX-512 and %d for AVX2", c.Result, c.AVX512, c.AVX2)
			}
		}
	}
	if s := string(text(files, "layers_amd64.s")); !strings.Contains(s, "AVX512(SB)") || strings.Contains(s, "AVX2(SB)") {
		t.Error("the assembly is not for AVX-512 alone")
	}
}
