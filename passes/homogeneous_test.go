package passes

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// The factor of the first layer goes into the scales of its readers where they are ternary and it has one factor, no
// bias, and a ReLU alone.
func TestHomogeneous(t *testing.T) {
	const text = `g (float[5,6] X) => (float[5,3] Y, float[5,4] Z) {
  W = sbtc.Rand<dtype="int8", shape=[6,7], seed=1, density=0.6, alpha=1>()
  V = sbtc.Rand<dtype="int8", shape=[7,3], seed=2, density=0.6, alpha=1>()
  U = sbtc.Rand<dtype="int8", shape=[7,4], seed=3, density=0.6, alpha=1>()
  D = sbtc.Rand<shape=[7,4], seed=4>()
  A = Constant<value=float[7] {%s}>()
  B = sbtc.Rand<shape=[3], seed=5>()
  C = sbtc.Rand<shape=[4], seed=6>()
  H = sbtc.Linear<kind="ternary", act="%s">(X, W, A, %s)
  Y = sbtc.Linear<kind="ternary">(H, V, B, B)
  Z = %s
}
`
	const same, readers = "0.25,0.25,0.25,0.25,0.25,0.25,0.25", `sbtc.Linear<kind="ternary">(H, U, C, "")`
	for _, c := range []struct {
		scale, act, bias, reader string
		want                     bool
	}{
		{same, "relu(x0)", `""`, readers, true},
		{"0.25,0.25,0.5,0.25,0.25,0.25,0.25", "relu(x0)", `""`, readers, false},
		{strings.ReplaceAll(same, "0.25", "-0.25"), "relu(x0)", `""`, readers, false},
		{strings.ReplaceAll(same, "0.25", "1"), "relu(x0)", `""`, readers, false},
		{same, "clampmin(6,relu(x0))", `""`, readers, false},
		{same, "relu(x0)", "A", readers, false},
		{same, "relu(x0)", `""`, "sbtc.Linear(H, D, C)", false},
	} {
		g := parse(t, fmt.Sprintf(text, c.scale, c.act, c.bias, c.reader))
		want := evalSeeded(t, g)
		changed := false
		err := Run(g, []Pass{{Name: "homogeneous", Run: func(g *ir.Graph) (bool, error) {
			did, err := homogeneous(g)
			changed = changed || did
			return did, err
		}}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if changed != c.want {
			t.Errorf("%v: changed is %v", c, changed)
		}
		agree(t, g, evalSeeded(t, g), want, ir.Folding)
		for _, n := range g.Nodes {
			l := n.Op.(*low.Linear)
			if c.want && l.Act.String() == c.act && ir.Data[float32](n.In[2].Const)[0] != 1 {
				t.Errorf("the first layer keeps its factor:\n%s", g)
			}
		}
	}
}
