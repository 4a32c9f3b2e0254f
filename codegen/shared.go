package codegen

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/codegen/asm"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// sharing finds layers that add up the same. They are emitted where the last of them stands, and their inputs kept until then.
func (e *emitter) sharing() {
	first := low.SharedSums(e.g.Nodes)
	e.sums, e.later = map[*ir.Node][]*ir.Node{}, map[*ir.Node]bool{}
	for i, n := range e.g.Nodes {
		f := first[n]
		if f == nil || i+1 < len(e.g.Nodes) && first[e.g.Nodes[i+1]] == f {
			continue
		}
		at := slices.Index(e.g.Nodes, f)
		all := e.g.Nodes[at : i+1]
		e.sums[n] = all
		for _, m := range all {
			e.later[m] = m != n
			for _, v := range m.In {
				if v != nil {
					r := e.arena.rootOf(v)
					e.arena.last[r] = max(e.arena.last[r], i)
				}
			}
		}
	}
}

// together are the layers whose code or loop is that of n, itself alone if it has one of its own.
func (e *emitter) together(n *ir.Node) []*ir.Node {
	if all := e.sums[n]; all != nil {
		return all
	}
	return []*ir.Node{n}
}

// sharedSums emits layers that add up the same. The code has all epilogues that can be part of it; loops compute the sums and
// go on from there for each layer.
func (e *emitter) sharedSums(all []*ir.Node) error {
	defer func() { e.weights.coded = "" }()
	name := fmt.Sprintf("layer%d", len(e.layers.list)+1)
	src := all[0].In[0]
	sums, within := make([]sum, len(all)), make([]bool, len(all)) // the code
	args := []jen.Code{e.panels(src)}
	var l *asm.Layer
	var also []string
	for i, n := range all {
		op := n.Op.(*low.Linear)
		sums[i] = e.sumOf(n, op.Act)
		one, inputs, whole := e.coded(n)
		if within[i] = whole; one == nil {
			continue
		}
		args = append(args, sums[i].ref)
		if l == nil {
			l, args = one, append(args, e.ref(src))
		} else {
			l.Also, also = append(l.Also, one), append(also, n.Out[0].Name)
		}
		for _, v := range inputs {
			args = append(args, e.ref(v))
		}
	}
	epilogues := func(inCode bool) error {
		for i, n := range all {
			op := n.Op.(*low.Linear)
			if within[i] != inCode {
				continue
			}
			if err := e.epilogue(n, op.Act, sums[i], n.In[op.Operands():]); err != nil {
				return err
			}
		}
		return nil
	}
	loops := func() error {
		e.sumsAlone(all[0], sums[0])
		for i := len(all) - 1; i >= 0; i-- {
			n := all[i]
			e.call("scaledPanels", sums[i].ref, sums[0].ref, e.ref(n.In[2]), e.ref(n.In[3]), e.panels(src), jen.Lit(n.In[1].Type.Shape[1]))
		}
		return epilogues(true)
	}
	if l == nil {
		if err := loops(); err != nil {
			return err
		}
		return epilogues(false)
	}
	l.Name, e.weights.coded = name, name
	if n := l.ScratchLen(); n > 0 {
		args = append(args, e.scratch("float32", 4, n))
	}
	e.layers.list = append(e.layers.list, &layer{Layer: *l, result: all[0].Out[0].Name, also: also, panels: panelsOf(src.Type), code: all[0].Op.(*low.Linear).Code})
	e.use("path")
	if err := e.unless(jen.Id(name).Call(args...), loops); err != nil {
		return err
	}
	return epilogues(false)
}

// sumsAlone emits the loop of a ternary layer without its scales and bias.
func (e *emitter) sumsAlone(n *ir.Node, to sum) {
	ones := ir.FromFloats(ir.Float32, n.In[2].Type.Shape, slices.Repeat([]float64{1}, n.In[2].Type.Len()))
	alone := *n
	alone.In = slices.Clone(n.In)
	alone.In[2], alone.In[3] = &ir.Value{Type: ones.Type(), Const: ones}, nil
	e.layer(&alone, n.Op.(*low.Linear), to)
}
