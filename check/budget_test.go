package check

import (
	"fmt"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/passes"
)

// The pass decides which layers become code: all of these have some for AVX-512, whatever the budget, which is kept.
func TestBudgetIsSpentOnce(t *testing.T) {
	for _, model := range []string{"sbt_anomaly", "sbt_forecast", "pals_transformer"} {
		for _, budget := range []int{4 << 10, 10 << 10, 25 << 10, 100 << 10, 1 << 20} {
			t.Run(fmt.Sprint(model, " ", budget), func(t *testing.T) {
				c, err := Compile("../testdata/models/"+model+"/model.onnx", Options{Choice: passes.Choice{Budget: budget}})
				if err != nil {
					t.Fatal(err)
				}
				chosen := map[string]bool{}
				for _, n := range c.Graph.Nodes {
					if l, ok := n.Op.(*low.Linear); ok && l.Strategy != "" && n.In[0].Type.Layout == ir.Panels {
						chosen[n.Out[0].Name] = true
					}
				}
				if budget == 1<<20 && len(chosen) == 0 {
					t.Fatal("no layer is code")
				}
				sum := 0
				for _, f := range c.Files {
					for _, l := range f.Code {
						if l.Twin == "" {
							sum += l.AVX512 + l.AVX2
						}
						if l.AVX512 > 0 {
							delete(chosen, l.Result)
							delete(chosen, l.First)
						}
					}
				}
				if len(chosen) > 0 {
					t.Errorf("no code for %v", chosen)
				}
				if sum > budget {
					t.Errorf("%d bytes of code", sum)
				}
			})
		}
	}
}
