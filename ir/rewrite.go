package ir

import (
	"fmt"
	"slices"
)

// Builder adds nodes where a rewrite stands. It remembers the first error; after one, Add returns values of no use.
type Builder struct {
	g    *Graph
	base string // names of new values begin with it
	err  error
}

// NewBuilder returns a builder that appends to g.
func NewBuilder(g *Graph, base string) *Builder { return &Builder{g: g, base: base} }

// BuilderFor returns a builder that appends to g what stands for n: new values are named after its first result.
func BuilderFor(g *Graph, n *Node) *Builder { return NewBuilder(g, baseName(n)) }

// Err is the first error of Add.
func (b *Builder) Err() error { return b.err }

// Add appends a node with one result and returns it.
func (b *Builder) Add(op Op, in ...*Value) *Value { return b.AddN(1, op, in...)[0] }

// AddN appends a node with n results and returns them.
func (b *Builder) AddN(n int, op Op, in ...*Value) []*Value {
	return b.AddSome(slices.Repeat([]bool{true}, n), op, in...)
}

// AddSome appends a node some of whose results are omitted and returns them all, an omitted one as nil.
func (b *Builder) AddSome(have []bool, op Op, in ...*Value) []*Value {
	names := make([]string, len(have))
	for i := range names {
		if have[i] {
			names[i] = b.g.Fresh(b.base)
		}
	}
	if b.err == nil {
		node, err := b.g.Add(op, in, names...)
		if err == nil {
			return node.Out
		}
		b.err = err
	}
	out := make([]*Value, len(have))
	for i := range out {
		if have[i] {
			out[i] = &Value{Name: names[i]}
		}
	}
	return out
}

// Const returns a constant.
func (b *Builder) Const(t *Tensor) *Value {
	return &Value{Name: b.g.Fresh(b.base + "_c"), Type: t.Type(), Const: t}
}

// Ints returns a constant int64 vector.
func (b *Builder) Ints(x ...int) *Value {
	t := NewTensor(Int64, len(x))
	for i, v := range x {
		t.SetInt(i, int64(v))
	}
	return b.Const(t)
}

// Rewrite visits the nodes in order, their inputs already rewritten. Where f returns values, these take the place of
// the node's results (a nil one of a result that nobody reads) and the nodes that f added stand where the node stood;
// where it returns nil the node stays. Names of results survive. Where a graph output would become an input, a
// constant or another output, the node stays too. Types that were not static are inferred anew. It reports whether
// anything changed.
func (g *Graph) Rewrite(f func(b *Builder, n *Node) ([]*Value, error)) (changed bool, err error) {
	g.gather()
	old := g.Nodes
	g.Nodes = make([]*Node, 0, len(old))
	sub := map[*Value]*Value{}
	for _, n := range old {
		for i, v := range n.In {
			if s, ok := sub[v]; ok {
				n.In[i] = s
			}
		}
		start := len(g.Nodes)
		b := BuilderFor(g, n)
		out, err := f(b, n)
		if err == nil {
			err = b.err
		}
		if err != nil {
			return changed, fmt.Errorf("%v: %w", n, err)
		}
		if out == nil || !g.replaceable(n, out) {
			g.Nodes = append(g.Nodes[:start], n)
			if err := n.reinfer(); err != nil {
				return changed, err
			}
			continue
		}
		changed = true
		if err := g.replace(n, out, start, sub); err != nil {
			return changed, fmt.Errorf("%v: %w", n, err)
		}
	}
	return changed, nil
}

func baseName(n *Node) string {
	for _, v := range n.Out {
		if v != nil {
			return v.Name
		}
	}
	return "v"
}

// replaceable reports whether every graph output among n's results can pass to its replacement.
func (g *Graph) replaceable(n *Node, out []*Value) bool {
	for i, v := range n.Out {
		if v == nil || !slices.Contains(g.Out, v) {
			continue
		}
		if w := out[i]; w.Def == nil || slices.Contains(g.Out, w) || slices.Index(out, w) != i {
			return false
		}
	}
	return true
}

func (g *Graph) replace(n *Node, out []*Value, start int, sub map[*Value]*Value) error {
	fresh := map[*Node]bool{}
	for _, m := range g.Nodes[start:] {
		fresh[m] = true
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		w := out[i]
		if w == nil {
			continue
		}
		t, err := Refine(w.Type, v.Type)
		if err != nil {
			return fmt.Errorf("rewritten from %v: %w", v.Type, err)
		}
		w.Type = t
		sub[v] = w
		at := slices.Index(g.Out, v)
		if at >= 0 {
			g.Out[at] = w
		}
		if at >= 0 || w.Def != nil && fresh[w.Def] {
			w.Name = v.Name
		}
	}
	return nil
}

// reinfer completes the types of n's results that are not static by what is known of its inputs now.
func (n *Node) reinfer() error {
	if !slices.ContainsFunc(n.Out, func(v *Value) bool { return v != nil && !v.Type.Static() }) {
		return nil
	}
	types, err := n.Op.Infer(n.In)
	for i, v := range n.Out {
		if v != nil && err == nil {
			v.Type, err = Refine(types[i], v.Type)
		}
	}
	if err != nil {
		return fmt.Errorf("%v: %w", n, err)
	}
	return nil
}
