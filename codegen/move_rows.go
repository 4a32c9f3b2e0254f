package codegen

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// moveRows emits a move of rows to, from or between panels. A result that begins with the rows of a value that dies here
// takes its place.
func (e *emitter) moveRows(n *ir.Node, op *low.Move) {
	out := n.Out[0]
	if e.batch.has(out) {
		e.moveSamples(n, op)
		return
	}
	parts, _ := op.RowParts(n.In)
	readers := map[*ir.Value]int{}
	for _, r := range parts {
		readers[e.arena.rootOf(n.In[r.From])]++
	}
	if i := slices.IndexFunc(parts, func(r low.RowPart) bool {
		x := n.In[r.From]
		return covered(op) == out.Type.Len() && out.Type.Layout == ir.Panels && x.Type.Layout == ir.Panels && r.Dst == 0 && r.Stays(out.Type.Features(), x.Type.Features()) &&
			readers[e.arena.rootOf(x)] == 1 && e.arena.take(out, x)
	}); i >= 0 {
		parts = slices.Delete(parts, i, i+1)
	} else if covered(op) < out.Type.Len() {
		e.uncovered(out, op)
	}
	for _, r := range parts {
		x := n.In[r.From]
		e.call("moveRows", e.ref(out), e.ref(x), jen.Op("&").Add(e.rowMove(r, out, x, out.Type.Rows())))
	}
}

// moveSamples emits a move of rows for the samples in use: as it is for the first one, n times.
func (e *emitter) moveSamples(n *ir.Node, op *low.Move) {
	out := n.Out[0]
	if covered(op) < out.Type.Len() {
		e.uncovered(out, op)
	}
	for _, p := range op.Parts {
		x := n.In[p.From]
		one := low.Move{Shape: op.Shape, Parts: low.Parts{p.Sample(e.batch.size)}}
		parts, _ := one.RowParts(n.In)
		dst, src := out.Type.Rows()/e.batch.size, 0
		if e.batch.has(x) || p.InStep() > 0 {
			src = x.Type.Rows() / e.batch.size
		}
		rows := out.Type.Rows()
		if own := e.own(out); own > 0 {
			rows, dst = dst, -own*ir.Lanes*out.Type.Features()
		}
		if own := e.own(x); own > 0 && src > 0 {
			src = -own * ir.Lanes * x.Type.Features()
		}
		for _, r := range parts {
			e.call("moveSamples", e.ref(out), e.ref(x), jen.Op("&").Add(e.rowMove(r, out, x, rows)), jen.Id("n"), jen.Lit(dst), jen.Lit(src))
		}
	}
}

// rowMove is the table of a part of rows, to a matrix of so many.
func (e *emitter) rowMove(r low.RowPart, out, x *ir.Value, rows int) *jen.Statement {
	return e.table("rows", jen.Id(e.use("rowMove")).Values(jen.Dict{
		jen.Id("rows"): jen.Lit(r.Rows), jen.Id("cols"): jen.Lit(r.Cols),
		jen.Id("dst"): e.rowPlace(out.Type, r.Dst, r.DstStep, r.ToCol, rows), jen.Id("src"): e.rowPlace(x.Type, r.Src, r.SrcStep, r.FromCol, x.Type.Rows()),
	}))
}

func (e *emitter) rowPlace(t ir.Type, row, step, col, all int) *jen.Statement {
	return jen.Id(e.use("rowPlace")).Values(jen.Dict{
		jen.Id("panels"): jen.Lit(t.Layout == ir.Panels), jen.Id("row"): jen.Lit(row), jen.Id("step"): jen.Lit(step),
		jen.Id("col"): jen.Lit(col), jen.Id("n"): jen.Lit(t.Features()), jen.Id("all"): jen.Lit(all),
	})
}

// uncovered emits the fill of what no part covers.
func (e *emitter) uncovered(out *ir.Value, op *low.Move) {
	if op.Fill != nil {
		e.call("fill", e.ref(out), jen.Add(e.weights.plain(e, op.Fill, ir.RowMajor)).Index(jen.Lit(0)))
	} else {
		e.body = append(e.body, jen.Id("clear").Call(e.ref(out)))
	}
}
