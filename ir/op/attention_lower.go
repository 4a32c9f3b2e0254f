package op

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Lower gives one Attend where the scores pass nothing but a mask and nobody reads them; a mask that is constant, and
// is_causal, become its pattern. Else products, a Normalize and Maps between them.
func (o *Attention) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	in, d, err := o.operands(n)
	if err != nil {
		return nil, err
	}
	l := &attnLowering{o: o, b: b, d: d, dtype: in[attnQ].Type.DType}
	k, v := in[attnK], in[attnV]
	out := make([]*ir.Value, 4)
	if in[attnPastK] != nil {
		k = low.Concat(b, 2, in[attnPastK], l.split(k, d.kvHeads))
		v = low.Concat(b, 2, in[attnPastV], l.split(v, d.kvHeads))
		out[1], out[2] = k, v
	}
	for i, x := range []*ir.Value{k, v} {
		if out[1+i] == nil && len(n.Out) > 1+i && n.Out[1+i] != nil {
			x = l.split(x, d.kvHeads)
			out[1+i] = low.Copy(b, x, x.Type.Shape...)
		}
	}
	scores := len(n.Out) > 3 && n.Out[3] != nil
	if l.fits(in, scores) {
		out[0] = l.attend(in[attnQ], k, v, in[attnMask])
	} else {
		out[0], out[3] = l.stepwise(in[attnQ], k, v, in[attnMask], in[attnNonpad], scores)
	}
	return out[:len(n.Out)], nil
}

type attnLowering struct {
	o     *Attention
	b     *ir.Builder
	d     attnDims
	dtype ir.DType
}

// split brings x into the form [batch, heads, sequence, size].
func (l *attnLowering) split(x *ir.Value, heads int) *ir.Value {
	s := x.Type.Shape
	if len(s) == 4 {
		return x
	}
	return low.Transpose(l.b, low.Copy(l.b, x, s[0], s[1], heads, s[2]/heads), 0, 2, 1, 3)
}

// merge brings x into the form [batch, sequence, heads·size].
func (l *attnLowering) merge(x *ir.Value) *ir.Value {
	s := x.Type.Shape
	if len(s) == 3 {
		return x
	}
	return low.Copy(l.b, low.Transpose(l.b, x, 0, 2, 1, 3), s[0], s[2], s[1]*s[3])
}

// fits reports whether low.Attend can do it.
func (l *attnLowering) fits(in []*ir.Value, scores bool) bool {
	for _, i := range []int{attnQ, attnK, attnV} {
		if in[i].Type.DType != ir.Float32 {
			return false
		}
	}
	if p := l.o.SoftmaxPrecision; p != nil && *p != ir.Float32 {
		return false
	}
	if m := in[attnMask]; m != nil && m.Const == nil && m.Type.Features() != l.d.keys {
		return false
	}
	return l.o.Softcap <= 0 && !scores && in[attnNonpad] == nil && l.d.heads > 0 && l.d.size > 0 && l.d.vsize > 0
}

func (l *attnLowering) attend(q, k, v, mask *ir.Value) *ir.Value {
	d := l.d
	a := &low.Attend{Heads: d.heads, KVHeads: d.kvHeads, Scale: float32(l.o.scale(d.size))}
	keep, add := l.o.pattern(mask, d)
	a.Finite = spansOf(keep)
	in := []*ir.Value{l.merge(q), l.merge(k), l.merge(v)}
	if add != nil {
		in = append(in, l.b.Const(add))
	} else if mask != nil && mask.Const == nil {
		in = append(in, l.additive(mask, ir.Float32))
	}
	y := l.b.Add(a, in...)
	if d.flat {
		return y
	}
	return low.Transpose(l.b, low.Copy(l.b, y, d.batch, d.queries, d.heads, d.vsize), 0, 2, 1, 3)
}

// pattern returns the keys that each query can see for all that is known when compiling, nil if that is every key, and
// what a constant mask adds, nil if that makes no difference. A constant mask that differs between heads or samples
// counts as unknown: then keep is nil or what is_causal gives, and add is the whole mask.
func (o *Attention) pattern(mask *ir.Value, d attnDims) (keep [][]bool, add *ir.Tensor) {
	if mask == nil || mask.Const == nil {
		if !o.IsCausal {
			return nil, nil
		}
		return grid(d, func(i, j int) bool { return j <= d.past+i }), nil
	}
	full := attnBias(mask.Const, d)
	if lead := len(mask.Type.Shape) - 2; lead > 0 && ir.Size(mask.Type.Shape[:lead]) > 1 && !sameForHeads(full, d) {
		if o.IsCausal {
			keep = grid(d, func(i, j int) bool { return j <= d.past+i })
		}
		return keep, denseMask(full, d, d.batch*d.heads)
	}
	top := make([]float64, d.queries)
	for i := range top {
		top[i] = math.Inf(-1)
		for j := range d.keys {
			if !(o.IsCausal && j > d.past+i) {
				top[i] = max(top[i], full(i, j))
			}
		}
	}
	keep = grid(d, func(i, j int) bool {
		return !(o.IsCausal && j > d.past+i) && !math.IsInf(full(i, j), -1) && !(full(i, j) < top[i]-maskedOut)
	})
	if matters(keep, full) {
		add = denseMask(full, d, 1)
	}
	return keep, add
}

// matters reports whether what a mask adds to the kept scores can change a softmax: it cannot where it is zero or the
// row keeps one score.
func matters(keep [][]bool, full func(r, j int) float64) bool {
	for i, row := range keep {
		live, nonzero := 0, false
		for j, on := range row {
			if on {
				live++
				nonzero = nonzero || full(i, j) != 0
			}
		}
		if nonzero && live > 1 {
			return true
		}
	}
	return false
}

func grid(d attnDims, f func(i, j int) bool) [][]bool {
	g := make([][]bool, d.queries)
	for i := range g {
		g[i] = make([]bool, d.keys)
		for j := range g[i] {
			g[i][j] = f(i, j)
		}
	}
	return g
}

func sameForHeads(full func(r, j int) float64, d attnDims) bool {
	for r := range d.batch * d.heads * d.queries {
		for j := range d.keys {
			if x, y := full(r, j), full(r%d.queries, j); x != y && (x == x || y == y) {
				return false
			}
		}
	}
	return true
}

// denseMask is the mask of the first n rows of [batch, heads] in float32.
func denseMask(full func(r, j int) float64, d attnDims, n int) *ir.Tensor {
	shape := []int{d.queries, d.keys}
	if n > 1 {
		shape = []int{d.batch, d.heads, d.queries, d.keys}
	}
	x := make([]float64, 0, n*d.queries*d.keys)
	for r := range n * d.queries {
		for j := range d.keys {
			x = append(x, full(r, j))
		}
	}
	return ir.FromFloats(ir.Float32, shape, x)
}

// spansOf turns a pattern into ranges of keys; nil if every key is kept.
func spansOf(keep [][]bool) low.Spans {
	var out low.Spans
	all := true
	for _, row := range keep {
		var spans []low.Span
		for j, on := range row {
			switch n := len(spans); {
			case !on:
				all = false
			case n > 0 && spans[n-1].Hi == j:
				spans[n-1].Hi++
			default:
				spans = append(spans, low.Span{Lo: j, Hi: j + 1})
			}
		}
		out = append(out, spans)
	}
	if all {
		return nil
	}
	return out
}

// additive turns a mask into one of type d that is added to scores, as long as the keys.
func (l *attnLowering) additive(m *ir.Value, d ir.DType) *ir.Value {
	cast := "cast_" + d.String() + "(x0)"
	if m.Type.DType == ir.Bool {
		m = low.Elementwise(l.b, "where(x0,sub("+cast+",1),-inf)", m)
	} else if m.Type.DType != d {
		m = low.Elementwise(l.b, cast, m)
	}
	if m.Type.Features() == l.d.keys {
		return m
	}
	shape := slices.Clone(m.Type.Shape)
	shape[len(shape)-1] = l.d.keys
	return low.Pad(l.b, m, make([]int, len(shape)), shape, ir.FromFloats(d, nil, []float64{math.Inf(-1)}))
}

// stepwise computes scores, mask, softmax and the weighted sum one after the other, 16-bit floats in float32 and
// softmax at least as wide as softmax_precision asks for. It returns Y and, if wanted, the scores.
func (l *attnLowering) stepwise(q, k, v, mask, nonpad *ir.Value, wanted bool) (y, scores *ir.Value) {
	b, d, o := l.b, l.d, l.o
	wide := ir.Float32
	if l.dtype == ir.Float64 || v.Type.DType == ir.Float64 || o.SoftmaxPrecision != nil && *o.SoftmaxPrecision == ir.Float64 {
		wide = ir.Float64
	}
	group := d.heads / max(1, d.kvHeads)
	in := []*ir.Value{l.split(q, d.heads), l.split(k, d.kvHeads), l.split(v, d.kvHeads)}
	for i, g := range []int{group, 1, 1} {
		s := in[i].Type.Shape
		in[i] = low.Copy(b, narrowed(b, in[i], wide), d.batch, d.kvHeads, g, s[2], s[3])
	}
	s := b.Add(&low.Contract{TransB: true}, in[0], in[1])
	s = b.Add(&low.Map{Expr: low.Call("mul", low.X(0), low.Lit(o.scale(d.size)))}, s)
	s = low.Copy(b, s, d.batch, d.heads, d.queries, d.keys)
	stage := []*ir.Value{s}
	if o.Softcap > 0 {
		cap := low.Lit(float64(o.Softcap))
		s = b.Add(&low.Map{Expr: low.Call("mul", low.Call("tanh", low.Call("div", low.X(0), cap)), cap)}, s)
	}
	stage = append(stage, s)
	if mask != nil {
		s = low.Elementwise(b, "add(x0,x1)", s, l.additive(mask, wide))
	}
	if o.IsCausal {
		causal := make([]float64, 0, d.queries*d.keys)
		for i := range d.queries {
			for j := range d.keys {
				if j > d.past+i {
					causal = append(causal, math.Inf(-1))
				} else {
					causal = append(causal, 0)
				}
			}
		}
		s = low.Elementwise(b, "add(x0,x1)", s, b.Const(ir.FromFloats(wide, []int{d.queries, d.keys}, causal)))
	}
	if nonpad != nil {
		at := ir.NewTensor(ir.Int64, d.keys)
		for j := range d.keys {
			at.SetInt(j, int64(j))
		}
		s = low.Elementwise(b, "where(lt(x1,x2),x0,-inf)", s, b.Const(at), low.Copy(b, nonpad, d.batch, 1, 1, 1))
	}
	stage = append(stage, s)
	p := b.Add(&low.Normalize{Fn: "softmax", Axis: 3, Partials: low.Partials}, s)
	stage = append(stage, p)
	y = b.Add(&low.Contract{}, low.Copy(b, p, d.batch, d.kvHeads, group, d.queries, d.keys), in[2])
	y = narrowed(b, low.Copy(b, y, d.batch, d.heads, d.queries, d.vsize), l.dtype)
	if d.flat {
		y = l.merge(y)
	}
	if wanted {
		scores = narrowed(b, stage[o.OutputMode], l.dtype)
	}
	return y, scores
}
