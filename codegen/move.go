package codegen

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// boxAxes is the number of axes that kernels over boxes and reductions take.
const boxAxes = 6

// move emits copies of boxes, a change of layout, or a plain copy.
func (e *emitter) move(n *ir.Node, op *low.Move) error {
	x, out := n.In[0], n.Out[0]
	if out.Type.Len() == 0 {
		return nil
	}
	switch {
	case op.Parts != nil && (op.Pack || slices.ContainsFunc(n.In, func(v *ir.Value) bool { return v.Type.Layout == ir.Panels })):
		e.moveRows(n, op)
		return nil
	case op.Parts != nil:
	case op.Layout() == x.Type.Layout:
		e.body = append(e.body, jen.Copy(e.ref(out), e.ref(x)))
		return nil
	case op.Pack && e.own(out) > 0:
		e.call("packSamples", e.ref(out), e.ref(x), jen.Id("n"), jen.Lit(x.Type.Rows()/e.batch.size), jen.Lit(x.Type.Features()))
		return nil
	case e.own(x) > 0:
		e.call("unpackSamples", e.ref(out), e.ref(x), jen.Id("n"), jen.Lit(x.Type.Rows()/e.batch.size), jen.Lit(x.Type.Features()))
		return nil
	case op.Pack:
		e.call("packPanels", e.ref(out), e.ref(x), e.rows(x), jen.Lit(x.Type.Features()))
		return nil
	default:
		e.call("unpackPanels", e.ref(out), e.ref(x), e.rows(x), jen.Lit(x.Type.Features()))
		return nil
	}
	if covered(op) < out.Type.Len() {
		e.uncovered(out, op)
	}
	first := -1
	if k := e.arena.begins(e.arena.at, n); k >= 0 && !e.batch.has(out) && e.arena.take(out, n.In[op.Parts[k].From]) {
		first = k
	}
	for k, p := range op.Parts {
		if k != first {
			e.box(out, n.In[p.From], p)
		}
	}
	return nil
}

// covered counts the elements that parts write; parts of one move do not overlap unless they repeat a whole result.
func covered(op *low.Move) int {
	n := 0
	for _, p := range op.Parts {
		n += ir.Size(p.Dims)
	}
	return n
}

// box emits the copy of one part; axes beyond what the kernel takes are unrolled.
func (e *emitter) box(out, x *ir.Value, p low.Part) {
	if ir.Size(p.Dims) == 0 {
		return
	}
	l := collapse(p.Dims, [][]int{p.OutStrides, p.InStrides})
	if len(l.dims) <= boxAxes {
		e.call("copyBox", e.ref(out), jen.Lit(p.Out), e.ref(x), jen.Lit(p.In), sixOf(e.steps(out, l.dims), 1), six(l.strides[0], 0), six(l.strides[1], 0))
		return
	}
	axis := 1 // the outermost may be the samples
	without := func(x []int) []int { return slices.Delete(slices.Clone(x), axis, axis+1) }
	for i := range l.dims[axis] {
		e.box(out, x, low.Part{Dims: without(l.dims), Out: p.Out + i*l.strides[0][axis], OutStrides: without(l.strides[0]),
			In: p.In + i*l.strides[1][axis], InStrides: without(l.strides[1])})
	}
}

// six is x with pad in front of it, as the kernels take dims and strides.
func six(x []int, pad int) *jen.Statement {
	lits := make([]jen.Code, len(x))
	for i, v := range x {
		lits[i] = jen.Lit(v)
	}
	return sixOf(lits, pad)
}

func sixOf(x []jen.Code, pad int) *jen.Statement {
	return jen.Index(jen.Lit(boxAxes)).Int().ValuesFunc(func(g *jen.Group) {
		for range boxAxes - len(x) {
			g.Lit(pad)
		}
		for _, v := range x {
			g.Add(v)
		}
	})
}

// reduce emits a reduction over any axes.
func (e *emitter) reduce(n *ir.Node, op *low.Reduce) error {
	x, out := n.In[0], n.Out[0]
	if out.Type.Len() == 0 {
		return nil
	}
	if op.Window > 0 {
		e.moving(x, out, op)
		return nil
	}
	if x.Type.Layout == ir.Panels {
		if out.Type.Layout == ir.Panels {
			return fmt.Errorf("reductions of rows in panels have no kernel")
		}
		kernel := map[string]string{"sum": "rowSum", "mean": "rowMean"}[op.Fn]
		e.call(kernel, e.ref(out), e.ref(x), jen.Lit(x.Type.Rows()), jen.Lit(x.Type.Features()))
		return nil
	}
	var kept, dims, keptStr, dimStr []int
	reduced := map[int]bool{}
	for _, a := range op.Axes {
		reduced[a] = true
	}
	for i, s := range ir.Strides(x.Type.Shape) {
		if reduced[i] {
			dims, dimStr = append(dims, x.Type.Shape[i]), append(dimStr, s)
		} else {
			kept, keptStr = append(kept, x.Type.Shape[i]), append(keptStr, s)
		}
	}
	outer, inner := collapse(kept, [][]int{keptStr}), collapse(dims, [][]int{dimStr})
	if len(outer.dims) > boxAxes || len(inner.dims) > boxAxes {
		return fmt.Errorf("a reduction over axes %v of %v is too irregular", op.Axes, x.Type)
	}
	if columns(op, x.Type.DType, outer, inner) {
		e.call("columnSums", e.ref(out), e.ref(x), jen.Lit(inner.dims[0]), jen.Lit(inner.strides[0][0]), jen.Lit(op.Fn == "mean"))
		return nil
	}
	if rows, n := partials(op, x.Type.DType, outer, inner); n > 0 {
		e.call("partialSums", e.ref(out), e.ref(x), e.scratch("float32", 4, low.Partials*n), jen.Lit(rows), jen.Lit(n), jen.Lit(op.Fn == "mean"))
		return nil
	}
	if kernel := rowsKernel(op, x.Type.DType, outer, inner); kernel != "" {
		e.call(kernel, e.ref(out), e.ref(x), jen.Lit(inner.dims[0]))
		return nil
	}
	partials := op.Partials
	if !x.Type.DType.IsFloat() {
		partials = 1
	}
	q := e.table("reduction", jen.Id(e.use("reduction")).Values(jen.Dict{
		jen.Id("d"): six(outer.dims, 1), jen.Id("ds"): six(outer.strides[0], 0),
		jen.Id("r"): six(inner.dims, 1), jen.Id("rs"): six(inner.strides[0], 0),
		jen.Id("partials"): jen.Lit(partials),
	}))
	kernel, more := reduceKernel(op, x.Type.DType)
	set := setFields{}
	if e.batch.has(out) {
		set["d"] = sixOf(e.steps(out, outer.dims), 1)
	}
	shape := e.shaped(q, set)
	run := func(dst *jen.Statement) {
		e.call(kernel, append([]jen.Code{dst, e.widen(x), shape}, more...)...)
	}
	if out.Type.DType == x.Type.DType {
		e.wide(out, run)
	} else {
		run(e.ref(out))
	}
	return nil
}

// partials are the rows and columns of matrices that lie one after the other and that op sums, each to one row, in 16 partial
// sums; no columns if it does something else.
func partials(op *low.Reduce, d ir.DType, outer, inner *loops) (rows, n int) {
	chains := *op
	chains.Partials = 1
	if op.Partials != low.Partials || !columns(&chains, d, outer, inner) {
		return 0, 0
	}
	return inner.dims[0], inner.strides[0][0]
}

// columns reports whether op sums matrices that lie one after the other, each to one row, in chains.
func columns(op *low.Reduce, d ir.DType, outer, inner *loops) bool {
	if op.Fn != "sum" && op.Fn != "mean" || d != ir.Float32 || op.Partials != 1 || len(inner.dims) != 1 || len(outer.dims) == 0 || len(outer.dims) > 2 {
		return false
	}
	last := len(outer.dims) - 1
	width := inner.strides[0][0]
	return width > 1 && outer.dims[last] == width && outer.strides[0][last] == 1 && (last == 0 || outer.strides[0][0] == width*inner.dims[0])
}

// rowsKernel is the kernel that combines rows which lie one after the other, in 16 partial results each; "" if there is none.
func rowsKernel(op *low.Reduce, d ir.DType, outer, inner *loops) string {
	if d != ir.Float32 || op.Partials != low.Partials || len(inner.dims) != 1 || inner.dims[0] == 0 || inner.strides[0][0] != 1 || len(outer.dims) != 1 {
		return ""
	}
	if n := outer.dims[0]; n > 1 && outer.strides[0][0] != inner.dims[0] {
		return ""
	}
	return map[string]string{"sum": "rowsSum", "mean": "rowsMean", "max": "rowsMax", "min": "rowsMin"}[op.Fn]
}

// reduceKernel is the kernel for a reduction and the arguments that follow the table.
func reduceKernel(op *low.Reduce, d ir.DType) (string, []jen.Code) {
	is32 := d == ir.Float32 || isHalf(d)
	switch op.Fn {
	case "sum":
		return "reduceSum", nil
	case "mean":
		return "reduceMean", nil
	case "prod":
		return "reduceProd", nil
	case "l1":
		return "reduceL1", nil
	case "sumsquare":
		if is32 {
			return "reduceSumSquare32", nil
		}
		return "reduceSumSquare", nil
	case "l2":
		if is32 {
			return "reduceL232", nil
		}
		return "reduceL264", nil
	case "argmax", "argmin":
		return "reduceArg", []jen.Code{jen.Lit(op.Fn == "argmin"), jen.Lit(op.SelectLast)}
	case "max":
		if d == ir.Bool {
			return "reduceAny", nil
		}
		return "reduceMax", []jen.Code{extreme(d, false)}
	case "min":
		if d == ir.Bool {
			return "reduceEvery", nil
		}
		return "reduceMin", []jen.Code{extreme(d, true)}
	}
	panic(op.Fn)
}

// extreme is the smallest or largest value of a type, from which a maximum or minimum starts.
func extreme(d ir.DType, largest bool) jen.Code {
	sign := -1
	if largest {
		sign = 1
	}
	switch {
	case d == ir.Float64:
		return jen.Qual("math", "Inf").Call(jen.Lit(sign))
	case d.IsFloat():
		return jen.Float32().Call(jen.Qual("math", "Inf").Call(jen.Lit(sign)))
	case d == ir.Uint64 && largest:
		return jen.Qual("math", "MaxUint64")
	}
	lo, hi := d.IntRange()
	if largest {
		return jen.Op(fmt.Sprint(hi))
	}
	return jen.Op(fmt.Sprint(lo))
}

// normalize emits softmax and its kin: rows or panels.
func (e *emitter) normalize(n *ir.Node, op *low.Normalize) error {
	x := n.In[0]
	if x.Type.Len() == 0 {
		return nil
	}
	if op.Rows {
		return e.normalizeRows(n, op)
	}
	cols := ir.Size(x.Type.Shape[op.Axis:])
	kernel := op.Fn
	switch {
	case x.Type.Layout == ir.Panels:
		kernel += "Panels"
	case op.Partials != low.Partials:
		return fmt.Errorf("%s in %d partials has no row-major kernel", op.Fn, op.Partials)
	case x.Type.DType == ir.Float64:
		kernel += "Rows64"
	default:
		kernel += "Rows"
	}
	e.wide(n.Out[0], func(dst *jen.Statement) {
		args := []jen.Code{dst, e.widen(x)}
		switch op.Fn {
		case "logsoftmax":
			if x.Type.DType == ir.Float64 {
				args = append(args, e.scratch("float64", 8, cols))
			} else if x.Type.Layout == ir.RowMajor {
				args = append(args, e.scratch("float32", 4, cols))
			}
			args = append(args, jen.Lit(cols))
		case "softmax":
			args = append(args, jen.Lit(cols))
		default:
			scale, bias := jen.Nil(), jen.Nil()
			if len(n.In) > 1 {
				scale = e.widen(n.In[1])
			}
			if len(n.In) > 2 {
				bias = e.widen(n.In[2])
			}
			args = append(args, scale, bias, jen.Lit(cols), float32Lit(op.Epsilon))
		}
		e.call(kernel, args...)
	})
	return nil
}
