package codegen

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// attend emits fused attention.
func (e *emitter) attend(n *ir.Node, op *low.Attend) error {
	if op.Lanes {
		e.attendSamples(n, op)
		return nil
	}
	if op.Partials > 1 {
		e.attendOne(n, op)
		return nil
	}
	q, k, v := n.In[0].Type, n.In[1].Type, n.In[2].Type
	batch, queries, keys := q.Shape[0], q.Shape[1], k.Shape[1]
	dh, dv := q.Shape[2]/op.Heads, v.Shape[2]/op.KVHeads
	if n.Out[0].Type.Len() == 0 {
		return nil
	}
	fields := jen.Dict{
		jen.Id("batch"): jen.Lit(batch), jen.Id("queries"): jen.Lit(queries), jen.Id("keys"): jen.Lit(keys),
		jen.Id("heads"): jen.Lit(op.Heads), jen.Id("kvHeads"): jen.Lit(op.KVHeads),
		jen.Id("dh"): jen.Lit(dh), jen.Id("dv"): jen.Lit(dv),
		jen.Id("scale"): float32Lit(op.Scale), jen.Id("panels"): jen.Lit(q.Layout == ir.Panels),
	}
	mask := jen.Nil()
	if len(n.In) > 3 && n.In[3] != nil {
		mask = e.ref(n.In[3])
		s := low.BroadcastStrides(n.In[3].Type.Shape, []int{batch, op.Heads, queries, keys})
		fields[jen.Id("maskStrides")] = jen.Index(jen.Lit(4)).Int().Values(jen.Lit(s[0]), jen.Lit(s[1]), jen.Lit(s[2]), jen.Lit(s[3]))
	}
	ends, spans := e.spans(op)
	if own := e.own(n.In[0]); own > 0 {
		fields[jen.Id("queryStep")] = jen.Lit(own * ir.Lanes)
	}
	if own := e.own(n.In[1]); own > 0 {
		fields[jen.Id("keyStep")] = jen.Lit(own * ir.Lanes)
	}
	shape := e.table("attention", jen.Id(e.use("attendShape")).Values(fields))
	var dst, qr, kr, vr *jen.Statement
	e.whole(func() { dst, qr, kr, vr = e.ref(n.Out[0]), e.ref(n.In[0]), e.ref(n.In[1]), e.ref(n.In[2]) })
	set := setFields{}
	if e.batch.has(n.Out[0]) {
		set["batch"] = e.batch.times(batch)
		e.workers.n = e.workers.n || e.workers.rows != 0
	}
	if e.cut(n.Out[0]) {
		set["from"], set["to"] = jen.Id("lo"), jen.Id("hi")
	}
	if on, _ := low.Kept(n.In); on != nil {
		e.attendKept(n, op, []jen.Code{dst, qr, kr, vr}, shape, set)
		return nil
	}
	pk, pv := keys+keys%2, dv+dv%2
	room := ir.Lanes * (keys + 2*dv)
	if q.Layout != ir.Panels { // the operands and the result as panels
		room += ir.Lanes * (panelsOf(q)*(q.Features()+op.Heads*dv) + panelsOf(k)*(k.Features()+v.Features()))
	}
	scores, scratch := e.scratch("float32", 4, room), e.scratch("float64", 8, pk*(dh+pv)+4*dh+4*pk)
	e.call("attend", dst, qr, kr, vr, mask, scores, scratch, e.shaped(shape, set), ends, spans)
	return nil
}

// spans are the tables of the keys of every query, nil where each has all.
func (e *emitter) spans(op *low.Attend) (ends, spans *jen.Statement) {
	if op.Finite == nil {
		return jen.Nil(), jen.Nil()
	}
	var es, ss []int
	for _, row := range op.Finite {
		for _, p := range row {
			ss = append(ss, p.Lo, p.Hi)
		}
		es = append(es, len(ss)/2)
	}
	return e.table("ends", int32s(es)), e.table("spans", int32s(ss))
}

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

// attendKept emits attention that skips products with elements of keys and values.
func (e *emitter) attendKept(n *ir.Node, op *low.Attend, operands []jen.Code, shape *jen.Statement, set setFields) {
	k, v := low.Kept(n.In)
	keys, dh, dv := n.In[1].Type.Shape[1], n.In[0].Type.Features()/op.Heads, n.Out[0].Type.Features()/op.Heads
	byKey, byFeature := kept(k.Const, true), kept(v.Const, false)
	kp, vp := e.weights.kept(e, byKey), e.weights.kept(e, byFeature)
	name := e.layers.attend(e, n, op)
	e.weights.coded = name
	load := jen.Id(e.use("newKept")).Call(kp, vp, jen.Lit(op.KVHeads), jen.Lit(dh), jen.Lit(dv), jen.Lit(panelsOfRows(n.In[0].Type.Shape[1])))
	of := make([]int, op.KVHeads) // elements of keys and values of a head
	for _, on := range []*ir.Tensor{k.Const, v.Const} {
		n := on.Shape[1]
		for i, set := range ir.Data[bool](on) {
			if set {
				of[i%n/(n/op.KVHeads)]++
			}
		}
	}
	most := slices.Max(of)
	lists := keptLists * (keys/keptRows + dh/keptRows + 2)
	scores := e.scratch("float32", 4, keptPanels*ir.Lanes*(keys+2+dv)+most+lists)
	scratch := e.scratch("float64", 8, ir.Lanes*(dh+keys)+most)
	w, code := e.weights.lists(e, "kept", load), jen.Nil()
	e.weights.coded = ""
	if name != "" {
		e.use("keptCode")
		code = jen.Id(name).Index(jen.Id(e.use("path")))
	}
	args := append(operands, scores, scratch, e.shaped(shape, set), jen.Op("&").Add(w), code)
	e.call("attendKept", args...)
}

// How attendKept works with assembly: on so many panels at once, with so many lists for each so many rows of a matrix.
const (
	keptPanels = 4
	keptLists  = 4
	keptRows   = 64
)

// kept is which elements count, as a matrix of ones and zeros; transposed if by row.
func kept(on *ir.Tensor, transposed bool) *ir.Tensor {
	rows, n := on.Shape[0], on.Shape[1]
	x := make([]int8, rows*n)
	for i, v := range ir.Data[bool](on) {
		at := i
		if transposed {
			at = i%n*rows + i/n
		}
		if v {
			x[at] = 1
		}
	}
	if transposed {
		rows, n = n, rows
	}
	return ir.Of(ir.Int8, []int{rows, n}, x)
}
