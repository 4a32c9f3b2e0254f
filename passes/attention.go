package passes

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// attention recognises softmax(scale·Q·K' + mask)·V over heads as Attention on Q, K, V of [batch, sequence, features],
// whichever way the heads were laid out: the Reshapes and Transposes that made them go. The scale may stand before
// the product, on either factor, or after it, before the mask or after. Masks with large negative numbers become masks
// with -Inf. Attention on heads that were laid out for it, [batch, heads, sequence, features], takes Q, K, V, too.
var attention = rewrite(func(s *site) ([]*ir.Value, error) {
	m, o := s.attends(), &op.Attention{}
	if a, ok := s.n.Op.(*op.Attention); ok {
		next := *a
		m, o = s.onHeads(a), &next
	}
	if m == nil || !m.heads() {
		return nil, nil
	}
	mask, ok := s.mask(m)
	if !ok || m.guarded && mask != nil && (!isConst(mask) || emptyRow(mask.Const)) {
		return nil, nil
	}
	scale := float32(m.scale)
	o.QHeads, o.KVHeads, o.Scale = m.h, m.h, &scale
	in := []*ir.Value{m.q.flat(s), m.k.flat(s), m.v.flat(s)}
	if mask != nil {
		in = append(in, mask)
	}
	y := s.Add(o, in...)
	dv := m.v.size
	y = s.transpose(s.reshape(y, m.b, m.q.seq, m.h, dv), 0, 2, 1, 3)
	return []*ir.Value{s.reshape(y, s.n.Out[0].Type.Shape...)}, nil
})

// attended is what attention has found.
type attended struct {
	q, k, v headed
	masks   []*ir.Value // additive, to be multiplied by their factor
	factors []float64
	scale   float64
	scores  []int // their shape
	guarded bool  // weights of a query without keys are 0, not NaN
	b, h    int
}

// headed is an operand as [batch·heads, seq, size] of a source whose last axis is heads·size.
type headed struct {
	view
	batch     []factor
	rows      []factor
	cols      []factor
	n, seq    int
	size      int
	sequences bool // the source has the sequence before the batch
	b         int
}

// attends matches the nodes from the product with V up to the product with K; none but the last has another reader.
func (s *site) attends() *attended {
	n := s.n
	if !isOp(n, "MatMul") || n.Out[0].Type.DType != ir.Float32 && n.Out[0].Type.DType != ir.Float64 || !n.Out[0].Type.Static() {
		return nil
	}
	p, v := n.In[0], n.In[1]
	if !s.single(p) {
		return nil
	}
	weights, guarded := s.guarded(p)
	soft := from(weights, "Softmax")
	if soft == nil || len(p.Type.Shape) < 3 || axis(soft.Op.(*op.Softmax).Axis, p) != len(p.Type.Shape)-1 {
		return nil
	}
	m := &attended{scale: 1, guarded: guarded}
	x := soft.In[0]
	for { // outwards in: a mask that a scale follows is scaled too
		if !s.single(x) || x.Def == nil || !x.Type.Static() {
			return nil
		}
		if isOp(x.Def, "MatMul") {
			break
		}
		if y, c := scaling(x.Def); c != 0 && sameType(y, x) {
			m.scale *= c
			x = y
			continue
		}
		y, mask := s.additive(x)
		if y == nil {
			return nil
		}
		m.masks, m.factors = append(m.masks, mask), append(m.factors, m.scale)
		x = y
	}
	m.scores = x.Type.Shape
	q, k := x.Def.In[0], x.Def.In[1]
	r := len(x.Type.Shape)
	if len(q.Type.Shape) != r || len(k.Type.Shape) != r || len(v.Type.Shape) != r || !v.Type.Static() {
		return nil
	}
	for i := range r - 2 { // no broadcasting of heads
		if d := q.Type.Shape[i]; k.Type.Shape[i] != d || v.Type.Shape[i] != d {
			return nil
		}
	}
	m.q, m.k, m.v = headsOf(q, false, true), headsOf(k, true, true), headsOf(v, false, false)
	m.scale *= m.q.scale * m.k.scale
	return m
}

// guarded returns the weights that p is but for NaN, which it replaces by 0: what exporters write for queries without keys.
func (s *site) guarded(p *ir.Value) (weights *ir.Value, ok bool) {
	w := from(p, "Where")
	if w == nil {
		return p, false
	}
	nan := from(w.In[0], "IsNaN")
	if x := w.In[2]; nan != nil && nan.In[0] == x && allZero(w.In[1]) && sameType(x, p) && s.uses[x] == 2 && s.single(w.In[0]) {
		return x, true
	}
	return p, false
}

// onHeads is what Attention on [batch, heads, sequence, features] attends to, nil for others and for such with a cache.
func (s *site) onHeads(a *op.Attention) *attended {
	n := s.n
	q, k, v, mask := n.In[0], n.In[1], n.In[2], input(n, 3)
	if len(n.In) > 4 || slices.ContainsFunc(n.Out[1:], func(v *ir.Value) bool { return v != nil }) || !n.Out[0].Type.Static() {
		return nil
	}
	for _, v := range []*ir.Value{q, k, v} {
		if len(v.Type.Shape) != 4 || !v.Type.Static() || v.Type.Shape[1] != q.Type.Shape[1] {
			return nil
		}
	}
	m := &attended{scores: []int{q.Type.Shape[0], q.Type.Shape[1], q.Type.Shape[2], k.Type.Shape[2]}}
	if mask != nil {
		if !mask.Type.Static() || mask.Type.Features() != m.scores[3] || len(mask.Type.Shape) < 2 {
			return nil
		}
		m.masks, m.factors = []*ir.Value{mask}, []float64{1}
	}
	m.q, m.k, m.v = headsOf(q, false, true), headsOf(k, false, true), headsOf(v, false, false)
	m.scale = a.ScaleOf(n) * m.q.scale * m.k.scale
	return m
}

// additive returns y and mask where x is y + mask, or y where a constant condition holds and -Inf elsewhere.
func (s *site) additive(x *ir.Value) (y, mask *ir.Value) {
	n := x.Def
	switch {
	case isOp(n, "Add"):
		for i := range 2 {
			if y := n.In[i]; sameType(y, x) && n.In[1-i] != y && isScores(y) {
				return y, n.In[1-i]
			}
		}
	case isOp(n, "Where") && isConst(n.In[0]):
		for i := 1; i <= 2; i++ {
			if c, ok := filled(n.In[3-i]); ok && c <= excluding && sameType(n.In[i], x) {
				zero := s.scalar(x.Type.DType, 0)
				in := []*ir.Value{n.In[0], zero, zero}
				in[3-i] = s.scalar(x.Type.DType, math.Inf(-1))
				mask = s.call("Where", in...)
				if math.IsInf(c, -1) || !emptyRow(mask.Const) {
					return n.In[i], mask
				}
			}
		}
	}
	return nil, nil
}

// excluding is what a finite mask adds to the scores of keys that are to have no weight. The weight is exactly zero
// while scores differ by less, which those of a model of float32 with any sense do; so such a key counts as excluded.
const excluding = -1e8

// emptyRow reports whether a row of a mask excludes all keys.
func emptyRow(m *ir.Tensor) bool {
	for row := range slices.Chunk(m.Floats(), max(1, m.Type().Features())) {
		if slices.Max(row) <= excluding {
			return true
		}
	}
	return false
}

// excluded replaces what excludes a key by -Inf where a key remains.
func excluded(m *ir.Tensor) *ir.Tensor {
	f := m.Floats()
	for row := range slices.Chunk(f, m.Shape[len(m.Shape)-1]) {
		top := slices.Max(row)
		for i, x := range row {
			if top > excluding/2 && x <= top+excluding {
				row[i] = math.Inf(-1)
			}
		}
	}
	return ir.FromFloats(m.DType, m.Shape, f)
}

// isScores reports whether y may be a product with K, scaled and masked.
func isScores(y *ir.Value) bool {
	return y.Def != nil && slices.Contains([]string{"MatMul", "Mul", "Div", "Add", "Where"}, y.Def.Op.Name())
}

// headsOf sees v [..., seq, size] (or [..., size, seq] if swapped) as heads of its source.
func headsOf(v *ir.Value, swapped, scaled bool) headed {
	r := len(v.Type.Shape)
	h := headed{view: viewOf(v, scaled)}
	row, col := r-2, r-1
	if swapped {
		row, col = col, row
	}
	h.n, h.seq, h.size = ir.Size(v.Type.Shape[:r-2]), v.Type.Shape[row], v.Type.Shape[col]
	h.batch = merge(slices.Concat(h.axes[:r-2]...)...)
	h.rows, h.cols = merge(h.axes[row]...), merge(h.axes[col]...)
	return h
}

// heads finds how many heads and samples there are, such that all three operands are [batch, seq, heads·size] or
// [seq, batch, heads·size].
func (m *attended) heads() bool {
	m.h = m.q.heads()
	if m.h == 0 || m.k.heads() != m.h || m.v.heads() != m.h {
		return false
	}
	m.b = m.q.n / m.h
	return m.q.laidOut(m.h) && m.k.laidOut(m.h) && m.v.laidOut(m.h)
}

// heads is the number of heads that the source's last axis holds, 0 if it does not divide.
func (h headed) heads() int {
	d := h.src.Type.Features()
	if h.src.Type.Len() == 0 || h.size == 0 || d%h.size != 0 || h.n%(d/h.size) != 0 {
		return 0
	}
	return d / h.size
}

// laidOut checks the order of the elements for the given number of heads.
func (h *headed) laidOut(heads int) bool {
	d := heads * h.size
	h.b = h.n / heads
	for _, h.sequences = range []bool{false, true} {
		batch, row := h.seq*d, d
		if h.sequences {
			batch, row = d, h.b*d
		}
		if slices.Equal(h.batch, merge(factor{h.b, batch}, factor{heads, h.size})) &&
			slices.Equal(h.rows, merge(factor{h.seq, row})) && slices.Equal(h.cols, merge(factor{h.size, 1})) {
			return true
		}
	}
	return false
}

// flat returns the source as [batch, seq, heads·size].
func (h headed) flat(s *site) *ir.Value {
	d := h.src.Type.Features()
	if h.sequences {
		return s.transpose(s.reshape(h.src, h.seq, h.b, d), 1, 0, 2)
	}
	return s.reshape(h.src, h.b, h.seq, d)
}

// mask returns the sum of all masks in a shape that broadcasts to [batch, heads, queries, keys], nil if there is none.
func (s *site) mask(m *attended) (sum *ir.Value, ok bool) {
	for i, v := range m.masks {
		if v, ok = s.maskShape(m, v); !ok {
			return nil, false
		}
		if m.factors[i] != 1 {
			v = s.call("Mul", v, s.scalar(v.Type.DType, m.factors[i]))
		}
		if sum == nil {
			sum = v
		} else {
			sum = s.call("Add", sum, v)
		}
	}
	if isConst(sum) {
		if t := excluded(sum.Const); !slices.Equal(t.Floats(), sum.Const.Floats()) {
			sum = s.Const(t)
		}
	}
	return sum, true
}

// maskShape turns a mask that broadcasts to the scores [..., queries, keys] into one for [batch, heads, queries, keys].
func (s *site) maskShape(m *attended, v *ir.Value) (*ir.Value, bool) {
	r, scores := len(v.Type.Shape), m.scores
	if !v.Type.Static() {
		return nil, false
	}
	shape := append(slices.Repeat([]int{1}, max(0, len(scores)-r)), v.Type.Shape...)
	outer, inner := shape[:len(shape)-2], slices.Clone(shape[len(shape)-2:])
	full := scores[:len(scores)-2]
	switch {
	case ir.Size(outer) == 1:
		outer = nil
	case slices.Equal(outer, full):
		outer = []int{m.b, m.h}
	case len(full) == 2 && full[0] == m.b && full[1] == m.h:
	default:
		return nil, false
	}
	v = s.reshape(v, slices.Concat(outer, inner)...)
	if keys := scores[len(scores)-1]; inner[1] != keys {
		inner[1] = keys
		v = s.call("Expand", v, s.Ints(slices.Concat(outer, inner)...))
	}
	return v, true
}
