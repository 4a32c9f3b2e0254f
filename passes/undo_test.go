package passes

import (
	"strings"
	"testing"
)

// TestUndo counts the index maps that are left of pairs, beside the views of the same elements in another shape.
func TestUndo(t *testing.T) {
	for _, c := range []struct {
		body string
		left int
	}{
		{"b = Transpose<perm=[0,2,1]>(a)\n y = Transpose<perm=[0,2,1]>(b)", 0},
		{"b = Transpose<perm=[2,0,1]>(a)\n y = Transpose<perm=[1,2,0]>(b)", 0},
		{"b = Transpose<perm=[2,0,1]>(a)\n c = Transpose<perm=[2,0,1]>(b)\n y = Reshape(c, u)", 2},
		{"b = Transpose<perm=[2,0,1]>(a)\n c = Reshape(b, t)\n d = Transpose<perm=[1,0]>(c)\n y = Reshape(d, u)", 0},
		{"s = Constant<value=int64[1] {0}>()\n e = Constant<value=int64[1] {3}>()\n q = Constant<value=int64[1] {1}>()\n b = Transpose<perm=[0,2,1]>(a)\n c = Transpose<perm=[0,2,1]>(b)\n y = Slice(c, s, e, q)", 1},
	} {
		text := "g (float[2,3,4] x) => (float[2,3,4] z) {\n t = Constant<value=int64[2] {4,6}>()\n u = Constant<value=int64[3] {2,3,4}>()\n a = Relu(x)\n " + c.body + "\n z = Relu(y)\n}\n"
		g := parse(t, text)
		for _, p := range []Pass{{Name: "lower", Run: lower}, {Name: "undo", Run: undo}} {
			if _, err := p.Run(g); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := deadcode(g); err != nil {
			t.Fatal(err)
		}
		if left := strings.Count(g.String(), "parts="); left != c.left {
			t.Errorf("%s: %d index maps are left, want %d:\n%s", c.body, left, c.left, g)
		}
	}
}
