package codegen

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
)

// Samples that are run one by one find their values where the one before had them, in the first cache, and take the code
// that a single sample takes. Several goroutines share samples, each with an arena of its own; they share the panels of one
// sample where Run has only one.

// sampleFields are the fields of Model that samples need.
func (e *emitter) sampleFields(g *jen.Group) {
	g.Id("in").Id("Inputs").Comment("// of the present Run")
	g.Id("out").Id("Outputs")
	if e.arenaRoom() > 0 {
		g.Id("arenas").Index().Index().Uint64().Comment("// of each worker")
	}
	if e.workers.steps != nil {
		g.Id("apart").Bool().Comment("// workers are at samples of their own")
	}
	if e.lanes != nil {
		g.List(jen.Id("samples"), jen.Id("groups")).Int().Comment("// of the present Run")
	}
	if e.few() {
		g.Id("fewIn").Id("Inputs").Comment("// of a group with fewer samples")
		g.Id("fewOut").Id("Outputs")
	}
}

// arenaRoom is the size of a worker's arena, in bytes.
func (e *emitter) arenaRoom() int {
	room := e.arena.size + e.workers.room
	if e.lanes != nil {
		room = max(room, e.lanes.arena.size)
	}
	return room
}

// sampleArenas makes the arenas, in New.
func (e *emitter) sampleArenas(g *jen.Group) {
	if n := e.arenaRoom(); n > 0 {
		g.For(jen.Range().Id("max").Call(jen.Lit(1), jen.Id("m").Dot("workers"))).Block(
			jen.Id("m").Dot("arenas").Op("=").Append(jen.Id("m").Dot("arenas"), jen.Make(jen.Index().Uint64(), jen.Lit(n/8))),
		)
	}
	e.roomForFew(g)
}

// samplesInTurn ends Run.
func (e *emitter) samplesInTurn(g *jen.Group) {
	m := jen.Id("m")
	g.List(m.Clone().Dot("in"), m.Clone().Dot("out")).Op("=").List(jen.Op("*").Id("in"), jen.Op("*").Id("out"))
	mark := func(to bool) jen.Code {
		if e.workers.steps == nil {
			return jen.Null()
		}
		return m.Clone().Dot("apart").Op("=").Lit(to)
	}
	items := e.items(g)
	g.If(m.Clone().Dot("team").Op("!=").Nil().Op("&&").Id(items).Op(">").Lit(1)).Block(
		mark(true),
		m.Clone().Dot("team").Dot("run").Call(jen.Lit(len(e.workers.steps)), jen.Id(items), jen.Id(items)),
		mark(false),
	).Else().Block(
		jen.For(jen.Id("i").Op(":=").Range().Id(items)).Block(e.item(jen.Lit(0))...),
	)
	g.List(m.Clone().Dot("in"), m.Clone().Dot("out")).Op("=").List(jen.Id("Inputs").Values(), jen.Id("Outputs").Values())
	e.paced(g, "end")
	g.Return(jen.Nil())
}

// samplesCase is the step that computes samples.
func (e *emitter) samplesCase() jen.Code {
	return jen.Case(jen.Lit(len(e.workers.steps))).Block(
		jen.For(jen.Id("i").Op(":=").Id("lo"), jen.Id("i").Op("<").Id("hi"), jen.Id("i").Op("++")).Block(
			e.item(jen.Id("worker"))...,
		),
	)
}

// arenaOfStep finds the arena that a step works in.
func (e *emitter) arenaOfStep(g *jen.Group) {
	g.Id("a").Op(":=").Id("m").Dot("arenas").Index(jen.Lit(0))
	g.If(jen.Id("m").Dot("apart")).Block(jen.Id("a").Op("=").Id("m").Dot("arenas").Index(jen.Id("worker")))
}

// sample declares the method that computes one sample.
func (e *emitter) sample(f *jen.File) {
	if !e.batch.each() {
		return
	}
	f.Comment("sample computes sample i in the arena of a worker.")
	f.Func().Params(jen.Id("m").Op("*").Id("Model")).Id("sample").Params(jen.List(jen.Id("worker"), jen.Id("i")).Int()).BlockFunc(func(g *jen.Group) {
		names := localsOf(e.body...)
		for _, x := range e.ports() {
			if x.local == "in" && !names.reads("in") {
				continue
			}
			g.Id(x.local).Op(":=").Id(x.typ).ValuesFunc(func(v *jen.Group) {
				for _, f := range x.fields {
					per := f.Type.Len() / e.batch.count
					v.Id(f.Go).Op(":").Id("m").Dot(x.local).Dot(f.Go).Index(jen.Id("i").Op("*").Lit(per), jen.Parens(jen.Id("i").Op("+").Lit(1)).Op("*").Lit(per))
				}
			})
		}
		names.declare(g, jen.Id("m").Dot("arenas").Index(jen.Id("worker")))
		for _, c := range e.body {
			g.Add(c)
		}
		e.canonical(g)
	})
}

// checkEach rejects what cannot be run sample by sample.
func (e *emitter) checkEach() error {
	if !e.batch.each() {
		return nil
	}
	for _, v := range slices.Concat(e.g.In, e.g.Out) {
		if len(v.Type.Shape) == 0 || v.Type.Shape[0] != 1 {
			return fmt.Errorf("%q is %v, which is not one sample", v.Name, v.Type)
		}
	}
	for _, n := range e.g.Nodes {
		if fails(n) {
			return fmt.Errorf("%v may fail, which a sample must not", n)
		}
	}
	return nil
}

// eval computes the outputs of all samples.
func (e *emitter) eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	if !e.batch.each() {
		return e.g.Eval(in)
	}
	return EvalEach(e.g, in)
}

// EvalEach evaluates g, a graph for one sample, on the samples of the inputs one by one.
func EvalEach(g *ir.Graph, in []*ir.Tensor) ([]*ir.Tensor, error) {
	n := in[0].Len() / g.In[0].Type.Len()
	all := make([]*ir.Tensor, len(g.Out))
	for k := range n {
		part := make([]*ir.Tensor, len(in))
		for i, t := range in {
			one := g.In[i].Type
			part[i] = t.Gather(one.Shape, func(j int) int { return k*one.Len() + j })
		}
		out, err := g.Eval(part)
		if err != nil {
			return nil, err
		}
		for i, t := range out {
			if k == 0 {
				shape := slices.Clone(t.Shape)
				shape[0] *= n
				all[i] = ir.NewTensor(t.DType, shape...)
			}
			for j := range t.Len() {
				all[i].CopyElem(k*t.Len()+j, t, j)
			}
		}
	}
	return all, nil
}

// goldenSamples is how many samples of a batch golden vectors have: the others are compared with what they give alone, since
// evaluating all would take long.
const goldenSamples = 2

// fewGolden reports whether golden vectors are of the first samples only.
func (e *emitter) fewGolden() bool { return e.batch.each() && e.batch.count > goldenSamples }

// goldenOf is the hash of the results that golden vectors have.
func (e *emitter) goldenOf() *jen.Statement {
	if e.fewGolden() {
		return jen.Id("hash").Call(jen.Id("firstOutputs").Call(jen.Id("in"), jen.Id("out")))
	}
	return jen.Id("hash").Call(jen.Id("out"))
}

// firstSamples declares what goldenOf calls.
func (e *emitter) firstSamples(f *jen.File) {
	if !e.fewGolden() {
		return
	}
	f.Comment("firstOutputs are the outputs of the samples that golden has.")
	f.Func().Id("firstOutputs").Params(jen.Id("in").Op("*").Id("Inputs"), jen.Id("out").Op("*").Id("Outputs")).Op("*").Id("Outputs").Block(
		jen.List(jen.Id("_"), jen.Id("y")).Op(":=").Id("samples").Call(jen.Id("in"), jen.Id("out"), jen.Lit(0), jen.Lit(goldenSamples)),
		jen.Return(jen.Id("y")),
	)
}

// sameAlone compares all samples with those of an instance that works alone, in the test of workers.
func (e *emitter) sameAlone(g *jen.Group) {
	g.List(jen.Id("alone"), jen.Err()).Op(":=").Id("New").Call()
	g.If(jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err()))
	if e.weights.fields != nil {
		g.Id("alone").Dot("weights").Op("=").Id("m").Dot("weights")
	}
	g.List(jen.Id("_"), jen.Id("all")).Op(":=").Id("buffers").Call(jen.Lit(3))
	g.If(jen.Err().Op(":=").Id("alone").Dot("Run").Call(jen.Id("in"), jen.Id("all")), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err()))
	g.If(jen.Id("hash").Call(jen.Id("all")).Op("!=").Id("hash").Call(jen.Id("out"))).Block(
		jen.Id("t").Dot("Errorf").Call(jen.Lit("%d workers give another result than one"), jen.Id("n")),
	)
}
