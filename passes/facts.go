package passes

import (
	"crypto/sha256"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// facts is what analyses found out about a graph: they stay with it (ir.Graph.Facts) while its passes run. What they say
// of a node holds as long as the node, its inputs and what is known of these are the same, so that after a pass only
// the part that it changed is analysed again.
type facts struct {
	know   map[*ir.Node]knowFact
	need   map[*ir.Node]needFact
	consts map[*ir.Tensor]*op.Known
	zeros  map[*op.Known][]bool
	hashes map[*ir.Tensor][sha256.Size]byte
}

// seenNode is what a fact about a node depends on.
type seenNode struct {
	op    ir.Op
	in    []*ir.Value
	known []*op.Known
}

func seeing(n *ir.Node, known []*op.Known) seenNode {
	return seenNode{n.Op, slices.Clone(n.In), known}
}

func (s *seenNode) same(n *ir.Node, known []*op.Known) bool {
	return s.op == n.Op && slices.Equal(s.in, n.In) && slices.Equal(s.known, known)
}

type knowFact struct {
	seenNode
	result *op.Known
}

type needFact struct {
	seenNode
	unknown []bool // of the result
	need    [][]bool
}

// factsOf returns the facts of g, those about nodes that are gone forgotten.
func factsOf(g *ir.Graph) *facts {
	f, ok := g.Facts.(*facts)
	if !ok {
		f = &facts{map[*ir.Node]knowFact{}, map[*ir.Node]needFact{}, map[*ir.Tensor]*op.Known{}, map[*op.Known][]bool{}, map[*ir.Tensor][sha256.Size]byte{}}
		g.Facts = f
	}
	return f
}

// keep forgets what is not about g.
func (f *facts) keep(g *ir.Graph) {
	nodes, tensors, known := map[*ir.Node]bool{}, map[*ir.Tensor]bool{}, map[*op.Known]bool{}
	for _, n := range g.Nodes {
		nodes[n] = true
		known[f.know[n].result] = true
	}
	for _, v := range g.Consts() {
		tensors[v.Const] = true
		known[f.consts[v.Const]] = true
	}
	drop(f.know, nodes)
	drop(f.need, nodes)
	drop(f.consts, tensors)
	drop(f.hashes, tensors)
	drop(f.zeros, known)
}

func drop[K comparable, V any](from map[K]V, keep map[K]bool) {
	for k := range from {
		if !keep[k] {
			delete(from, k)
		}
	}
}

// constant is what is known of a constant: all.
func (f *facts) constant(t *ir.Tensor) *op.Known {
	k := f.consts[t]
	if k == nil {
		k = &op.Known{Mask: allOf(t.Len()), Val: t}
		f.consts[t] = k
	}
	return k
}

// knowledge is what is known of the result of n.
func (f *facts) knowledge(n *ir.Node, in []*op.Known) *op.Known {
	if k, ok := f.know[n]; ok && k.same(n, in) {
		return k.result
	}
	k := knowFact{seenNode: seeing(n, in)}
	if flow, ok := flowOf(n); ok {
		k.result = flow.Know(n, in)
	}
	f.know[n] = k
	return k.result
}

// needs is which elements of the inputs of n can reach the given ones of its result; nil for all.
func (f *facts) needs(n *ir.Node, unknown []bool, in []*op.Known) [][]bool {
	if k, ok := f.need[n]; ok && k.same(n, in) && slices.Equal(k.unknown, unknown) {
		return k.need
	}
	k := needFact{seenNode: seeing(n, in), unknown: unknown}
	if flow, ok := flowOf(n); ok {
		k.need = flow.Need(n, unknown, in)
	}
	f.need[n] = k
	return k.need
}

// zerosOf is which elements of v are known to be zero, nil if none is.
func (f *facts) zerosOf(v *ir.Value, k *op.Known) []bool {
	if k == nil {
		return nil
	}
	z, ok := f.zeros[k]
	if !ok {
		z = zerosOf(v, k)
		f.zeros[k] = z
	}
	return z
}

// hash is t.Hash.
func (f *facts) hash(t *ir.Tensor) [sha256.Size]byte {
	h, ok := f.hashes[t]
	if !ok {
		h = t.Hash()
		f.hashes[t] = h
	}
	return h
}
