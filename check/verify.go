package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
)

// Verify says how to verify a model.
type Verify struct {
	Model   string // path of the model, or of a Case's folder
	Options Options
	// Compiled is what Compile made of Model with Options, where that is done already.
	Compiled *Compiled
	Input    map[string]*ir.Tensor // a run to verify beside others; nil for none
	Expect   map[string]*ir.Tensor // what Input was recorded to give; nil if nothing was
	Seed     int                   // of the random inputs
	Trials   int                   // number of random inputs, and of inputs with elements that are not finite
	PerNode  bool                  // compare the results of nodes too
}

// verifier is a verification under way.
type verifier struct {
	Verify
	*Report
	imported, portable *ir.Graph
	compiled           *Compiled
	programs           []*Program
}

// Run compiles the model, runs it in every form and compares: the interpreter on the imported graph with recorded
// data, the portable and the low graph with the imported one, and the compiled package with the low graph. Recorded
// data whose shapes fix open dimensions in another way is run on a compilation of its own.
func (v Verify) Run() (*Report, error) {
	report := &Report{Model: v.Model, Changed: v.Options.Lossy != nil}
	c, isCase := CaseAt(v.Model)
	groups := []group{{dims: v.Options.Dims}}
	if isCase {
		v.Model = c.Model()
		var err error
		if groups, err = c.groups(v.Options); err != nil {
			return nil, err
		}
	}
	for i, g := range groups {
		w := &verifier{Verify: v, Report: report}
		w.Options.Dims = g.dims
		if i > 0 {
			w.Input, w.Trials, w.PerNode = nil, 0, false
		}
		if err := w.all(g.sets); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// all runs the recorded sets, the given input and the trials.
func (w *verifier) all(sets []frontend.DataSet) error {
	defer w.close()
	if err := w.load(); err != nil {
		return err
	}
	var runs []Data
	for _, s := range sets {
		d, err := newData(s, w.imported)
		if err != nil {
			return inFile(w.Verify.Model, err)
		}
		runs = append(runs, d)
	}
	if w.Input != nil {
		d, err := w.given()
		if err != nil {
			return err
		}
		runs = append(runs, d)
	}
	for _, d := range runs {
		if err := w.run(d); err != nil {
			return err
		}
	}
	return w.trials()
}

// A group is recorded runs that fix the open dimensions of a model in the same way.
type group struct {
	dims []string
	sets []frontend.DataSet
}

// groups sorts the recorded runs of a case by the dimensions that their inputs have, unless opt fixes these.
func (c Case) groups(opt Options) ([]group, error) {
	sets, err := frontend.ReadCase(c.Dir)
	if err != nil {
		return nil, err
	}
	var list []group
	for _, s := range sets {
		dims := opt.Dims
		if dims == nil {
			dims = c.dims(s)
		}
		i := slices.IndexFunc(list, func(g group) bool { return slices.Equal(g.dims, dims) })
		if i < 0 {
			i = len(list)
			list = append(list, group{dims: dims})
		}
		list[i].sets = append(list[i].sets, s)
	}
	return list, nil
}

// dims says what lengths the inputs of a recorded run give to the axes of the model's, nil if these do not go by name.
func (c Case) dims(s frontend.DataSet) []string {
	arrays := map[string]*ir.Tensor{}
	for _, in := range s.Inputs {
		arrays[in.Name] = in.Tensor
	}
	dims := DimsOf(arrays)
	if _, err := frontend.Load(c.Model(), frontend.WithDim(dims...)); err != nil {
		return nil
	}
	return dims
}

func (w *verifier) close() {
	for _, p := range w.programs {
		p.Close()
	}
}

func (w *verifier) load() error {
	opt := w.Options
	imported, err := Load(w.Verify.Model, Changed, opt)
	if err != nil {
		return err
	}
	opt.Warn, opt.Log = nil, nil // said once
	portable, err := Load(w.Verify.Model, Portable, opt)
	if err != nil {
		return err
	}
	c := w.Compiled
	if c == nil {
		if c, err = Compile(w.Verify.Model, opt); err != nil {
			return err
		}
	}
	w.imported, w.portable, w.compiled = imported.Graph, portable.Graph, c
	executors := []Executor{Native}
	if c.hasAssembly() {
		executors = append(executors, PureGo)
	}
	for _, e := range executors {
		p, err := Build([]*Compiled{c}, e)
		if err != nil {
			return err
		}
		w.programs = append(w.programs, p)
	}
	return nil
}

// low is the graph whose results are compared with those of the imported one: where the low graph has those of one sample
// only, the portable one.
func (w *verifier) low() *ir.Graph {
	if w.compiled.Each > 1 {
		return w.portable
	}
	return w.compiled.Graph
}

func (c *Compiled) hasAssembly() bool {
	for _, f := range c.Files {
		if strings.HasSuffix(f.Name, ".s") {
			return true
		}
	}
	return false
}

// given is the run that Input and Expect describe.
func (w *verifier) given() (d Data, err error) {
	d.Name = "the given input"
	if d.In, err = Bind("input", w.Input, w.imported.In); err != nil {
		return d, err
	}
	if w.Expect != nil {
		d.Out, err = Bind("output", w.Expect, w.imported.Out)
	}
	return d, err
}

// run compares all forms on one run, and with what was recorded for it.
func (w *verifier) run(d Data) error {
	want, err := w.imported.Eval(d.In)
	if err != nil {
		return inFile(w.Verify.Model, fmt.Errorf("%s: %w", d.Name, err))
	}
	for i, recorded := range d.Out {
		f := Finding{Inputs: d.Name, Check: againstRecorded, Output: w.imported.Out[i].Name, Level: Good}
		if err := Recorded.Compare(want[i], recorded); err != nil {
			f.Level, f.Detail = Differs, err.Error()
			if w.Options.Lossy != nil {
				f.Level = Note // the weights are not those that it was recorded with
			}
		}
		if rows, moved, ok := sameArgMax(want[i], recorded); ok && moved > 0 {
			f.Detail = strings.TrimPrefix(f.Detail+fmt.Sprintf("; the largest element of %d of %d rows is at another place", moved, rows), "; ")
		}
		w.Checks = append(w.Checks, f)
	}
	return w.stages(d.Name, d.In, want)
}

// stages compares the portable and the low graph and the compiled package with what the imported graph gives.
func (w *verifier) stages(name string, in, want []*ir.Tensor) error {
	portable, err := w.portable.Eval(in)
	if err != nil {
		return w.evalFailed(portableStage, err)
	}
	low, err := w.compiled.Eval(in)
	if err != nil {
		return w.evalFailed(lowStage, err)
	}
	w.compare(name, portableStage, portable, want, in, w.portable, ir.Folding)
	w.compare(name, lowStage, low, want, in, w.low(), ir.Compiled)
	for _, p := range w.programs {
		check := fmt.Sprintf(compiledStage, p.executor)
		got, err := p.Run(0, in)
		if err != nil {
			w.Checks = append(w.Checks, Finding{Wrong, name, check, "", err.Error()})
			continue
		}
		for i := range got {
			f := Finding{Good, name, check, w.imported.Out[i].Name, ""}
			if err := sameBits(got[i], low[i]); err != nil {
				f.Level, f.Detail = Wrong, err.Error()
			}
			w.Checks = append(w.Checks, f)
		}
		w.fewer(p, name, in, low)
	}
	if w.PerNode && w.Nodes == nil {
		w.Nodes = w.perNode(in)
	}
	return nil
}

// fewer runs a package on the first samples only: the results are those that they have among all.
func (w *verifier) fewer(p *Program, name string, in, all []*ir.Tensor) {
	size := p.packages[0].Samples
	if size < 2 {
		return
	}
	for _, n := range slices.Compact([]int{1, size - 1}) {
		part := make([]*ir.Tensor, len(in))
		for i, t := range in {
			part[i] = firstOf(t, n, size)
		}
		got, err := p.Run(0, part)
		f := Finding{Good, name, fmt.Sprintf(fewerStage, p.executor, n, size), "", ""}
		if err != nil {
			f.Level, f.Detail = Wrong, err.Error()
		}
		for i := range got {
			if err := sameBits(got[i], firstOf(all[i], n, size)); err != nil {
				f.Level, f.Output, f.Detail = Wrong, w.imported.Out[i].Name, err.Error()
			}
		}
		w.Checks = append(w.Checks, f)
	}
}

// firstOf is the first n of all samples in t.
func firstOf(t *ir.Tensor, n, all int) *ir.Tensor {
	return t.Gather(first(t.Type(), n, all).Shape, func(i int) int { return i })
}

// evalFailed is the error of a graph that cannot compute what the imported one can.
func (w *verifier) evalFailed(check string, err error) error {
	return &WrongError{inFile(w.Verify.Model, fmt.Errorf("%s: %w", check, err))}
}

func (w *verifier) compare(name, check string, got, want, in []*ir.Tensor, g *ir.Graph, tol ir.Tolerance) {
	var d *divergence
	for i := range want {
		f := Finding{Good, name, check, w.imported.Out[i].Name, ""}
		if err := ir.Agree(got[i], want[i], tol); err != nil {
			if d == nil {
				d = diverge(w.imported, g, in, tol)
			}
			f.Level, f.Detail = Wrong, err.Error()
			if at := d.threshold(w.imported.Out[i]); at != "" {
				f.Level = Note
				f.Detail += "; an operand lies within the tolerance of a threshold or tie of " + at
			}
		}
		w.Checks = append(w.Checks, f)
	}
}

// trials runs random inputs, and such that are not finite.
func (w *verifier) trials() error {
	for k := range w.Trials {
		seed := w.Seed + k
		name := fmt.Sprintf("random inputs, seed %d", seed)
		in, err := randomInputs(w.imported.In, seed)
		if err != nil {
			return inFile(w.Verify.Model, err)
		}
		want, err := w.imported.Eval(in)
		if err != nil {
			var bug *ir.BugError
			if errors.As(err, &bug) {
				return inFile(w.Verify.Model, err)
			}
			w.Checks = append(w.Checks, Finding{Note, name, "model", "", fmt.Sprintf("the model does not take them: %v; give inputs with --input", err)})
			continue
		}
		if err := w.stages(name, in, want); err != nil {
			return err
		}
		if err := w.nonFinite(seed, in); err != nil {
			return err
		}
	}
	return nil
}

// nonFinite reports where the compiled package differs from the model on inputs that are not finite. There sbtc makes
// no promise: a product with a constant zero is zero whatever the other factor is.
func (w *verifier) nonFinite(seed int, in []*ir.Tensor) error {
	in, any := nonFinite(in, seed)
	if !any {
		return nil
	}
	want, err := w.imported.Eval(in)
	if err != nil {
		return nil // the model does not take them
	}
	for _, p := range w.programs {
		check := fmt.Sprintf(nonFiniteStage, p.executor)
		name := fmt.Sprintf("seed %d", seed)
		got, err := p.Run(0, in)
		if err != nil {
			w.Checks = append(w.Checks, Finding{Wrong, name, check, "", err.Error()})
			continue
		}
		for i := range got {
			f := Finding{Good, name, check, w.imported.Out[i].Name, ""}
			if err := ir.Agree(got[i], want[i], ir.Compiled); err != nil {
				f.Level, f.Detail = Note, err.Error()
			}
			w.Checks = append(w.Checks, f)
		}
	}
	return nil
}
