package passes

import (
	"fmt"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Without code attention skips products only where lists of what to multiply serve many panels of queries.
func TestKeptLists(t *testing.T) {
	for _, c := range []struct {
		choice Choice
		rows   int
		want   bool
	}{
		{Choice{}, 29, true},
		{Choice{Budget: -1}, 29, false},
		{Choice{Loops: true}, 63, false},
		{Choice{Loops: true}, 64, true},
	} {
		g, err := ir.Parse("kept", fmt.Sprintf(`g (float[1,%d,2] q, float[1,2,2] k, float[1,2,2] v) => (float[1,%[1]d,2] y) {
  m = Constant<value=float[1,2,2] {1,0,0,0}>()
  a = sbtc.Map<expr="mul(x0,x1)">(k, m)
  y = sbtc.Attend(q, a, v)
}`, c.rows), low.New)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.choice.kept(g); got != c.want || err != nil {
			t.Errorf("%d queries, %+v: %v, %v; want %v", c.rows, c.choice, got, err, c.want)
		}
	}
}
