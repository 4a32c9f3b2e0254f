package passes

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

// TestColumns compares graphs whose columns move between layers with what becomes of them, and counts the moves that are left.
func TestColumns(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		left int
	}{
		"picked":   {"h = MatMul(x, a)\n r = Relu(h)\n p = Gather<axis=1>(r, i)\n y = MatMul(p, b)", 0},
		"ternary":  {"r = Relu(x)\n s = sbtc.Rand<shape=[5,6], seed=3, density=0.5, alpha=2>()\n u = Gather<axis=1>(r, e)\n y = MatMul(u, s)", 0},
		"dense":    {"h = MatMul(x, a)\n r = Relu(h)\n p = Gather<axis=1>(r, i)\n d = sbtc.Rand<shape=[5,6], seed=7>()\n y = MatMul(p, d)", 1},
		"twice":    {"h = MatMul(x, a)\n r = Relu(h)\n f = Constant<value=int64[5] {1,1,2,3,4}>()\n p = Gather<axis=1>(r, f)\n y = MatMul(p, b)", 1},
		"joined":   {"h = MatMul(x, g)\n j = Concat<axis=1>(h, k)\n y = Gather<axis=1>(j, l)", 0},
		"rows":     {"h = MatMul(x, g)\n j = Concat<axis=1>(h, m)\n y = Gather<axis=1>(j, l)", 0},
		"added":    {"h = MatMul(x, g)\n n = sbtc.Rand<shape=[3,4], seed=9>()\n s = Add(h, n)\n j = Concat<axis=1>(s, m)\n y = Gather<axis=1>(j, l)", 0},
		"shared":   {"c = sbtc.Rand<shape=[8,4], seed=5, density=0.25>()\n h = MatMul(x, c)\n n = sbtc.Rand<shape=[3,4], seed=9>()\n s = Add(h, n)\n j = Concat<axis=1>(s, m)\n z = Gather<axis=1>(j, l)\n o = Gather<axis=1>(s, v)\n y = Add(z, o)", 0},
		"biased":   {"h = MatMul(x, g)\n n = sbtc.Rand<shape=[4], seed=9>()\n s = Add(h, n)\n j = Concat<axis=1>(s, k)\n y = Gather<axis=1>(j, l)", 0},
		"permuted": {"d = sbtc.Rand<shape=[8,6], seed=7>()\n h = MatMul(x, d)\n q = Constant<value=int64[6] {5,0,1,4,2,3}>()\n y = Gather<axis=1>(h, q)", 0},
		"read":     {"d = sbtc.Rand<shape=[8,6], seed=7>()\n h = MatMul(x, d)\n q = Constant<value=int64[6] {5,0,1,4,2,3}>()\n z = Gather<axis=1>(h, q)\n y = Add(z, h)", 1},
	} {
		text := `g (float[3,8] x) => (float[3,6] y) {
 a = sbtc.Rand<shape=[8,9], seed=1, density=0.4>()
 b = sbtc.Rand<shape=[5,6], seed=2, density=0.4>()
 g = sbtc.Rand<shape=[8,4], seed=2, density=0.4>()
 i = Constant<value=int64[5] {7,0,2,3,5}>()
 e = Constant<value=int64[5] {7,0,2,3,5}>()
 k = Constant<value=float[3,2] {1,-2,1,-2,1,-2}>()
 m = Constant<value=float[3,2] {1,-2,1,-2,1,3}>()
 v = Constant<value=int64[1] {2}>()
 l = Constant<value=int64[6] {5,0,1,4,2,3}>()
 ` + c.body + "\n}\n"
		g := parse(t, text)
		r := rand.New(rand.NewSource(1))
		x := make([]float32, 24)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		args := []*ir.Tensor{ir.Of(ir.Float32, []int{3, 8}, x)}
		want, err := g.Eval(args)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, p := range Target {
			if _, err := p.Run(g); err != nil {
				t.Fatal(name, err)
			}
			if p.Name == "columns" {
				break
			}
		}
		if _, err := deadcode(g); err != nil {
			t.Fatal(name, err)
		}
		got, err := g.Eval(args)
		if err != nil {
			t.Fatal(name, err)
		}
		if err := ir.Agree(got[0], want[0], ir.Compiled); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left := strings.Count(g.String(), "parts="); left != c.left {
			t.Errorf("%s: %d moves are left, want %d:\n%s", name, left, c.left, g)
		}
	}
}
