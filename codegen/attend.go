package codegen

import (
	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// attendOne emits attention of one query.
func (e *emitter) attendOne(n *ir.Node, op *low.Attend) {
	q, out := n.In[0], n.Out[0]
	ks, vs := low.Pairs(n.In)
	fields := jen.Dict{
		jen.Id("heads"): jen.Lit(op.Heads), jen.Id("kHeads"): jen.Lit(op.OfKeys()), jen.Id("kvHeads"): jen.Lit(op.KVHeads),
		jen.Id("dh"): jen.Lit(q.Type.Features() / op.Heads), jen.Id("dv"): jen.Lit(out.Type.Features() / op.Heads),
		jen.Id("scale"): float32Lit(op.Scale),
	}
	all, room := 0, 0
	for _, k := range ks {
		all += k.Type.Shape[1]
		room += panelsOf(k.Type) * ir.Lanes
	}
	mask := jen.Nil()
	if len(n.In) > 3 && n.In[3] != nil {
		mask = e.ref(n.In[3])
		s := low.BroadcastStrides(n.In[3].Type.Shape, []int{1, op.Heads, 1, all})
		fields[jen.Id("maskHead")], fields[jen.Id("maskKey")] = jen.Lit(s[1]), jen.Lit(s[3])
	}
	shape := e.table("query", jen.Id(e.use("oneQuery")).Values(fields))
	args := []jen.Code{e.ref(out), e.ref(q), mask, e.scratch("float32", 4, 2*room), jen.Op("&").Add(shape)}
	for i, k := range ks {
		args = append(args, jen.Id(e.use("keyPart")).Values(e.ref(k), e.ref(vs[i]), jen.Lit(k.Type.Shape[1])))
	}
	e.call("attendOne", args...)
}
