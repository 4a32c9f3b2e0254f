// Package check takes models all the way to Go packages, and runs, compares and reports what comes out.
package check

import (
	"fmt"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/passes"
)

// Version is the version of sbtc, which generated files name.
const Version = "v0.1.0"

// Options say how to compile.
type Options struct {
	Dims    []string     // NAME=N or INPUT:AXIS=N
	Samples int          // the most samples to read the model for, where Dims gives more; 0 for no limit
	Disable []string     // names of passes to leave out
	Package string       // name of the Go package; "" for one made of the model's file name
	Flags   string       // the command's flags that shape the result, for the header of generated files
	Mode    codegen.Mode // what to make the package for
	Warn    func(string) // called with each warning; may be nil
	Lossy   *Lossy       // changes to weights; nil for none
	// Choice says which layers become code. Size mode has none of them.
	Choice passes.Choice
	// After and Log, where not nil, are called after every pass.
	After func(pass string, g *ir.Graph)
	Log   func(pass string, nodes int, d time.Duration, changed bool)
}

// A Stage is how far a model has come.
type Stage int

const (
	Imported Stage = iota // as the file has it, in the newest opset
	Changed               // with the weights that Options.Lossy gives it; the same as Imported where there is none
	Portable              // improved, still ONNX
	Low                   // low operators, ready for code generation
)

// Load reads the model at path and takes it to the given stage. Passes change a graph in place, so each call reads the
// file anew.
func Load(path string, to Stage, opt Options) (m *frontend.Model, err error) {
	defer recoverBug("reading "+path, &err)
	warn := opt.Warn
	if warn == nil {
		warn = func(string) {}
	}
	m, err = frontend.LoadModel(path, frontend.WithDim(opt.Dims...), frontend.WithSamples(opt.Samples), frontend.WithWarnings(warn))
	if err != nil {
		return nil, err
	}
	if err := advance(m, path, to, opt); err != nil {
		return nil, err
	}
	return m, nil
}

// advance takes an imported model to a stage.
func advance(m *frontend.Model, path string, to Stage, opt Options) error {
	run := passes.Options{Disable: opt.Disable, After: opt.After, Log: opt.Log}
	if opt.Lossy != nil && to >= Changed {
		if err := passes.Fixpoint(m.Graph, passes.Portable, run); err != nil {
			return inFile(path, err)
		}
		if err := opt.Lossy.change(m.Graph); err != nil {
			return inFile(path, err)
		}
	}
	if to >= Portable {
		if err := passes.Fixpoint(m.Graph, passes.Portable, run); err != nil {
			return inFile(path, err)
		}
	}
	if to >= Low {
		if err := passes.Run(m.Graph, passes.TargetFor(opt.choice()), run); err != nil {
			return inFile(path, err)
		}
	}
	return nil
}

// choice is that of the mode.
func (o Options) choice() passes.Choice {
	c := o.Choice
	c.Loops = c.Loops || o.Mode == codegen.Size
	return c
}

// A Compiled is a model as a Go package.
type Compiled struct {
	Graph   *ir.Graph   // of low operators
	In, Out []*ir.Value // of the package: those of the graph, for all samples
	Package string
	Files   []codegen.File
	Samples int   // the package takes 1 to so many samples; 1 where their number is fixed
	Fixed   error // why it is, for several samples
	Each    int   // how many samples the package runs through the graph one by one, 1 where the graph takes all at once
}

// Compile reads the model at path and makes the files of its package, writing nothing.
func Compile(path string, opt Options) (c *Compiled, err error) {
	m, err := Load(path, Imported, opt)
	if err != nil {
		return nil, err
	}
	defer recoverBug("compiling "+path, &err)
	g := codegen.Options{
		Package:    opt.Package,
		Model:      filepath.Base(path),
		SHA256:     m.SHA256,
		Flags:      opt.Flags,
		Version:    Version,
		Mode:       opt.Mode,
		CodeBudget: opt.Choice.Budget,
		Cold:       opt.Choice.Cold,
		Batch:      m.Batch,
	}
	if g.Package == "" {
		g.Package = codegen.PackageName(filepath.Base(path))
	}
	c = &Compiled{Package: g.Package, Each: 1}
	if m.Batch > 1 {
		one, apart, err := alone(path, m, opt)
		if err != nil {
			return nil, err
		}
		if g.Whole = apart; apart == nil {
			if err := advance(one, path, Low, opt); err != nil {
				return nil, err
			}
			if m.Batch < ir.Lanes || !tabled(one.Graph) {
				c.Each, g.Each, m = m.Batch, true, one
			}
		}
	}
	if !g.Each {
		if err := advance(m, path, Low, opt); err != nil {
			return nil, err
		}
	}
	c.Graph, c.In, c.Out = m.Graph, m.Graph.In, m.Graph.Out
	if c.Each > 1 {
		c.In, c.Out = repeated(c.In, c.Each), repeated(c.Out, c.Each)
	}
	if c.Files, err = codegen.Generate(m.Graph, g); err != nil {
		return nil, inFile(path, err)
	}
	c.Samples, c.Fixed = codegen.Samples(m.Graph, g)
	return c, nil
}

// recoverBug turns a panic into an error that says where it happened.
func recoverBug(where string, err *error) {
	if r := recover(); r != nil {
		*err = &ir.BugError{Where: where, Panic: r, Stack: debug.Stack()}
	}
}

// inFile says which model err is about.
func inFile(path string, err error) error { return fmt.Errorf("%s: %w", path, err) }
