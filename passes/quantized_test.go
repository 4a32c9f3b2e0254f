package passes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
)

// TestQuantized finds the ternary layer in every spelling of ternary weights. Weights are those of signs times alpha; a
// layer of them is what the model computes, exactly where it computes with integers.
func TestQuantized(t *testing.T) {
	const k, n = 12, 6
	signs := make([]int, k*n)
	for i := range signs {
		signs[i] = []int{0, 1, -1, 0, 0, -1, 1}[(i*i+i/n)%7]
	}
	list := func(f func(i, s int) string) string {
		out := make([]string, len(signs))
		for i, s := range signs {
			out[i] = f(i, s)
		}
		return strings.Join(out, ",")
	}
	quantized := func(d string, zero int) string {
		return fmt.Sprintf("%s[%d,%d] {%s}", d, k, n, list(func(_, s int) string { return fmt.Sprint(s + zero) }))
	}
	alpha := func(by string, i int) float64 {
		switch by {
		case "column":
			return []float64{0.5, 0.25, 0.375, 1, 2, 0.125}[i%n]
		case "row":
			return float64(i/n+1) / 8
		case "block":
			return float64(i%n+1+i/n/4) / 8
		}
		return 0.25
	}
	columns, rows := "float[6] {0.5,0.25,0.375,1,2,0.125}", "float[12] {0.125,0.25,0.375,0.5,0.625,0.75,0.875,1,1.125,1.25,1.375,1.5}"
	var blocks []string
	for i := range 3 * n {
		blocks = append(blocks, fmt.Sprint(alpha("block", i%n+i/n*4*n)))
	}
	for _, c := range []struct {
		name, by, body string
		kind           string // of the layer; "" for ternary
	}{
		{name: "int2", body: "W = DequantizeLinear(Q, S)", by: "tensor: " + quantized("int2", 0) + "; float {0.25}"},
		{name: "int4", body: "W = DequantizeLinear(Q, S)", by: "tensor: " + quantized("int4", 0) + "; float {0.25}"},
		{name: "int8", body: "W = DequantizeLinear(Q, S)", by: "tensor: " + quantized("int8", 0) + "; float {0.25}"},
		{name: "uint2 around 1", body: "Z = Constant<value=uint2 {1}>()\n W = DequantizeLinear(Q, S, Z)", by: "tensor: " + quantized("uint2", 1) + "; float {0.25}"},
		{name: "uint8 around 128", body: "Z = Constant<value=uint8 {128}>()\n W = DequantizeLinear(Q, S, Z)", by: "tensor: " + quantized("uint8", 128) + "; float {0.25}"},
		{name: "by column", body: "W = DequantizeLinear<axis=1>(Q, S)", by: "column: " + quantized("int8", 0) + "; " + columns},
		{name: "by row", body: "W = DequantizeLinear<axis=0>(Q, S)", by: "row: " + quantized("int4", 0) + "; " + rows},
		{name: "by block", body: "W = DequantizeLinear<axis=0, block_size=4>(Q, S)", kind: "sparse",
			by: "block: " + quantized("int4", 0) + "; float[3,6] {" + strings.Join(blocks, ",") + "}"},
		{name: "sign, mask and alpha", by: "tensor: " + fmt.Sprintf("float[12,6] {%s}", list(func(i, s int) string { return fmt.Sprintf("%g", float64(s)*(0.1+float64(i)/9)) })) + "; float {0.25}",
			body: "G = Sign(Q)\n A = Abs(G)\n M = Mul(G, A)\n W = Mul(M, S)"},
		{name: "sign, mask of booleans", by: "tensor: " + fmt.Sprintf("float[12,6] {%s}", list(func(i, s int) string { return fmt.Sprintf("%g", float64(s)*(0.1+float64(i)/9)) })) + "; float {0.25}",
			body: "G = Sign(Q)\n O = Constant<value=float {0}>()\n B = Equal(Q, O)\n M = Where(B, O, G)\n W = Mul(S, M)"},
	} {
		by, operands, _ := strings.Cut(c.by, ": ")
		q, s, _ := strings.Cut(operands, "; ")
		text := fmt.Sprintf("g (float[5,12] X) => (float[5,6] Y) {\n Q = Constant<value=%s>()\n S = Constant<value=%s>()\n %s\n Y = MatMul(X, W)\n}", q, s, c.body)
		g := parse(t, text)
		want := evalSeeded(t, g)
		x := seeded(g)[0].Floats()
		for r := range 5 { // the layer as it is meant
			for j := range n {
				sum := 0.0
				for i := range k {
					sum += x[r*k+i] * float64(signs[i*n+j]) * alpha(by, i*n+j)
				}
				if d := sum - want[0].At(r*n+j); d > 1e-5 || d < -1e-5 {
					t.Fatalf("%s: Y[%d,%d] is %v, want %v", c.name, r, j, want[0].At(r*n+j), sum)
				}
			}
		}
		layer(t, c.name, g, want, c.kind)
	}
}

// Products of integers with ternary weights become ternary layers, and the integers stay what they were.
func TestQuantizedIntegers(t *testing.T) {
	const weights = "W = sbtc.Rand<dtype=\"int8\", shape=[12,6], seed=1, density=0.6, alpha=1>()\n"
	for name, text := range map[string]string{
		"MatMulInteger": "g (uint8[5,12] X) => (int32[5,6] Y) {\n" + weights + "Z = Constant<value=uint8 {7}>()\n Y = MatMulInteger(X, W, Z)\n}",
		"QLinearMatMul": "g (int8[5,12] X) => (int8[5,6] Y) {\n" + weights + "S = Constant<value=float {0.04}>()\n T = Constant<value=float {0.3}>()\n" +
			"Z = Constant<value=int8 {2}>()\n O = Constant<value=int8 {0}>()\n Y = QLinearMatMul(X, S, Z, W, S, O, T, Z)\n}",
		"ConvInteger": "g (uint8[1,4,9] X) => (int32[1,6,7] Y) {\n V = sbtc.Rand<dtype=\"int8\", shape=[6,4,3], seed=1, density=0.6, alpha=1>()\n" +
			"Z = Constant<value=uint8 {7}>()\n Y = ConvInteger(X, V, Z)\n}",
		"QLinearConv": "g (uint8[1,4,9] X) => (uint8[1,6,7] Y) {\n V = sbtc.Rand<dtype=\"int8\", shape=[6,4,3], seed=1, density=0.6, alpha=1>()\n" +
			"S = Constant<value=float {0.04}>()\n T = Constant<value=float {0.3}>()\n Z = Constant<value=uint8 {2}>()\n O = Constant<value=int8 {0}>()\n" +
			"B = Constant<value=int32[6] {100,-100,0,5,7,1000}>()\n Y = QLinearConv(X, S, Z, V, S, O, T, Z, B)\n}",
		"dynamic": "g (float[5,12] X) => (float[5,6] Y) {\n" + weights + "A = Constant<value=float {0.25}>()\n Q, S, Z = DynamicQuantizeLinear(X)\n" +
			"I = MatMulInteger(Q, W, Z)\n F = Cast<to=\"float\">(I)\n P = Mul(S, A)\n Y = Mul(F, P)\n}",
	} {
		g := parse(t, text)
		layer(t, name, g, evalSeeded(t, g), "")
	}
}

// layer lowers g and checks that it has one layer of the given kind, "" for ternary, and the results want.
func layer(t *testing.T, name string, g *ir.Graph, want []*ir.Tensor, kind string) {
	t.Helper()
	if err := Fixpoint(g, Portable, Options{}); err != nil {
		t.Fatal(err)
	}
	agree(t, g, evalSeeded(t, g), want, ir.Folding)
	if err := Run(g, Target, Options{}); err != nil {
		t.Fatal(err)
	}
	agree(t, g, evalSeeded(t, g), want, ir.Compiled)
	if kind == "" {
		kind = "ternary"
	}
	kinds := []string{}
	for _, n := range g.Nodes {
		if l, ok := n.Op.(*low.Linear); ok {
			kinds = append(kinds, l.Kind)
		}
	}
	if !slices.Equal(kinds, []string{kind}) {
		t.Errorf("%s: layers %q, want one that is %s\n%s", name, kinds, kind, g)
	}
}

// Every row of this matrix has one scale, and two columns of four weights are a chance.
func TestTernaryByRow(t *testing.T) {
	for _, c := range []struct {
		weights, kind string
	}{
		{"float[4,4] {1,-1,0,1,2,2,-2,0,0,3,3,3,4,4,-4,4}", "ternary"},
		{"float[4,3] {1,-1,0,2,2,-2,0,3,3,4,4,-4}", "dense"},
		{"float[4,4] {1,-1,0,1,2,2,-2,0,0,3,3,3,4,4,-4,5}", "dense"},
	} {
		shape, _, _ := strings.Cut(c.weights, " ")
		g, err := ir.Parse("t", fmt.Sprintf("g (float[5,4] X) => (float[5,%s] Y) {\n W = Constant<value=%s>()\n Y = MatMul(X, W)\n}", shape[8:9], c.weights), op.New)
		if err != nil {
			t.Fatal(err)
		}
		layer(t, c.weights, g, evalSeeded(t, g), c.kind)
	}
}
