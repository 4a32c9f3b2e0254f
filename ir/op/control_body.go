package op

import "github.com/sbtc-go/sbtc/ir"

// bodyTypes are the types of g's results for the given inputs, which may be known better than what g declares: the
// nodes are inferred again, and those that constants or shapes decide computed.
func bodyTypes(g *ir.Graph, in []*ir.Value) []ir.Type {
	declared := make([]ir.Type, len(g.Out))
	for i, v := range g.Out {
		declared[i] = v.Type
	}
	env := map[*ir.Value]*ir.Value{}
	for i, v := range g.In {
		env[v] = in[i]
	}
	for _, n := range g.Nodes {
		m := &ir.Node{Op: n.Op, Name: n.Name, In: make([]*ir.Value, len(n.In))}
		for i, v := range n.In {
			if m.In[i] = env[v]; m.In[i] == nil {
				m.In[i] = v // a constant, or omitted
			}
		}
		types, err := n.Op.Infer(m.In)
		if err != nil || len(types) < len(n.Out) {
			return declared
		}
		for i, v := range n.Out {
			m.Out = append(m.Out, nil)
			if v == nil {
				continue
			}
			t, err := ir.Refine(types[i], v.Type)
			if err != nil {
				return declared
			}
			m.Out[i] = &ir.Value{Name: v.Name, Type: t}
			env[v] = m.Out[i]
		}
		for i, t := range foldNode(m) {
			if i < len(m.Out) && m.Out[i] != nil {
				m.Out[i].Const, m.Out[i].Type = t, t.Type()
			}
		}
	}
	out := make([]ir.Type, len(g.Out))
	for i, v := range g.Out {
		out[i] = env[v].Type
	}
	return out
}

// carriedTypes are bodyTypes of a body that gives the next state: in from position at on, among its results from
// position at2 on, n of them. Where the body changes the type of a state, the state is taken to be what both have in
// common.
func carriedTypes(g *ir.Graph, in []*ir.Value, at, at2, n int) []ir.Type {
	for i := at; i < at+n; i++ {
		in[i] = &ir.Value{Name: in[i].Name, Type: in[i].Type}
	}
	for {
		types, changed := bodyTypes(g, in), false
		for i := range n {
			s := in[at+i]
			if t := types[at2+i]; t.DType == s.Type.DType && !ir.Same(commonType(s.Type, t), s.Type) {
				s.Type, changed = commonType(s.Type, t), true
			}
		}
		if !changed {
			return types
		}
	}
}

// foldMax is the number of elements up to which a body's constants are computed.
const foldMax = 1 << 16

// foldNode returns the results of a node if its inputs are constant; of Shape and Size only the type counts.
func foldNode(n *ir.Node) []*ir.Tensor {
	shape := n.Op.Name() == "Shape" || n.Op.Name() == "Size"
	in := make([]*ir.Tensor, len(n.In))
	for i, v := range n.In {
		switch {
		case v == nil:
		case shape && v.Type.Static():
			in[i] = &ir.Tensor{DType: v.Type.DType, Shape: v.Type.Shape}
		case v.Const == nil || v.Const.Len() > foldMax:
			return nil
		default:
			in[i] = v.Const
		}
	}
	for _, v := range n.Out {
		if v != nil && v.Type.Static() && v.Type.Len() > foldMax {
			return nil
		}
	}
	switch n.Op.Name() {
	case "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial", "Dropout":
		return nil // every iteration draws anew
	}
	out, err := n.Op.Eval(in)
	if err != nil {
		return nil
	}
	return out
}
