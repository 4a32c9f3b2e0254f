package frontend

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// A body of If, Loop or Scan reads values of the graphs around it by name. In ir nothing is read by name: the captured
// values are the last inputs of the node and, in the same order, the last inputs of each of its bodies. The order is
// that of first use, bodies taken in the order of their attributes' names, and every body has all of them. A captured
// constant is no input but a constant of the body. The attribute capturesAttr says how many there are.
const capturesAttr = "sbtc_captures"

// bodyAttrs are the attributes of n that hold graphs, by name.
func bodyAttrs(n *onnxpb.NodeProto) []*onnxpb.AttributeProto {
	var out []*onnxpb.AttributeProto
	for _, a := range n.Attribute {
		if a.G != nil || len(a.Graphs) > 0 {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b *onnxpb.AttributeProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	return out
}

// graphs lists the bodies of n.
func graphs(n *onnxpb.NodeProto) []*onnxpb.GraphProto {
	var out []*onnxpb.GraphProto
	for _, a := range bodyAttrs(n) {
		if a.G != nil {
			out = append(out, a.G)
		}
		out = append(out, a.Graphs...)
	}
	return out
}

// captures lists the values of outer graphs that the bodies of n read, in order of first use.
func captures(n *onnxpb.NodeProto) []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, g := range graphs(n) {
		free(g, seen, func(name string) { out = append(out, name) })
	}
	return out
}

// free calls f for every name that g reads but does not define and that is not in seen, which it adds them to.
func free(g *onnxpb.GraphProto, seen map[string]bool, f func(string)) {
	own := constantNames(g)
	for _, v := range g.Input {
		own[v.GetName()] = true
	}
	for _, n := range g.Node {
		for _, name := range n.Output {
			own[name] = true
		}
	}
	read := func(name string) {
		if !own[name] && !seen[name] {
			seen[name] = true
			f(name)
		}
	}
	for _, n := range g.Node {
		for _, name := range n.Input {
			read(name)
		}
		for _, name := range captures(n) {
			read(name)
		}
	}
	for _, v := range g.Output {
		read(v.GetName())
	}
}

// bodies replaces the subgraphs among the attributes of a node by graphs and appends the captured values to its inputs.
func (s *scope) bodies(n *node, raw *op.Raw) bool {
	list := bodyAttrs(n.NodeProto)
	if len(list) == 0 {
		return true
	}
	names := captures(n.NodeProto)
	var captured []*ir.Value
	for _, name := range names {
		v, ok := s.find(name)
		if ok && v == nil {
			return false // its node is at fault
		}
		if v != nil && v.Const == nil {
			captured = append(captured, v)
		}
	}
	for _, a := range list {
		if _, ok := raw.Attrs[a.GetName()].(*onnxpb.AttributeProto); !ok {
			continue
		}
		b := &body{s: s, n: n, attr: a.GetName(), p: a.G, captures: names}
		g := b.build(raw)
		if g == nil {
			return false
		}
		raw.Attrs[a.GetName()] = g
	}
	raw.Attrs[capturesAttr] = int64(len(captured))
	raw.In = append(raw.In, captured...)
	return true
}

// maxRebuilt bounds how often bodies are built again, which multiplies where they lie in each other.
const maxRebuilt = 1000

// A body is one subgraph of a node while it is built.
type body struct {
	s        *scope
	n        *node
	attr     string
	p        *onnxpb.GraphProto
	captures []string
}

// build makes the graph. What a Loop or Scan carries from one iteration to the next first has the type of what it
// starts with. Where the body returns another shape, the dimensions that differ are left open, until nothing changes.
func (b *body) build(raw *op.Raw) *ir.Graph {
	types, carried, err := b.formals(raw)
	if err != nil {
		b.s.attrFault(b.n, b.attr, err)
		return nil
	}
	for {
		inner := b.s.newScope(b.s, b.p)
		place := fmt.Sprintf(" in %s of %s", b.attr, b.n.where)
		g := inner.build(b.p, &context{b.n.opsets, place, b.n.calls}, types, b.captures)
		if g == nil || !b.widen(types, carried, g) {
			return g
		}
		if b.s.rebuilt++; b.s.rebuilt > maxRebuilt {
			b.s.attrFault(b.n, b.attr, fmt.Errorf("loops lie too deep in each other"))
			return nil
		}
	}
}

// A carry says that result number out of a body is its input number in of the next iteration.
type carry struct{ in, out int }

// widen opens the dimensions of carried inputs that the body changes; it reports whether there are any.
func (b *body) widen(types []ir.Type, carried []carry, g *ir.Graph) (changed bool) {
	for _, c := range carried {
		if c.out >= len(g.Out) || types[c.in].DType != g.Out[c.out].Type.DType {
			continue // the operator will say so
		}
		if t := join(types[c.in], g.Out[c.out].Type); !ir.Same(t, types[c.in]) {
			types[c.in], changed = t, true
		}
	}
	return changed
}

// join is the type that holds values of both.
func join(a, b ir.Type) ir.Type {
	if a.NoRank || b.NoRank || len(a.Shape) != len(b.Shape) {
		return ir.Type{DType: a.DType, NoRank: true}
	}
	out := ir.Type{DType: a.DType, Shape: slices.Clone(a.Shape)}
	for i, d := range b.Shape {
		if d != out.Shape[i] {
			out.Shape[i] = -1
		}
	}
	return out
}

// formals returns the types of the body's inputs, and which of them are carried.
func (b *body) formals(raw *op.Raw) ([]ir.Type, []carry, error) {
	var types []ir.Type
	inits := constantNames(b.p)
	for _, v := range b.p.Input {
		if inits[v.GetName()] {
			continue
		}
		t, err := typeOf(v.GetType())
		if err != nil {
			return nil, nil, fmt.Errorf("input %q: %w", v.GetName(), err)
		}
		types = append(types, t.typ(nil))
	}
	var given []ir.Type
	var carried []carry
	var err error
	switch raw.Op {
	case "Loop":
		given, carried = loopFormals(raw)
	case "Scan":
		given, carried, err = scanFormals(raw)
	}
	if err != nil {
		return nil, nil, err
	}
	if (raw.Op == "Loop" || raw.Op == "Scan") && len(given) != len(types) {
		return nil, nil, fmt.Errorf("the body has %d inputs, %d needed", len(types), len(given))
	}
	for i := range types {
		if i < len(given) {
			types[i] = meet(types[i], given[i], slices.ContainsFunc(carried, func(c carry) bool { return c.in == i }))
		}
		if types[i].DType == ir.Undefined {
			return nil, nil, fmt.Errorf("input %d of the body has no element type", i)
		}
	}
	return types, carried, nil
}

// meet is the type of a body's input from what the body declares and what the node gives. They may differ only if the
// input is carried and changes.
func meet(declared, given ir.Type, carried bool) ir.Type {
	if declared.DType == ir.Undefined {
		declared.DType = given.DType
	}
	given.DType = declared.DType // a difference is for the operator to report
	t, err := ir.Refine(given, declared)
	switch {
	case err == nil && carried && !given.NoRank:
		return given
	case err == nil:
		return t
	case carried:
		return join(given, declared)
	}
	return given
}

// loopFormals are the iteration number, the condition and what is carried.
func loopFormals(raw *op.Raw) ([]ir.Type, []carry) {
	given := []ir.Type{{DType: ir.Int64}, {DType: ir.Bool}}
	var carried []carry
	for i, v := range raw.In[min(2, len(raw.In)):] {
		t := ir.Type{NoRank: true}
		if v != nil {
			t = v.Type
		}
		carried = append(carried, carry{in: len(given), out: i + 1})
		given = append(given, t)
	}
	return given, carried
}

// scanFormals are the states and one element of each scanned input. Scan of opset 8 also has a batch axis before all,
// and an input of lengths before all.
func scanFormals(raw *op.Raw) ([]ir.Type, []carry, error) {
	in := raw.In
	batch := 0
	if raw.Opset < 9 {
		batch = 1
		in = in[min(1, len(in)):]
	}
	n, _ := raw.Attrs["num_scan_inputs"].(int64)
	if n < 1 || n > int64(len(in)) {
		return nil, nil, fmt.Errorf("num_scan_inputs is %d, there are %d inputs", n, len(in))
	}
	axes, _ := raw.Attrs["scan_input_axes"].([]int64)
	states := len(in) - int(n)
	var given []ir.Type
	var carried []carry
	for i, v := range in {
		if v == nil {
			return nil, nil, fmt.Errorf("input %d is required", i)
		}
		t := v.Type
		if batch == 1 {
			t = without(t, 0)
		}
		if i < states {
			carried = append(carried, carry{i, i})
		} else {
			axis := 0
			if k := i - states; k < len(axes) && batch == 0 {
				axis = int(axes[k])
			}
			t = without(t, axis)
		}
		given = append(given, t)
	}
	return given, carried, nil
}

// without is a type less one axis; an axis that is not there is for the operator to report.
func without(t ir.Type, axis int) ir.Type {
	if axis < 0 {
		axis += len(t.Shape)
	}
	if t.NoRank || axis < 0 || axis >= len(t.Shape) {
		return ir.Type{DType: t.DType, NoRank: true}
	}
	return ir.Type{DType: t.DType, Shape: slices.Delete(slices.Clone(t.Shape), axis, axis+1)}
}
