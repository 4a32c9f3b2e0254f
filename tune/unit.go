package tune

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/passes"
)

// A unit is a layer, or two that may run as one, with the plans to try.
type unit struct {
	nodes  []*ir.Node // of the graph without strategies
	model  []passes.Plan
	trials []trial
}

// A trial is a plan for each layer of a unit: that of the cost model for all but one of them.
type trial struct {
	plans []passes.Plan
	of    int // the layer whose plan is tried; -1: that of the cost model for all
}

// units finds the layers of a graph without strategies that have a choice; chosen are the plans of the cost model by
// result.
func units(g *ir.Graph, chosen map[string]passes.Plan, skip func(layer string) bool) (list []*unit) {
	uses := g.Uses()
	for _, n := range g.Nodes {
		op, ok := n.Op.(*low.Linear)
		if !ok || n.In[0].Const != nil {
			continue
		}
		plan, ok := chosen[n.Out[0].Name]
		plans := passes.Plans(n)
		if !ok || len(plans) < 2 || skip(n.Out[0].Name) {
			continue
		}
		u := &unit{}
		if k := len(list) - 1; k >= 0 && op.Kind == "ternary" && n.In[0].Type.Layout == ir.Panels {
			// A ternary layer that only this one reads may become one with it.
			if m := list[k].nodes[0]; len(list[k].nodes) == 1 && m.Out[0] == n.In[0] && uses[m.Out[0]] == 1 && m.Op.(*low.Linear).Kind == "ternary" {
				u = list[k]
				for i := range u.trials {
					u.trials[i].plans = append(u.trials[i].plans, plan)
				}
			}
		}
		u.nodes, u.model = append(u.nodes, n), append(u.model, plan)
		if len(u.nodes) == 1 {
			list = append(list, u)
			u.trials = []trial{{slices.Clone(u.model), -1}}
		}
		for _, p := range plans {
			if p != plan {
				t := trial{slices.Clone(u.model), len(u.nodes) - 1}
				t.plans[t.of] = p
				u.trials = append(u.trials, t)
			}
		}
	}
	return list
}

// graph is the unit alone, from rows and to rows.
func (u *unit) graph() (*ir.Graph, error) {
	g := &ir.Graph{Name: "layer"}
	own := map[*ir.Value]*ir.Value{}
	b := ir.NewBuilder(g, "panels")
	input := func(v *ir.Value) *ir.Value {
		x := own[v]
		switch {
		case v == nil || x != nil:
			return x
		case v.Const != nil:
			x = &ir.Value{Name: v.Name, Type: v.Type, Const: v.Const}
			g.Claim(x.Name)
		default:
			t := v.Type
			t.Layout = ir.RowMajor
			x = &ir.Value{Name: fmt.Sprintf("x%d", len(g.In)), Type: t}
			g.In = append(g.In, x)
			if v.Type.Layout == ir.Panels {
				x = low.Relayout(b, x, ir.Panels)
			}
		}
		own[v] = x
		return x
	}
	for _, n := range u.nodes {
		in := make([]*ir.Value, len(n.In))
		for i, v := range n.In {
			in[i] = input(v)
		}
		if err := b.Err(); err != nil {
			return nil, err
		}
		op := n.Op.(*low.Linear)
		made, err := g.Add(&low.Linear{Kind: op.Kind, Act: op.Act, Order: op.Order}, in, n.Out[0].Name)
		if err != nil {
			return nil, err
		}
		own[n.Out[0]] = made.Out[0]
	}
	y := own[u.nodes[len(u.nodes)-1].Out[0]]
	if y.Type.Layout == ir.Panels {
		y = low.Relayout(b, y, ir.RowMajor)
	}
	g.Out = []*ir.Value{y}
	if err := b.Err(); err != nil {
		return nil, err
	}
	return g, g.Check()
}

// tuned are the plans of a trial for the layers of the unit.
func (u *unit) tuned(t trial) (list []passes.Tuned) {
	for i, n := range u.nodes {
		list = append(list, passes.Tuned{Layer: n.Out[0].Name, Of: passes.Fingerprint(n), Plan: t.plans[i]})
	}
	return list
}
