package passes

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Choice says how the kernels of layers with constant weights are chosen.
type Choice struct {
	Budget   int  // bytes of machine code for the weights of all layers; 0: low.DefaultBudget; negative: none
	Cold     bool // code and weights come from memory at each run
	Loops    bool // no weights as code, whatever the budget
	Override []Override
	Tuned    []Tuned // what was measured, for layers that no override names
	// TunedTo is told of each of Tuned: whether its layer takes the plan or, if err is not nil, why not; it may be nil.
	TunedTo func(layer string, err error)
}

// Override prescribes the strategy of layers.
type Override struct {
	Glob     string
	Match    func(layer string) bool // whether the glob is about a layer; its name is that of its result
	Strategy string                  // one of Strategies
}

// Strategies are the ways to compute a layer. rt, 4r and perm are orders of low.Linear for ternary weights, rt is also the
// code of a sparse layer; loop goes through lists of the weights that are not zero, of a sparse layer too. With sparse the
// cost model chooses between rt and loop.
var Strategies = []string{"dense", "sparse", "rt", "4r", "perm", "loop"}

// strategist chooses the strategies of a graph.
type strategist struct {
	Choice
	layers  map[*ir.Node]*layerPlan
	attends map[*ir.Node]low.Code // of attentions that skip elements
	short   bool                  // the code of sparse layers has no quads
}

// layerPlan is what is known of a layer.
type layerPlan struct {
	node *ir.Node
	op   *low.Linear
	layerCost
	chosen Override   // of the flags; no strategy if none
	order  *low.Order // that was measured for chosen; nil if none was
	best   *plan      // with a strategy; nil for a loop over lists of weights
	listed *plan      // with a strategy, as a loop; nil if lists of weights are as fast
	claims bool       // best wants to be code
	code   low.Code   // what it gets
}

// strategy chooses, layer by layer, how ternary layers add: by the cost model, within the budget, or as overrides say.
func (c Choice) strategy(g *ir.Graph) (bool, error) {
	dead, err := deadcode(g) // which would be planned for nothing
	if err != nil {
		return false, err
	}
	s := &strategist{Choice: c, layers: map[*ir.Node]*layerPlan{}, attends: map[*ir.Node]low.Code{}}
	if s.Budget == 0 {
		s.Budget = low.DefaultBudget
	}
	if err := s.find(g); err != nil {
		return false, err
	}
	claims := s.plan(g)
	s.spend(claims)
	s.align(g)
	changed, err := g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		p := s.layers[n]
		if p == nil {
			return s.attended(b, n), nil
		}
		op, in := p.result(b)
		if op == nil {
			return nil, nil
		}
		return []*ir.Value{b.Add(op, in...)}, nil
	})
	return changed || dead, err
}

// find lists the layers of g and what comes into question for each.
func (s *strategist) find(g *ir.Graph) error {
	matched := make([]bool, len(s.Override))
	var impossible, names []string
	var all []*layerPlan
	for _, n := range g.Nodes {
		op, ok := n.Op.(*low.Linear)
		if !ok || op.Strategy != "" {
			continue
		}
		p := &layerPlan{node: n, op: op, layerCost: newLayerCost(n, op)}
		names = append(names, n.Out[0].Name)
		for i, o := range s.Override {
			if o.Match(n.Out[0].Name) {
				matched[i] = true
				p.chosen = o // the last one wins
			}
		}
		if err := p.possible(); err != nil {
			impossible = append(impossible, fmt.Sprintf("--strategy %s=%s: layer %+q %v", p.chosen.Glob, p.chosen.Strategy, n.Out[0].Name, err))
			continue
		}
		s.layers[n] = p
		all = append(all, p)
	}
	s.tune(all)
	for i, o := range s.Override {
		if !matched[i] {
			impossible = append(impossible, fmt.Sprintf("--strategy %s=%s: no layer has such a name; there are %+q", o.Glob, o.Strategy, names))
		}
	}
	if impossible != nil {
		return errors.New(strings.Join(impossible, "\n"))
	}
	return nil
}

// possible says why the layer cannot be computed as it is told to be.
func (p *layerPlan) possible() error {
	switch p.chosen.Strategy {
	case "rt", "4r":
		if p.chosen.Strategy == "rt" && p.kind == "sparse" && p.vectors > 0 {
			return nil
		}
		if p.kind != "ternary" {
			return fmt.Errorf("has %s weights, %s wants ternary ones", p.kind, p.chosen.Strategy)
		}
		if p.vectors == 0 {
			return fmt.Errorf("works row by row, %s wants panels of 16 rows", p.chosen.Strategy)
		}
	case "perm":
		if p.kind != "ternary" {
			return fmt.Errorf("has %s weights, perm wants ternary ones", p.kind)
		}
		if p.vectors != 0 {
			return errors.New("works on panels of 16 rows, perm wants single rows")
		}
	case "loop":
		if p.kind == "dense" {
			return errors.New("has dense weights, loop wants ternary or sparse ones; see sparse")
		}
	case "sparse":
		if p.node.In[0].Type.DType != ir.Float32 {
			return fmt.Errorf("is %v, sparse wants float", p.node.In[0].Type.DType)
		}
	}
	return nil
}

// plan chooses how each layer would be code, and lists what wants to be some.
func (s *strategist) plan(g *ir.Graph) (claims []*claim) {
	large := s.large()
	s.short = s.shortCode()
	for _, n := range g.Nodes {
		if c := s.attention(n); c != nil {
			claims = append(claims, c)
		}
		p := s.layers[n]
		switch {
		case p == nil:
			continue
		case p.isSparse():
			p.sparse(s)
		case p.kind != "ternary":
		case p.chosen.Strategy == "perm" || p.chosen.Strategy == "" && p.vectors == 0:
			p.best = p.perm()
		case p.chosen.Strategy == "rt" || p.chosen.Strategy == "4r":
			if p.best = p.cheapest(p.chosen.Strategy, s.Cold, large); p.order != nil {
				p.best = p.planned(*p.order, s.Cold, large)
			}
			p.claims = p.codable()
			p.code = low.CodeNone // until it is granted
		case p.chosen.Strategy == "":
			if p.listed = p.tableLoop(s.Cold); p.listed != nil {
				p.loop = p.listed.cost[avx512]
			} else if s.Cold {
				p.loop += p.nonzero * listBytes * listMemory
			}
			p.best, p.code = p.listed, low.CodeNone
			if plans := p.candidates(s.Cold, large); len(plans) > 0 && p.codable() && !s.Loops && s.Budget > 0 {
				p.best, p.claims = &plans[0], true
			}
		}
		if p.claims {
			claims = s.claim(claims, p)
		}
	}
	return claims
}

// codable reports whether the layer may be code at all.
func (p *layerPlan) codable() bool {
	x, out := p.node.In[0].Type, p.node.Out[0].Type
	return p.vectors > 0 && x.DType == ir.Float32 && out.DType == ir.Float32 && x.Len() > 0 && out.Len() > 0
}

// large reports whether the code of all layers exceeds what the second cache of a core holds. Layers with the same signs have
// the same code, and since the pass signs the same constant.
func (s *strategist) large() bool {
	sum := 0
	seen := map[*ir.Tensor]bool{}
	for _, p := range s.layers {
		if p.kind == "ternary" && p.vectors > 0 && !seen[p.w] {
			seen[p.w] = true
			sum += p.nonzero * codeBytes
		}
	}
	return sum > cacheBytes
}

// result is the operator that the layer becomes, and its inputs; nil if it stays.
func (p *layerPlan) result(b *ir.Builder) (*low.Linear, []*ir.Value) {
	in := p.node.In
	switch kind := p.chosen.Strategy; {
	case p.best != nil && !p.isSparse():
		return &low.Linear{Kind: "ternary", Act: p.op.Act, Order: p.best.order, Code: p.code}, in
	case p.best == nil && (kind != "dense" && kind != "sparse" || kind == p.kind):
		return nil, nil
	case p.kind == "ternary":
		w := ir.Of(ir.Float32, in[1].Type.Shape, scaled(ir.Data[int8](in[1].Const), ir.Data[float32](in[2].Const)))
		return &low.Linear{Kind: kind, Act: p.op.Act, Order: p.sparseOrder(), Code: p.code}, append([]*ir.Value{in[0], b.Const(w)}, in[3:]...)
	case p.best != nil:
		return &low.Linear{Kind: "sparse", Act: p.op.Act, Order: p.sparseOrder(), Code: p.code}, in
	default:
		return &low.Linear{Kind: kind, Act: p.op.Act}, in
	}
}

// scaled is a ternary matrix with its scales.
func scaled(signs []int8, scale []float32) []float32 {
	w := make([]float32, len(signs))
	for i, v := range signs {
		switch s := scale[i%len(scale)]; v {
		case 1:
			w[i] = s
		case -1:
			w[i] = -s
		}
	}
	return w
}
