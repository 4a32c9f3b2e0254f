package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// sink moves Reshapes and Transposes down past what works element by element or along a last axis that they leave
// alone. They meet and cancel, and linear layers see the features of their input in the last axis.
var sink = rewrite(func(s *site) ([]*ir.Value, error) {
	if len(s.n.Out) != 1 || len(s.n.In) == 0 || !s.n.Out[0].Type.Static() || s.n.Out[0].Type.Len() == 0 {
		return nil, nil
	}
	var v *ir.Value
	switch {
	case elementwise[s.n.Op.Name()] == 1:
		if m := sinkable(s.n.In[0]); m != nil {
			v = m.down(s, s.Add(s.n.Op, m.In[0]))
		}
	case elementwise[s.n.Op.Name()] == 2:
		v = s.sinkBinary()
	default:
		v = s.sinkRows()
	}
	if v == nil || !sameType(v, s.n.Out[0]) {
		return nil, nil
	}
	return []*ir.Value{v}, nil
})

// elementwise tells how many operands of an operator are combined element by element.
var elementwise = map[string]int{
	"Abs": 1, "Cast": 1, "Ceil": 1, "Celu": 1, "Elu": 1, "Erf": 1, "Exp": 1, "Floor": 1, "Gelu": 1, "HardSigmoid": 1,
	"HardSwish": 1, "LeakyRelu": 1, "Log": 1, "Mish": 1, "Neg": 1, "Not": 1, "Reciprocal": 1, "Relu": 1, "Selu": 1,
	"Sigmoid": 1, "Sign": 1, "Sin": 1, "Cos": 1, "Softplus": 1, "Softsign": 1, "Sqrt": 1, "Swish": 1, "Tanh": 1,
	"Add": 2, "Div": 2, "Mul": 2, "Sub": 2, "Pow": 2,
}

// A mover is a Reshape or Transpose of static shape.
type mover struct {
	*ir.Node
	from, to []int
	perm     []int // nil: a Reshape
}

func sinkable(v *ir.Value) *mover {
	n := v.Def
	if n == nil || !isOp(n, "Reshape") && !isOp(n, "Transpose") || !moves(n) || !n.In[0].Type.Static() || isConst(n.In[0]) {
		return nil
	}
	m := &mover{Node: n, from: n.In[0].Type.Shape, to: v.Type.Shape}
	if t, ok := n.Op.(*op.Transpose); ok {
		if m.perm = t.Perm; m.perm == nil {
			for i := range m.to {
				m.perm = append(m.perm, len(m.to)-1-i)
			}
		}
	}
	return m
}

// down puts the move after y, which has the shape of what was moved.
func (m *mover) down(s *site, y *ir.Value) *ir.Value {
	if m.perm != nil {
		return s.transpose(y, m.perm...)
	}
	return s.reshape(y, m.to...)
}

// keepsLast reports whether the move leaves the last axis what it is.
func (m *mover) keepsLast() bool {
	r := len(m.from)
	if m.perm != nil {
		return r > 0 && m.perm[r-1] == r-1
	}
	return r > 0 && len(m.to) > 0 && m.from[r-1] == m.to[len(m.to)-1]
}

// sinkBinary moves down what both operands share, or what one has and the other, a constant, can undo.
func (s *site) sinkBinary() *ir.Value {
	a, b := sinkable(s.n.In[0]), sinkable(s.n.In[1])
	if a != nil && b != nil && slices.Equal(a.from, b.from) && slices.Equal(a.to, b.to) && slices.Equal(a.perm, b.perm) {
		return a.down(s, s.Add(s.n.Op, a.In[0], b.In[0]))
	}
	in := slices.Clone(s.n.In)
	for i, m := range []*mover{a, b} {
		if m == nil || !isConst(s.n.In[1-i]) || !slices.Equal(m.to, s.n.Out[0].Type.Shape) {
			continue
		}
		c := m.up(s, s.n.In[1-i])
		if c == nil {
			return nil
		}
		in[i], in[1-i] = m.In[0], c
		return m.down(s, s.Add(s.n.Op, in...))
	}
	return nil
}

// up returns c, which broadcasts to the shape after the move, as it must be before; nil if a Reshape does not allow it.
func (m *mover) up(s *site, c *ir.Value) *ir.Value {
	if c.Type.Len() == 1 {
		return s.reshape(c)
	}
	own := c.Type.Shape
	full := append(slices.Repeat([]int{1}, len(m.to)-len(own)), own...)
	if m.perm != nil {
		back := make([]int, len(m.perm))
		for i, p := range m.perm {
			back[p] = i
		}
		return s.transpose(s.reshape(c, full...), back...)
	}
	if c.Type.Len() == ir.Size(m.to) {
		return s.reshape(c, m.from...)
	}
	if len(own) == 1 && m.keepsLast() {
		return c
	}
	// A Reshape that only adds and drops axes of length 1: the others correspond in order.
	var dims []int
	for i, d := range m.to {
		if d != 1 {
			dims = append(dims, full[i])
		}
	}
	shape := slices.Clone(m.from)
	for i, d := range m.from {
		if d == 1 {
			continue
		}
		if len(dims) == 0 {
			return nil
		}
		if dims[0] != d && dims[0] != 1 {
			return nil
		}
		shape[i], dims = dims[0], dims[1:]
	}
	if !slices.Equal(drop1(m.from), drop1(m.to)) {
		return nil
	}
	return s.reshape(c, shape...)
}

func drop1(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(d int) bool { return d == 1 })
}

// sinkRows handles operators that treat every row along the last axis alike.
func (s *site) sinkRows() *ir.Value {
	n := s.n
	m := sinkable(n.In[0])
	if m == nil || !m.keepsLast() || len(m.from) < 2 || len(m.to) < 2 {
		return nil
	}
	last := len(m.to) - 1
	in := slices.Clone(n.In)
	in[0] = m.In[0]
	switch o := n.Op.(type) {
	case *op.MatMul:
		if !isConst(n.In[1]) || len(n.In[1].Type.Shape) != 2 {
			return nil
		}
		y := s.Add(o, in...)
		if m.perm != nil {
			return s.transpose(y, m.perm...)
		}
		return s.reshape(y, n.Out[0].Type.Shape...)
	case *op.LayerNormalization:
		if axis(o.Axis, n.In[0]) != last {
			return nil
		}
		p := *o
		p.Axis = -1
		return m.down(s, s.Add(&p, in...))
	case *op.Softmax:
		if axis(o.Axis, n.In[0]) != last {
			return nil
		}
		p := *o
		p.Axis = -1
		return m.down(s, s.Add(&p, in...))
	}
	return nil
}
