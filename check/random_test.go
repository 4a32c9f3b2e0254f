package check

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/passes"
)

var (
	graphs     = flag.Int("graphs", 24, "number of random graphs")
	firstGraph = flag.Int("first", 0, "seed of the first random graph")
)

// programGraphs is how many packages one program holds.
const programGraphs = 32

// manySamples are more than there are lanes.
const manySamples = 20

// TestRandomGraphs compiles random models with random choices, builds many of them into one program, and runs that on
// every path of this machine and with goroutines; some are also built without assembly. All give the bits of the low
// graph's Eval, and the first samples of a batch those that they have among all.
func TestRandomGraphs(t *testing.T) {
	for first := 0; first < *graphs; first += programGraphs {
		var models []*randomModel
		var all []*Compiled
		for i := first; i < min(first+programGraphs, *graphs); i++ {
			m := newRandomModel(t, *firstGraph+i)
			models = append(models, m)
			all = append(all, m.Compiled)
		}
		for i, m := range models { // those with goroutines come last
			if files := withWorkers(m.Compiled, i); files != nil {
				m.workers = len(all)
				all = append(all, &Compiled{Graph: m.Graph, In: m.In, Out: m.Out, Each: 1, Package: "workers", Files: files, Samples: m.Samples})
			}
		}
		compareAll(t, models, all, Native, "avx512", "avx2", "purego")
		few := max(1, len(models)/4)
		compareAll(t, models[:few], all[:few], PureGo, "purego")
	}
}

// compareAll builds the packages and compares what they give on the paths; one that the machine has not is that below.
func compareAll(t *testing.T, models []*randomModel, packages []*Compiled, e Executor, paths ...string) {
	t.Helper()
	p, err := Build(packages, e)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, path := range paths {
		p.stop()
		p.path = path
		for i, m := range models {
			m.compare(t, p, i, fmt.Sprintf("%s %s", e, path))
			if m.workers > 0 && m.workers < len(packages) {
				m.compare(t, p, m.workers, fmt.Sprintf("%s %s with goroutines", e, path))
			}
		}
	}
}

// A randomModel is a compiled random graph with inputs.
type randomModel struct {
	*Compiled
	seed    int
	about   string // how it is compiled
	workers int    // index of the package that shares its work among goroutines; 0: there is none
	in, out [][]*ir.Tensor
}

func newRandomModel(t *testing.T, seed int) *randomModel {
	t.Helper()
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("random graph %d: %v", seed, err)
		}
	}
	w := grow(t, uint64(seed))
	lowered := func(c passes.Choice) *ir.Graph {
		g := grow(t, uint64(seed)).g
		fail(passes.Fixpoint(g, passes.Portable, passes.Options{}))
		fail(passes.Run(g, passes.TargetFor(c), passes.Options{}))
		return g
	}
	opt := codegen.Options{Package: "random", Model: fmt.Sprintf("random%d.onnx", seed), Version: "test", Batch: w.samples}
	if w.IntN(6) == 0 {
		opt.Mode = codegen.Size
	}
	choice := w.choice(lowered, opt.Mode == codegen.Size)
	opt.CodeBudget, opt.Cold = choice.Budget, choice.Cold
	m := &randomModel{seed: seed, about: fmt.Sprintf("mode %v, budget %d, cold %t", opt.Mode, choice.Budget, choice.Cold)}
	for _, o := range choice.Override {
		m.about += fmt.Sprintf(", %s=%s", o.Glob, o.Strategy)
	}
	g := lowered(choice)
	each := 1
	if w.samples == 1 && seed%3 == 1 { // some as packages of many samples, which are then in the lanes or not
		many := opt
		many.Batch, many.Each = manySamples, true
		if _, err := codegen.Generate(g, many); err == nil {
			opt, each = many, manySamples
		}
	}
	files, err := codegen.Generate(g, opt)
	fail(err)
	files = slices.DeleteFunc(files, func(f codegen.File) bool { return f.Name == "model_test.go" })
	m.Compiled = &Compiled{Graph: g, In: g.In, Out: g.Out, Each: each, Package: opt.Package, Files: files}
	if each > 1 {
		m.In, m.Out = repeated(g.In, each), repeated(g.Out, each)
	}
	m.Samples, _ = codegen.Samples(g, opt)
	in, err := randomInputs(m.In, seed)
	fail(err)
	special, _ := nonFinite(in, seed)
	for _, in := range [][]*ir.Tensor{in, rough(in), special} {
		out, err := m.Eval(in)
		fail(err)
		m.in, m.out = append(m.in, in), append(m.out, out)
	}
	return m
}

// choice is how to compile: mostly as the cost model says, or with other strategies for some layers, less or no code.
func (w *grower) choice(lowered func(passes.Choice) *ir.Graph, size bool) (c passes.Choice) {
	c.Loops, c.Cold = size, w.IntN(8) == 0
	switch w.IntN(8) {
	case 0:
		c.Budget = -1
	case 1:
		c.Budget = 20_000
	}
	if w.IntN(2) == 0 {
		return c
	}
	for _, n := range lowered(c).Nodes {
		o, ok := n.Op.(*low.Linear)
		if !ok || w.IntN(2) == 0 {
			continue
		}
		strategies := []string{"dense", "sparse"}
		switch x := n.In[0].Type; {
		case o.Kind == "ternary" && x.Layout == ir.Panels:
			strategies = append(strategies, "rt", "rt", "rt", "4r", "4r", "loop")
		case o.Kind == "ternary":
			strategies = append(strategies, "perm", "perm", "loop")
		case x.DType != ir.Float32:
			continue
		}
		name := n.Out[0].Name
		c.Override = append(c.Override, passes.Override{Glob: name, Strategy: pick(w, strategies...),
			Match: func(layer string) bool { return layer == name }})
	}
	return c
}

// rough returns copies of the inputs with zeros of both signs, subnormal, large and equal elements.
func rough(in []*ir.Tensor) []*ir.Tensor {
	out := make([]*ir.Tensor, len(in))
	for i, t := range in {
		if out[i] = t; !t.DType.IsFloat() {
			continue
		}
		out[i] = t.Clone()
		for j := range t.Len() {
			switch x := t.At(j); j * 7 % 16 {
			case 0, 1:
				out[i].SetFloat(j, math.Copysign(0, x))
			case 2:
				out[i].SetFloat(j, x*0x1p-130)
			case 3:
				out[i].SetFloat(j, x*1000)
			case 4:
				out[i].SetFloat(j, 0.5)
			}
		}
	}
	return out
}

// compare runs package i of the program, which is the model's, on all inputs, and tells the first fault.
func (m *randomModel) compare(t *testing.T, p *Program, i int, how string) {
	t.Helper()
	told := false
	check := func(what string, in, want []*ir.Tensor) {
		t.Helper()
		if told {
			return
		}
		got, err := p.Run(i, in)
		for k := 0; err == nil && k < len(got); k++ {
			if err = sameBits(got[k], want[k]); err != nil {
				err = fmt.Errorf("output %d: %w", k, err)
			}
		}
		if told = err != nil; told {
			t.Errorf("random graph %d (%s), %s, %s: %v", m.seed, m.about, how, what, err)
		}
	}
	for k, what := range []string{"random inputs", "rough inputs", "inputs that are not finite"} {
		check(what, m.in[k], m.out[k])
	}
	for n := 1; n < m.Samples; n += 2 {
		of := func(all []*ir.Tensor) []*ir.Tensor {
			part := make([]*ir.Tensor, len(all))
			for k, x := range all {
				part[k] = firstOf(x, n, m.Samples)
			}
			return part
		}
		check(fmt.Sprintf("%d of %d samples", n, m.Samples), of(m.in[0]), of(m.out[0]))
	}
}

// withWorkers are the files of a package that shares the work of package i of its program among goroutines, nil if that
// package has nothing to share.
func withWorkers(c *Compiled, i int) []codegen.File {
	for _, f := range c.Files {
		if f.Name == "model.go" && bytes.Contains(f.Data, []byte("WithWorkers is for larger models")) {
			return nil
		}
	}
	return []codegen.File{{Name: "model.go", Data: fmt.Appendf(nil, `package workers

import p %q

type (
	Inputs  = p.Inputs
	Outputs = p.Outputs
)

func New(opts ...p.Option) (*p.Model, error) { return p.New(append(opts, p.WithWorkers(3))...) }
`, fmt.Sprintf("%s/p%d", module, i))}}
}
