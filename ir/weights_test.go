package ir

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// kinds are constants of every kind, with what is to be said of them.
var kinds = []struct {
	t                     *Tensor
	kind, by, text, makes string
	nonzero               int
}{
	{matrix(20, 6, func(i, j int) float64 { return float64(i*j%5) + 1 }), "dense", "", "float[20,6]", "sbtc.Raw", 120},
	{matrix(20, 6, func(i, j int) float64 { return float64(i * j % 5) }), "sparse", "", "float[20,6] sparse, 53.3 %", "sbtc.Sparse", 64},
	{matrix(20, 6, func(i, j int) float64 { return 0.375 * sign(i+j) }), "ternary", "tensor", "float[20,6] ternary 0.375, 66.7 %", "sbtc.Ternary", 80},
	{matrix(20, 6, func(i, j int) float64 { return 0.375 * (1 - 2*float64((i+j)%2)) }), "binary", "tensor", "float[20,6] binary 0.375, 100.0 %", "sbtc.Ternary", 120},
	{matrix(20, 6, func(i, j int) float64 { return float64(1+j/2) * sign(i+j) }), "ternary", "column", "float[20,6] ternary 1 | 2 | 3 by column, 66.7 %", "sbtc.Ternary", 80},
	{matrix(20, 6, func(i, j int) float64 { return float64(i+1) * sign(i+j) }), "ternary", "row", "float[20,6] ternary 1..20 by row, 66.7 %", "sbtc.Ternary", 80},
	{matrix(20, 6, func(i, j int) float64 { return float64(j+1) * sign(i) * float64(min(1, j)) }), "ternary", "column", "float[20,6] ternary 2 | 3 | 4 | 5 | 6 by column, 54.2 %", "sbtc.Ternary", 65},
	{matrix(20, 6, func(i, j int) float64 { return math.Inf(-min(1, i-j)) }), "dense", "", "float[20,6]", "sbtc.Raw", 120},
	{matrix(20, 6, func(i, j int) float64 { return 0 }), "sparse", "", "float[20,6] sparse, 0.0 %", "sbtc.Sparse", 0},
}

// sign is 0, +1, and -1 by turns.
func sign(i int) float64 { return []float64{0, 1, -1}[i%3] }

// matrix has -0 in its first place if that is zero.
func matrix(rows, cols int, f func(i, j int) float64) *Tensor {
	t := NewTensor(Float32, rows, cols)
	for i := range t.Len() {
		t.SetFloat(i, f(i/cols, i%cols))
	}
	if t.At(0) == 0 {
		t.SetFloat(0, math.Copysign(0, -1))
	}
	return t
}

func TestWeights(t *testing.T) {
	for _, c := range kinds {
		w := c.t.Weights()
		if w.Kind != c.kind || w.By != c.by || w.NonZero != c.nonzero || c.t.describe() != c.text {
			t.Errorf("%+v, %q; want %q %q %d, %q", w, c.t.describe(), c.kind, c.by, c.nonzero, c.text)
		}
	}
}

// Constants read back as they were, bit by bit, in a text that does not change.
func TestWeightsRoundTrip(t *testing.T) {
	for _, c := range kinds {
		g := &Graph{Name: "g"}
		n, err := g.Add(&scale{Factor: 1, Mode: "plain"}, []*Value{{Name: "W", Type: c.t.Type(), Const: c.t}}, "Y")
		if err != nil {
			t.Fatal(err)
		}
		g.Out = n.Out
		text := g.String()
		h, err := Parse("t", text, lookup)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if h.String() != text || !strings.Contains(text, " = "+c.makes+"<") {
			t.Errorf("printed\n%s, read back\n%s, want %s", text, h, c.makes)
		}
		if got := h.Consts()[0].Const; got.Hash() != c.t.Hash() || !bytes.Equal(got.bytes(), c.t.bytes()) {
			t.Errorf("%s reads back as %v", text, got.Floats())
		}
	}
}

func TestWeightsErrors(t *testing.T) {
	for _, c := range []struct{ op, want string }{
		{`sbtc.Ternary<shape=[3,2], scale=[1], data="AA==">`, "too little data"},
		{`sbtc.Ternary<shape=[2,2], scale=[1,2], data="AA==">`, `2 scales by "tensor"`},
		{`sbtc.Ternary<shape=[2,2], by="column", scale=[1], data="AA==">`, `1 scales by "column"`},
		{`sbtc.Ternary<shape=[2,2], by="block", scale=[1], data="AA==">`, `1 scales by "block"`},
		{`sbtc.Ternary<shape=[2,2], scale=[1], data="!">`, "illegal base64"},
		{`sbtc.Sparse<dtype="float", shape=[3,3], pattern="AA==", data="">`, "too little data"},
		{`sbtc.Sparse<dtype="float", shape=[2,2], pattern="AQ==", data="">`, "too little data"},
		{`sbtc.Sparse<dtype="float", shape=[2,2], pattern="AQ==", data="AAA=">`, "2 bytes"},
	} {
		_, err := Parse("t", "g (float X) => (float Y) {\n  W = "+c.op+"()\n  Y = test.Scale(X)\n}\n", lookup)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.op, err, c.want)
		}
	}
}
