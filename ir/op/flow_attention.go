package op

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// maskedOut is how far below the largest entry of its row a mask entry must lie to exclude a score for certain: a
// difference of two scores that outweighs it would have lost every digit of both.
const maskedOut = 1e8

// Flow of an attention with inputs of three axes and a pattern of keys that is known: a query that sees one key copies
// its value, whatever the scores.
func (o *Attention) Flow(n *ir.Node) Flow {
	return Flow{Know: o.know, Need: o.need, Shrink: o.shrink}
}

// seen returns the lengths and, for each query, the keys that it sees; ok is false for forms that are not followed.
func (o *Attention) seen(n *ir.Node) (d attnDims, keys [][]int, ok bool) {
	in, d, err := o.operands(n)
	if err != nil || !d.flat || in[attnPastK] != nil || in[attnNonpad] != nil || len(n.Out) > 1 {
		return d, nil, false
	}
	if m := in[attnMask]; m != nil && (m.Const == nil || m.Type.Features() != d.keys) {
		return d, nil, false
	}
	keep, add := o.pattern(in[attnMask], d)
	if add != nil && len(add.Shape) > 2 {
		return d, nil, false
	}
	keys = make([][]int, d.queries)
	for i := range keys {
		for j := range d.keys {
			if keep == nil || keep[i][j] {
				keys[i] = append(keys[i], j)
			}
		}
	}
	return d, keys, true
}

func (o *Attention) know(n *ir.Node, in []*Known) *Known {
	d, keys, ok := o.seen(n)
	if !ok || noneKnown(in[attnV:attnV+1]) {
		return nil
	}
	width := d.heads * d.vsize
	mask := make([]bool, n.Out[0].Type.Len())
	val := ir.NewTensor(n.Out[0].Type.DType, n.Out[0].Type.Shape...)
	for b := range d.batch {
		for i, ks := range keys {
			for c := 0; c < width && len(ks) == 1; c++ {
				at, from := (b*d.queries+i)*width+c, o.value(d, b, ks[0], c)
				if mask[at] = in[attnV].at(from); mask[at] {
					val.CopyElem(at, in[attnV].Val, from)
				}
			}
		}
	}
	for b := range d.batch {
		for c := range width { // a mean of zeros is zero
			zero := true
			for j := 0; zero && j < d.keys; j++ {
				zero = in[attnV].zeroAt(o.value(d, b, j, c))
			}
			for i, ks := range keys {
				if at := (b*d.queries+i)*width + c; zero && ks != nil && !mask[at] {
					mask[at] = true
				}
			}
		}
	}
	if in[attnQ].All() && in[attnK].All() && in[attnV].All() {
		return knownWhere(fullSet(len(mask)), evalKnown(n, in))
	}
	return knownWhere(mask, val)
}

// value is the element of v that feature c of the result takes of key j.
func (o *Attention) value(d attnDims, b, j, c int) int {
	h := c / d.vsize / (d.heads / d.kvHeads)
	return ((b*d.keys+j)*d.kvHeads+h)*d.vsize + c%d.vsize
}

func (o *Attention) need(n *ir.Node, live []bool, in []*Known) [][]bool {
	d, keys, ok := o.seen(n)
	if !ok {
		return nil
	}
	need := make([][]bool, len(n.In))
	for i, v := range n.In {
		if v != nil {
			need[i] = make([]bool, v.Type.Len())
		}
	}
	width := d.heads * d.vsize
	idle := o.idleFeatures(d, in)
	for b := range d.batch {
		done := make([]bool, width) // features of which all keys are needed
		for i, ks := range keys {
			for c := range width {
				if !live[(b*d.queries+i)*width+c] {
					continue
				}
				for j := 0; j < len(ks) && !done[c]; j++ {
					need[attnV][o.value(d, b, ks[j], c)] = true
				}
				done[c] = done[c] || len(ks) == d.keys
				if len(ks) != 1 && (c%d.vsize == 0 || !live[(b*d.queries+i)*width+c-1]) {
					o.needScores(d, need, idle, b, i, c/d.vsize, ks)
				}
			}
		}
	}
	return need
}

// idleFeatures are those of each sample and head that are known to be zero in all queries, or in all keys.
func (o *Attention) idleFeatures(d attnDims, in []*Known) []bool {
	idle := make([]bool, d.batch*d.heads*d.size)
	if noneKnown(in[:attnV]) {
		return idle
	}
	for f := range idle {
		b, h, c := f/d.size/d.heads, f/d.size%d.heads, f%d.size
		q, k := true, true
		for i := 0; q && i < d.queries; i++ {
			q = in[attnQ].zeroAt(((b*d.queries+i)*d.heads+h)*d.size + c)
		}
		for j := 0; k && j < d.keys; j++ {
			k = in[attnK].zeroAt(((b*d.keys+j)*d.kvHeads+h/(d.heads/d.kvHeads))*d.size + c)
		}
		idle[f] = q || k
	}
	return idle
}

// needScores marks what the scores of one query of one head need.
func (o *Attention) needScores(d attnDims, need [][]bool, idle []bool, b, i, h int, keys []int) {
	q, own := ((b*d.queries+i)*d.heads+h)*d.size, idle[(b*d.heads+h)*d.size:][:d.size]
	for c, off := range own {
		need[attnQ][q+c] = !off
	}
	for _, j := range keys {
		k := ((b*d.keys+j)*d.kvHeads + h/(d.heads/d.kvHeads)) * d.size
		for c, off := range own {
			need[attnK][k+c] = need[attnK][k+c] || !off
		}
	}
}

// Shrinkable reports whether n computes scores that no result depends on: of queries that see one key, or of keys that
// no other query sees.
func (o *Attention) Shrinkable(n *ir.Node) bool {
	_, keys, ok := o.seen(n)
	return ok && slices.ContainsFunc(keys, func(ks []int) bool { return len(ks) == 1 })
}

// shrink copies the values of queries that see one key, and attends with the others to the keys that they see.
func (o *Attention) shrink(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	d, keys, ok := o.seen(n)
	if !ok {
		return whole(s, n, keep)
	}
	queries := keep[1]
	if queries == nil {
		queries = allAxes(d.queries)
	}
	heads, late := o.headsOf(d, keep[2])
	a := &attnShrink{o: o, s: s, n: n, d: d, keys: keys, batch: keep[0], heads: heads}
	if single := func(i int) bool { return len(keys[i]) == 1 }; slices.ContainsFunc(queries, single) && d.heads == d.kvHeads {
		var parts []*ir.Value
		for len(queries) > 0 {
			end := 1
			for end < len(queries) && single(queries[end]) == single(queries[0]) && (!single(queries[0]) || keys[queries[end]][0] > keys[queries[end-1]][0]) {
				end++
			}
			if single(queries[0]) {
				parts = append(parts, a.copy(queries[:end]))
			} else {
				parts = append(parts, a.attend(queries[:end]))
			}
			queries = queries[end:]
		}
		y := parts[0]
		if len(parts) > 1 {
			y = s.B.Add(&Concat{Axis: 1}, parts...)
		}
		return s.Gather(y, [][]int{nil, nil, late})
	}
	return s.Gather(a.attend(queries), [][]int{nil, nil, late})
}

// headsOf lists the heads that features of the result belong to, nil for all, and where the features are among them.
func (o *Attention) headsOf(d attnDims, features []int) (heads, late []int) {
	if features == nil {
		return nil, nil
	}
	if d.heads != d.kvHeads {
		return nil, features
	}
	for _, c := range features {
		h := c / d.vsize
		if n := len(heads); n == 0 || heads[n-1] != h {
			heads = append(heads, h)
		}
		late = append(late, (len(heads)-1)*d.vsize+c%d.vsize)
	}
	if len(heads) == d.heads {
		heads = nil
	}
	if len(late) == max(len(heads), 1)*d.vsize && heads != nil {
		late = nil
	}
	return heads, late
}

type attnShrink struct {
	o     *Attention
	s     *Shrinker
	n     *ir.Node
	d     attnDims
	keys  [][]int
	batch []int
	heads []int
}

// features are those of the heads, each of the given size.
func (a *attnShrink) features(size int) (out []int) {
	for _, h := range a.heads {
		for c := range size {
			out = append(out, h*size+c)
		}
	}
	return out
}

func (a *attnShrink) copy(queries []int) *ir.Value {
	var rows []int
	for _, i := range queries {
		rows = append(rows, a.keys[i][0])
	}
	return a.s.Get(attnV, [][]int{a.batch, rows, a.features(a.d.vsize)})
}

// attend computes queries of which some see more than one key.
func (a *attnShrink) attend(queries []int) *ir.Value {
	seen := make([]bool, a.d.keys)
	for _, i := range queries {
		for _, j := range a.keys[i] {
			seen[j] = true
		}
		if a.keys[i] == nil { // no key: NaN, for which any key will do
			seen[0] = true
		}
	}
	var keys []int
	for j, on := range seen {
		if on {
			keys = append(keys, j)
		}
	}
	o := *a.o
	scale := float32(o.scale(a.d.size))
	o.Scale, o.IsCausal = &scale, false
	if a.heads != nil {
		o.QHeads, o.KVHeads = len(a.heads), len(a.heads)
	}
	get := func(i int, rows []int, all, size int) *ir.Value {
		if len(rows) == all {
			rows = nil
		}
		return a.s.Get(i, [][]int{a.batch, rows, a.features(size)})
	}
	in := []*ir.Value{
		get(attnQ, queries, a.d.queries, a.d.size), get(attnK, keys, a.d.keys, a.d.size), get(attnV, keys, a.d.keys, a.d.vsize),
	}
	if m := a.mask(queries, keys); m != nil {
		in = append(in, a.s.B.Const(m))
	}
	return a.s.B.Add(&o, in...)
}

// mask is the additive mask that is left, nil if it would add nothing.
func (a *attnShrink) mask(queries, keys []int) *ir.Tensor {
	var full func(r, j int) float64
	if len(a.n.In) > attnMask && a.n.In[attnMask] != nil {
		full = attnBias(a.n.In[attnMask].Const, a.d)
	}
	x, some := make([]float64, 0, len(queries)*len(keys)), false
	for _, i := range queries {
		for _, j := range keys {
			v := math.Inf(-1)
			if slices.Contains(a.keys[i], j) {
				if v = 0; full != nil {
					v = full(i, j)
				}
			}
			some = some || v != 0
			x = append(x, v)
		}
	}
	if !some {
		return nil
	}
	return ir.FromFloats(a.n.In[attnQ].Type.DType, []int{len(queries), len(keys)}, x)
}

// Work is the number of multiply-adds: of the scores of the keys that queries see, and of their values.
func (o *Attention) Work(n *ir.Node) int {
	d, keys, ok := o.seen(n)
	entries := d.queries * d.keys
	if ok {
		entries = 0
		for _, ks := range keys {
			entries += len(ks)
		}
	}
	return d.batch * d.heads * entries * (d.size + d.vsize)
}
