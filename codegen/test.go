package codegen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"sync"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// goldenVectors is the number of seeded inputs whose results model_test.go holds.
const goldenVectors = 2

// test writes model_test.go: golden vectors, an example, a benchmark.
func (e *emitter) test() ([]byte, error) {
	f := jen.NewFile(e.opt.Package)
	f.HeaderComment(fmt.Sprintf("%s %s from %+q. DO NOT EDIT.", Marker, e.opt.Version, e.opt.Model))
	golden, err := e.golden()
	if err != nil {
		return nil, err
	}
	f.Comment("golden holds FNV-1a hashes of the outputs, by seed of the inputs, as the reference interpreter computes them.")
	f.Var().Id("golden").Op("=").Index().Struct(jen.Id("seed").Uint64(), jen.Id("hash").Uint64()).ValuesFunc(func(g *jen.Group) {
		for _, v := range golden {
			g.Values(jen.Lit(v.seed), jen.Op(fmt.Sprintf("%#x", v.hash)))
		}
	})
	e.testHelpers(f)
	e.goldenTest(f)
	e.batchTest(f)
	e.firstSamples(f)
	e.workersTest(f)
	f.Func().Id("TestAllocations").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.List(jen.Id("m"), jen.Id("_")).Op(":=").Id("New").Call(),
		jen.List(jen.Id("in"), jen.Id("out")).Op(":=").Id("buffers").Call(jen.Lit(1)),
		jen.If(jen.Id("n").Op(":=").Qual("testing", "AllocsPerRun").Call(jen.Lit(3), jen.Func().Params().Block(jen.Id("_").Op("=").Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")))), jen.Id("n").Op("!=").Lit(0)).Block(
			jen.Id("t").Dot("Errorf").Call(jen.Lit("Run allocates %v times"), jen.Id("n")),
		),
	)
	f.Func().Id("BenchmarkRun").Params(jen.Id("b").Op("*").Qual("testing", "B")).Block(
		jen.List(jen.Id("m"), jen.Err()).Op(":=").Id("New").Call(),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Id("b").Dot("Fatal").Call(jen.Err())),
		jen.List(jen.Id("in"), jen.Id("out")).Op(":=").Id("buffers").Call(jen.Lit(1)),
		jen.Id("b").Dot("ReportAllocs").Call(),
		jen.Id("b").Dot("ResetTimer").Call(),
		jen.For(jen.Id("i").Op(":=").Lit(0), jen.Id("i").Op("<").Id("b").Dot("N"), jen.Id("i").Op("++")).Block(
			jen.If(jen.Err().Op(":=").Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")), jen.Err().Op("!=").Nil()).Block(jen.Id("b").Dot("Fatal").Call(jen.Err())),
		),
	)
	if e.weights.fields != nil {
		f.Func().Id("BenchmarkLoad").Params(jen.Id("b").Op("*").Qual("testing", "B")).Block(
			jen.For(jen.Id("i").Op(":=").Lit(0), jen.Id("i").Op("<").Id("b").Dot("N"), jen.Id("i").Op("++")).Block(
				jen.If(jen.List(jen.Id("_"), jen.Err()).Op(":=").Id("loadWeights").Call(), jen.Err().Op("!=").Nil()).Block(jen.Id("b").Dot("Fatal").Call(jen.Err())),
			),
		)
	}
	e.example(f)
	return render(f)
}

// goldenTest runs the golden vectors on every path that the machine has.
func (e *emitter) goldenTest(f *jen.File) {
	f.Func().Id("TestGolden").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.Id("best").Op(":=").Id(e.use("path")),
		jen.Defer().Func().Params().Block(jen.Id("path").Op("=").Id("best")).Call(),
		jen.For(jen.Id("path").Op("=").Id("best"), jen.Id("path").Op(">=").Lit(0), jen.Id("path").Op("--")).BlockFunc(func(g *jen.Group) {
			g.Id("t").Dot("Run").Call(jen.Id(e.use("pathNames")).Index(jen.Id("path")), jen.Id("testGolden"))
			if e.batch.count > 1 {
				g.Id("t").Dot("Run").Call(jen.Id("pathNames").Index(jen.Id("path")).Op("+").Lit("/batch"), jen.Id("testBatch"))
			}
			if e.teamed() {
				g.Id("t").Dot("Run").Call(jen.Id("pathNames").Index(jen.Id("path")).Op("+").Lit("/workers"), jen.Id("testWorkers"))
			}
		}),
	)
	f.Func().Id("testGolden").Params(jen.Id("t").Op("*").Qual("testing", "T")).BlockFunc(func(g *jen.Group) {
		e.onPath(g)
		g.For(jen.List(jen.Id("_"), jen.Id("g")).Op(":=").Range().Id("golden")).Block(
			jen.List(jen.Id("in"), jen.Id("out")).Op(":=").Id("buffers").Call(jen.Id("g").Dot("seed")),
			jen.If(jen.Err().Op(":=").Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err())),
			jen.If(jen.Id("got").Op(":=").Add(e.goldenOf()), jen.Id("got").Op("!=").Id("g").Dot("hash")).Block(
				jen.Id("t").Dot("Errorf").Call(jen.Lit("seed %d: hash %#x, want %#x"), jen.Id("g").Dot("seed"), jen.Id("got"), jen.Id("g").Dot("hash")),
			),
		)
	})
}

// onPath makes an instance for the path in use.
func (e *emitter) onPath(g *jen.Group, options ...jen.Code) {
	g.List(jen.Id("m"), jen.Err()).Op(":=").Id("New").Call(options...)
	g.If(jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err()))
	g.Defer().Id("m").Dot("Close").Call()
	if e.weights.fields != nil {
		g.Comment("The weights of New are for the best path.")
		g.If(jen.List(jen.Id("m").Dot("weights"), jen.Err()).Op("=").Id("loadWeights").Call(), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err()))
	}
}

// batchTest writes a test that runs every sample alone, and the first ones without the others: the results must be those
// in the whole batch.
func (e *emitter) batchTest(f *jen.File) {
	if e.batch.count == 1 {
		return
	}
	f.Comment("samples are n samples from sample i on.")
	f.Func().Id("samples").Params(jen.Id("in").Op("*").Id("Inputs"), jen.Id("out").Op("*").Id("Outputs"), jen.List(jen.Id("i"), jen.Id("n")).Int()).
		Params(jen.Op("*").Id("Inputs"), jen.Op("*").Id("Outputs")).BlockFunc(func(g *jen.Group) {
		cut := func(arg string, fields []Field) jen.Code {
			return jen.ValuesFunc(func(v *jen.Group) {
				for _, x := range fields {
					per := x.Type.Len() / e.batch.count
					v.Id(x.Go).Op(":").Id(arg).Dot(x.Go).Index(jen.Id("i").Op("*").Lit(per), jen.Parens(jen.Id("i").Op("+").Id("n")).Op("*").Lit(per))
				}
			})
		}
		g.Return(jen.Op("&").Id("Inputs").Add(cut("in", e.in)), jen.Op("&").Id("Outputs").Add(cut("out", e.out)))
	})
	f.Func().Id("testBatch").Params(jen.Id("t").Op("*").Qual("testing", "T")).BlockFunc(func(g *jen.Group) {
		e.onPath(g)
		g.List(jen.Id("in"), jen.Id("out")).Op(":=").Id("buffers").Call(jen.Lit(3))
		g.If(jen.Err().Op(":=").Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err()))
		g.List(jen.Id("_"), jen.Id("part")).Op(":=").Id("buffers").Call(jen.Lit(3))
		g.Id("check").Op(":=").Func().Params(jen.List(jen.Id("i"), jen.Id("n")).Int()).Block(
			jen.List(jen.Id("x"), jen.Id("want")).Op(":=").Id("samples").Call(jen.Id("in"), jen.Id("out"), jen.Id("i"), jen.Id("n")),
			jen.List(jen.Id("_"), jen.Id("y")).Op(":=").Id("samples").Call(jen.Id("in"), jen.Id("part"), jen.Id("i"), jen.Id("n")),
			jen.If(jen.Err().Op(":=").Id("m").Dot("Run").Call(jen.Id("x"), jen.Id("y")), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err())),
			jen.If(jen.Id("hash").Call(jen.Id("y")).Op("!=").Id("hash").Call(jen.Id("want"))).Block(
				jen.Id("t").Dot("Errorf").Call(jen.Lit("%d samples from %d on give another result than in the whole batch"), jen.Id("n"), jen.Id("i")),
			),
		)
		g.For(jen.Id("i").Op(":=").Lit(0), jen.Id("i").Op("<").Lit(e.batch.count), jen.Id("i").Op("+=").Lit(1).Op("+").Id("i").Op("/").Lit(4)).Block(
			jen.Id("check").Call(jen.Id("i"), jen.Lit(1)),
			jen.Id("check").Call(jen.Lit(0), jen.Id("i").Op("+").Lit(1)),
		)
	})
}

// workersTest writes a test of goroutines that share the work, and a benchmark of them.
func (e *emitter) workersTest(f *jen.File) {
	if !e.teamed() {
		return
	}
	f.Func().Id("testWorkers").Params(jen.Id("t").Op("*").Qual("testing", "T")).BlockFunc(func(g *jen.Group) {
		g.Defer().Qual("runtime", "GOMAXPROCS").Call(jen.Qual("runtime", "GOMAXPROCS").Call(jen.Lit(4)))
		g.Id("before").Op(":=").Qual("runtime", "NumGoroutine").Call()
		g.For(jen.Id("n").Op(":=").Lit(2), jen.Id("n").Op("<=").Lit(4), jen.Id("n").Op("+=").Lit(2)).BlockFunc(func(g *jen.Group) {
			e.onPath(g, jen.Id("WithWorkers").Call(jen.Id("n")))
			g.If(jen.Id("m").Dot("Info").Call().Dot("Workers").Op("!=").Id("n")).Block(jen.Id("t").Dot("Errorf").Call(jen.Lit("%d workers, want %d"), jen.Id("m").Dot("Info").Call().Dot("Workers"), jen.Id("n")))
			g.For(jen.List(jen.Id("_"), jen.Id("g")).Op(":=").Range().Id("golden")).Block(
				jen.List(jen.Id("in"), jen.Id("out")).Op(":=").Id("buffers").Call(jen.Id("g").Dot("seed")),
				jen.For(jen.Range().Lit(2)).Block(
					jen.If(jen.Err().Op(":=").Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err())),
					jen.If(jen.Id("got").Op(":=").Add(e.goldenOf()), jen.Id("got").Op("!=").Id("g").Dot("hash")).Block(
						jen.Id("t").Dot("Errorf").Call(jen.Lit("%d workers, seed %d: hash %#x, want %#x"), jen.Id("n"), jen.Id("g").Dot("seed"), jen.Id("got"), jen.Id("g").Dot("hash")),
					),
				),
				jen.If(jen.Id("n").Op(":=").Qual("testing", "AllocsPerRun").Call(jen.Lit(10), jen.Func().Params().Block(jen.Id("_").Op("=").Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")))), jen.Id("n").Op("!=").Lit(0)).Block(
					jen.Id("t").Dot("Errorf").Call(jen.Lit("Run allocates %v times"), jen.Id("n")),
				),
			)
			if e.batch.count > 1 {
				g.Comment("Workers share the panels of one sample.")
				g.List(jen.Id("in"), jen.Id("out")).Op(":=").Id("buffers").Call(jen.Lit(3))
				g.List(jen.Id("_"), jen.Id("part")).Op(":=").Id("buffers").Call(jen.Lit(3))
				g.List(jen.Id("x"), jen.Id("want")).Op(":=").Id("samples").Call(jen.Id("in"), jen.Id("out"), jen.Lit(e.batch.count-1), jen.Lit(1))
				g.List(jen.Id("_"), jen.Id("y")).Op(":=").Id("samples").Call(jen.Id("in"), jen.Id("part"), jen.Lit(0), jen.Lit(1))
				g.If(jen.Err().Op(":=").Qual("errors", "Join").Call(jen.Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")), jen.Id("m").Dot("Run").Call(jen.Id("x"), jen.Id("y"))), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Fatal").Call(jen.Err()))
				g.If(jen.Id("hash").Call(jen.Id("y")).Op("!=").Id("hash").Call(jen.Id("want"))).Block(
					jen.Id("t").Dot("Errorf").Call(jen.Lit("%d workers: the last sample alone gives another result than in the whole batch"), jen.Id("n")),
				)
			}
			if e.fewGolden() {
				e.sameAlone(g)
			}
			g.For(jen.Range().Lit(2)).Block(
				jen.If(jen.Err().Op(":=").Id("m").Dot("Close").Call(), jen.Err().Op("!=").Nil()).Block(jen.Id("t").Dot("Error").Call(jen.Err())),
			)
		})
		g.For(jen.Id("i").Op(":=").Lit(0), jen.Qual("runtime", "NumGoroutine").Call().Op(">").Id("before"), jen.Id("i").Op("++")).Block(
			jen.If(jen.Id("i").Op("==").Lit(1000)).Block(jen.Id("t").Dot("Fatalf").Call(jen.Lit("%d goroutines before, more after Close"), jen.Id("before"))),
			jen.Qual("time", "Sleep").Call(jen.Qual("time", "Millisecond")),
		)
		g.If(jen.List(jen.Id("_"), jen.Err()).Op(":=").Id("New").Call(jen.Id("WithWorkers").Call(jen.Lit(0))), jen.Err().Op("==").Nil()).Block(
			jen.Id("t").Dot("Error").Call(jen.Lit("no error for 0 workers")),
		)
	})
	f.Func().Id("BenchmarkWorkers").Params(jen.Id("b").Op("*").Qual("testing", "B")).Block(
		jen.For(jen.Id("n").Op(":=").Lit(1), jen.Id("n").Op("<=").Qual("runtime", "GOMAXPROCS").Call(jen.Lit(0)), jen.Id("n").Op("*=").Lit(2)).Block(
			jen.Id("b").Dot("Run").Call(jen.Qual("strconv", "Itoa").Call(jen.Id("n")), jen.Func().Params(jen.Id("b").Op("*").Qual("testing", "B")).Block(
				jen.List(jen.Id("m"), jen.Err()).Op(":=").Id("New").Call(jen.Id("WithWorkers").Call(jen.Id("n"))),
				jen.If(jen.Err().Op("!=").Nil()).Block(jen.Id("b").Dot("Fatal").Call(jen.Err())),
				jen.Defer().Id("m").Dot("Close").Call(),
				jen.List(jen.Id("in"), jen.Id("out")).Op(":=").Id("buffers").Call(jen.Lit(1)),
				jen.Id("b").Dot("ResetTimer").Call(),
				jen.For(jen.Id("i").Op(":=").Lit(0), jen.Id("i").Op("<").Id("b").Dot("N"), jen.Id("i").Op("++")).Block(
					jen.If(jen.Err().Op(":=").Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")), jen.Err().Op("!=").Nil()).Block(jen.Id("b").Dot("Fatal").Call(jen.Err())),
				),
			)),
		),
	)
}

func (e *emitter) example(f *jen.File) {
	f.Func().Id("Example").Params().BlockFunc(func(g *jen.Group) {
		g.List(jen.Id("m"), jen.Err()).Op(":=").Id("New").Call()
		g.If(jen.Err().Op("!=").Nil()).Block(jen.Qual("fmt", "Println").Call(jen.Err()), jen.Return())
		g.Defer().Id("m").Dot("Close").Call()
		make := func(fields []Field) jen.Code {
			return jen.ValuesFunc(func(v *jen.Group) {
				for _, x := range fields {
					v.Id(x.Go).Op(":").Make(jen.Index().Id(goType(x.Type.DType)), jen.Lit(x.Type.Len()))
				}
			})
		}
		g.Id("in").Op(":=").Op("&").Id("Inputs").Add(make(e.in))
		g.Id("out").Op(":=").Op("&").Id("Outputs").Add(make(e.out))
		g.Qual("fmt", "Println").Call(jen.Id("m").Dot("Run").Call(jen.Id("in"), jen.Id("out")))
		if e.failsOnZeros() {
			return
		}
		g.Comment("Output: <nil>")
	})
}

// failsOnZeros reports whether zeros are no valid inputs, so that the example cannot promise its output.
func (e *emitter) failsOnZeros() bool {
	if !slices.ContainsFunc(e.g.Nodes, fails) {
		return false
	}
	in := make([]*ir.Tensor, len(e.in))
	for i, f := range e.in {
		in[i] = ir.NewTensor(f.Type.DType, f.Type.Shape...)
	}
	_, err := e.eval(in)
	return err != nil
}

// fails reports whether a run of n can fail: of kernels with an error as their result.
func fails(n *ir.Node) bool {
	k, ok := n.Op.(*low.Kernel)
	if !ok {
		return false
	}
	f := library().funcs[k.Fn]
	return f != nil && f.Type.Results != nil
}

// testHelpers writes the functions that make inputs of a seed and hash outputs, as goldenInputs and hashOutputs do.
func (e *emitter) testHelpers(f *jen.File) {
	f.Comment("buffers makes inputs of a seed, and room for the outputs.")
	f.Func().Id("buffers").Params(jen.Id("seed").Uint64()).Params(jen.Op("*").Id("Inputs"), jen.Op("*").Id("Outputs")).BlockFunc(func(g *jen.Group) {
		g.Id("next").Op(":=").Func().Params().Uint64().Block(
			jen.Comment("SplitMix64"),
			jen.Id("seed").Op("+=").Op("0x9e3779b97f4a7c15"),
			jen.Id("z").Op(":=").Parens(jen.Id("seed").Op("^").Id("seed").Op(">>").Lit(30)).Op("*").Op("0xbf58476d1ce4e5b9"),
			jen.Id("z").Op("=").Parens(jen.Id("z").Op("^").Id("z").Op(">>").Lit(27)).Op("*").Op("0x94d049bb133111eb"),
			jen.Return(jen.Id("z").Op("^").Id("z").Op(">>").Lit(31)),
		)
		g.List(jen.Id("in"), jen.Id("out")).Op(":=").List(jen.Op("&").Id("Inputs").Values(), jen.Op("&").Id("Outputs").Values())
		for _, x := range e.in {
			g.Id("in").Dot(x.Go).Op("=").Make(jen.Index().Id(goType(x.Type.DType)), jen.Lit(x.Type.Len()))
			if s := sample(x.Type.DType); s != nil {
				g.For(jen.Id("i").Op(":=").Range().Id("in").Dot(x.Go)).Block(jen.Id("in").Dot(x.Go).Index(jen.Id("i")).Op("=").Add(s))
			} else {
				g.Id("_").Op("=").Id("next")
			}
		}
		if len(e.in) == 0 {
			g.Id("_").Op("=").Id("next")
		}
		for _, x := range e.out {
			g.Id("out").Dot(x.Go).Op("=").Make(jen.Index().Id(goType(x.Type.DType)), jen.Lit(x.Type.Len()))
		}
		g.Return(jen.Id("in"), jen.Id("out"))
	})
	f.Comment("hash is FNV-1a over the bytes of the outputs, strings as they are.")
	f.Func().Id("hash").Params(jen.Id("out").Op("*").Id("Outputs")).Uint64().BlockFunc(func(g *jen.Group) {
		g.Id("h").Op(":=").Qual("hash/fnv", "New64a").Call()
		for _, x := range e.out {
			if x.Type.DType == ir.String {
				g.For(jen.List(jen.Id("_"), jen.Id("s")).Op(":=").Range().Id("out").Dot(x.Go)).Block(jen.Id("h").Dot("Write").Call(jen.Index().Byte().Call(jen.Id("s"))))
				continue
			}
			g.Qual("encoding/binary", "Write").Call(jen.Id("h"), jen.Qual("encoding/binary", "LittleEndian"), jen.Id("out").Dot(x.Go))
		}
		g.Return(jen.Id("h").Dot("Sum64").Call())
	})
}

// sample is the Go expression of one random element: floats uniform in [-1, 1), integers 0 or 1, nil for zero.
func sample(d ir.DType) jen.Code {
	unit := jen.Float64().Call(jen.Int64().Call(jen.Id("next").Call()).Op(">>").Lit(11)).Op("*").Op("0x1p-52")
	switch {
	case d == ir.Float32 || d == ir.Float64:
		return jen.Id(goType(d)).Call(unit)
	case d == ir.Bool:
		return jen.Id("next").Call().Op("&").Lit(1).Op("==").Lit(1)
	case d.IsInt():
		return jen.Id(goType(d)).Call(jen.Id("next").Call().Op("&").Lit(1))
	}
	return nil
}

type goldenHash struct{ seed, hash uint64 }

// golden evaluates the graph on seeded inputs, all at once since a large one takes seconds; a graph that has no result for
// them has no golden vectors.
func (e *emitter) golden() ([]goldenHash, error) {
	inputs := func(seed uint64) []*ir.Tensor {
		in := goldenInputs(e.in, seed)
		for i, t := range in {
			if e.fewGolden() {
				shape := append([]int{goldenSamples}, t.Shape[1:]...)
				in[i] = t.Gather(shape, func(j int) int { return j })
			}
		}
		return in
	}
	var y [goldenVectors][]*ir.Tensor
	var errs [goldenVectors]error
	var wg sync.WaitGroup
	for i := range y {
		wg.Go(func() { y[i], errs[i] = e.eval(inputs(uint64(i) + 1)) })
	}
	wg.Wait()
	var out []goldenHash
	for i := range y {
		var bug *ir.BugError
		switch {
		case errs[i] == nil:
			out = append(out, goldenHash{uint64(i) + 1, hashOutputs(y[i])})
		case errors.As(errs[i], &bug):
			return nil, errs[i]
		}
	}
	return out, nil
}

// goldenInputs are the inputs that the generated function buffers makes of a seed.
func goldenInputs(fields []Field, seed uint64) []*ir.Tensor {
	next := func() uint64 {
		seed += 0x9e3779b97f4a7c15
		z := (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	in := make([]*ir.Tensor, len(fields))
	for i, f := range fields {
		t := ir.NewTensor(f.Type.DType, f.Type.Shape...)
		in[i] = t
		for j := range t.Len() {
			switch d := t.DType; {
			case d == ir.Float32 || d == ir.Float64:
				t.SetFloat(j, float64(int64(next())>>11)*0x1p-52)
			case d == ir.Bool || d.IsInt():
				t.SetInt(j, int64(next()&1))
			}
		}
	}
	return in
}

func hashOutputs(ts []*ir.Tensor) uint64 {
	h := fnv.New64a()
	for _, t := range ts {
		if t.DType == ir.String {
			for _, s := range ir.Data[string](t) {
				h.Write([]byte(s))
			}
			continue
		}
		if err := binary.Write(h, binary.LittleEndian, canonNaNs(t).Any()); err != nil {
			panic(err)
		}
	}
	return h.Sum64()
}

// canonNaN narrows to the NaN without sign and payload of every narrower type.
var canonNaN = math.Float64frombits(0x7ff8000000000000)

// canonNaNs returns t with every NaN stored as its type's canonical one.
func canonNaNs(t *ir.Tensor) *ir.Tensor {
	switch t.DType {
	case ir.Float32, ir.Float64, ir.Float16, ir.BFloat16:
	default:
		return t
	}
	t = t.Clone()
	for i, v := range t.Floats() {
		if v != v {
			t.SetFloat(i, canonNaN)
		}
	}
	return t
}
