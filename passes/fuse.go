package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// maxFused bounds the inputs of a fused expression: more would keep too many values alive at once.
const maxFused = 8

// fuse makes an elementwise operator part of the one operator that feeds it and has no other reader: an added constant
// row becomes the bias of a linear layer, anything else its epilogue, and maps join into one.
func fuse(g *ir.Graph) (bool, error) {
	uses := g.Uses()
	spread := spreader{}
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		m, ok := n.Op.(*low.Map)
		if !ok {
			return nil, nil
		}
		f := fusion{m: m, n: n, b: b, spread: spread}
		for i, v := range n.In {
			if v.Def == nil || uses[v] != 1 || slices.Index(n.In, v) != i || !ir.Same(v.Type, shaped(n.Out[0].Type, v.Type.DType)) {
				continue
			}
			if out := f.into(i, v.Def); out != nil {
				uses[out] = uses[n.Out[0]]
				return []*ir.Value{out}, nil
			}
		}
		return nil, nil
	})
}

func shaped(t ir.Type, d ir.DType) ir.Type {
	t.DType = d
	return t
}

type fusion struct {
	m      *low.Map
	n      *ir.Node
	b      *ir.Builder
	spread spreader
}

// into returns the result of p, which makes input i of the map, with the map as its last step; nil if that cannot be.
func (f *fusion) into(i int, p *ir.Node) *ir.Value {
	switch op := p.Op.(type) {
	case *low.Linear:
		if out := f.bias(i, p, op); out != nil {
			return out
		}
		wide, beside := *f.n, *f
		wide.In = f.spread.all(f.b, f.n.In, p.Out[0].Type)
		if beside.n = &wide; !beside.aligned(i) {
			return nil
		}
		f = &beside
		act, in := f.epilogue(i, op.Act, p.In, op.Operands())
		return f.add(&low.Linear{Kind: op.Kind, Act: act}, in)
	case *low.Contract:
		act, in := f.epilogue(i, op.Act, p.In, 2)
		return f.add(&low.Contract{TransA: op.TransA, TransB: op.TransB, Act: act}, in)
	case *low.Map:
		act, in := f.epilogue(i, op.Expr, p.In, 0)
		return f.add(&low.Map{Expr: act}, in)
	}
	return nil
}

func (f *fusion) add(op ir.Op, in []*ir.Value) *ir.Value {
	if in == nil {
		return nil
	}
	return f.b.Add(op, in...)
}

// bias makes the addition of a constant row to a layer without epilogue its bias.
func (f *fusion) bias(i int, p *ir.Node, l *low.Linear) *ir.Value {
	at := l.Operands() - 1
	if !l.Act.IsZero() || p.In[at] != nil || len(f.n.In) != 2 {
		return nil
	}
	if sum := f.m.Expr.String(); sum != "add(x0,x1)" && sum != "add(x1,x0)" {
		return nil
	}
	c := f.n.In[1-i]
	width := p.In[1].Type.Shape[1]
	if c.Const == nil || c.Type.Len() != width || c.Type.Features() != width {
		return nil
	}
	in := slices.Clone(p.In)
	in[at] = f.b.Const(c.Const.Reshape(width))
	return f.b.Add(&low.Linear{Kind: l.Kind}, in...)
}

// aligned reports whether the map's other inputs have the result's rows or one row for all, as panels need.
func (f *fusion) aligned(i int) bool {
	t := f.n.Out[0].Type
	for j, v := range f.n.In {
		same := v.Type.Rows() == t.Rows() && v.Type.Features() == t.Features()
		row := v.Type.Rows() == 1 && (v.Type.Features() == t.Features() || v.Type.Features() == 1)
		if j != i && !same && !row {
			return false
		}
	}
	return true
}

// epilogue composes the map, whose input i is the result, with the producer's own expression act. The producer's
// operands before the k-th stay; what the expression reads follows. A producer that is a map (k = 0) has no result of
// its own. It returns no inputs if there would be too many.
func (f *fusion) epilogue(i int, act low.Expr, operands []*ir.Value, k int) (low.Expr, []*ir.Value) {
	in := slices.Clone(operands)
	first := 1 // x0 is the result
	if k == 0 {
		first = 0
	}
	args := make([]low.Expr, len(f.n.In))
	for j, v := range f.n.In {
		if j == i {
			if args[j] = act; act.IsZero() {
				args[j] = low.X(0)
			}
			continue
		}
		at := slices.Index(in[k:], v)
		if at < 0 {
			at = len(in) - k
			in = append(in, v)
		}
		args[j] = low.X(first + at)
	}
	if len(in)-k > maxFused {
		return low.Expr{}, nil
	}
	return f.m.Expr.Subst(args), in
}
