package check

import (
	"fmt"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/passes"
)

// The pass decides what becomes code on which path: all of that does, nothing else, and the budget is kept.
func TestBudgetIsSpentOnce(t *testing.T) {
	for _, model := range []string{"sbt_anomaly", "sbt_forecast", "sbt_classify", "pals_transformer"} {
		for _, budget := range []int{4 << 10, 10 << 10, 25 << 10, 60 << 10, 100 << 10, 1 << 20} {
			t.Run(fmt.Sprint(model, " ", budget), func(t *testing.T) {
				c, err := Compile("../testdata/models/"+model+"/model.onnx", Options{Choice: passes.Choice{Budget: budget}})
				if err != nil {
					t.Fatal(err)
				}
				chosen := chosenCode(c.Graph)
				if budget == 1<<20 && len(chosen) == 0 {
					t.Fatal("no layer is code")
				}
				sum := 0
				for _, f := range c.Files {
					for _, l := range f.Code {
						if l.Twin == "" {
							sum += l.AVX512 + l.AVX2
						}
						got := low.CodeNone
						switch {
						case l.AVX512 > 0 && l.AVX2 > 0:
							got = low.CodeAll
						case l.AVX512 > 0:
							got = low.CodeAVX512
						}
						for _, name := range append([]string{l.Result, l.First}, l.Also...) {
							if want, ok := chosen[name]; ok && got != want {
								t.Errorf("%s: code %q, chosen was %q", name, got, want)
							}
							delete(chosen, name)
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

// chosenCode is which nodes are to be code, by result.
func chosenCode(g *ir.Graph) map[string]low.Code {
	chosen := map[string]low.Code{}
	for _, n := range g.Nodes {
		if n.Out[0].Type.Layout != ir.Panels {
			continue
		}
		code := low.CodeNone
		switch op := n.Op.(type) {
		case *low.Linear:
			if op.Strategy != "" {
				code = op.Code
			}
		case *low.Attend:
			if keys, _ := low.Kept(n.In); keys != nil {
				code = op.Code
			}
		}
		if code != low.CodeNone {
			chosen[n.Out[0].Name] = code
		}
	}
	return chosen
}
