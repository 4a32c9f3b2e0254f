package codegen

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Layers with the same signs, or tied weights, have one set of functions, and their weights are stored once.
func TestTwinsShareFunctions(t *testing.T) {
	for _, c := range []struct {
		file, name string
		coded      []string // layers whose functions there are
		layers     int
		weights    int // most bytes of weights.bin
	}{
		// Of the sparse weights alone there are 692 bytes.
		{"sparse", "tied", []string{"layer1", "layer3"}, 4, 1200},
		{"twins", "sparse_twins", []string{"layer1"}, 3, 1000},
		// The signs take 450 bytes, a row of 20 or 45 constants 80 or 180: there are 9 of them. The mates of rows take 640.
		{"twins", "encoder_twins", []string{"layer1", "layer3", "layer5"}, 6, 2500},
	} {
		files, err := Generate(codegenCase(t, c.file, c.name), Options{Package: "twins", Model: "twins.onnx", Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		s, stubs := string(text(files, "layers_amd64.s")), string(text(files, "layers_amd64.go"))
		var names []string
		for _, m := range regexp.MustCompile(`TEXT ·(layer\d+)_0AVX512\(`).FindAllStringSubmatch(s, -1) {
			names = append(names, m[1])
		}
		if slices.Sort(names); !slices.Equal(names, c.coded) {
			t.Errorf("%s: functions of %v, want %v", c.name, names, c.coded)
		}
		if n := strings.Count(stubs, " bool {"); n != c.layers {
			t.Errorf("%s: %d layers, want %d", c.name, n, c.layers)
		}
		if n := len(text(files, "weights.bin")); n > c.weights {
			t.Errorf("%s: %d bytes of weights", c.name, n)
		}
		twins := 0
		for _, f := range files {
			for _, l := range f.Code {
				if l.Twin != "" {
					twins++
				}
			}
		}
		if twins != c.layers-len(c.coded) {
			t.Errorf("%s: %d twins are told", c.name, twins)
		}
	}
}

// codegenCase is a graph of testdata/codegen.
func codegenCase(t *testing.T, file, name string) *ir.Graph {
	a, err := txtar.ParseFile("../testdata/codegen/" + file + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		if f.Name == name+".model" {
			g, err := ir.Parse(f.Name, string(f.Data), low.New)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
	}
	t.Fatalf("no case %s", name)
	return nil
}
