package codegen

import (
	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// moving emits the means or maxima of windows. Where they move along the last axis, 16 rows are put side by side for them.
func (e *emitter) moving(x, out *ir.Value, op *low.Reduce) {
	a := op.Axes[0]
	n, m, inner := x.Type.Shape[a], out.Type.Shape[a], ir.Size(x.Type.Shape[a+1:])
	dst, src := e.ref(out), e.ref(x)
	beside := inner == 1 && x.Type.Rows() > 1 && a == len(x.Type.Shape)-1
	if beside {
		inner = ir.Lanes
		dst, src = e.scratch("float32", 4, panelsOf(x.Type)*ir.Lanes*m), e.scratch("float32", 4, panelsOf(x.Type)*ir.Lanes*n)
		e.call("packPanels", src, e.ref(x), e.rows(x), jen.Lit(n))
	}
	d := e.table("moving", jen.Id(e.use("moving")).Values(jen.Dict{
		jen.Id("n"): jen.Lit(n), jen.Id("m"): jen.Lit(m), jen.Id("inner"): jen.Lit(inner), jen.Id("window"): jen.Lit(op.Window),
		jen.Id("step"): jen.Lit(op.Step), jen.Id("before"): jen.Lit(op.Before), jen.Id("edge"): jen.Lit(op.Edge),
	}))
	if op.Fn == "max" {
		e.call("movingMax", dst, src, jen.Op("&").Add(d))
	} else {
		e.call("movingMean", dst, src, e.scratch("float32", 4, (op.Window+2)*inner), jen.Op("&").Add(d))
	}
	if beside {
		e.call("unpackPanels", e.ref(out), dst, e.rows(x), jen.Lit(m))
	}
}
