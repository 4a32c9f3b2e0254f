package check

import (
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
)

// Layer is what is known of one low operator of a compiled model.
type Layer struct {
	Name   string   `json:"name"`             // of its result
	Op     string   `json:"op"`               // low operator, and for a library kernel the ONNX operator
	Kind   string   `json:"kind,omitempty"`   // of the weights: dense, sparse, ternary or binary
	Scale  *float64 `json:"scale,omitempty"`  // of ternary and binary weights, where they have but one
	Scales int      `json:"scales,omitempty"` // of ternary and binary weights, how many different ones
	// SignsOf is an earlier layer whose weights have the same signs wherever both are not zero.
	SignsOf string `json:"signs_of,omitempty"`
	// SumsOf is an earlier layer that has the sums of this one, which executes none itself.
	SumsOf   string `json:"sums_of,omitempty"`
	Strategy string `json:"strategy"`        // the kernel that runs, or the order of sums that code is made for; "" for neither
	Tuned    bool   `json:"tuned,omitempty"` // the strategy is one that was measured
	// Code is the paths on which weights, or what an attention skips, are machine code; Loop is the kernel that goes through
	// lists of them elsewhere, "" for other layers.
	Code  []string `json:"code,omitempty"`
	Loop  string   `json:"loop,omitempty"`
	Shape string   `json:"shape"` // of the result, with its element type
	// Uncounted says that multiply-adds are not known: of a library kernel that is no plain product.
	Uncounted bool `json:"uncounted,omitempty"`
	Counts
}

// layers describes the nodes of a low graph; products are those of the ONNX operators that it was made from.
func (r *Inspection) layers(g *ir.Graph, products []op.Product) {
	counted := map[*ir.Value]bool{}
	var own [][]op.Product
	first := low.SharedSums(g.Nodes)
	for _, n := range g.Nodes {
		l := Layer{Name: nameOf(n), Op: strings.TrimPrefix(n.Op.Name(), "sbtc."), Shape: typeOf(n).String()}
		for _, c := range constantsOf(n) {
			l.add(&c.Counts)
			if !counted[c.value] {
				counted[c.value] = true
				r.Total.add(&c.Counts)
			}
		}
		l.setDensity()
		p := l.work(n)
		if f := first[n]; f != nil {
			l.SumsOf, l.MACsExecuted = nameOf(f), 0
		}
		l.Code, l.Loop = CodeOf(n)
		own = append(own, p)
		r.Total.MACsExecuted += l.MACsExecuted
		r.Layers = append(r.Layers, l)
	}
	r.Total.setDensity()
	r.shareSigns(g)
	exact(own, products)
	for i, p := range own {
		l := &r.Layers[i]
		l.MACsDense = sum(p, func(p op.Product) int { return p.Full })
		l.MACsLive = sum(p, func(p op.Product) int { return p.Seen })
		l.MACsNonZero = sum(p, func(p op.Product) int { return p.NonZero })
	}
}

// exact replaces the products of low operators by those of the ONNX operators that they were made from, which know of
// zeros among activations. Both are in execution order; where they do not match one by one all stay as they are. A layer
// that reads or writes columns where they stand has some more, of zeros.
func exact(own [][]op.Product, products []op.Product) {
	all := slices.Concat(own...)
	if !slices.EqualFunc(all, products, func(a, b op.Product) bool { return a.Seen >= b.Seen && a.NonZero >= b.NonZero }) {
		return
	}
	at := 0
	for _, p := range own {
		at += copy(p, products[at:])
	}
}

func nameOf(n *ir.Node) string {
	for _, v := range n.Out {
		if v != nil {
			return v.Name
		}
	}
	return ""
}

func typeOf(n *ir.Node) ir.Type {
	for _, v := range n.Out {
		if v != nil {
			return v.Type
		}
	}
	return ir.Type{}
}

// work says what the node of the layer executes, and returns its products, one or, for attention, two.
func (l *Layer) work(n *ir.Node) []op.Product {
	out := typeOf(n)
	switch o := n.Op.(type) {
	case *low.Linear:
		w, rows := n.In[1].Const, out.Rows()
		k, cols := w.Shape[0], w.Shape[1]
		nz := nonZeros(w)
		l.weights(n, o)
		l.Strategy, l.MACsExecuted = linearWork(o, n.In[0].Type, w)
		return []op.Product{{Full: rows * k * cols, Seen: rows * k * cols, NonZero: rows * nz}}
	case *low.Contract:
		lead, m, k, cols, err := o.Dims(n.In[0].Type.Shape, n.In[1].Type.Shape)
		if err != nil {
			return nil
		}
		full := ir.Size(lead) * m * k * cols
		l.Strategy, l.MACsExecuted = "contract", full
		if d := n.In[0].Type.DType; d == ir.Float32 || d == ir.Float16 || d == ir.BFloat16 {
			l.Strategy, l.MACsExecuted = "contract32", ir.Size(lead)*m*k*upTo(cols, contractColumns)
		}
		return []op.Product{{Full: full, Seen: full, NonZero: full}}
	case *low.Attend:
		q, k, v := n.In[0].Type.Shape, n.In[1].Type.Shape, n.In[2].Type.Shape
		dh, dv, heads := q[2]/o.Heads, v[2]/o.KVHeads, q[0]*o.Heads
		seen, full := heads*o.Entries(q[1], k[1]), heads*q[1]*k[1]
		l.Strategy, l.MACsExecuted = "attend", heads*attendTiles(o, q[1], k[1], dh, dv)
		if o.Partials > 1 {
			ks, _ := low.Pairs(n.In)
			keys, lanes := 0, 0
			for _, k := range ks {
				keys, lanes = keys+k.Type.Shape[1], lanes+upTo(k.Type.Shape[1], ir.Lanes)
			}
			seen, full = heads*keys, heads*keys
			l.Strategy, l.MACsExecuted = "attendOne", heads*lanes*(dh+dv)
		}
		scores, results := seen*dh, seen*dv
		if keys, _ := low.Kept(n.In); keys != nil {
			ks, vs := o.KeptProducts(n.In)
			l.Strategy, l.MACsExecuted = "attendKept", q[0]*upTo(q[1], ir.Lanes)*(ks+vs)
			scores, results = q[0]*q[1]*ks, q[0]*q[1]*vs
		}
		return []op.Product{{Full: full * dh, Seen: seen * dh, NonZero: scores}, {Full: full * dv, Seen: seen * dv, NonZero: results}}
	case *low.Kernel:
		l.Op += " " + o.Of.Name()
		l.Strategy = o.Fn
		p, ok := productsIn(n, o.Of, func(v *ir.Value) []bool {
			if v == nil || v.Const == nil {
				return nil
			}
			return zerosOf(v.Const)
		})
		l.Uncounted = !ok
		l.MACsExecuted = sum(p, func(p op.Product) int { return p.Seen })
		return p
	case *low.Normalize, *low.Reduce, *low.Map, *low.Move:
	}
	return nil
}

// weights says what values the weight matrix of a layer holds.
func (l *Layer) weights(n *ir.Node, o *low.Linear) {
	w := n.In[1].Const.Weights()
	l.Kind = o.Kind
	if w.Scales == nil || o.Kind == "dense" && w.By == "row" {
		return
	}
	l.Kind = w.Kind
	scales := w.Scales
	if o.Kind == "ternary" { // scales by column; that of a column of zeros has no meaning
		signs, cols := ir.Data[int8](n.In[1].Const), n.In[1].Type.Shape[1]
		scales = nil
		for j, s := range n.In[2].Const.Floats() {
			for i := j; i < len(signs); i += cols {
				if signs[i] != 0 {
					scales = append(scales, s)
					break
				}
			}
		}
	}
	scales = slices.Compact(slices.Sorted(slices.Values(scales)))
	if len(scales) > 0 && scales[0] == 0 {
		scales = scales[1:]
	}
	if l.Scales = len(scales); len(scales) == 1 {
		l.Scale = &scales[0]
	}
}

// The tiles of the portable kernels of package runtime: what does not fill one is computed and thrown away.
const (
	pairColumns     = 2 // of densePanels: tile4x2
	octetColumns    = 8 // of denseRows: tile1x8
	contractColumns = 4 // of contract32: chains4
	attendQueries   = 4 // of attend: tile4x2
	attendPair      = 2 // keys, and features of values
)

func upTo(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }

// linearWork is the kernel of a layer of x with the weights w, and what it executes: all lanes of every panel.
func linearWork(o *low.Linear, x ir.Type, w *ir.Tensor) (kernel string, executed int) {
	k, n := w.Shape[0], w.Shape[1]
	rows, suffix := x.Rows(), "Rows"
	if x.Layout == ir.Panels {
		rows, suffix = upTo(rows, ir.Lanes), "Panels"
	}
	switch {
	case o.Kind == "sparse" && o.Strategy != "":
		return o.Strategy, rows * nonZeros(w)
	case o.Strategy != "":
		return o.Strategy, rows * o.Schedule(w).Adds()
	case o.Kind != "dense":
		return o.Kind + suffix, rows * nonZeros(w)
	case x.DType == ir.Float64:
		return "denseRows64", rows * k * n
	case x.Layout == ir.Panels:
		return "densePanels", rows * k * upTo(n, pairColumns)
	}
	return "denseRows", rows * k * upTo(n, octetColumns)
}

// attendTiles is what the kernel attend executes for one head of one sample: four queries at a time, in groups that see
// the same keys, by pairs of keys and then by pairs of features.
func attendTiles(o *low.Attend, queries, keys, dh, dv int) (executed int) {
	for i := 0; i < queries; i += attendQueries {
		n := min(attendQueries, queries-i)
		for from := 0; from < n; {
			spans, to := []low.Span{{Lo: 0, Hi: keys}}, n
			if o.Finite != nil {
				spans, to = o.Finite[i+from], from+1
				for to < n && slices.Equal(spans, o.Finite[i+to]) {
					to++
				}
			}
			for _, s := range spans {
				pairs := (s.Hi-1)/attendPair - s.Lo/attendPair + 1
				executed += attendQueries * (attendPair*pairs*dh + (s.Hi-s.Lo)*upTo(dv, attendPair))
			}
			from = to
		}
	}
	return executed
}
