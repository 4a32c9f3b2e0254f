// Package ir holds the graph that every stage of the compiler works on.
package ir

import (
	"fmt"
	"slices"
	"strings"
)

// Layout says how the elements of a value lie in memory.
type Layout uint8

const (
	// RowMajor is the order of ONNX tensors.
	RowMajor Layout = iota
	// Panels holds a float32 activation [..., F] of R rows (all axes but the last) as ceil(R/16) panels of F x 16
	// elements: 16 rows side by side. Lanes beyond the last row hold copies of some row.
	Panels
)

// Lanes is the number of rows in a panel.
const Lanes = 16

// Type is the element type and shape of a value. A dimension of -1 is known only at run time.
type Type struct {
	DType  DType
	Shape  []int
	NoRank bool // not even the number of dimensions is known
	Layout Layout
}

// Static reports whether the shape is fully known.
func (t Type) Static() bool { return !t.NoRank && !slices.Contains(t.Shape, -1) }

// Len is the number of elements; the type must be static.
func (t Type) Len() int { return Size(t.Shape) }

// maxElements is the largest number of elements of a value.
const maxElements = 1<<31 - 1

// huge reports whether a value has more than maxElements elements, as far as its dimensions are known.
func (t Type) huge() bool {
	n := 1
	for _, d := range t.Shape {
		if d > maxElements || d > 0 && n > maxElements/d {
			return !slices.Contains(t.Shape, 0)
		}
		n *= max(d, 1)
	}
	return false
}

// Rows is the number of rows of a value seen as a matrix of its last axis: the product of all other axes.
func (t Type) Rows() int { return Size(t.Shape[:max(0, len(t.Shape)-1)]) }

// Features is the length of the last axis.
func (t Type) Features() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// Room is the number of elements that a value occupies in its layout, padding lanes included.
func (t Type) Room() int {
	if t.Layout == Panels {
		return (t.Rows() + Lanes - 1) / Lanes * Lanes * t.Features()
	}
	return t.Len()
}

// Same reports whether a and b are the same element type and shape, layout aside.
func Same(a, b Type) bool {
	return a.DType == b.DType && a.NoRank == b.NoRank && slices.Equal(a.Shape, b.Shape)
}

func (t Type) String() string {
	var b strings.Builder
	b.WriteString(t.DType.String())
	if len(t.Shape) > 0 || t.NoRank {
		b.WriteByte('[')
		for i, d := range t.Shape {
			if i > 0 {
				b.WriteByte(',')
			}
			if d < 0 {
				b.WriteByte('?')
			} else {
				fmt.Fprint(&b, d)
			}
		}
		b.WriteByte(']')
	}
	if t.Layout == Panels {
		b.WriteString(" panels")
	}
	return b.String()
}

// Refine combines what inference found with what was declared; an error says where they contradict each other.
func Refine(found, declared Type) (Type, error) {
	if declared.DType != Undefined && declared.DType != found.DType {
		return found, fmt.Errorf("element type is %v, declared %v", found.DType, declared.DType)
	}
	if declared.DType == Undefined || declared.NoRank {
		return found, nil
	}
	if found.NoRank {
		declared.Layout = found.Layout
		return declared, nil
	}
	if len(found.Shape) != len(declared.Shape) {
		return found, fmt.Errorf("shape is %v, declared %v", found, declared)
	}
	found.Shape = slices.Clone(found.Shape)
	for i, d := range declared.Shape {
		switch f := found.Shape[i]; {
		case f < 0:
			found.Shape[i] = d
		case d >= 0 && d != f:
			return found, fmt.Errorf("shape is %v, declared %v", found, declared)
		}
	}
	return found, nil
}

// Value is an edge of the graph: a graph input, a constant, or a result of a node.
type Value struct {
	Name   string
	Type   Type
	Const  *Tensor // the elements, where they are known at compile time
	Def    *Node   // nil for inputs and constants
	Recipe *Value  // the result of a node that folding replaced by this constant, nil for other values
}

// Op is one operator with its attributes, which are the fields of the implementing struct (see SetAttr).
type Op interface {
	// Name is the operator's name as the text form writes it, with its domain if that is not ONNX's own.
	Name() string
	// Infer checks the inputs and returns the types of all results. An omitted optional input is nil.
	// Constant inputs have their elements.
	Infer(in []*Value) ([]Type, error)
	// Eval computes the results. For an ONNX operator it is the oracle of values: obvious, wide arithmetic, narrowed
	// on store. For a low operator it is the oracle of bits. The inputs fit Infer; they must not be changed.
	Eval(in []*Tensor) ([]*Tensor, error)
}

// Node applies Op to In. Omitted optional inputs and outputs are nil.
type Node struct {
	Op   Op
	In   []*Value
	Out  []*Value
	Name string // the node's own name in the model and its index, for messages
}

// String names the node for messages.
func (n *Node) String() string {
	s := n.Op.Name()
	if n.Name != "" {
		s += " node " + n.Name
	}
	for _, v := range n.Out {
		if v != nil {
			return fmt.Sprintf("%s (output %q)", s, v.Name)
		}
	}
	return s
}

// Graph is a list of nodes in execution order. Every output is the result of a node, and no value is an output twice.
type Graph struct {
	Name    string
	In, Out []*Value
	Nodes   []*Node
	Meta    map[string]string // the model's metadata_props
	Facts   any               // what passes found out about the graph and may want to know again

	used map[string]bool // value names; nil: not yet gathered
}

// Add appends a node after inferring the types of its results. Names are those of the results, "" for an omitted
// one; results beyond names are omitted.
func (g *Graph) Add(op Op, in []*Value, names ...string) (*Node, error) {
	n := &Node{Op: op, In: in}
	return n, g.add(n, names, nil)
}

// AddTyped is Add with what the model declares of the results' types, which completes or contradicts what is inferred.
func (g *Graph) AddTyped(op Op, node string, in []*Value, names []string, declared []Type) (*Node, error) {
	n := &Node{Op: op, In: in, Name: node}
	return n, g.add(n, names, declared)
}

func (g *Graph) add(n *Node, names []string, declared []Type) error {
	types, err := n.Op.Infer(n.In)
	if err == nil && len(names) > len(types) {
		err = fmt.Errorf("%d outputs, at most %d", len(names), len(types))
	}
	for _, t := range types {
		if err == nil && t.huge() {
			err = fmt.Errorf("a result of type %v has more than %d elements", t, maxElements)
		}
	}
	for i, name := range names {
		if err != nil {
			break
		}
		if name == "" {
			n.Out = append(n.Out, nil)
			continue
		}
		t := types[i]
		if declared != nil {
			t, err = Refine(t, declared[i])
		}
		n.Out = append(n.Out, &Value{Name: name, Type: t, Def: n})
		g.claim(name)
	}
	if err != nil {
		n.Out = []*Value{{Name: strings.Join(names, ", ")}}
		return fmt.Errorf("%v: %w", n, err)
	}
	g.Nodes = append(g.Nodes, n)
	return nil
}

// Consts returns the constants that nodes read, in order of first use.
func (g *Graph) Consts() []*Value {
	var out []*Value
	seen := map[*Value]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil && v.Const != nil && !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	return out
}

// Uses counts the readers of every value; being a graph output counts as one.
func (g *Graph) Uses() map[*Value]int {
	uses := map[*Value]int{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil {
				uses[v]++
			}
		}
	}
	for _, v := range g.Out {
		uses[v]++
	}
	return uses
}

// Become takes over the nodes and outputs of h, a graph with the same inputs, which must not be used afterwards.
func (g *Graph) Become(h *Graph) { g.Nodes, g.Out, g.used = h.Nodes, h.Out, nil }

// Fresh returns a value name that g does not use yet, made from base.
func (g *Graph) Fresh(base string) string {
	g.gather()
	name := base
	for i := 1; g.used[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	g.used[name] = true
	return name
}

// Claim keeps Fresh from returning the given names.
func (g *Graph) Claim(names ...string) {
	for _, n := range names {
		g.claim(n)
	}
}

func (g *Graph) claim(name string) {
	g.gather()
	g.used[name] = true
}

func (g *Graph) gather() {
	if g.used != nil {
		return
	}
	g.used = map[string]bool{}
	for _, v := range g.In {
		g.used[v.Name] = true
	}
	for _, v := range g.Consts() {
		g.used[v.Name] = true
	}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				g.used[v.Name] = true
			}
		}
	}
}

// Check verifies that values are defined once and before use, that names are unique, that outputs are results of
// nodes, and that every type is the one that inference gives.
func (g *Graph) Check() error {
	c := &checker{values: map[*Value]bool{}, names: map[string]bool{}}
	for _, v := range g.In {
		c.define(v, nil)
	}
	for _, n := range g.Nodes {
		c.node(n)
	}
	outs := map[*Value]bool{}
	for _, v := range g.Out {
		c.failIf(outs[v], "%q is an output twice", v.Name)
		c.failIf(v.Def == nil || !c.values[v], "output %q is not the result of a node", v.Name)
		outs[v] = true
	}
	return c.err
}

type checker struct {
	values map[*Value]bool
	names  map[string]bool
	err    error
}

func (c *checker) failIf(bad bool, format string, args ...any) {
	if bad && c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *checker) define(v *Value, n *Node) {
	c.failIf(c.names[v.Name], "two values are called %q", v.Name)
	c.failIf(v.Def != n, "%q does not know its node", v.Name)
	c.names[v.Name], c.values[v] = true, true
}

func (c *checker) node(n *Node) {
	for _, v := range n.In {
		if v == nil || c.values[v] {
			continue
		}
		c.failIf(v.Const == nil, "%v uses %v before its definition", n, v)
		if v.Const != nil {
			c.failIf(!Same(v.Type, v.Const.Type()), "constant %q is %v, holds %v", v.Name, v.Type, v.Const.Type())
			c.define(v, nil)
		}
	}
	if c.err != nil {
		return
	}
	types, err := n.Op.Infer(n.In)
	c.failIf(err != nil, "%v: %w", n, err)
	c.failIf(err == nil && len(types) < len(n.Out), "%v has %d outputs, inferred %d", n, len(n.Out), len(types))
	if c.err != nil {
		return
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		_, err := Refine(types[i], v.Type)
		c.failIf(err != nil, "%v: result %d: %v", n, i, err)
		c.failIf(types[i].Layout != v.Type.Layout, "%v: layout is %v, inferred %v", n, v.Type, types[i])
		c.define(v, n)
	}
}

func (v *Value) String() string {
	if v == nil {
		return `""`
	}
	return fmt.Sprintf("%q", v.Name)
}
