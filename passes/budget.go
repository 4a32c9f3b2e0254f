package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// The paths that have code, in the order in which they get it.
const (
	avx512 = iota
	avx2
	paths
)

// claim is what wants to be code: a layer and those that have the same code, or an attention.
type claim struct {
	saves, bytes [paths]int // time, and code that is counted once
	forced       bool       // by a flag or a measurement: it is code if there is room, whatever it saves
	granted      [paths]bool
	layers       []*layerPlan
	attention    *ir.Node
}

// claim adds the layer to the claim of one with the same code, or to claims as one of its own.
func (s *strategist) claim(claims []*claim, p *layerPlan) []*claim {
	saves := [paths]int{p.loop - p.best.cost[avx512], p.loop - p.best.cost[avx2]}
	for _, c := range claims {
		if c.attention == nil && (c.layers[0].sameCode(p) || slices.ContainsFunc(c.layers, p.sameSums)) {
			for i := range saves {
				c.saves[i] += saves[i]
			}
			c.forced = c.forced || p.chosen.Strategy != ""
			c.layers = append(c.layers, p)
			return claims
		}
	}
	return append(claims, &claim{saves: saves, bytes: p.best.bytes, forced: p.chosen.Strategy == "rt" || p.chosen.Strategy == "4r", layers: []*layerPlan{p}})
}

// sameCode reports whether two layers have the same code but for scales, biases and other constants of their epilogues: they
// have the same signs, or pattern, and add in the same order.
func (p *layerPlan) sameCode(q *layerPlan) bool {
	if p.isSparse() != q.isSparse() || p.best.order != q.best.order || p.k != q.k || p.n != q.n || p.op.Act.String() != q.op.Act.String() {
		return false
	}
	if !sameSigns(p.w, q.w) {
		return false
	}
	return slices.EqualFunc(p.node.In[p.op.Operands():], q.node.In[q.op.Operands():], func(a, b *ir.Value) bool {
		return (a.Const == nil) == (b.Const == nil)
	})
}

// sameSums reports whether two layers are one as code, because their sums are the same.
func (p *layerPlan) sameSums(q *layerPlan) bool {
	return p.best.order == q.best.order && low.SameSums(p.node, q.node)
}

// sameSigns reports whether two matrices of one shape have the same code: of ternary ones all weights are equal, others have
// theirs in the same places.
func sameSigns(a, b *ir.Tensor) bool {
	switch {
	case a == b:
		return true
	case a.DType != b.DType:
		return false
	case a.DType == ir.Int8:
		return slices.Equal(ir.Data[int8](a), ir.Data[int8](b))
	}
	return slices.EqualFunc(ir.Data[float32](a), ir.Data[float32](b), func(x, y float32) bool { return (x == 0) == (y == 0) })
}

// spend gives code to claims, on each path first to those that must have some and then to those that it saves the most for
// a byte, and never more than the budget in all. A path has code only where those before it have some.
func (s *strategist) spend(claims []*claim) {
	left := s.Budget
	if s.Loops {
		left = -1
	}
	for path := range paths {
		order := slices.Clone(claims)
		slices.SortStableFunc(order, func(a, b *claim) int {
			switch {
			case a.forced == b.forced:
				return compareRates(b.saves[path], b.bytes[path], a.saves[path], a.bytes[path])
			case a.forced:
				return -1
			}
			return 1
		})
		for _, c := range order {
			if (path == 0 || c.granted[path-1]) && (c.forced || c.saves[path] > 0) && c.bytes[path] <= left {
				c.granted[path] = true
				left -= c.bytes[path]
			}
		}
	}
	for _, c := range claims {
		code := low.CodeNone
		switch c.granted {
		case [paths]bool{true, true}:
			code = low.CodeAll
		case [paths]bool{true, false}:
			code = low.CodeAVX512
		}
		if c.attention != nil {
			s.attends[c.attention] = code
		}
		for _, p := range c.layers {
			if p.code = code; code == low.CodeNone && !c.forced {
				p.best = p.listed
			}
		}
	}
}

// align gives two layers of which one reads the other, and which may run as one, code on the same paths: the last ones first,
// since what a layer loses those before it may lose too.
func (s *strategist) align(g *ir.Graph) {
	for _, n := range slices.Backward(g.Nodes) {
		p := s.layers[n]
		if p == nil {
			continue
		}
		q := s.layers[n.In[0].Def]
		if q == nil || p.best == nil || q.best == nil || p.best.order.Strategy != "rt" || q.best.order.Strategy != "rt" {
			continue
		}
		if p.code != q.code && p.code != low.CodeNone && q.code != low.CodeNone {
			p.code, q.code = low.CodeAVX512, low.CodeAVX512
		}
	}
}

// compareRates compares a/b with c/d.
func compareRates(a, b, c, d int) int {
	switch x, y := a*d, c*b; {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// How long the code of an attention is that skips elements, for a product and for what follows for each key and feature,
// again rather too long, and the most of it: it is read for every few panels, so it has to stay in the second cache. AVX2,
// which spends twice the bytes on a product and goes through them twice for a panel, is slower than lists from there on.
var attendCode = [paths]struct{ product, finish, most int }{
	avx512: {8, 28, 512 << 10},
	avx2:   {16, 28, 128 << 10},
}

const attendSaves = 60 // of a product and panel as code; lists take 1.6 cycles

// attention is the claim of the node, nil if it is no attention that skips elements of keys and values.
func (s *strategist) attention(n *ir.Node) *claim {
	a, ok := n.Op.(*low.Attend)
	if !ok {
		return nil
	}
	if keys, _ := low.Kept(n.In); keys == nil {
		return nil
	}
	q, k, v := n.In[0].Type, n.In[1].Type, n.In[2].Type
	c := &claim{attention: n}
	if s.attends[n] = low.CodeNone; q.Layout != ir.Panels {
		return nil
	}
	ks, vs := a.KeptProducts(n.In)
	group := a.Heads / a.KVHeads
	products := (ks + vs) / group
	panels := q.Shape[0] * ((q.Shape[1] + ir.Lanes - 1) / ir.Lanes)
	for path, b := range attendCode {
		c.bytes[path] = products*b.product + a.KVHeads*(k.Shape[1]+v.Shape[2]/a.KVHeads+ir.Lanes)*b.finish
		if c.bytes[path] <= b.most {
			c.saves[path] = products * group * panels * attendSaves
			if s.Cold {
				c.saves[path] -= products * (b.product*codeMemory - sparseList*listMemory)
			}
		}
	}
	return c
}

// attended is the result of an attention that has its paths; nil for other nodes.
func (s *strategist) attended(b *ir.Builder, n *ir.Node) []*ir.Value {
	code, ok := s.attends[n]
	a, _ := n.Op.(*low.Attend)
	if !ok || a.Code == code {
		return nil
	}
	op := *a
	op.Code = code
	return []*ir.Value{b.Add(&op, n.In...)}
}
