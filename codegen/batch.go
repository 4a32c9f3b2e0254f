package codegen

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// batch is what a package knows of the samples that Run takes. In one that serves 1 to size of them Run has their number
// in n, and walks only the first n parts of every value; with size 1 all counts are fixed.
type batch struct {
	count  int                // samples that Run takes at most; 1 where their number is fixed
	size   int                // those that the code computes at once, the same or 1
	fixed  error              // why a package for several samples takes only as many, nil if it takes fewer
	parted map[*ir.Value]bool // what has a part for each sample
	panels map[int]bool       // rows of a sample of which Run counts the panels
}

// newBatch asks the graph whether its samples are independent.
func newBatch(g *ir.Graph, opt Options) batch {
	b := batch{count: 1, size: 1, panels: map[int]bool{}}
	switch {
	case opt.Each:
		b.count = max(1, opt.Batch)
	case opt.Batch > 1:
		if b.parted, b.fixed = low.Batched(g, opt.Batch); b.fixed == nil {
			b.count, b.size = opt.Batch, opt.Batch
		} else if opt.Whole != nil {
			b.fixed = opt.Whole
		}
	}
	return b
}

// Samples is the most samples that the package generated for g takes, where it takes fewer too; else 1, and why.
func Samples(g *ir.Graph, opt Options) (n int, fixed error) {
	b := newBatch(g, opt)
	return b.count, b.fixed
}

// each reports whether Run goes through the samples one by one.
func (b *batch) each() bool { return b.count > b.size }

// fields are those of the package for g.
func (b *batch) fields(g *ir.Graph) (in, out []Field) {
	in, out = Fields(g.In), Fields(g.Out)
	for _, list := range [][]Field{in, out} {
		for i := range list {
			if b.each() {
				list[i].Type.Shape = slices.Clone(list[i].Type.Shape)
				list[i].Type.Shape[0] *= b.count
			}
		}
	}
	return in, out
}

// has reports whether the size of v depends on the number of samples.
func (b *batch) has(v *ir.Value) bool { return b.size > 1 && b.parted[v] }

// times is an expression for total·n/size.
func (b *batch) times(total int) *jen.Statement {
	return samplesOf(total / b.size)
}

// of is an expression for total·n/count.
func (b *batch) of(total int) *jen.Statement {
	return samplesOf(total / b.count)
}

// samplesOf is an expression for n samples of per elements.
func samplesOf(per int) *jen.Statement {
	if per != 1 {
		return jen.Id("n").Op("*").Lit(per)
	}
	return jen.Id("n")
}

// rows is the number of rows of v.
func (e *emitter) rows(v *ir.Value) *jen.Statement {
	if !e.batch.has(v) {
		return jen.Lit(v.Type.Rows())
	}
	return e.batch.times(v.Type.Rows())
}

// panels is the number of panels of v.
func (e *emitter) panels(v *ir.Value) *jen.Statement {
	if e.cut(v) {
		return jen.Id("hi").Op("-").Id("lo")
	}
	if !e.batch.has(v) {
		return jen.Lit(panelsOf(v.Type))
	}
	per := v.Type.Rows() / e.batch.size
	if apart(per) {
		return e.batch.times(e.batch.size * panelsOfRows(per))
	}
	e.batch.panels[per] = true
	return jen.Id(panelCount(per))
}

// apart reports whether samples of so many rows have panels of their own: attention, moves and sums along rows then work
// as for one sample, at the price of idle lanes in the last panel of each.
func apart(rows int) bool { return rows >= ir.Lanes }

// own is the number of panels of each sample, if samples of v have panels of their own; else 0.
func (e *emitter) own(v *ir.Value) int {
	if e.batch.size == 1 || v.Type.Layout != ir.Panels || !apart(v.Type.Rows()/e.batch.size) {
		return 0
	}
	if c := e.consts[e.arena.rootOf(v)]; !e.batch.parted[v] && (c == nil || !low.Repeats(c, e.batch.size)) {
		return 0
	}
	return panelsOfRows(v.Type.Rows() / e.batch.size)
}

// panelConst is the constant c that v has in panels.
func (e *emitter) panelConst(v *ir.Value, c *ir.Tensor) *jen.Statement {
	own := e.own(v)
	if own == 0 {
		return e.weights.plain(e, c, ir.Panels)
	}
	rows, features := v.Type.Rows()/e.batch.size, v.Type.Features()
	first := c.Gather([]int{rows, features}, func(i int) int { return i })
	packed := jen.Id(e.use("packedPanels")).Call(e.weights.stored(e, first), jen.Lit(rows), jen.Lit(features))
	return e.weights.field(jen.Index().Float32(), jen.Id(e.use("repeated")).Call(packed, jen.Lit(e.allRoom(v))))
}

func panelsOfRows(rows int) int { return (rows + ir.Lanes - 1) / ir.Lanes }

// allRoom is the number of elements that v occupies with all samples.
func (e *emitter) allRoom(v *ir.Value) int {
	if own := e.own(v); own > 0 {
		return e.batch.size * own * ir.Lanes * v.Type.Features()
	}
	return v.Type.Room()
}

// allPanels is the number of panels of v with all samples.
func (e *emitter) allPanels(v *ir.Value) int {
	if own := e.own(v); own > 0 {
		return e.batch.size * own
	}
	return panelsOf(v.Type)
}

func panelCount(rows int) string { return fmt.Sprintf("panels%d", rows) }

// panelCounts declares the numbers of panels that Run uses.
func (b *batch) panelCounts(g *jen.Group) {
	for _, per := range slices.Sorted(maps.Keys(b.panels)) {
		g.Id(panelCount(per)).Op(":=").Parens(b.times(per * b.size).Op("+").Lit(ir.Lanes - 1)).Op("/").Lit(ir.Lanes)
	}
}

// room is the number of elements that v occupies.
func (e *emitter) room(v *ir.Value) *jen.Statement {
	switch {
	case e.cut(v):
		return jen.Parens(e.panels(v)).Op("*").Lit(ir.Lanes * v.Type.Features())
	case !e.batch.has(v) || e.workers.rows != 0:
		return jen.Lit(e.allRoom(v))
	case v.Type.Layout == ir.Panels:
		if own := e.own(v); own > 0 {
			return e.batch.times(e.allRoom(v))
		}
		return e.panels(v).Op("*").Lit(ir.Lanes * v.Type.Features())
	}
	return e.batch.times(v.Type.Len())
}

// like is scratch with the shape and layout of v, of another element type.
func (e *emitter) like(v *ir.Value, d ir.DType) *jen.Statement {
	if v.Type.Len() == 0 {
		return jen.Nil()
	}
	e.use("view")
	return view(goType(d), jen.Lit(e.arena.borrow(e.allRoom(v)*elemSize(d)).off), e.room(v))
}

// walks reports whether the loops that compute v have the samples in the outermost one. They do not if all samples
// together fill one panel.
func (e *emitter) walks(v *ir.Value) bool {
	return e.cut(v) || e.batch.has(v) && (v.Type.Layout != ir.Panels || panelsOf(v.Type) > 1)
}

// steps are the lengths of the loops that compute v.
func (e *emitter) steps(v *ir.Value, dims []int) []jen.Code {
	out := make([]jen.Code, len(dims))
	for i, d := range dims {
		out[i] = jen.Lit(d)
	}
	if e.walks(v) {
		out[0] = e.batch.times(dims[0])
	}
	return out
}

// setFields are the fields of a table that differ from run to run.
type setFields map[string]*jen.Statement

// shaped is the address of a table, of a copy if fields of it are to be set.
func (e *emitter) shaped(table *jen.Statement, set setFields) *jen.Statement {
	if len(set) == 0 {
		return jen.Op("&").Add(table)
	}
	name := jen.Id(e.fresh("shape"))
	e.body = append(e.body, name.Clone().Op(":=").Add(table))
	for _, field := range slices.Sorted(maps.Keys(set)) {
		e.body = append(e.body, name.Clone().Dot(field).Op("=").Add(set[field]))
	}
	return jen.Op("&").Add(name)
}

// samplesDoc is the paragraph of the package comment about samples.
func (e *emitter) samplesDoc() []string {
	b, size := &e.batch, e.opt.Batch
	switch {
	case b.count > 1:
		lines := []string{fmt.Sprintf("Run takes 1 to %d samples, and its work grows with their number. A sample gives the same result, bit for", b.count),
			"bit, at every place of every batch."}
		switch {
		case e.lanes != nil:
			lines = append(lines, fmt.Sprintf("%d samples at a time are lanes of vectors, and %d or more that are left.", e.lanes.size, e.lanes.least))
		case e.apart != nil:
			lines = append(lines, fmt.Sprintf("Each is computed by itself and not as a lane of vectors: %+q.", e.apart.Error()))
		}
		return append(lines, "")
	case b.fixed != nil:
		return []string{fmt.Sprintf("Run takes exactly %d samples, because it cannot be shown that they do not depend on each other:", size),
			fmt.Sprintf("%+q.", b.fixed.Error()), ""}
	}
	return nil
}

// elements tells how long the slice of an input or output of total elements is.
func (b *batch) elements(total int) string {
	if b.count > 1 {
		return fmt.Sprintf("%d elements for each of 1 to %d samples", total/b.count, b.count)
	}
	return fmt.Sprintf("%d elements", total)
}

func (b *batch) runDoc() string {
	if b.count > 1 {
		return " The length of the first input tells the number of samples."
	}
	return ""
}

// sampleLengths finds n by the first input and checks the others and the outputs.
func (e *emitter) sampleLengths(g *jen.Group) {
	for i, x := range slices.Concat(e.in, e.out) {
		arg, kind := "in", "input"
		if i >= len(e.in) {
			arg, kind = "out", "output"
		}
		slice, per := jen.Id(arg).Dot(x.Go), x.Type.Len()/e.batch.count
		fail := func(text string, args ...jen.Code) *jen.Statement {
			return jen.Return(jen.Qual("fmt", "Errorf").Call(append([]jen.Code{jen.Lit(kind + " %q has %d elements, " + text), jen.Lit(x.Name), jen.Len(slice.Clone())}, args...)...))
		}
		if i == 0 {
			g.Id("n").Op(":=").Len(slice.Clone()).Op("/").Lit(per)
			g.If(jen.Id("n").Op("<").Lit(1).Op("||").Id("n").Op(">").Lit(e.batch.count).Op("||").Len(slice.Clone()).Op("!=").Add(e.batch.of(x.Type.Len()))).Block(
				fail(fmt.Sprintf("the model takes 1 to %d samples of %d", e.batch.count, per)))
			continue
		}
		g.If(jen.Len(slice.Clone()).Op("!=").Add(e.batch.of(x.Type.Len()))).Block(
			fail(fmt.Sprintf("%%d samples have %d each", per), jen.Id("n")))
	}
}
