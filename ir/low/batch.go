package low

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Batched proves that g, a graph of low operators for b samples, computes each sample from the same sample of its inputs
// alone, in the same way. It returns the values of which, in row-major order, the k-th of b equal parts belongs to sample
// k; all others are the same for every sample. The first n parts then depend on the first n samples only. The error says
// which operator mixes samples, or cannot be shown not to.
func Batched(g *ir.Graph, b int) (map[*ir.Value]bool, error) {
	s := &samples{b, map[*ir.Value]bool{}}
	for _, v := range g.In {
		if s.of[v] = true; v.Type.Len()%b != 0 {
			return nil, fmt.Errorf("input %q of type %v has no %d equal parts", v.Name, v.Type, b)
		}
	}
	for _, n := range g.Nodes {
		if !slices.ContainsFunc(n.In, func(v *ir.Value) bool { return s.of[v] }) {
			continue
		}
		if err := s.apart(n); err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		for _, v := range n.Out {
			s.of[v] = v != nil
		}
	}
	for _, v := range g.Out {
		if !s.of[v] {
			return nil, fmt.Errorf("output %q is the same for every sample", v.Name)
		}
	}
	return s.of, nil
}

// samples are the values with a part for each of b samples.
type samples struct {
	b  int
	of map[*ir.Value]bool
}

// apart checks that a node, one of whose inputs has a part for each sample, keeps them apart.
func (s *samples) apart(n *ir.Node) error {
	out := n.Out[0].Type
	switch op := n.Op.(type) {
	case *Linear:
		if err := s.rows(n.In[0]); err != nil {
			return err
		}
		return s.aligned(n.In[op.Operands():], out)
	case *Contract:
		if err := s.products(n, op); err != nil {
			return err
		}
		return s.aligned(n.In[2:], out)
	case *Attend:
		return s.attention(n, op)
	case *Map:
		return s.aligned(n.In, out)
	case *Reduce:
		return s.reduction(n.In[0], op)
	case *Normalize:
		if op.Rows || slices.ContainsFunc(n.In[1:], func(v *ir.Value) bool { return s.of[v] }) || ir.Size(out.Shape[:op.Axis])%s.b != 0 {
			return fmt.Errorf("rows of %v from axis %d on are not rows of one sample", out, op.Axis)
		}
		return nil
	case *Move:
		return s.moved(n, op)
	}
	return fmt.Errorf("a library kernel computes all samples at once")
}

// rows checks that every row of v belongs to one sample.
func (s *samples) rows(v *ir.Value) error {
	if !s.of[v] || v.Type.Rows()%s.b != 0 {
		return fmt.Errorf("the rows of %q, %v, are not rows of one sample", v.Name, v.Type)
	}
	return nil
}

// part is the number of elements of v that belong to one sample, where v is read sample by sample; 0 where every sample
// reads the same.
func (s *samples) part(v *ir.Value) int {
	if s.of[v] || s.repeats(v) {
		return v.Type.Len() / s.b
	}
	return 0
}

// repeats reports whether v is a constant of b equal parts, whatever its shape and layout.
func (s *samples) repeats(v *ir.Value) bool {
	for v.Def != nil {
		if m, ok := v.Def.Op.(*Move); !ok || m.Parts != nil {
			return false
		}
		v = v.Def.In[0]
	}
	return v.Const != nil && Repeats(v.Const, s.b)
}

// Repeats reports whether t is b equal parts.
func Repeats(t *ir.Tensor, b int) bool {
	n := t.Len()
	if n == 0 || n%b != 0 {
		return false
	}
	part := n / b
	first := t.Gather([]int{part}, func(i int) int { return i })
	for k := 1; k < b; k++ {
		if !reflect.DeepEqual(first.Any(), t.Gather([]int{part}, func(i int) int { return k*part + i }).Any()) {
			return false
		}
	}
	return true
}

// walks reports whether a walk over dims meets in v, from off on by strides, nothing but the part of sample k in the k-th
// part of its outermost loop, or the same in each.
func (s *samples) walks(v *ir.Value, dims []int, off int, strides []int) bool {
	i := slices.IndexFunc(dims, func(d int) bool { return d != 1 })
	if i < 0 || dims[i]%s.b != 0 {
		return false
	}
	each := slices.Clone(dims)
	each[i] /= s.b
	if strides[i] == 0 {
		return !s.of[v]
	}
	part := s.part(v)
	return part > 0 && each[i]*strides[i] == part && inside(each, off, strides, part)
}

// aligned checks the values that an expression over out reads.
func (s *samples) aligned(in []*ir.Value, out ir.Type) error {
	for _, v := range in {
		if out.Layout == ir.Panels && v.Type.Layout == ir.Panels {
			if out.Rows()%s.b != 0 || s.part(v) == 0 {
				return fmt.Errorf("%q, %v, has no rows of one sample", v.Name, v.Type)
			}
			continue
		}
		if !s.walks(v, out.Shape, 0, BroadcastStrides(v.Type.Shape, out.Shape)) {
			return fmt.Errorf("%q, %v, is not read sample by sample", v.Name, v.Type)
		}
	}
	return nil
}

// products checks that every matrix product is of one sample.
func (s *samples) products(n *ir.Node, op *Contract) error {
	a, b := n.In[0], n.In[1]
	lead, _, _, _, err := op.Dims(a.Type.Shape, b.Type.Shape)
	if err != nil {
		return err
	}
	for i, v := range []*ir.Value{a, b} {
		shape := v.Type.Shape
		matrix := shape[len(shape)-2:]
		strides := append(leadStrides(shape, lead), matrix[1], 1)
		if !s.walks(v, append(slices.Clone(lead), matrix...), 0, strides) {
			return fmt.Errorf("matrices of operand %d, %v, are not of one sample", i, v.Type)
		}
	}
	if ir.Size(lead)%s.b != 0 {
		return fmt.Errorf("matrices of %v and %v hold several samples", a.Type, b.Type)
	}
	return nil
}

// attention checks that queries see keys of their own sample.
func (s *samples) attention(n *ir.Node, op *Attend) error {
	q, k := n.In[0].Type, n.In[1].Type
	for _, v := range n.In[:3] {
		if q.Shape[0]%s.b != 0 || s.part(v) == 0 {
			return fmt.Errorf("%q, %v, has no rows of one sample", v.Name, v.Type)
		}
	}
	if len(n.In) > 3 && n.In[3] != nil {
		full := []int{q.Shape[0], op.Heads, q.Shape[1], k.Shape[1]}
		if m := n.In[3]; !s.walks(m, full, 0, BroadcastStrides(m.Type.Shape, full)) {
			return fmt.Errorf("the mask %q, %v, is not read sample by sample", m.Name, m.Type)
		}
	}
	return nil
}

// reduction checks that no axis across samples is reduced.
func (s *samples) reduction(x *ir.Value, op *Reduce) error {
	i := slices.IndexFunc(x.Type.Shape, func(d int) bool { return d != 1 })
	if i < 0 || x.Type.Shape[i]%s.b != 0 || slices.Contains(op.Axes, i) {
		return fmt.Errorf("axes %v of %v are reduced across samples", op.Axes, x.Type)
	}
	return nil
}

// moved checks that every element stays in its sample.
func (s *samples) moved(n *ir.Node, op *Move) error {
	x, out := n.In[0], n.Out[0]
	if op.Parts == nil {
		if op.Layout() == ir.Panels || x.Type.Layout == ir.Panels {
			return s.rows(x)
		}
		return nil
	}
	s.of[out] = true
	defer delete(s.of, out)
	for _, p := range op.Parts {
		if out.Type.Len()%s.b != 0 || !s.walks(out, p.Dims, p.Out, p.OutStrides) || !s.walks(n.In[p.From], p.Dims, p.In, p.InStrides) {
			return fmt.Errorf("elements of one sample go to another")
		}
	}
	return nil
}

// Sample is the share of the first of b samples in a part whose outermost axis goes sample by sample.
func (p Part) Sample(b int) Part {
	p.Dims = slices.Clone(p.Dims)
	p.Dims[p.outermost()] /= b
	return p
}

// InStep is how far steps of the outermost axis are apart in the input.
func (p Part) InStep() int { return p.InStrides[p.outermost()] }

func (p Part) outermost() int { return slices.IndexFunc(p.Dims, func(d int) bool { return d != 1 }) }
