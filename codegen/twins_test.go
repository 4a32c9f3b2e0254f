package codegen

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Layers with tied weights have one set of functions, and their weights are stored once.
func TestTiedLayersShareFunctions(t *testing.T) {
	a, err := txtar.ParseFile("../testdata/codegen/sparse.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		if f.Name != "tied.model" {
			continue
		}
		g, err := ir.Parse(f.Name, string(f.Data), low.New)
		if err != nil {
			t.Fatal(err)
		}
		files, err := Generate(g, Options{Package: "tied", Model: "tied.onnx", Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		s, stubs := string(text(files, "layers_amd64.s")), string(text(files, "layers_amd64.go"))
		if !strings.Contains(s, "TEXT ·layer1_0AVX512(") || !strings.Contains(s, "TEXT ·layer3_0AVX512(") || strings.Contains(s, "layer2_") || strings.Contains(s, "layer4_") {
			t.Error("the functions are not those of layers 1 and 3")
		}
		if !strings.Contains(stubs, "func layer2(") || !strings.Contains(stubs, "func layer4(") {
			t.Error("a layer is missing")
		}
		if n := len(text(files, "weights.bin")); n > 1200 { // of the sparse weights alone there are 692
			t.Errorf("%d bytes of weights", n)
		}
		return
	}
	t.Fatal("no such case")
}
