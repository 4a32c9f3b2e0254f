package tune

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/passes"
)

//go:embed stopwatch/stopwatch.go
var stopwatch []byte

// module is the path of the temporary module in which layers are built.
const module = "sbtc.invalid/tune"

// The plan of the cost model stays unless another one takes at most this share of its time, and so many nanoseconds less:
// anything closer is noise.
const (
	share   = 0.97
	clockNS = 50
)

// Measure measures the layers of the model at path that have a choice, as they compile with these options. progress, if
// it is not nil, is told of layers that are ready to be timed, and of all.
func Measure(path string, opt check.Options, progress func(done, total int)) (*File, error) {
	opt.Choice.Tuned, opt.Choice.TunedTo = nil, nil
	m, err := check.Load(path, check.Low, opt)
	if err != nil {
		return nil, err
	}
	chosen := map[string]passes.Plan{}
	for _, n := range m.Graph.Nodes {
		if _, ok := n.Op.(*low.Linear); ok {
			chosen[n.Out[0].Name] = passes.PlanOf(n)
		}
	}
	opt.Warn, opt.Log, opt.After, opt.Disable = nil, nil, nil, append(slices.Clone(opt.Disable), "strategy")
	if m, err = check.Load(path, check.Low, opt); err != nil {
		return nil, err
	}
	overridden := func(layer string) bool {
		return slices.ContainsFunc(opt.Choice.Override, func(o passes.Override) bool { return o.Match(layer) })
	}
	f := &File{Made: made(), Machine: check.Machine(), Path: "none", Cold: opt.Choice.Cold, Layers: []Layer{}}
	list := units(m.Graph, chosen, overridden)
	if len(list) == 0 {
		return f, nil
	}
	dir, err := os.MkdirTemp("", "sbtc-tune-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &builder{dir: dir, choice: opt.Choice}
	for i, u := range list {
		if err := b.unit(u); err != nil {
			return nil, fmt.Errorf("layer %q: %w", u.nodes[0].Out[0].Name, err)
		}
		if progress != nil {
			progress(i+1, len(list))
		}
	}
	times, err := b.run()
	if err != nil {
		return nil, err
	}
	f.Path = times.Path
	for i, u := range list {
		f.Layers = append(f.Layers, u.layers(times.Nanos[i])...)
	}
	return f, nil
}

// builder writes a module with a package for each trial.
type builder struct {
	dir           string
	choice        passes.Choice
	imports, list bytes.Buffer
	packages      int
}

func (b *builder) write(name string, data []byte) error {
	path := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}

// unit writes the packages of a unit.
func (b *builder) unit(u *unit) error {
	b.list.WriteString("\t\t{\n")
	for _, t := range u.trials {
		g, err := u.graph()
		if err != nil {
			return err
		}
		c := passes.Choice{Budget: b.choice.Budget, Cold: b.choice.Cold, Tuned: u.tuned(t)}
		c.TunedTo = func(layer string, e error) {
			if e != nil && err == nil {
				err = fmt.Errorf("layer %q does not take a plan of its own: %w", layer, e)
			}
		}
		table := slices.DeleteFunc(passes.TargetFor(c), func(p passes.Pass) bool { return p.Name != "strategy" && p.Name != "sweep" })
		if e := passes.Run(g, table, passes.Options{}); e != nil || err != nil {
			return cmp.Or(e, err)
		}
		name := fmt.Sprintf("p%d", b.packages)
		files, err := codegen.Generate(g, codegen.Options{Package: name, Model: "layer.onnx", Version: check.Version, CodeBudget: b.choice.Budget, Cold: b.choice.Cold})
		if err != nil {
			return err
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name, "_test.go") {
				continue
			}
			if err := b.write(name+"/"+f.Name, f.Data); err != nil {
				return err
			}
		}
		b.packages++
		fmt.Fprintf(&b.imports, "\t%q\n", module+"/"+name)
		fmt.Fprintf(&b.list, formText, name, fields(g, true), fields(g, false))
	}
	b.list.WriteString("\t\t},\n")
	return nil
}

// formText makes an instance of a package and what runs it.
const formText = `			func() (func() error, error) {
				m, err := %[1]s.New()
				in, out := &%[1]s.Inputs{%[2]s}, &%[1]s.Outputs{%[3]s}
				return func() error { return m.Run(in, out) }, err
			},
`

// fields are the inputs, of random numbers, or the outputs.
func fields(g *ir.Graph, inputs bool) string {
	list, value := g.Out, "make([]float32, %d)"
	if inputs {
		list, value = g.In, "stopwatch.Random(%d)"
	}
	var text []string
	for _, f := range codegen.Fields(list) {
		text = append(text, fmt.Sprintf("%s: "+value, f.Go, f.Type.Len()))
	}
	return strings.Join(text, ", ")
}

// times is what the program prints: the path, and of each layer the times of its trials.
type times struct {
	Path  string
	Nanos [][]float64
}

// run builds and runs the program.
func (b *builder) run() (*times, error) {
	main := fmt.Sprintf("package main\n\nimport (\n%s\t%q\n)\n\nfunc main() {\n\tm, err := p0.New()\n\tif err != nil {\n\t\tpanic(err)\n\t}\n"+
		"\tstopwatch.Serve(m.Info().Path, [][]stopwatch.Layer{\n%s\t}, %t)\n}\n", &b.imports, module+"/stopwatch", &b.list, b.choice.Cold)
	for name, text := range map[string]string{
		"go.mod": "module " + module + "\n\ngo 1.22\n", "main.go": main, "stopwatch/stopwatch.go": string(stopwatch),
	} {
		if err := b.write(name, []byte(text)); err != nil {
			return nil, err
		}
	}
	program := filepath.Join(b.dir, "tune.exe")
	if output, _, err := check.GoBuild(b.dir, "-trimpath", "-o", program, "."); err != nil {
		return nil, fmt.Errorf("building the layers: %w\n%s", err, output)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(program)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("timing the layers: %w\n%s", err, &stderr)
	}
	t := &times{}
	if err := json.Unmarshal(out, t); err != nil {
		return nil, fmt.Errorf("timing the layers: %w", err)
	}
	return t, nil
}

// layers says what was measured of the layers of a unit: the plans of the fastest trial become theirs.
func (u *unit) layers(nanos []float64) (list []Layer) {
	best := 0
	for i, t := range nanos {
		if t < nanos[best] && t < min(share*nanos[0], nanos[0]-clockNS) {
			best = i
		}
	}
	for i, n := range u.nodes {
		w, x := n.In[1].Const, n.In[0].Type
		nonzero := 0
		for _, v := range w.Floats() {
			if v != 0 {
				nonzero++
			}
		}
		l := Layer{Name: n.Out[0].Name, Kind: n.Op.(*low.Linear).Kind, Rows: x.Rows(), Shape: [2]int{w.Shape[0], w.Shape[1]},
			Density: float64(nonzero) / float64(w.Len()), Of: passes.Fingerprint(n), Plan: u.trials[best].plans[i], Model: u.model[i]}
		if len(u.nodes) > 1 {
			l.With = u.nodes[1-i].Out[0].Name
		}
		for k, t := range u.trials {
			if t.of == i || t.of < 0 {
				l.Times = append(l.Times, Time{t.plans[i], micros(nanos[k])})
			}
		}
		list = append(list, l)
	}
	return list
}

// micros rounds to hundredths.
func micros(nanos float64) float64 { return float64(int(nanos/10+0.5)) / 100 }
