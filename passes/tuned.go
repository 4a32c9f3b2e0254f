package passes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Plan is a way to compute a layer: one of Strategies, and of rt and 4r the order of its sums.
type Plan struct {
	Strategy string    `json:"strategy"`
	Order    low.Order `json:"order,omitzero"`
}

// Tuned prescribes the plan of a layer, as it was measured.
type Tuned struct {
	Layer string // its result
	Of    string // its Fingerprint
	Plan
}

// PlanOf is how the layer n of a graph with strategies is computed.
func PlanOf(n *ir.Node) Plan {
	switch op := n.Op.(*low.Linear); {
	case op.Strategy != "":
		return Plan{op.Strategy, op.Order}
	case op.Kind == "ternary", op.Kind == "sparse" && n.In[0].Type.Layout == ir.Panels:
		return Plan{Strategy: "loop"}
	default:
		return Plan{Strategy: op.Kind}
	}
}

// Plans lists the ways to compute the layer n of a graph without strategies, none where there is no choice.
func Plans(n *ir.Node) (plans []Plan) {
	op := n.Op.(*low.Linear)
	if n.In[0].Type.DType != ir.Float32 || n.Out[0].Type.Len() == 0 {
		return nil
	}
	l := newLayerCost(n, op)
	switch {
	case l.kind == "ternary" && l.vectors > 0:
		plans = []Plan{{Strategy: "loop"}, {Strategy: "dense"}}
		orders := append(l.tiles(), tableOrder(3, l.k), tableOrder(4, l.k))
		for _, o := range append(orders, l.tables()...) {
			if p := (Plan{o.Strategy, o}); !slices.Contains(plans, p) {
				plans = append(plans, p)
			}
		}
	case l.kind == "ternary":
		plans = []Plan{{Strategy: "loop"}, {Strategy: "dense"}, {"perm", l.perm().order}}
	case l.kind == "sparse" && l.vectors > 0:
		plans = []Plan{{Strategy: "dense"}, {Strategy: "loop"}}
		if l.n <= maxIndexed {
			plans = append(plans, Plan{"rt", low.SparseCode})
		}
	case l.kind == "sparse" || nonzeros(l.w) < l.w.Len():
		plans = []Plan{{Strategy: "dense"}, {Strategy: "sparse"}}
	}
	return plans
}

// Fingerprint tells layers apart by what their plans depend on: the kind and the weights, but for scales, and the rows
// with their layout.
func Fingerprint(n *ir.Node) string {
	h := fnv.New64a()
	w, x := n.In[1].Const, n.In[0].Type
	fmt.Fprint(h, n.Op.(*low.Linear).Kind, w.Type(), x.Rows(), x.Layout)
	switch d := w.Any().(type) {
	case []int8, []float32, []float64:
		if err := binary.Write(h, binary.LittleEndian, d); err != nil {
			panic(err)
		}
	default:
		panic(fmt.Sprintf("weights of type %v", w.DType))
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// told says what becomes of a measured plan.
func (s *strategist) told(layer string, err error) {
	if s.TunedTo != nil {
		s.TunedTo(layer, err)
	}
}

// tune gives layers the plans that were measured for them. Overrides and size mode come first.
func (s *strategist) tune(layers []*layerPlan) {
	for _, t := range s.Tuned {
		i := slices.IndexFunc(layers, func(p *layerPlan) bool { return p.node.Out[0].Name == t.Layer })
		switch {
		case s.Loops:
			s.told(t.Layer, errors.New("size mode has no weights as code"))
		case i < 0:
			s.told(t.Layer, errors.New("the model has no such layer any more"))
		case layers[i].chosen.Strategy == "":
			s.told(t.Layer, layers[i].take(t))
		}
	}
}

// take makes a plan that was measured that of the layer, if it is still the same.
func (p *layerPlan) take(t Tuned) error {
	if Fingerprint(p.node) != t.Of {
		return errors.New("its shape or its weights are no longer those that were measured")
	}
	was := p.chosen
	p.chosen = Override{Strategy: t.Strategy}
	err := p.possible()
	switch t.Strategy {
	case "rt", "4r":
		if o := t.Order; err == nil && o.Strategy == t.Strategy {
			_, err = (&low.Linear{Kind: p.kind, Act: p.op.Act, Order: o}).Infer(p.node.In)
			p.order = &o
		} else if err == nil {
			err = fmt.Errorf("it has no order for strategy %s", t.Strategy)
		}
	default:
		if !slices.Contains(Strategies, t.Strategy) {
			err = fmt.Errorf("there is no strategy %q", t.Strategy)
		}
	}
	if err != nil {
		p.chosen, p.order = was, nil
	}
	return err
}

// planned is the plan with the order that was measured.
func (l *layerCost) planned(o low.Order, cold, large bool) *plan {
	p := l.tablePlan
	if o.Strategy == "rt" {
		p = l.tilePlan
	}
	made := p(o, cold, large)
	return &made
}
