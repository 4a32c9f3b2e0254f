package codegen

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Samples that are run one by one leave lanes idle where they have few rows, and one row cannot fill them. Where that costs
// much, groups of 16 samples have a body of their own, in which the samples are the lanes and each row is a panel: low.InLanes
// gives its graph. Layers have the same code in both bodies, but for the number of panels.

// Bounds of that.
const (
	leastLaneGain = 1.1     // times faster
	mostLaneBytes = 2 << 20 // of an arena: values should be in the second cache, which prefetching makes almost as good as the first
)

// laneBody is the body for a group of samples.
type laneBody struct {
	*emitter
	size  int // samples of a group at most
	least int // samples that take less time as a group than one after the other
}

// groupPanels is how many panels of single rows a group has at most: the code and weights of a layer, which they take in turn, may come
// from far.
const groupPanels = 4

// samplesInLanes emits the body for a group of samples, if it is worth it.
func (e *emitter) samplesInLanes() error {
	if !e.batch.each() {
		return nil
	}
	o := &laneBody{size: ir.Lanes}
	opt := e.opt
	opt.Each, opt.Batch = false, 1
	if low.SingleRows(e.g) {
		o.size = min(groupPanels, panelsOfRows(e.batch.count)) * ir.Lanes
		opt.Batch = o.size
	}
	g, err := low.InLanes(e.g, o.size)
	if err != nil {
		e.apart = err
		return nil
	}
	gain := float64(o.size*graphWork(e.g)) / float64(graphWork(g))
	o.least = int(ir.Lanes/gain) + 1
	if gain < leastLaneGain {
		e.apart = errors.New("the rows of one fill the lanes")
		return nil
	}
	if o.least > e.batch.count {
		e.apart = fmt.Errorf("only %d samples or more would be faster", o.least)
		return nil
	}
	o.emitter = newEmitter(g, opt)
	if o.batch.fixed != nil {
		return fmt.Errorf("for samples in lanes: %w", o.batch.fixed)
	}
	o.weights, o.layers, o.decls, o.kernels, o.funcs, o.serial = e.weights, e.layers, e.decls, e.kernels, e.funcs, e.serial
	o.in, o.out = Fields(g.In), Fields(g.Out)
	o.sharing()
	o.pairs()
	if err := o.nodes(); err != nil {
		return fmt.Errorf("for samples in lanes: %w", err)
	}
	if o.arena.size > mostLaneBytes {
		e.apart = fmt.Errorf("%d samples have %d KiB of values", o.size, o.arena.size>>10)
		return nil
	}
	o.weights.ends = e.weights.ends
	e.weights, e.layers, e.decls, e.serial = o.weights, o.layers, o.decls, o.serial
	e.lanes = o
	return nil
}

// graphWork estimates the time of a graph, in additions of 16 lanes.
func graphWork(g *ir.Graph) (work int) {
	for _, n := range g.Nodes {
		work += nodeWork(n)
	}
	return work
}

func nodeWork(n *ir.Node) int {
	out := n.Out[0].Type
	vectors := (out.Len() + ir.Lanes - 1) / ir.Lanes
	switch op := n.Op.(type) {
	case *low.Linear:
		if out.Layout == ir.Panels {
			return workOf(n)
		}
		k, vectors := n.In[1].Type.Shape[0], (out.Features()+ir.Lanes-1)/ir.Lanes
		if op.Strategy == "perm" {
			return 300 + out.Rows()*4*vectors*(k+2)/3
		}
		return 100 + out.Rows()*vectors*k
	case *low.Attend:
		q, k := n.In[0].Type, n.In[1].Type
		samples, features := 1, out.Features()
		if op.Lanes {
			samples, features = ir.Lanes, out.Shape[2]
		}
		each := features*2 + op.Heads*20
		entries := op.Entries(q.Shape[1], k.Shape[1]) * samples
		if op.Lanes {
			return entries / ir.Lanes * each
		}
		if op.Partials > 1 {
			return 500 + (k.Shape[1]+ir.Lanes-1)/ir.Lanes*each
		}
		return workOf(n)
	case *low.Normalize, *low.Map:
		return workOf(n)
	}
	return vectors
}

// eachLane is the constant of which n has every element for each lane, nil if that is not what n does.
func eachLane(n *ir.Node) *ir.Tensor {
	m, ok := n.Op.(*low.Move)
	if !ok || len(m.Parts) != 1 || n.In[0].Const == nil || m.Pack {
		return nil
	}
	p, last := m.Parts[0], len(m.Shape)-1
	if last < 0 || m.Shape[last] != ir.Lanes || !slices.Equal(p.Dims, m.Shape) || p.In != 0 || p.Out != 0 ||
		!slices.Equal(p.OutStrides, ir.Strides(m.Shape)) || !slices.Equal(p.InStrides, append(ir.Strides(m.Shape[:last]), 0)) {
		return nil
	}
	return n.In[0].Const
}

// sampleScores is how many scores of samples in lanes are computed at once, so that they stay in the first cache.
const sampleScores = 256

// attendSamples emits attention of samples in lanes.
func (e *emitter) attendSamples(n *ir.Node, op *low.Attend) {
	q, out := n.In[0].Type, n.Out[0].Type
	ks, vs := n.In[1:2], n.In[2:3]
	kHeads := op.KVHeads
	if op.Partials > 1 {
		ks, vs = low.Pairs(n.In)
		kHeads = op.OfKeys()
	}
	keys, dv := 0, out.Shape[2]/op.Heads
	for _, k := range ks {
		keys += k.Type.Shape[1]
	}
	fields := jen.Dict{
		jen.Id("queries"): jen.Lit(q.Shape[1]), jen.Id("keys"): jen.Lit(keys),
		jen.Id("heads"): jen.Lit(op.Heads), jen.Id("kHeads"): jen.Lit(kHeads), jen.Id("kvHeads"): jen.Lit(op.KVHeads),
		jen.Id("dh"): jen.Lit(q.Shape[2] / op.Heads), jen.Id("dv"): jen.Lit(dv),
		jen.Id("scale"): float32Lit(op.Scale), jen.Id("partial"): jen.Lit(op.Partials > 1),
	}
	rows := min(max(q.Shape[1], op.Heads), max(2, sampleScores/keys))
	fields[jen.Id("rows")] = jen.Lit(rows)
	mask, room := jen.Nil(), rows*(keys+1)
	if len(n.In) > 3 && n.In[3] != nil {
		mask = e.ref(n.In[3])
		s := low.BroadcastStrides(n.In[3].Type.Shape, []int{1, op.Heads, q.Shape[1], keys})
		fields[jen.Id("maskStrides")] = jen.Index(jen.Lit(3)).Int().Values(jen.Lit(s[1]), jen.Lit(s[2]), jen.Lit(s[3]))
	}
	if op.Partials > 1 {
		room += rows*(ir.Lanes+1)*dv + ir.Lanes
	}
	ends, spans := e.spans(op)
	shape := e.table("attention", jen.Id(e.use("sampleAttention")).Values(fields))
	args := []jen.Code{e.ref(n.Out[0]), e.ref(n.In[0]), mask, e.scratch("float32", 4, room*ir.Lanes), jen.Op("&").Add(shape), ends, spans}
	for i, k := range ks {
		args = append(args, jen.Id(e.use("keyPart")).Values(e.ref(k), e.ref(vs[i]), jen.Lit(k.Type.Shape[1])))
	}
	e.call("attendSamples", args...)
}

// items notes in Run how many samples and groups there are. It returns the name of the number of both, each sample that is in
// no group counting as one.
func (e *emitter) items(g *jen.Group) string {
	if e.lanes == nil {
		return "n"
	}
	samples, groups := jen.Id("m").Dot("samples"), jen.Id("m").Dot("groups")
	g.List(samples, groups).Op("=").List(jen.Id("n"), jen.Parens(jen.Id("n").Op("+").Lit(e.lanes.size-e.lanes.least)).Op("/").Lit(e.lanes.size))
	g.Id("items").Op(":=").Add(groups.Clone()).Op("+").Id("max").Call(jen.Lit(0), jen.Id("n").Op("-").Add(groups.Clone()).Op("*").Lit(e.lanes.size))
	return "items"
}

// item computes item i.
func (e *emitter) item(worker jen.Code) []jen.Code {
	m := jen.Id("m")
	if e.lanes == nil {
		return []jen.Code{m.Dot("sample").Call(worker, jen.Id("i"))}
	}
	return []jen.Code{jen.If(jen.Id("i").Op("<").Add(m.Clone().Dot("groups"))).Block(
		m.Clone().Dot("group").Call(worker, jen.Id("i")),
	).Else().Block(
		m.Clone().Dot("sample").Call(worker, jen.Id("i").Op("+").Add(m.Clone().Dot("groups")).Op("*").Lit(e.lanes.size-1)),
	)}
}

// few reports whether groups have a fixed number of samples, so that others need room beside them.
func (e *emitter) few() bool { return e.lanes != nil && e.lanes.batch.size == 1 }

// roomForFew is the memory for a group with fewer samples, in New: other lanes hold what they held before.
func (e *emitter) roomForFew(g *jen.Group) {
	if !e.few() {
		return
	}
	for _, x := range e.ports() {
		room := func(v *jen.Group) {
			for _, f := range x.fields {
				v.Id(f.Go).Op(":").Make(jen.Index().Id(goType(f.Type.DType)), jen.Lit(f.Type.Len()/e.batch.count*ir.Lanes))
			}
		}
		g.Id("m").Dot("few" + x.name).Op("=").Id(x.typ).ValuesFunc(room)
	}
}

// port is the inputs or the outputs.
type port struct {
	name, local, typ string
	fields           []Field
}

func (e *emitter) ports() []port {
	return []port{{"In", "in", "Inputs", e.in}, {"Out", "out", "Outputs", e.out}}
}

// group declares the method that computes a group of samples.
func (e *emitter) group(f *jen.File) {
	if e.lanes == nil {
		return
	}
	m, n, i, size := jen.Id("m"), jen.Id("n"), jen.Id("i"), e.lanes.size
	f.Comment(fmt.Sprintf("group computes %d samples, or those that are left, from sample %[1]d·i on: they are the lanes.", size))
	f.Func().Params(m.Clone().Op("*").Id("Model")).Id("group").Params(jen.List(jen.Id("worker"), i).Int()).BlockFunc(func(g *jen.Group) {
		g.Add(n).Op(":=").Id("min").Call(jen.Lit(size), m.Clone().Dot("samples").Op("-").Add(i).Op("*").Lit(size))
		names := localsOf(e.lanes.body...)
		for _, x := range e.ports() {
			if x.local == "in" && !e.few() && !names.reads("in") {
				continue
			}
			g.Id(x.local).Op(":=").Id(x.typ).ValuesFunc(func(v *jen.Group) {
				for _, f := range x.fields {
					per := f.Type.Len() / e.batch.count
					first := i.Clone().Op("*").Lit(per * size)
					v.Id(f.Go).Op(":").Add(m).Dot(x.local).Dot(f.Go).Index(first, first.Clone().Op("+").Add(n).Op("*").Lit(per))
				}
			})
		}
		copies := func(fields []Field, dst, src jen.Code) []jen.Code {
			var out []jen.Code
			for _, f := range fields {
				out = append(out, jen.Copy(jen.Add(dst).Dot(f.Go), jen.Add(src).Dot(f.Go)))
			}
			return out
		}
		few := func(code ...jen.Code) {
			if e.few() {
				g.If(n.Clone().Op("<").Lit(size)).Block(code...)
			}
		}
		if e.few() {
			g.Id("own").Op(":=").Id("out")
		}
		few(append(copies(e.in, m.Clone().Dot("fewIn"), jen.Id("in")),
			jen.List(jen.Id("in"), jen.Id("out")).Op("=").List(m.Clone().Dot("fewIn"), m.Clone().Dot("fewOut")))...)
		e.lanes.batch.panelCounts(g)
		names.declare(g, m.Clone().Dot("arenas").Index(jen.Id("worker")))
		for _, c := range e.lanes.body {
			g.Add(c)
		}
		e.canonical(g)
		few(copies(e.out, jen.Id("own"), jen.Id("out"))...)
	})
}
