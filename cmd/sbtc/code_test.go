package main

import (
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/codegen"
)

// Layers are served in order; one that does not fit leaves its place to later ones. A twin takes no bytes.
func TestPrintCode(t *testing.T) {
	f := codegen.File{Name: "layers_amd64.s", Data: make([]byte, longSource-5), Code: []codegen.Coded{
		{Result: "a", Adds: 10, Panels: 4, AVX512: 600, AVX2: 500},
		{Result: "b", Adds: 20, Panels: 1, AVX512: 300, AVX2: 200},
		{Result: "d", Adds: 10, Panels: 1, AVX512: 300, AVX2: 200, Twin: "b"},
		{Result: "c", Adds: 30, Panels: 1, AVX512: 100},
	}}
	var b strings.Builder
	if err := printCode(&b, []codegen.File{{Name: "model.go", Data: make([]byte, 7)}, f, {Name: "layers2_amd64.s", Data: make([]byte, 5)}}); err != nil {
		t.Fatal(err)
	}
	const want = `layers_amd64.s: 4 layers as code, 20971520 bytes of source; 1000 bytes for AVX-512, 700 for AVX2
--code-budget 850: loops do 30 % of their additions on AVX-512, 100 % on AVX2
--code-budget 425: loops do 40 % of their additions on AVX-512, 100 % on AVX2
--code-budget 212: loops do 70 % of their additions on AVX-512, 100 % on AVX2
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
