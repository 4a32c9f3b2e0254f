package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// reassociate moves the projections of keys and values to the other side of an attention with one query, where they
// meet one row instead of one for every key: q·(W h) = (W' q)·h, and the weighted mean of W h is W times that of h. The
// keys' bias shifts all scores alike and goes; the values' bias is added to the mean, whose weights sum to one.
func reassociate(g *ir.Graph) (bool, error) {
	uses := g.Uses()
	changed, err := g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		a, ok := n.Op.(*op.Attention)
		if !ok || len(n.Out) != 1 || len(n.In) > 4 || len(n.In[0].Type.Shape) != 3 || n.In[0].Type.Shape[1] != 1 ||
			a.QHeads != a.KVHeads || a.QHeads == 0 || a.Softcap != 0 || a.IsCausal || a.SoftmaxPrecision != nil {
			return nil, nil
		}
		k, v := projectionOf(n.In[1], uses), projectionOf(n.In[2], uses)
		keys, heads := n.In[1].Type.Shape[1], a.QHeads
		if k == nil || !k.gains(keys, heads) {
			return nil, nil
		}
		first := len(g.Nodes) // of the new ones
		old := workOf(n) + k.work()
		next := *a
		scale := float32(a.ScaleOf(n))
		next.Scale = &scale
		in := slices.Clone(n.In)
		in[0] = b.Add(&op.MatMul{}, n.In[0], b.Const(blocks(k.w, heads, true)))
		if v != nil && v.gains(keys, heads) {
			in[1], in[2] = k.h, v.h
			next.KVHeads = 1
			y := b.Add(&op.MatMul{}, b.Add(&next, in...), b.Const(blocks(v.w, heads, false)))
			if v.bias != nil {
				y = (&site{Builder: b}).call("Add", y, v.bias)
			}
			if workOf(g.Nodes[first:]...) >= old+v.work() {
				return nil, nil
			}
			return []*ir.Value{y}, nil
		}
		if in[1] = k.h; heads > 1 {
			in[1] = b.Add(&op.Concat{Axis: 2}, slices.Repeat([]*ir.Value{k.h}, heads)...)
		}
		y := b.Add(&next, in...)
		if workOf(g.Nodes[first:]...) >= old {
			return nil, nil
		}
		return []*ir.Value{y}, nil
	})
	if !changed || err != nil {
		return changed, err
	}
	_, err = deadcode(g)
	return true, err
}

// projection is h·w + bias, with no other reader.
type projection struct {
	h     *ir.Value
	w     *ir.Tensor
	bias  *ir.Value  // nil: none
	nodes []*ir.Node // those that compute it
}

func (p *projection) work() int { return workOf(p.nodes...) }

func projectionOf(v *ir.Value, uses map[*ir.Value]int) *projection {
	p := &projection{}
	if v.Def != nil && uses[v] == 1 && v.Def.Op.Name() == "Add" {
		x, c := v.Def.In[0], v.Def.In[1]
		if x.Const != nil {
			x, c = c, x
		}
		if c.Const == nil || c.Type.Len() != v.Type.Features() || c.Type.Features() != v.Type.Features() {
			return nil
		}
		p.bias, p.nodes, v = c, []*ir.Node{v.Def}, x
	}
	if v.Def == nil || uses[v] != 1 {
		return nil
	}
	if _, ok := v.Def.Op.(*op.MatMul); !ok || v.Def.In[1].Const == nil || len(v.Def.In[1].Type.Shape) != 2 {
		return nil
	}
	p.nodes = append(p.nodes, v.Def)
	p.h, p.w = v.Def.In[0], v.Def.In[1].Const
	return p
}

// gains reports whether multiplying one row is less work than multiplying one for every key, although scores or means
// then run over the features of h for each head.
func (p *projection) gains(keys, heads int) bool {
	nz, d, width := nonzeros(p.w), p.w.Shape[0], p.w.Shape[1]
	return nz+keys*d*heads < keys*nz+keys*width
}

// blocks is a matrix [d, heads·n] as one with a block for each head on the diagonal: [heads·d, heads·n], or, transposed,
// [heads·n, heads·d].
func blocks(w *ir.Tensor, heads int, transposed bool) *ir.Tensor {
	d, width := w.Shape[0], w.Shape[1]
	n := width / heads
	shape := []int{heads * d, width}
	if transposed {
		shape = []int{width, heads * d}
	}
	return w.Gather(shape, func(i int) int {
		r, c := i/shape[1], i%shape[1]
		if transposed {
			r, c = c, r
		}
		if r/d != c/n {
			return -1
		}
		return r%d*width + c
	})
}
