package codegen

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
)

// model writes model.go: the public face of the package, Run, and the loops and tables that Run needs.
func (e *emitter) model() ([]byte, error) {
	f := jen.NewFile(e.opt.Package)
	f.HeaderComment(fmt.Sprintf("%s %s from %+q. DO NOT EDIT.", Marker, e.opt.Version, e.opt.Model))
	for _, line := range e.doc() {
		f.PackageComment(line)
	}
	f.Line()
	e.fieldStruct(f, "Inputs", "Inputs are the inputs of the model, row-major. Run only reads them.", e.in)
	e.fieldStruct(f, "Outputs", "Outputs are where Run writes the outputs of the model, row-major.", e.out)
	e.modelType(f)
	e.run(f)
	e.sample(f)
	e.group(f)
	e.stepCode(f)
	e.info(f)
	e.weightsCode(f)
	for _, d := range e.decls {
		f.Add(d)
		f.Line()
	}
	return render(f)
}

// doc is the package comment.
func (e *emitter) doc() []string {
	lines := []string{
		fmt.Sprintf("Package %s runs the model %+q (sha256 %s),", e.opt.Package, e.opt.Model, e.opt.SHA256),
		"compiled ahead of time: every shape, weight and address is fixed, and Run allocates nothing.",
		"",
	}
	lines = append(lines, e.samplesDoc()...)
	for _, p := range []struct {
		kind   string
		fields []Field
	}{{"input", e.in}, {"output", e.out}} {
		for _, x := range p.fields {
			lines = append(lines, fmt.Sprintf("  - %s %+q: field %s, %v", p.kind, x.Name, x.Go, x.Type))
		}
	}
	if e.weights.fields != nil {
		lines = append(lines, "", fmt.Sprintf("weights.bin has the sha256 %x.", sha256.Sum256(e.weights.data)))
	}
	if e.opt.Flags != "" {
		lines = append(lines, "", fmt.Sprintf("Flags: %+q.", e.opt.Flags))
	}
	return lines
}

func (e *emitter) fieldStruct(f *jen.File, name, doc string, fields []Field) {
	f.Comment(doc)
	f.Type().Id(name).StructFunc(func(g *jen.Group) {
		for _, x := range fields {
			g.Id(x.Go).Index().Id(goType(x.Type.DType)).Comment(fmt.Sprintf("// %+q, %v: %s", x.Name, x.Type, e.batch.elements(x.Type.Len())))
		}
	})
}

func (e *emitter) modelType(f *jen.File) {
	f.Comment("Model is an instance of the model with memory of its own: it serves one goroutine at a time. Instances share their weights.")
	f.Type().Id("Model").StructFunc(func(g *jen.Group) {
		if e.arena.size > 0 && !e.batch.each() {
			g.Id("arena").Index().Uint64()
		}
		if e.weights.fields != nil {
			g.Id("weights").Op("*").Id("weights")
		}
		for _, s := range e.stringFields {
			g.Id(s.name).Index().String()
		}
		e.workerFields(g)
	})
	f.Comment("Option configures an instance.")
	f.Type().Id("Option").Func().Params(jen.Op("*").Id("Model")).Error()
	e.withWorkers(f)
	f.Comment("New returns an instance.")
	f.Func().Id("New").Params(jen.Id("opts").Op("...").Id("Option")).Params(jen.Op("*").Id("Model"), jen.Error()).BlockFunc(func(g *jen.Group) {
		if e.weights.fields != nil {
			g.List(jen.Id("w"), jen.Err()).Op(":=").Id("sharedWeights").Call()
			g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
		}
		g.Id("m").Op(":=").Op("&").Id("Model").Values(jen.DictFunc(func(d jen.Dict) {
			if e.arena.size > 0 && !e.batch.each() {
				d[jen.Id("arena")] = jen.Make(jen.Index().Uint64(), jen.Lit((e.arena.size+e.workers.room)/8))
			}
			if e.weights.fields != nil {
				d[jen.Id("weights")] = jen.Id("w")
			}
			for _, s := range e.stringFields {
				d[jen.Id(s.name)] = jen.Make(jen.Index().String(), jen.Lit(s.n))
			}
		}))
		g.For(jen.List(jen.Id("_"), jen.Id("o")).Op(":=").Range().Id("opts")).Block(
			jen.If(jen.Err().Op(":=").Id("o").Call(jen.Id("m")), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		)
		e.startWorkers(g)
		g.Return(jen.Id("m"), jen.Nil())
	})
	f.Comment("Close releases the instance and ends its goroutines. It may be called twice; Run must not be called afterwards.")
	f.Func().Params(jen.Id("m").Op("*").Id("Model")).Id("Close").Params().Error().BlockFunc(func(g *jen.Group) {
		if e.teamed() {
			g.If(jen.Id("m").Dot("team").Op("!=").Nil()).Block(
				jen.Id("m").Dot("team").Dot("close").Call(),
				jen.Id("m").Dot("team").Op("=").Nil(),
			)
		}
		g.Return(jen.Nil())
	})
}

func (e *emitter) run(f *jen.File) {
	f.Comment("Run computes the outputs. The slices must have the lengths that the fields state, and must not overlap." + e.batch.runDoc())
	f.Func().Params(jen.Id("m").Op("*").Id("Model")).Id("Run").Params(
		jen.Id("in").Op("*").Id("Inputs"), jen.Id("out").Op("*").Id("Outputs"),
	).Error().BlockFunc(func(g *jen.Group) {
		if e.batch.count > 1 {
			e.sampleLengths(g)
		} else {
			e.lengths(g, "in", "input", e.in)
			e.lengths(g, "out", "output", e.out)
		}
		e.paced(g, "begin")
		if e.batch.each() {
			e.samplesInTurn(g)
			return
		}
		e.batch.panelCounts(g)
		localsOf(e.body...).declare(g, jen.Id("m").Dot("arena"))
		if e.workers.n {
			g.Id("m").Dot("n").Op("=").Id("n")
		}
		for _, c := range e.body {
			g.Add(c)
		}
		e.canonical(g)
		e.paced(g, "end")
		g.Return(jen.Nil())
	})
}

func (e *emitter) lengths(g *jen.Group, arg, kind string, fields []Field) {
	for _, x := range fields {
		n := x.Type.Len()
		g.If(jen.Len(jen.Id(arg).Dot(x.Go)).Op("!=").Lit(n)).Block(jen.Return(jen.Qual("fmt", "Errorf").Call(
			jen.Lit(fmt.Sprintf("%s %%q has %%d elements, the model takes %d (%v)", kind, n, x.Type)), jen.Lit(x.Name), jen.Len(jen.Id(arg).Dot(x.Go)))))
	}
}

// canonical gives every NaN of the outputs the same bits.
func (e *emitter) canonical(g *jen.Group) {
	for _, x := range e.out {
		ref := jen.Id("out").Dot(x.Go)
		switch x.Type.DType {
		case ir.Float32:
			g.Id(e.use("canonNaN32")).Call(ref)
		case ir.Float64:
			g.Id(e.use("canonNaN64")).Call(ref)
		case ir.Float16:
			g.Id(e.use("canonNaN16")).Call(ref, jen.Op("0x7c00"), jen.Op("0x7e00"))
		case ir.BFloat16:
			g.Id(e.use("canonNaN16")).Call(ref, jen.Op("0x7f80"), jen.Op("0x7fc0"))
		}
	}
}

func (e *emitter) info(f *jen.File) {
	f.Comment("Info describes the package.")
	f.Type().Id("Info").Struct(
		jen.Id("Model").String().Comment("// base name of the model's file"),
		jen.Id("SHA256").String().Comment("// of the model's file"),
		jen.Id("Version").String().Comment("// of sbtc"),
		jen.Id("Path").String().Comment("// the instructions in use: avx512, avx2 or purego"),
		jen.Id("Batch").Int().Comment("// the most samples that one Run takes"),
		jen.Id("Workers").Int().Comment("// how many goroutines Run uses"),
	)
	f.Comment("Info tells what the package was made from and which path it takes on this machine.")
	f.Func().Params(jen.Id("m").Op("*").Id("Model")).Id("Info").Params().Id("Info").Block(jen.Return(jen.Id("Info").Values(jen.Dict{
		jen.Id("Model"): jen.Lit(e.opt.Model), jen.Id("SHA256"): jen.Lit(e.opt.SHA256),
		jen.Id("Version"): jen.Lit(e.opt.Version), jen.Id("Path"): jen.Id(e.use("pathNames")).Index(jen.Id(e.use("path"))),
		jen.Id("Batch"): jen.Lit(max(1, e.opt.Batch)), jen.Id("Workers"): e.workerCount(),
	})))
}

func (e *emitter) weightsCode(f *jen.File) {
	if e.weights.fields == nil {
		return
	}
	f.Anon("embed")
	f.Comment("//go:embed weights.bin")
	f.Var().Id("weightsBin").String()
	f.Comment("weights are the constants as the kernels read them.")
	f.Type().Id("weights").StructFunc(func(g *jen.Group) {
		for _, w := range e.weights.fields {
			g.Id(w.name).Add(w.typ)
		}
	})
	f.Comment("sharedWeights decodes weights.bin once.")
	f.Var().Id("sharedWeights").Op("=").Qual("sync", "OnceValues").Call(jen.Id("loadWeights"))
	f.Comment("loadWeights decodes weights.bin for the kernels of the path in use.")
	sum := fmt.Sprintf("%#08x", crc32.ChecksumIEEE(e.weights.data))
	f.Func().Id("loadWeights").Params().Params(jen.Op("*").Id("weights"), jen.Error()).Block(
		jen.If(
			jen.Err().Op(":=").Id(e.use("checkWeights")).Call(jen.Id("weightsBin"), jen.Lit(len(e.weights.data)), jen.Op(sum)), jen.Err().Op("!=").Nil(),
		).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Return(jen.Op("&").Id("weights").Values(jen.DictFunc(func(d jen.Dict) {
			for _, w := range e.weights.fields {
				d[jen.Id(w.name)] = w.load
			}
		})), jen.Nil()),
	)
}

// locals are the names of parts of the model that a body uses: its text has them in calls.
type locals string

func localsOf(body ...jen.Code) locals { return locals(fmt.Sprintf("%#v", jen.Block(body...))) }

// uses reports whether the body works in the memory name.
func (l locals) uses(name string) bool { return strings.Contains(string(l), "("+name+", ") }

// reads reports whether the body has a field of the variable name.
func (l locals) reads(name string) bool {
	return strings.Contains(string(l), "("+name+".") || strings.Contains(string(l), " "+name+".")
}

// declare declares what the body uses of the arena and of the weights.
func (l locals) declare(g *jen.Group, arena *jen.Statement) {
	if l.uses("a") {
		g.Id("a").Op(":=").Add(arena)
	}
	l.weights(g)
}

func (l locals) weights(g *jen.Group) {
	if strings.Contains(string(l), "w.w") {
		g.Id("w").Op(":=").Id("m").Dot("weights")
	}
}
