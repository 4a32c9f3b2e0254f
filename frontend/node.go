package frontend

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// A node is a NodeProto with what does not stand in it.
type node struct {
	*onnxpb.NodeProto
	*context
	where string // its name and index, for messages
}

// A context is what all nodes of one graph or function have in common.
type context struct {
	opsets map[string]int // versions of domains
	place  string         // ends where: in which body or function the node is
	calls  []funcID       // functions around it, the outermost first
}

func (c *context) nodes(ps []*onnxpb.NodeProto) []*node {
	out := make([]*node, len(ps))
	for i, p := range ps {
		where := fmt.Sprintf("(#%d)", i)
		if p.GetName() != "" {
			where = fmt.Sprintf("%q %s", p.GetName(), where)
		}
		out[i] = &node{p, c, where + c.place}
	}
	return out
}

// op is the operator with its domain.
func (n *node) op() string {
	if d := domainOf(n.GetDomain()); d != "" {
		return d + "." + n.GetOpType()
	}
	return n.GetOpType()
}

func (n *node) String() string { return n.op() + " node " + n.where }

func (d *decoder) fault(n *node, err error) {
	d.add(&Error{Op: n.op(), Node: n.where, Err: err})
}

func (d *decoder) attrFault(n *node, attr string, err error) {
	d.add(&Error{Op: n.op(), Node: n.where, Attr: attr, Err: err})
}

// node adds a node as onnx-go wired it. If that fails, its results and what depends on them are left out.
func (s *scope) node(n *node, w wiredOp) {
	for _, name := range w.out {
		s.env[name] = nil
	}
	delete(s.env, "")
	if err := s.count(n.NodeProto); err != nil {
		s.add(&Error{Err: err})
		return
	}
	if n.op() != "Constant" && !op.Supported(n.op()) {
		s.unsupported(n)
		return
	}
	opset, ok := n.opsets[domainOf(n.GetDomain())]
	if !ok {
		s.fault(n, fmt.Errorf("the model does not import an opset of domain %q", domainOf(n.GetDomain())))
		return
	}
	in, ok := s.arguments(w.in)
	if !ok {
		return
	}
	attrs, ok := s.attributes(n, w.attrs)
	if !ok {
		return
	}
	if n.op() == "Constant" {
		s.constantNode(n, attrs)
		return
	}
	raw := &op.Raw{Op: n.op(), Name: n.where, Opset: opset, In: in, Attrs: attrs, Out: w.out}
	if !s.bodies(n, raw) {
		return
	}
	for _, name := range w.out {
		raw.Types = append(raw.Types, s.types[name].typ(s.bound))
	}
	s.add1(n, raw)
}

// unsupported reports an operator once, with the number of its nodes.
func (d *decoder) unsupported(n *node) {
	if d.unknown == nil {
		d.unknown = map[string]*unknownOp{}
	}
	u := d.unknown[n.op()]
	if u == nil {
		u = &unknownOp{op: n.op()}
		d.unknown[n.op()] = u
		d.add(&Error{Op: n.op(), Node: n.where, Err: u, Remedy: "`sbtc ops` lists what is"})
	}
	u.nodes++
}

type unknownOp struct {
	op    string
	nodes int
}

func (u *unknownOp) Error() string {
	s := fmt.Sprintf("operator %s is not supported", u.op)
	if u.nodes > 1 {
		s += fmt.Sprintf(" (%d nodes)", u.nodes)
	}
	return s
}

// arguments looks up the inputs of a node; false if one is a result of a node at fault.
func (s *scope) arguments(names []string) ([]*ir.Value, bool) {
	in := make([]*ir.Value, len(names))
	for i, name := range names {
		if name == "" {
			continue
		}
		if in[i] = s.env[name]; in[i] == nil {
			return nil, false
		}
	}
	return in, true
}

// add1 imports one node. Where the model declares another shape than inference finds, inference is right: exporters
// leave shapes behind that no longer hold.
func (s *scope) add1(n *node, raw *op.Raw) {
	again := *raw
	again.Attrs, again.In, again.Types = maps.Clone(raw.Attrs), slices.Clone(raw.In), slices.Clone(raw.Types)
	for i := range again.Types {
		again.Types[i].Shape, again.Types[i].NoRank = nil, true
	}
	start := len(s.g.Nodes)
	out, err := importNode(s.g, raw)
	if err != nil {
		s.g.Nodes = s.g.Nodes[:start]
		var err2 error
		if out, err2 = importNode(s.g, &again); err2 != nil {
			s.g.Nodes = s.g.Nodes[:start]
			s.fault(n, s.withoutPlace(n, err2))
			return
		}
		s.unused = append(s.unused, fmt.Sprintf("%v: %v", n, s.withoutPlace(n, err)))
	}
	for _, m := range s.g.Nodes[start:] {
		if m.Name == "" {
			m.Name = n.where
		}
		for _, v := range m.Out {
			if v == nil {
				continue
			}
			if err := checkShape(v.Type.Shape); err != nil {
				s.fault(n, fmt.Errorf("result %q: %w", v.Name, err))
				return
			}
		}
	}
	for i, name := range raw.Out {
		if name != "" {
			s.env[name] = out[i]
		}
	}
}

// importNode is op.Import that turns a panic into an error: no model may make an operator panic.
func importNode(g *ir.Graph, raw *op.Raw) (out []*ir.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &ir.BugError{Where: raw.Op + " node " + raw.Name, Panic: r, Stack: debug.Stack()}
		}
	}()
	return op.Import(g, raw)
}

// withoutPlace takes the node's own name off an error, which an Error states anyway.
func (s *scope) withoutPlace(n *node, err error) error {
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), n.String()) {
		return inner
	}
	return err
}
