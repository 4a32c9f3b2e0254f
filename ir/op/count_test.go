package op

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

// Of matrices of zeros and ones an operator computes how many products have no zero factor: Eval is the oracle of
// Products.
func TestProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		op   Op
		in   [][]int
	}{
		{"rows", &MatMul{}, [][]int{{3, 4}, {4, 5}}},
		{"batch", &MatMul{}, [][]int{{2, 3, 4}, {4, 5}}},
		{"broadcast", &MatMul{}, [][]int{{2, 1, 3, 4}, {3, 4, 2}}},
		{"length 1", &MatMul{}, [][]int{{1, 1, 4}, {6, 4, 1}}},
		{"vectors", &MatMul{}, [][]int{{4}, {4}}},
		{"vector", &MatMul{}, [][]int{{2, 3, 4}, {4}}},
		{"empty", &MatMul{}, [][]int{{0, 4}, {4, 3}}},
		{"gemm", &Gemm{Alpha: 1}, [][]int{{3, 4}, {4, 5}}},
		{"transposed", &Gemm{Alpha: 1, TransA: true, TransB: true}, [][]int{{4, 3}, {5, 4}}},
		{"einsum", &Einsum{Equation: "bqhd,bkhd->bhqk"}, [][]int{{2, 3, 2, 4}, {2, 5, 2, 4}}},
		{"summed", &Einsum{Equation: "ij,ki->j"}, [][]int{{3, 4}, {5, 3}}},
		{"diagonal", &Einsum{Equation: "iij,jk->k"}, [][]int{{3, 3, 4}, {4, 2}}},
		{"ellipsis", &Einsum{Equation: "...ij,...jk"}, [][]int{{2, 1, 3, 4}, {3, 4, 2}}},
		{"conv", &Conv{Group: 1, Window: Window{AutoPad: "NOTSET"}}, [][]int{{2, 3, 7}, {4, 3, 3}}},
		{"groups", &Conv{Group: 2, Window: Window{AutoPad: "NOTSET", Pads: []int{1, 1, 1, 1}, Strides: []int{2, 1}}}, [][]int{{1, 4, 5, 6}, {6, 2, 3, 2}}},
		{"causal", &CausalConvWithState{Activation: "none"}, [][]int{{2, 3, 7}, {3, 1, 4}}},
		{"short causal", &CausalConvWithState{Activation: "none"}, [][]int{{2, 3, 2}, {3, 1, 4}}},
		{"deformed", &DeformConv{Group: 1, OffsetGroup: 1}, [][]int{{2, 3, 5, 4}, {4, 3, 2, 3}, {2, 12, 4, 2}}},
		{"transpose", &ConvTranspose{Group: 1, Window: Window{AutoPad: "NOTSET"}}, [][]int{{2, 3, 5}, {3, 2, 3}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, sparse := range []bool{false, true} {
				n := &ir.Node{Op: c.op}
				var args []*ir.Tensor
				var zeros [][]bool
				_, conv := c.op.(*Conv)
				_, causal := c.op.(*CausalConvWithState)
				_, transpose := c.op.(*ConvTranspose)
				_, deformed := c.op.(*DeformConv)
				for i, shape := range c.in {
					x, zero := ir.NewTensor(ir.Float32, shape...), []bool(nil)
					if sparse && !((conv || causal || transpose || deformed) && i == 0) { // zeros of X are not looked at
						zero = make([]bool, x.Len())
					}
					for e := range x.Len() {
						if deformed && i == 2 { // positions are not moved
							continue
						}
						if zero != nil && rng.IntN(3) == 0 {
							zero[e] = true
						} else {
							x.SetFloat(e, 1)
						}
					}
					args, zeros = append(args, x), append(zeros, zero)
					n.In = append(n.In, &ir.Value{Type: x.Type()})
				}
				out, err := c.op.Eval(args)
				if err != nil {
					t.Fatal(err)
				}
				want := 0
				for _, v := range out[0].Floats() {
					want += int(v)
				}
				p := c.op.(Multiplier).Products(n, func(i int) []bool { return zeros[i] })
				if len(p) != 1 || p[0].NonZero != want {
					t.Errorf("%+v, want %d without zeros", p, want)
				}
				if !sparse && len(p) == 1 && !conv && !causal && p[0].Full != want {
					t.Errorf("%+v, want %d", p, want)
				}
			}
		})
	}
}

// A padded convolution counts in full what reads padding, too.
func TestProductsOfPadding(t *testing.T) {
	o := &Conv{}
	ir.SetDefaults(o)
	o.Pads = []int{1, 1}
	n := &ir.Node{Op: o}
	for _, shape := range [][]int{{1, 2, 4}, {3, 2, 3}} {
		n.In = append(n.In, &ir.Value{Type: ir.Type{DType: ir.Float32, Shape: shape}})
	}
	if got := o.Products(n, func(int) []bool { return nil })[0]; got != (Product{4 * 3 * 2 * 3, 4 * 3 * 2 * 3, 4*3*2*3 - 2*3*2}) {
		t.Errorf("%+v", got)
	}
}

// Attention counts the scores that its mask leaves, and of them the products without zeros: here one by one.
func TestProductsOfAttention(t *testing.T) {
	const batch, heads, kvHeads, queries, keys, size, vsize = 2, 4, 2, 5, 6, 3, 2
	rng := rand.New(rand.NewPCG(3, 4))
	o := &Attention{}
	ir.SetDefaults(o)
	o.QHeads, o.KVHeads = heads, kvHeads
	mask := ir.NewTensor(ir.Float32, queries, keys)
	for i := range queries {
		for j := range keys {
			if j > i && i != 3 { // query 3 sees all, equal queries stand side by side
				mask.SetFloat(i*keys+j, math.Inf(-1))
			}
		}
	}
	n := &ir.Node{Op: o, Out: []*ir.Value{{}}}
	var zeros [4][]bool
	for i, shape := range [][]int{{batch, queries, heads * size}, {batch, keys, kvHeads * size}, {batch, keys, kvHeads * vsize}} {
		v := &ir.Value{Type: ir.Type{DType: ir.Float32, Shape: shape}}
		for range v.Type.Len() {
			zeros[i] = append(zeros[i], rng.IntN(2) == 0)
		}
		n.In = append(n.In, v)
	}
	n.In = append(n.In, &ir.Value{Type: mask.Type(), Const: mask})
	want := []Product{{Full: batch * heads * queries * keys * size}, {Full: batch * heads * queries * keys * vsize}}
	for b := range batch {
		for h := range heads {
			for i := range queries {
				for j := range keys {
					if mask.At(i*keys+j) != 0 {
						continue
					}
					for c := range size {
						want[0].Seen++
						if !zeros[0][(b*queries+i)*heads*size+h*size+c] && !zeros[1][(b*keys+j)*kvHeads*size+h/2*size+c] {
							want[0].NonZero++
						}
					}
					for c := range vsize {
						want[1].Seen++
						if !zeros[2][(b*keys+j)*kvHeads*vsize+h/2*vsize+c] {
							want[1].NonZero++
						}
					}
				}
			}
		}
	}
	got := o.Products(n, func(i int) []bool { return zeros[i] })
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, want %+v", got, want)
	}
	for i := range want {
		want[i].NonZero = want[i].Seen
	}
	if got := o.Products(n, func(int) []bool { return nil }); got[0] != want[0] || got[1] != want[1] {
		t.Errorf("without zeros %+v, want %+v", got, want)
	}
}

// The state of one head has size x vsize elements: each meets a key, and in the delta rules first another time, and a
// query of every head that reads it.
func TestProductsOfLinearAttention(t *testing.T) {
	const batch, steps, qHeads, kvHeads, size, vsize = 2, 5, 6, 3, 4, 7
	n := &ir.Node{}
	for _, width := range []int{qHeads * size, kvHeads * size, kvHeads * vsize} {
		n.In = append(n.In, &ir.Value{Type: ir.Type{DType: ir.Float32, Shape: []int{batch, steps, width}}})
	}
	state := batch * steps * size * vsize
	for rule, want := range map[string][]int{
		"linear": {state * kvHeads, state * qHeads}, "gated": {state * kvHeads, state * qHeads},
		"delta": {state * kvHeads, state * kvHeads, state * qHeads}, "gated_delta": {state * kvHeads, state * kvHeads, state * qHeads},
	} {
		got := (&LinearAttention{QHeads: qHeads, KVHeads: kvHeads, UpdateRule: rule}).Products(n, nil)
		if len(got) != len(want) {
			t.Fatalf("%s: %+v, want %v", rule, got, want)
		}
		for i, w := range want {
			if got[i] != (Product{w, w, w}) {
				t.Errorf("%s: %+v, want %v", rule, got[i], w)
			}
		}
	}
}

func TestProductsOfFlexAttention(t *testing.T) {
	n := &ir.Node{Op: &FlexAttention{}, Out: []*ir.Value{{}}}
	for _, shape := range [][]int{{2, 6, 5, 4}, {2, 3, 7, 4}, {2, 3, 7, 8}} {
		n.In = append(n.In, &ir.Value{Type: ir.Type{DType: ir.Float32, Shape: shape}})
	}
	entries := 2 * 6 * 5 * 7
	got := (&FlexAttention{}).Products(n, func(int) []bool { return nil })
	if len(got) != 2 || got[0] != (Product{entries * 4, entries * 4, entries * 4}) || got[1] != (Product{entries * 8, entries * 8, entries * 8}) {
		t.Errorf("%+v", got)
	}
}
