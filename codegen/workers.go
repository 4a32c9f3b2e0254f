package codegen

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Several goroutines may share the panels of operators. Such operators become steps: code for panels [lo, hi) in a
// function of its own. Successive operators are one step if each panel of theirs needs only what the step has written
// for that panel, and if what a panel writes does not lie where another one still reads.

// Work is counted in operations on 16 lanes, about 0.3 ns each in AVX-512.
const (
	worthSharing = 1 << 15 // in all steps of a package
	worthTaking  = 1 << 12 // for one goroutine
)

// workers gathers the steps of a package.
type workers struct {
	on    bool // the package has steps
	rows  int  // of the values of which the present code has panels [lo, hi) only; 0 outside steps
	used  int  // bytes of scratch of the present node
	room  int  // bytes of scratch of a goroutine
	n     bool // steps need the number of samples
	steps []step
	open  bool // the last step may go on
}

type step struct {
	of     *ir.Value      // has its panels
	panels *jen.Statement // the number of them
	call   *jen.Statement // in Run, without its arguments until all of the step is known
	code   []jen.Code
	work   int // for all panels
	access []access
}

// access is memory that a step reads or writes: so many bytes of each panel, or, with 0, anywhere.
type access struct {
	block
	panel int
	write bool
}

// plan decides whether the package has steps.
func (w *workers) plan(e *emitter) {
	work := 0
	for _, n := range e.g.Nodes {
		if e.shareable(n) {
			work += e.workOf(n)
		}
	}
	w.on = work >= worthSharing
}

// shareable reports whether every panel of the result of n can be computed by itself.
func (e *emitter) shareable(n *ir.Node) bool {
	switch op := n.Op.(type) {
	case *low.Linear, *low.Map, *low.Attend:
	case *low.Normalize:
		if op.Rows { // which reads all panels
			return false
		}
	default:
		return false
	}
	return !e.later[n] && !slices.ContainsFunc(e.together(n), func(m *ir.Node) bool { return !e.byPanel(m) })
}

// byPanel reports whether the inputs and the result of n have panels that a step can take one by one.
func (e *emitter) byPanel(n *ir.Node) bool {
	out := n.Out[0].Type
	if out.Layout != ir.Panels || out.DType != ir.Float32 || panelsOf(out) < 2 || out.Features() == 0 {
		return false
	}
	for _, v := range n.In {
		if v == nil || v.Const != nil {
			continue
		}
		if r := e.arena.rootOf(v); v.Type.DType != ir.Float32 || v.Type.Len() == 0 || slices.Contains(e.g.In, r) || slices.Contains(e.g.Out, r) {
			return false
		}
	}
	return true
}

// workOf estimates the work of a shareable node and those that are emitted with it.
func (e *emitter) workOf(n *ir.Node) int {
	all := e.together(n)
	t := n.Out[0].Type
	return workOf(n) + (len(all)-1)*panelsOf(t)*t.Features()*4
}

func workOf(n *ir.Node) int {
	t := n.Out[0].Type
	panels, features := panelsOf(t), t.Features()
	switch op := n.Op.(type) {
	case *low.Linear:
		w := n.In[1].Const
		terms := w.Len()
		if op.Kind != "dense" {
			terms = nonzeros(w)
		}
		return panels * (terms + 4*features)
	case *low.Attend:
		q, keys := n.In[0].Type, n.In[1].Type.Shape[1]
		each := q.Features() + op.Heads*20 + features
		return panels * op.Entries(q.Shape[1], keys) / max(1, q.Shape[1]) * each
	}
	return panels * features * 8
}

func nonzeros(t *ir.Tensor) int {
	n := 0
	for _, x := range t.Floats() {
		if x != 0 {
			n++
		}
	}
	return n
}

// share emits a node: as part of a step if it can be, else after the steps so far.
func (e *emitter) share(n *ir.Node) error {
	before := e.body
	e.body = nil
	w := &e.workers
	if shared := w.on && e.shareable(n); shared {
		w.rows, w.used = n.Out[0].Type.Rows(), 0
		err := e.node(n)
		w.rows, w.room = 0, max(w.room, w.used)
		code := e.body
		e.body = before
		if err == nil && len(code) > 0 {
			e.join(n, code)
		}
		return err
	}
	err := e.node(n)
	code := e.body
	if e.body = before; len(code) > 0 {
		w.open = false
		e.body = append(e.body, code...)
	}
	return err
}

// join adds a node to the last step, or begins another one.
func (e *emitter) join(n *ir.Node, code []jen.Code) {
	w := &e.workers
	access := e.accesses(n)
	out := n.Out[0]
	if !w.open || w.steps[len(w.steps)-1].of.Type.Rows() != out.Type.Rows() || w.steps[len(w.steps)-1].conflicts(access) {
		call := jen.Id("m").Dot("each")
		e.body = append(e.body, call)
		w.steps, w.open = append(w.steps, step{of: out, call: call, panels: e.panels(out)}), true
	}
	s := &w.steps[len(w.steps)-1]
	s.code, s.access, s.work = append(s.code, code...), append(s.access, access...), s.work+e.workOf(n)
}

// finish completes the calls of all steps.
func (w *workers) finish(each bool) {
	for i, s := range w.steps {
		args := []jen.Code{jen.Lit(i), s.panels, jen.Lit(s.grain())}
		if each {
			args = append([]jen.Code{jen.Id("worker")}, args...)
		}
		s.call.Call(args...)
	}
}

// teamed reports whether several goroutines may do the work of the package.
func (e *emitter) teamed() bool { return e.workers.steps != nil || e.batch.each() }

// grain is the number of panels that are worth taking.
func (s *step) grain() int {
	panels := panelsOf(s.of.Type)
	each := max(1, s.work/panels)
	return min(panels, (worthTaking+each-1)/each)
}

// accesses are the places in the arena that n reads and writes.
func (e *emitter) accesses(n *ir.Node) []access {
	var out []access
	add := func(v *ir.Value, whole, write bool) {
		if b, ok := e.arena.places[e.arena.rootOf(v)]; ok {
			a := access{b, 0, write}
			if !whole && v.Type.Layout == ir.Panels && v.Type.Rows() == n.Out[0].Type.Rows() {
				a.panel = v.Type.Features()
			}
			out = append(out, a)
		}
	}
	_, attend := n.Op.(*low.Attend)
	for _, m := range e.together(n) {
		for i, v := range m.In {
			if v != nil {
				add(v, attend && i > 0, false)
			}
		}
		add(m.Out[0], false, true)
	}
	if first := e.first[n]; first != nil { // which is computed here
		for _, v := range first.In {
			if v != nil {
				add(v, false, false)
			}
		}
		add(first.Out[0], false, true)
	}
	return out
}

// conflicts reports whether other panels of the step may still need, or have not yet written, what a node accesses.
func (s *step) conflicts(more []access) bool {
	for _, a := range more {
		for _, b := range s.access {
			apart := a.off >= b.off+b.size || b.off >= a.off+a.size
			same := a.off == b.off && a.panel == b.panel && a.panel != 0
			if (a.write || b.write) && !apart && !same {
				return true
			}
		}
	}
	return false
}

// cut reports whether the present code has only panels [lo, hi) of v.
func (e *emitter) cut(v *ir.Value) bool {
	return e.workers.rows > 0 && v.Type.Layout == ir.Panels && v.Type.Rows() == e.workers.rows
}

// whole runs emit with all panels of every value in reach.
func (e *emitter) whole(emit func()) {
	rows := e.workers.rows
	if rows > 0 {
		e.workers.rows = -1
	}
	emit()
	e.workers.rows = rows
}

// place is where v begins, in bytes, given the place of all its panels.
func (e *emitter) place(v *ir.Value, b block) *jen.Statement {
	if e.cut(v) {
		at := jen.Id("lo").Op("*").Lit(4 * ir.Lanes * v.Type.Features())
		if b.off == 0 {
			return at
		}
		return jen.Lit(b.off).Op("+").Add(at)
	}
	return jen.Lit(b.off)
}

// stepScratch is scratch of the goroutine that computes the step.
func (e *emitter) stepScratch(d string, bytes, n int) *jen.Statement {
	w := &e.workers
	b := block{w.used, bytes}
	w.used += (bytes + alignment - 1) / alignment * alignment
	return jen.Id("view").Types(jen.Id(d)).Call(jen.Id("s"), jen.Lit(b.off), jen.Lit(n))
}
