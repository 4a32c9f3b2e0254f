package codegen

import (
	"fmt"
	"math"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// normalizeRows emits a normalization along the rows of panels.
func (e *emitter) normalizeRows(n *ir.Node, op *low.Normalize) error {
	x, out := n.In[0], n.Out[0]
	if x.Type.Layout != ir.Panels {
		return fmt.Errorf("a normalization along rows has no row-major kernel")
	}
	rows, features := x.Type.Rows(), x.Type.Features()
	pick := op.Pick
	if pick == nil {
		for i := range rows {
			pick = append(pick, i)
		}
	}
	padded := panelsOf(out.Type) * ir.Lanes
	operand := func(i int, none float32) *jen.Statement {
		v := make([]float32, padded)
		for l := range v {
			if v[l] = none; len(n.In) > i && n.In[i] != nil {
				v[l] = ir.Data[float32](n.In[i].Const)[min(l, len(pick)-1)]
			}
		}
		return e.constant([]int{padded}, v)
	}
	rest, count := jen.Id(e.use("restRows")).Values(), float32(rows)
	if len(n.In) > 3 && n.In[3] != nil {
		rest = e.restRows(n.In[3].Const, pick, rows, padded)
		count += float32(n.In[3].Type.Shape[0])
	}
	fields := jen.Dict{
		jen.Id("rows"): jen.Lit(rows), jen.Id("n"): jen.Lit(features),
		jen.Id("count"): float32Lit(count), jen.Id("epsilon"): float32Lit(op.Epsilon),
	}
	if op.Pick != nil {
		at := make([]int, padded)
		for l := range at {
			if at[l] = pick[min(l, len(pick)-1)]; at[l] >= rows {
				at[l] = -1
			}
		}
		fields[jen.Id("pick")] = jen.Id(e.use("newRowPick")).Call(jen.Lit(features), int32s(at))
	}
	shape := e.table("norm", jen.Id(e.use("rowNorm")).Values(fields))
	e.call("layernormAlong", e.ref(out), e.ref(x), operand(1, 1), operand(2, float32(math.Copysign(0, -1))), e.scratch("float32", 4, 2*features),
		jen.Op("&").Add(shape), jen.Op("&").Add(rest))
	return nil
}

// restRows is what the constant rows c contribute where they come after so many other rows.
func (e *emitter) restRows(c *ir.Tensor, pick []int, rows, padded int) *jen.Statement {
	n := c.Shape[1]
	var sum, mean, squares []float32
	for _, m := range low.Moments(c) {
		sum, mean, squares = append(sum, m.Sum), append(mean, m.Mean), append(squares, m.Squares)
	}
	fields := jen.Dict{
		jen.Id("rows"): float32Lit(float32(c.Shape[0])),
		jen.Id("sum"):  e.constant([]int{n}, sum), jen.Id("mean"): e.constant([]int{n}, mean), jen.Id("squares"): e.constant([]int{n}, squares),
	}
	picked, some := make([]float32, padded*n), false
	for l := range padded {
		if p := pick[min(l, len(pick)-1)]; p >= rows {
			some = true
			for f := range n {
				picked[l/ir.Lanes*ir.Lanes*n+f*ir.Lanes+l%ir.Lanes] = ir.Data[float32](c)[(p-rows)*n+f]
			}
		}
	}
	if some {
		fields[jen.Id("picked")] = e.constant([]int{padded, n}, picked)
	}
	return jen.Id("restRows").Values(fields)
}

// constant is a table of weights.bin.
func (e *emitter) constant(shape []int, x []float32) *jen.Statement {
	return e.weights.plain(e, ir.Of(ir.Float32, shape, x), ir.RowMajor)
}
