// Package passes improves graphs and lowers them to what code generation knows.
package passes

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/sbtc-go/sbtc/ir"
)

// Pass is one step of a pipeline. Run reports whether it changed the graph.
type Pass struct {
	Name string
	Run  func(g *ir.Graph) (changed bool, err error)
	Last bool // run once, when the passes before it have nothing more to change
}

// Portable improves a graph of ONNX operators; what it gives is still one, free of any target.
var Portable = []Pass{
	{Name: "deadcode", Run: deadcode},
	{Name: "fold", Run: fold},
	{Name: "cse", Run: cse},
	{Name: "noop", Run: noop},
	{Name: "masks", Run: masks},
	{Name: "integers", Run: integers},
	{Name: "einsum", Run: einsum},
	{Name: "conv", Run: conv},
	{Name: "linear", Run: linear},
	{Name: "batchnorm", Run: batchnorm},
	{Name: "gelu", Run: gelu},
	{Name: "algebra", Run: algebra},
	{Name: "layernorm", Run: layernorm},
	{Name: "views", Run: views},
	{Name: "slice", Run: slice},
	{Name: "gathers", Run: gathers},
	{Name: "sink", Run: sink},
	{Name: "attention", Run: attention},
	{Name: "scales", Run: scales},
	{Name: "live", Run: live},
	{Name: "reassociate", Run: reassociate},
	{Name: "meanhead", Run: meanhead},
	{Name: "unfold", Run: unfold, Last: true},
}

// Target turns a portable graph into one of low operators, ready for code generation.
var Target = TargetFor(Choice{})

// TargetFor is Target with a choice of strategies.
func TargetFor(c Choice) []Pass {
	return []Pass{
		{Name: "lower", Run: lower},
		{Name: "moving", Run: moving},
		{Name: "undo", Run: undo},
		{Name: "ternary", Run: ternary},
		{Name: "sparse", Run: sparse},
		{Name: "columns", Run: layerColumns},
		{Name: "kept", Run: c.kept},
		{Name: "fuse", Run: fuse},
		{Name: "window", Run: window},
		{Name: "homogeneous", Run: homogeneous},
		{Name: "layout", Run: layout},
		{Name: "signs", Run: signs},
		{Name: "strategy", Run: c.strategy},
		{Name: "sweep", Run: deadcode},
	}
}

// order lists what must come before what in the tables, with the reason.
var order = []struct{ before, after, reason string }{
	{"kept", "fuse", "a factor of zeros and ones becomes no part of an epilogue"},
	{"moving", "undo", "it leaves transposes behind that others undo"},
	{"undo", "fuse", "an epilogue must follow its layer at once"},
	{"ternary", "sparse", "a ternary layer is faster than a sparse one"},
	{"sparse", "columns", "to leave out columns is worth a move only where zeros cost something"},
	{"columns", "fuse", "a layer without epilogue can change its columns"},
	{"sparse", "fuse", "the kind of a layer says where its bias stands"},
	{"algebra", "layernorm", "a quotient by a square root may be spelled as a power"},
	{"attention", "scales", "an attention takes the factor of its queries as its scale"},
	{"unfold", "lower", "what it puts back are ONNX operators"},
	{"ternary", "fuse", "a bias and an epilogue act after the scale"},
	{"fuse", "homogeneous", "what a layer and its ReLU are is known then"},
	{"homogeneous", "layout", "no change of layout stands between two layers yet"},
	{"fuse", "strategy", "what has the order of a layer's sums stays as it is"},
	{"fuse", "layout", "epilogues decide what must be aligned with a layer's rows"},
	{"homogeneous", "signs", "a factor may become negative"},
	{"layout", "signs", "what layers read in panels comes before them"},
	{"signs", "strategy", "layers of equal signs have the same plan"},
	{"layout", "strategy", "what a layer costs depends on its layout and its epilogue"},
	{"strategy", "sweep", "a layer that becomes dense leaves its signs behind"},
	{"window", "layout", "a normalization along rows is one of panels"},
	{"layout", "sweep", "fused and repacked operators leave their originals behind"},
}

func init() {
	at := map[string]int{}
	for i, p := range slices.Concat(Portable, Target) {
		if _, ok := at[p.Name]; ok {
			panic("two passes are called " + p.Name)
		}
		at[p.Name] = i
	}
	for _, o := range order {
		i, ok := at[o.before]
		j, ok2 := at[o.after]
		if !ok || !ok2 || i >= j {
			panic(fmt.Sprintf("%s must come before %s: %s", o.before, o.after, o.reason))
		}
	}
}

// Options say what Run does beside running passes.
type Options struct {
	Disable []string                                                    // passes to leave out
	After   func(pass string, g *ir.Graph)                              // called after every pass
	Log     func(pass string, nodes int, d time.Duration, changed bool) // called after every pass
}

// maxRounds bounds the repetition of a table.
const maxRounds = 16

// Fixpoint runs the passes in order, again and again until none changes the graph, then those that come last.
func Fixpoint(g *ir.Graph, table []Pass, opt Options) error {
	defer func() { g.Facts = nil }()
	isLast := func(p Pass) bool { return p.Last }
	rounds := slices.DeleteFunc(slices.Clone(table), isLast)
	for range maxRounds {
		changed, err := once(g, rounds, opt)
		if err != nil {
			return err
		}
		if !changed {
			break
		}
	}
	last := slices.DeleteFunc(slices.Clone(table), func(p Pass) bool { return !isLast(p) })
	return Run(g, last, opt)
}

// Run runs the passes in order, once.
func Run(g *ir.Graph, table []Pass, opt Options) error {
	_, err := once(g, table, opt)
	return err
}

func once(g *ir.Graph, table []Pass, opt Options) (changed bool, err error) {
	for _, p := range table {
		if slices.Contains(opt.Disable, p.Name) {
			continue
		}
		start := time.Now()
		ch, err := run(g, p)
		if err != nil {
			return changed, err
		}
		changed = changed || ch
		if opt.Log != nil {
			opt.Log(p.Name, len(g.Nodes), time.Since(start), ch)
		}
		if opt.After != nil {
			opt.After(p.Name, g)
		}
	}
	return changed, nil
}

// run runs one pass, checks the graph and turns a panic into an error that names the pass.
func run(g *ir.Graph, p Pass) (changed bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &ir.BugError{Where: "pass " + p.Name, Panic: r, Stack: debug.Stack()}
		}
	}()
	if changed, err = p.Run(g); err != nil {
		return changed, fmt.Errorf("pass %s: %w", p.Name, err)
	}
	if err := g.Check(); err != nil {
		return changed, &ir.BugError{Where: "the graph after pass " + p.Name, Panic: err}
	}
	return changed, nil
}
