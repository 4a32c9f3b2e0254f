package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// live computes only what reaches an output and is not known before the model runs: rows and columns of values that
// nobody needs, or that are constants whatever the input, leave every operator that works row by row or column by
// column. Operators say how need and knowledge pass through them (op.Flow). The result is taken only if it has less work.
func live(g *ir.Graph) (bool, error) {
	forget := map[*ir.Value]bool{}
	for {
		s := newShrinker(g, analyse(g, forget))
		if err := s.run(); err != nil {
			return false, err
		}
		if s.costly(forget) {
			continue
		}
		if work(s.h) >= work(g) {
			return false, nil
		}
		g.Become(s.h)
		return true, nil
	}
}

func namesOf(g *ir.Graph) (names []string) {
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				names = append(names, v.Name)
			}
		}
	}
	for _, v := range slices.Concat(g.In, g.Consts()) {
		names = append(names, v.Name)
	}
	return names
}

// liveness is what the two analyses found.
type liveness struct {
	facts *facts
	known map[*ir.Value]*op.Known
	live  map[*ir.Value][]bool
}

// flowOf is the flow of a node through which both analyses go.
func flowOf(n *ir.Node) (op.Flow, bool) {
	f, ok := n.Op.(op.Flower)
	if !ok || len(n.Out) != 1 || n.Out[0] == nil || !n.Out[0].Type.Static() || n.Out[0].Type.DType == ir.String ||
		slices.ContainsFunc(n.In, func(v *ir.Value) bool {
			return v != nil && (!v.Type.Static() || v.Type.DType == ir.String || v.Type.DType.IsComplex())
		}) {
		return op.Flow{}, false
	}
	flow := f.Flow(n)
	return flow, flow.Know != nil
}

func (a *liveness) knownOf(v *ir.Value) *op.Known {
	if v == nil {
		return nil
	}
	if v.Const != nil {
		return a.facts.constant(v.Const)
	}
	return a.known[v]
}

func allOf(n int) []bool {
	m := make([]bool, n)
	for i := range m {
		m[i] = true
	}
	return m
}

func (a *liveness) inputs(n *ir.Node) []*op.Known {
	in := make([]*op.Known, len(n.In))
	for i, v := range n.In {
		in[i] = a.knownOf(v)
	}
	return in
}

// analyse follows knowledge forward and need backward. Of the values in forget nothing is to be known.
func analyse(g *ir.Graph, forget map[*ir.Value]bool) *liveness {
	a := knownOf(g, forget)
	for _, v := range g.Out {
		if v.Type.Static() {
			a.live[v] = allOf(v.Type.Len())
		}
	}
	for _, n := range slices.Backward(g.Nodes) {
		a.backward(n)
	}
	return a
}

// knownOf follows knowledge forward.
func knownOf(g *ir.Graph, forget map[*ir.Value]bool) *liveness {
	a := &liveness{factsOf(g), map[*ir.Value]*op.Known{}, map[*ir.Value][]bool{}}
	a.facts.keep(g)
	for _, n := range g.Nodes {
		if len(n.Out) == 1 && n.Out[0] != nil && !forget[n.Out[0]] {
			a.known[n.Out[0]] = a.facts.knowledge(n, a.inputs(n))
		}
	}
	return a
}

func (a *liveness) backward(n *ir.Node) {
	var need [][]bool
	if _, ok := flowOf(n); ok {
		unknown := a.unknown(n.Out[0])
		if !slices.Contains(unknown, true) {
			return
		}
		need = a.facts.needs(n, unknown, a.inputs(n))
	}
	for i, v := range n.In {
		if v == nil || v.Const != nil || !v.Type.Static() {
			continue
		}
		live := a.live[v]
		if need == nil || live == nil {
			live = allOf(v.Type.Len())
			if need != nil {
				copy(live, need[i])
			}
			a.live[v] = live
			continue
		}
		for e, on := range need[i] {
			if on {
				live[e] = true
			}
		}
	}
}

// unknown is the elements of v that are needed and not known, nil if there are none.
func (a *liveness) unknown(v *ir.Value) []bool {
	live := a.live[v]
	k := a.known[v]
	if live == nil || k == nil || k.Mask == nil {
		return live
	}
	out := slices.Clone(live)
	for e, on := range k.Mask {
		if on {
			out[e] = false
		}
	}
	return out
}

// boxOf lists, by axis, the indices at which some element of v is needed and not known; nil lists are whole axes. It
// reports whether there are any.
func (a *liveness) boxOf(v *ir.Value) (keep [][]int, some bool) {
	shape := v.Type.Shape
	on := make([][]bool, len(shape))
	for i, d := range shape {
		on[i] = make([]bool, d)
	}
	at := make([]int, len(shape))
	for _, l := range a.unknown(v) {
		if l {
			some = true
			for i, j := range at {
				on[i][j] = true
			}
		}
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < shape[i] {
				break
			}
			at[i] = 0
		}
	}
	keep = make([][]int, len(shape))
	for i := range on {
		var list []int
		for j, b := range on[i] {
			if b {
				list = append(list, j)
			}
		}
		if len(list) < shape[i] {
			keep[i] = list
		}
	}
	return keep, some
}
