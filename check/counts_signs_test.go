package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
)

// textModel writes a model in the text form as an ONNX file.
func textModel(t *testing.T, text string) (file string) {
	t.Helper()
	g, err := ir.Parse("text", text, op.New)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := frontend.Encode(g, &b); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// Layers that begin with the same random signs, as those of sparse binary transformers do, and keep different weights;
// the last keeps the same as the first, with another scale.
func TestSharedSigns(t *testing.T) {
	const k = 16
	matrix := func(alpha float64, keep func(i int) bool, sign func(i int) float64) string {
		s := ""
		for i := range k * k {
			v := 0.0
			if keep(i) {
				v = alpha * sign(i)
			}
			s += fmt.Sprintf(",%g", v)
		}
		return fmt.Sprintf("Constant<value=float[%d,%d] {%s}>()", k, k, s[1:])
	}
	random := func(i int) float64 { return 1 - 2*float64(i*i/7%2) }
	other := func(i int) float64 { return 1 - 2*float64(i*i/5%2) }
	of := func(n int) func(i int) bool { return func(i int) bool { return i*7%11%n == 0 } }
	r := inspected(t, textModel(t, fmt.Sprintf(`g (float[20,16] x) => (float[20,16] y) {
  a = %s
  b = %s
  c = %s
  d = %s
  p = MatMul(x, a)
  q = Tanh(p)
  s = MatMul(q, b)
  u = Tanh(s)
  v = MatMul(u, c)
  w = Tanh(v)
  y = MatMul(w, d)
}
`, matrix(0.25, of(2), random), matrix(0.5, of(3), random), matrix(0.5, of(2), other), matrix(0.75, of(2), random))))
	var layers []Layer
	for _, l := range r.Layers {
		if l.Op == "Linear" {
			layers = append(layers, l)
		}
	}
	if len(layers) != 4 {
		t.Fatalf("%d layers", len(layers))
	}
	first := layers[0].Name
	for i, want := range []string{"", first, "", first} {
		if layers[i].SignsOf != want || layers[i].Kind != "ternary" || layers[i].Scales != 1 {
			t.Errorf("%+v, want the signs of %q", layers[i], want)
		}
	}
	if layers[0].BitsStored <= 256 || layers[3].BitsStored > 64 { // all that the last one adds is its scale
		t.Errorf("%d bits stored for the first layer, %d for the last", layers[0].BitsStored, layers[3].BitsStored)
	}
}

// Keys and values whose signs are equal, or opposite in some columns, have their sums computed once, by one piece of code, in
// both layers of an encoder.
func TestSharedSums(t *testing.T) {
	const k = 20
	matrix := func(alpha float64, flip int) string {
		s := ""
		for i := range k * k {
			v := alpha * float64(1-i*i/7%3)
			if flip > 0 && i%k%flip == 0 {
				v = -v
			}
			s += fmt.Sprintf(",%g", v)
		}
		return fmt.Sprintf("Constant<value=float[%d,%d] {%s}>()", k, k, s[1:])
	}
	file := textModel(t, fmt.Sprintf(`g (float[20,20] x) => (float[20,20] y) {
  a = %s
  b = %s
  c = %s
  d = %s
  k = MatMul(x, a)
  v = MatMul(x, b)
  u = Tanh(v)
  m = MatMul(k, u)
  l = MatMul(m, c)
  w = MatMul(m, d)
  z = Tanh(w)
  y = MatMul(l, z)
}
`, matrix(0.25, 0), matrix(0.5, 3), matrix(0.375, 0), matrix(0.75, 2)))
	r := inspected(t, file)
	var layers []Layer
	for _, l := range r.Layers {
		if l.Op == "Linear" {
			layers = append(layers, l)
		}
	}
	if len(layers) != 4 {
		t.Fatalf("%d layers", len(layers))
	}
	for i, want := range []string{"", layers[0].Name, "", layers[2].Name} {
		if l := layers[i]; l.SumsOf != want || (l.MACsExecuted == 0) != (want != "") || l.Strategy != "rt" {
			t.Errorf("%+v, want the sums of %q", l, want)
		}
	}
	c, err := Compile(file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Files {
		if l := f.Code; l != nil && (len(l) != 2 || len(l[0].Also) != 1 || len(l[1].Also) != 1 || l[1].Twin != l[0].Result || l[0].AVX512 == 0) {
			t.Errorf("%+v", l)
		}
	}
	v, err := Verify{Model: file, Compiled: c, Seed: 1, Trials: 2}.Run()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Err(); err != nil {
		t.Error(err)
	}
}

// A layer with an order of sums executes their additions, in all lanes.
func TestExecutedOrder(t *testing.T) {
	w := ir.NewTensor(ir.Int8, 4, 3) // columns +x0 +x1 -x2, +x0 +x1 +x3, -x0 -x1
	for i, v := range []int64{1, 1, -1, 1, 1, -1, -1, 0, 0, 0, 1, 0} {
		w.SetInt(i, v)
	}
	x := ir.Type{DType: ir.Float32, Shape: []int{20, 4}, Layout: ir.Panels}
	o := &low.Linear{Kind: "ternary", Order: low.Order{Strategy: "rt", Columns: 3, Pairs: true}}
	kernel, got := linearWork(o, x, w)
	if want := 32 * o.Schedule(w).Adds(); kernel != "rt" || got != want || got >= 32*8 || got < 32*(1+3+2) {
		t.Errorf("%s executes %d, want %d: fewer than 8 weights in each lane", kernel, got, want)
	}
}
