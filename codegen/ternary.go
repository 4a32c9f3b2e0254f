package codegen

import (
	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// ternary emits the sums and scales of a ternary layer.
func (e *emitter) ternary(n *ir.Node, op *low.Linear, dst, src *jen.Statement) {
	x, w := n.In[0], n.In[1].Const
	if op.Strategy == "perm" && x.Type.Layout == ir.RowMajor {
		k, cols := w.Shape[0], w.Shape[1]
		codes, groups := e.weights.perm(e, w, op)
		e.call("permRows", dst, src, jen.Op("&").Add(codes), e.ref(n.In[2]), e.ref(n.In[3]), e.scratch("float32", 4, 32*groups+3*256), e.rows(x), jen.Lit(k), jen.Lit(cols))
		return
	}
	kernel, count, width := "ternary", e.rows(x), 1
	lists, shared := e.weights.signs, !op.AsLoop(w.Shape[0])
	if shared {
		kernel = "term"
		lists = func(e *emitter, w *ir.Tensor) *jen.Statement { return e.weights.terms(e, w, op) }
	}
	if x.Type.Layout == ir.Panels {
		kernel, count, width = kernel+"Panels", e.panels(x), ir.Lanes*min(panelsOf(x.Type), 2) // the tables of two panels
	} else {
		kernel += "Rows"
	}
	args := []jen.Code{dst, src, jen.Op("&").Add(lists(e, w)), e.ref(n.In[2]), e.ref(n.In[3])}
	if shared {
		args = append(args, e.scratch("float32", 4, 2*terms(op, w)*width))
	}
	e.call(kernel, append(args, count, jen.Lit(w.Shape[0]), jen.Lit(w.Shape[1]))...)
}

// terms is a ternary constant as lists of terms, which its pattern and the order of op give.
func (w *weights) terms(e *emitter, t *ir.Tensor, op *low.Linear) *jen.Statement {
	p, _ := patternOf(ir.Data[int8](t), t.Shape[0], t.Shape[1], true)
	load, b := w.pattern(e, p)
	w.note("ternary", p.stored(), len(p.nonzero), b)
	k := t.Shape[0]
	depth := jen.Lit(k)
	if op.Depth > 0 {
		depth = jen.Lit(op.Depth)
	}
	switch {
	case op.Strategy == "rt" && op.Pairs:
		load = jen.Id(e.use("tileTerms")).Call(load, w.stored(e, sums(op.Schedule(t))), jen.Lit(k), depth, jen.Lit(op.Columns))
	case op.Strategy == "rt":
		load = jen.Id(e.use("blockTerms")).Call(load, jen.Lit(k), depth)
	default:
		load = jen.Id(e.use("groupTerms")).Call(load, jen.Lit(k), depth, jen.Lit(op.Rows()))
	}
	return w.lists(e, "terms", load)
}

// perm is a ternary constant as codes of groups of three rows, and the number of groups, completed to a multiple of six.
func (w *weights) perm(e *emitter, t *ir.Tensor, op *low.Linear) (codes *jen.Statement, groups int) {
	p, _ := patternOf(ir.Data[int8](t), t.Shape[0], t.Shape[1], true)
	k := t.Shape[0]
	depth := k
	if op.Depth > 0 {
		depth = op.Depth
	}
	for top := 0; top < k; top += depth {
		groups += (min(depth, k-top) + 2) / 3
	}
	var load *jen.Statement
	var b []byte
	if w.mode == Size {
		load, b = w.pattern(e, p)
		load = jen.Id(e.use("newPerm")).Call(load, jen.Lit(k), jen.Lit(depth))
	} else {
		b = p.bitmap()
		load = jen.Id(e.use("permOfBitmap")).Call(w.slice(b), p.shape(e), jen.Lit(depth))
	}
	w.note("ternary", p.stored(), len(p.nonzero), b)
	return w.field(jen.Id(e.use("perm")), load), (groups + 5) / 6 * 6
}

// sums lists the sums of every block: their number, and for each the term and, twice, the row that it has, plus 1 if that is
// subtracted.
func sums(s *low.Schedule) *ir.Tensor {
	var out []uint16
	for _, b := range s.Blocks {
		out = append(out, uint16(len(b.Sums)))
		for _, v := range b.Sums {
			out = append(out, uint16(v.Of), uint16(low.Sign(v.Row, v.Minus)))
		}
	}
	return ir.Of(ir.Uint16, []int{len(out)}, out)
}

// terms is the most terms that a block of the layer with weights w can have.
func terms(op *low.Linear, w *ir.Tensor) (n int) {
	if !op.Pairs {
		return op.Terms(w.Shape[0])
	}
	for _, b := range op.Schedule(w).Blocks {
		n = max(n, b.End-b.Top+len(b.Sums))
	}
	return n
}
