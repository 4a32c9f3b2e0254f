package check

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
)

// An Executor is a way to compute what a model says.
type Executor string

// The executors.
const (
	Interp Executor = "interp" // the imported graph, interpreted
	PureGo Executor = "purego" // the compiled package without assembly
	Native Executor = "native" // the compiled package as it is built here
)

// Executors lists them all.
var Executors = []Executor{Interp, PureGo, Native}

func (e Executor) compiled() bool { return e != Interp }

func (e Executor) valid() bool { return slices.Contains(Executors, e) }

func executorNames() string { return fmt.Sprintf("%s, %s and %s", Interp, PureGo, Native) }

// ParseExecutors reads a list separated by commas.
func ParseExecutors(text string) ([]Executor, error) {
	var list []Executor
	for name := range strings.SplitSeq(text, ",") {
		e := Executor(strings.TrimSpace(name))
		if !e.valid() {
			return nil, fmt.Errorf("unknown executor %q; there are %s", e, executorNames())
		}
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list, nil
}

// Status is how a case came out.
type Status string

// The statuses of a case.
const (
	Pass Status = "PASS"
	Fail Status = "FAIL"
	Skip Status = "SKIP"
)

// Result is how one case came out on one executor.
type Result struct {
	Status   Status   `json:"status"`
	Executor Executor `json:"executor"`
	Case     string   `json:"case"`
	Reason   string   `json:"reason,omitempty"`
	// Declared says that shapes of the case come from declared types, because run-time operands decide them.
	Declared bool `json:"declared_shapes,omitempty"`
}

func (r Result) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Status, r.Executor, r.Case, r.Reason))
}

// Conform says what to run of a suite.
type Conform struct {
	Executors []Executor
	Run       *regexp.Regexp // nil: every case
	Skip      SkipList
	Each      func(Result) // called with each result as soon as its batch is done; may be nil
	Progress  io.Writer    // a line that is rewritten; may be nil
}

// batch is the number of cases that are built into one program: linking one costs a second, and building several at
// once needs memory.
const batch = 128

// interpLimit is how long the interpreter may take for one case.
const interpLimit = time.Minute

// RunSuite runs the cases and returns the results, ordered by batch, executor and case.
func (c *Conform) RunSuite(cases []Case) ([]Result, error) {
	if c.Run != nil {
		cases = slices.DeleteFunc(slices.Clone(cases), func(k Case) bool { return !c.Run.MatchString(k.Name) })
	}
	var results []Result
	done := 0
	for part := range slices.Chunk(cases, batch) {
		out, err := c.runBatch(part)
		if err != nil {
			return results, err
		}
		for _, r := range out {
			if c.Each != nil {
				c.Each(r)
			}
		}
		results = append(results, out...)
		if done += len(part); c.Progress != nil {
			fmt.Fprintf(c.Progress, "\r%d of %d cases", done, len(cases))
		}
	}
	if c.Progress != nil && done > 0 {
		fmt.Fprintln(c.Progress)
	}
	return results, nil
}

// An attempt is a case on its way through the executors.
type attempt struct {
	Case
	graph    *ir.Graph // imported
	data     []Data
	declared bool
	err      error // why there is no graph or no data
	compiled *Compiled
	cerr     error // why there is no package
}

func (c *Conform) runBatch(cases []Case) ([]Result, error) {
	compile := slices.ContainsFunc(c.Executors, Executor.compiled)
	attempts := make([]*attempt, len(cases))
	inParallel(len(cases), func(i int) {
		attempts[i] = newAttempt(cases[i], compile)
	})
	var results []Result
	for _, e := range c.Executors {
		errs := make([]error, len(attempts))
		if !e.compiled() {
			inParallel(len(attempts), func(i int) { errs[i] = attempts[i].interpret() })
		} else if err := runCompiled(attempts, e, errs); err != nil {
			return nil, err
		}
		for i, a := range attempts {
			results = append(results, c.judge(a, e, errs[i]))
		}
	}
	return results, nil
}

// judge combines what happened with what the skip list says.
func (c *Conform) judge(a *attempt, e Executor, err error) Result {
	r := Result{Status: Pass, Executor: e, Case: a.Name, Declared: a.declared}
	listed := c.Skip.reason(a.Name, e)
	switch {
	case err != nil && listed != "":
		r.Status, r.Reason = Skip, listed
	case err != nil:
		r.Status, r.Reason = Fail, a.reason(err)
	case listed != "":
		r.Status, r.Reason = Fail, "listed as skipped but passes"
	}
	return r
}

// reason is err in one line, without the path of the model, which would say where the suite lies.
func (a *attempt) reason(err error) string {
	const longest = 400
	s := strings.ReplaceAll(err.Error(), a.Model()+": ", "")
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > longest {
		s = s[:longest] + " ..."
	}
	return s
}

func newAttempt(c Case, compile bool) (a *attempt) {
	a = &attempt{Case: c}
	defer recoverBug("reading "+c.Dir, &a.err)
	var m *frontend.Model
	if m, a.err = Load(c.Model(), Imported, Options{}); a.err != nil {
		return a
	}
	a.graph = m.Graph
	a.declared = declaredShapes(a.graph)
	a.data, a.err = c.readData(a.graph)
	if compile && a.err == nil {
		a.compiled, a.cerr = Compile(c.Model(), Options{})
	}
	return a
}

// declaredShapes reports whether a static shape of the graph is what the model declares and not what inference finds,
// because an operand that decides it is known only at run time.
func declaredShapes(g *ir.Graph) bool {
	for _, n := range g.Nodes {
		types, err := n.Op.Infer(n.In)
		if err != nil {
			continue
		}
		for i, v := range n.Out {
			if v != nil && v.Type.Static() && !types[i].Static() {
				return true
			}
		}
	}
	return false
}

func (a *attempt) interpret() error {
	if a.err != nil {
		return a.err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer recoverBug("the interpreter", &err)
		err = a.compare(func(in []*ir.Tensor) ([]*ir.Tensor, error) { return a.graph.Eval(in) })
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(interpLimit):
		return fmt.Errorf("the interpreter takes more than %v", interpLimit)
	}
}

// compare runs every data set and compares the results with the recorded ones.
func (a *attempt) compare(run func(in []*ir.Tensor) ([]*ir.Tensor, error)) error {
	for _, d := range a.data {
		got, err := run(d.In)
		if err != nil {
			return err
		}
		for i, want := range d.Out {
			if err := Suite.Compare(got[i], want); err != nil {
				return fmt.Errorf("%s: output %q: %w", d.Name, a.graph.Out[i].Name, err)
			}
		}
	}
	return nil
}

// runCompiled builds the packages of all attempts into one program and runs it.
func runCompiled(attempts []*attempt, e Executor, errs []error) error {
	var packages []*Compiled
	at := map[*attempt]int{}
	for i, a := range attempts {
		switch {
		case a.err != nil:
			errs[i] = a.err
		case a.cerr != nil:
			errs[i] = a.cerr
		default:
			at[a] = len(packages)
			packages = append(packages, a.compiled)
		}
	}
	if packages == nil {
		return nil
	}
	p, err := Build(packages, e)
	if err != nil {
		return err
	}
	defer p.Close()
	for i, a := range attempts {
		if j, ok := at[a]; ok {
			errs[i] = a.compare(func(in []*ir.Tensor) ([]*ir.Tensor, error) { return p.runExactly(j, in) })
		}
	}
	return nil
}

// inParallel calls f for 0 to n-1 on all processors.
func inParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
