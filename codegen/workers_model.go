package codegen

import (
	"github.com/dave/jennifer/jen"
)

// workerFields are the fields of Model that goroutines need.
func (e *emitter) workerFields(g *jen.Group) {
	if !e.teamed() {
		return
	}
	if e.batch.each() {
		e.sampleFields(g)
	}
	g.Id("team").Op("*").Id(e.use("team")).Comment("// nil: Run is alone")
	g.Id("workers").Int()
	if e.workers.room > 0 && !e.batch.each() {
		g.Id("scratch").Index().Index().Uint64().Comment("// of each worker")
	}
	if e.workers.n {
		g.Id("n").Int().Comment("// samples of the present Run")
	}
}

// withWorkers declares the option.
func (e *emitter) withWorkers(f *jen.File) {
	if !e.teamed() {
		f.Comment("WithWorkers is for larger models: work as small as that of this one is not shared, whatever n is, which must be 1 or more.")
	} else {
		f.Comment("WithWorkers lets Run share its work among n goroutines, GOMAXPROCS at most: that of its caller and others, which wait\n" +
			"in between and end with Close. Results are the same, bit for bit. n must be 1 or more.")
	}
	f.Func().Id("WithWorkers").Params(jen.Id("n").Int()).Id("Option").Block(
		jen.Return(jen.Func().Params(jen.Id("m").Op("*").Id("Model")).Error().BlockFunc(func(g *jen.Group) {
			g.If(jen.Id("n").Op("<").Lit(1)).Block(jen.Return(jen.Qual("fmt", "Errorf").Call(jen.Lit("%d workers, want 1 or more"), jen.Id("n"))))
			if e.teamed() {
				g.Id("m").Dot("workers").Op("=").Id("min").Call(jen.Id("n"), jen.Qual("runtime", "GOMAXPROCS").Call(jen.Lit(0)))
			}
			g.Return(jen.Nil())
		})),
	)
}

// startWorkers ends New.
func (e *emitter) startWorkers(g *jen.Group) {
	w := &e.workers
	if !e.teamed() {
		return
	}
	if e.batch.each() {
		e.sampleArenas(g)
	} else if w.room > 0 {
		g.Id("m").Dot("scratch").Op("=").Append(jen.Id("m").Dot("scratch"), jen.Id("m").Dot("arena").Index(jen.Lit(e.arena.size/8), jen.Empty()))
	}
	g.If(jen.Id("m").Dot("workers").Op(">").Lit(1)).BlockFunc(func(g *jen.Group) {
		if w.room > 0 && !e.batch.each() {
			g.For(jen.Range().Id("m").Dot("workers").Op("-").Lit(1)).Block(
				jen.Id("m").Dot("scratch").Op("=").Append(jen.Id("m").Dot("scratch"), jen.Make(jen.Index().Uint64(), jen.Lit(w.room/8))),
			)
		}
		g.Id("m").Dot("team").Op("=").Id(e.use("newTeam")).Call(jen.Id("m").Dot("workers"), jen.Id("m").Dot("step"))
	})
}

// workerCount is the number of goroutines that Run uses.
func (e *emitter) workerCount() *jen.Statement {
	if !e.teamed() {
		return jen.Lit(1)
	}
	return jen.Id("max").Call(jen.Lit(1), jen.Id("m").Dot("workers"))
}

// paced tells the team that a Run begins or ends.
func (e *emitter) paced(g *jen.Group, call string) {
	if !e.teamed() {
		return
	}
	samples := jen.Lit(1)
	if e.batch.count > 1 {
		samples = jen.Id("n")
	}
	team := jen.Id("m").Dot("team")
	g.If(team.Clone().Op("!=").Nil()).Block(team.Clone().Dot("pace").Dot(call).Call(samples))
}

// stepCode declares the steps.
func (e *emitter) stepCode(f *jen.File) {
	w := &e.workers
	if !e.teamed() {
		return
	}
	each := e.batch.each()
	if w.steps != nil {
		params, worker, alone := []jen.Code{jen.Id("step"), jen.Id("panels"), jen.Id("grain")}, jen.Lit(0), jen.Id("m").Dot("team").Op("==").Nil()
		if each {
			params, worker = append([]jen.Code{jen.Id("worker")}, params...), jen.Id("worker")
			alone.Op("||").Id("m").Dot("apart")
		}
		f.Comment("each computes all panels of a step, at least grain of them by one goroutine.")
		f.Func().Params(jen.Id("m").Op("*").Id("Model")).Id("each").Params(jen.List(params...).Int()).Block(
			jen.If(alone).Block(
				jen.Id("m").Dot("step").Call(jen.Id("step"), worker, jen.Lit(0), jen.Id("panels")),
				jen.Return(),
			),
			jen.Id("m").Dot("team").Dot("run").Call(jen.Id("step"), jen.Id("panels"), jen.Id("min").Call(jen.Id("panels").Op("/").Id("grain"), jen.Id("m").Dot("workers"))),
		)
	}
	var cases []jen.Code
	for i, s := range w.steps {
		cases = append(cases, jen.Case(jen.Lit(i)).Block(s.code...))
	}
	names := localsOf(jen.Switch(jen.Id("step")).Block(cases...))
	if each {
		cases = append(cases, e.samplesCase())
	}
	worker := "worker"
	if !names.uses("s") && !each {
		worker = "_"
	}
	f.Comment("step computes panels [lo, hi) of a step, which do not depend on others of its results.")
	f.Func().Params(jen.Id("m").Op("*").Id("Model")).Id("step").Params(jen.List(jen.Id("step"), jen.Id(worker), jen.Id("lo"), jen.Id("hi")).Int()).BlockFunc(func(g *jen.Group) {
		switch {
		case names.uses("a") && each:
			e.arenaOfStep(g)
		case names.uses("a"):
			g.Id("a").Op(":=").Id("m").Dot("arena")
		}
		switch {
		case names.uses("s") && each:
			g.Id("s").Op(":=").Id("m").Dot("arenas").Index(jen.Id("worker")).Index(jen.Lit(e.arena.size/8), jen.Empty())
		case names.uses("s"):
			g.Id("s").Op(":=").Id("m").Dot("scratch").Index(jen.Id("worker"))
		}
		names.weights(g)
		if w.n {
			g.Id("n").Op(":=").Id("m").Dot("n")
		}
		g.Switch(jen.Id("step")).Block(cases...)
	})
}
