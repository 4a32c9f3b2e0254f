package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var control = []Def{
	{Name: "If", Since: 25, From: 1, In: Arity{1, -1}, Out: Arity{1, -1}, Types: []Types{Bools, Any}, Proto: &If{}},
	{Name: "Loop", Since: 25, From: 1, In: Arity{0, -1}, Out: Arity{1, -1}, Types: []Types{Int64s, Bools, Any}, Proto: &Loop{}},
	{Name: "Scan", Since: 25, From: 9, In: Arity{1, -1}, Out: Arity{1, -1}, Types: []Types{Any}, Proto: &Scan{}},
}

// errControl is why a node with bodies cannot be lowered.
var errControl = errors.New("control flow is not supported in compiled packages")

// controlRemedy is what helps then.
const controlRemedy = "export the model with what decides it as a constant, or interpret the model: sbtc run"

// If is https://onnx.ai/onnx/operators/onnx__If.html, version 25: the results of one of two graphs. What these read of
// the graph around them are the inputs after the condition, which both have.
type If struct {
	Else     *ir.Graph `onnx:"else_branch"`
	Then     *ir.Graph `onnx:"then_branch"`
	Captures int       `onnx:"sbtc_captures,0"`
}

// Name is the operator's ONNX name.
func (*If) Name() string { return "If" }

// Infer returns what the types of both branches have in common, or those of the branch that is sure to run.
func (o *If) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.Then == nil || o.Else == nil {
		return nil, errors.New("attributes then_branch and else_branch are required")
	}
	for _, g := range []*ir.Graph{o.Then, o.Else} {
		if err := feeds(g, in[1:]); err != nil {
			return nil, err
		}
	}
	if len(o.Then.Out) != len(o.Else.Out) {
		return nil, fmt.Errorf("then_branch has %d results, else_branch %d", len(o.Then.Out), len(o.Else.Out))
	}
	if c := in[0].Type; c.Static() && c.Len() != 1 {
		return nil, fmt.Errorf("the condition is %v, wanted one element", c)
	}
	then, other := bodyTypes(o.Then, in[1:]), bodyTypes(o.Else, in[1:])
	types := make([]ir.Type, len(then))
	for i, t := range then {
		if t.DType != other[i].DType {
			return nil, fmt.Errorf("result %d is %v in then_branch, %v in else_branch", i, t, other[i])
		}
		types[i] = commonType(t, other[i])
	}
	switch {
	case in[0].Const == nil:
	case o.branch(in[0].Const) == o.Then:
		types = then
	default:
		types = other
	}
	return types, nil
}

// feeds checks that values can be the inputs of a body.
func feeds(g *ir.Graph, in []*ir.Value) error {
	if len(in) != len(g.In) {
		return fmt.Errorf("the body %s has %d inputs, the node gives %d", g.Name, len(g.In), len(in))
	}
	for i, v := range in {
		if v == nil {
			return fmt.Errorf("input %q of the body %s is missing", g.In[i].Name, g.Name)
		}
		if _, err := ir.Refine(v.Type, g.In[i].Type); err != nil {
			return fmt.Errorf("input %q of the body %s: %w", g.In[i].Name, g.Name, err)
		}
	}
	return nil
}

// commonType leaves open what differs between two types of one element type.
func commonType(a, b ir.Type) ir.Type {
	if a.NoRank || b.NoRank || len(a.Shape) != len(b.Shape) {
		return ir.Type{DType: a.DType, NoRank: true}
	}
	t := ir.Type{DType: a.DType, Shape: slices.Clone(a.Shape)}
	for i, d := range b.Shape {
		if d != t.Shape[i] {
			t.Shape[i] = -1
		}
	}
	return t
}

func (o *If) branch(c *ir.Tensor) *ir.Graph {
	if c.Ints()[0] != 0 {
		return o.Then
	}
	return o.Else
}

// Eval runs one branch.
func (o *If) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	if in[0].Len() != 1 {
		return nil, fmt.Errorf("the condition has %d elements, wanted one", in[0].Len())
	}
	return o.branch(in[0]).Eval(in[1:])
}

// Lower puts the branch that is sure to run in place of the node. Where the condition is known only at run time, both
// run and each element is chosen, if that cannot be told from running one: no kernel that might fail is called.
func (o *If) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	in := &inliner{b: b}
	if c := n.In[0].Const; c != nil {
		out, err := in.graph(o.branch(c), n.In[1:])
		return ownResults(b, out), err
	}
	then, err := in.graph(o.Then, n.In[1:])
	if err != nil {
		return nil, err
	}
	other, err := in.graph(o.Else, n.In[1:])
	if err != nil {
		return nil, err
	}
	cond := reshaped(b, n.In[0], []int{})
	out := make([]*ir.Value, len(n.Out))
	for i := range out {
		d := then[i].Type.DType
		if !ir.Same(then[i].Type, other[i].Type) || d == ir.String || d.IsComplex() || in.calls > 0 {
			return nil, fmt.Errorf("%w: the condition is not constant, and the branches call kernels or give results of different shapes, strings or complex numbers", errControl)
		}
		out[i] = low.Elementwise(b, "where(x0,x1,x2)", cond, then[i], other[i])
	}
	return out, nil
}

// ownResults copies what is no result of a node, or is in the list before: each result of a node must be its own.
func ownResults(b *ir.Builder, out []*ir.Value) []*ir.Value {
	for i, v := range out {
		if v.Def == nil || slices.Contains(out[:i], v) {
			out[i] = low.Copy(b, v, v.Type.Shape...)
		}
	}
	return out
}

// maxUnrolled bounds the nodes that a loop is unrolled to.
const maxUnrolled = 20000

// An inliner lowers the nodes of bodies in place of the node that has them.
type inliner struct {
	b     *ir.Builder
	nodes int
	calls int // kernels called
}

// graph lowers g with the given inputs and returns its results.
func (l *inliner) graph(g *ir.Graph, in []*ir.Value) ([]*ir.Value, error) {
	env := map[*ir.Value]*ir.Value{nil: nil}
	for i, v := range g.In {
		env[v] = in[i]
	}
	for _, n := range g.Nodes {
		m := &ir.Node{Op: n.Op, Name: n.Name}
		for _, v := range n.In {
			w, ok := env[v]
			if !ok {
				w = l.b.Const(v.Const)
				env[v] = w
			}
			m.In = append(m.In, w)
		}
		out, err := l.node(m, n.Out)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		for i, v := range n.Out {
			if v != nil {
				env[v] = out[i]
			}
		}
	}
	out := make([]*ir.Value, len(g.Out))
	for i, v := range g.Out {
		out[i] = env[v]
	}
	return out, nil
}

// node lowers a node whose results a body declares; one that constants decide becomes constants.
func (l *inliner) node(n *ir.Node, declared []*ir.Value) ([]*ir.Value, error) {
	if l.nodes++; l.nodes > maxUnrolled {
		return nil, fmt.Errorf("%w: unrolled it has more than %d nodes", errControl, maxUnrolled)
	}
	types, err := n.Op.Infer(n.In)
	if err != nil {
		return nil, err
	}
	for i, v := range declared {
		if v == nil {
			n.Out = append(n.Out, nil)
			continue
		}
		t, err := ir.Refine(types[i], v.Type)
		if err != nil {
			return nil, err
		}
		n.Out = append(n.Out, &ir.Value{Name: v.Name, Type: t})
	}
	if out := l.fold(n); out != nil {
		return out, nil
	}
	for _, v := range n.Out {
		if v != nil && !v.Type.Static() {
			return nil, fmt.Errorf("%w: result %q is %v, its shape is known only at run time; %s", errControl, v.Name, v.Type, controlRemedy)
		}
	}
	o, ok := n.Op.(Op)
	if !ok {
		return nil, errors.New("not an ONNX operator")
	}
	out, err := o.Lower(l.b, n)
	for _, v := range out {
		if v == nil || v.Def == nil {
			continue
		}
		if _, ok := v.Def.Op.(*low.Kernel); ok {
			l.calls++
		}
	}
	return out, err
}

// fold returns the results of a node as constants if its inputs decide them.
func (l *inliner) fold(n *ir.Node) []*ir.Value {
	got := foldNode(n)
	if got == nil {
		return nil
	}
	out := make([]*ir.Value, len(n.Out))
	for i, v := range n.Out {
		if v != nil {
			out[i] = l.b.Const(got[i])
		}
	}
	return out
}
