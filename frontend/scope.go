package frontend

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// decoder is the state of reading one model.
type decoder struct {
	options
	problems
	functions map[funcID]function
	bound     map[string]int // lengths of named dimensions
	batch     int            // Model.Batch
	unknown   map[string]*unknownOp
	unused    []string // declared shapes that inference contradicts
	rebuilt   int      // bodies built once more
	nodes     int      // built so far, bodies and inlined functions included
}

// maxNodes bounds the nodes that a model expands to: functions that call others, and bodies that are built more than
// once, may make many out of few.
const maxNodes = 1 << 18

// count takes a node into account, large ones as several; it returns an error once there are too many.
func (d *decoder) count(n *onnxpb.NodeProto) error {
	if d.nodes += 1 + (len(n.Input)+len(n.Output)+len(n.Attribute))/16; d.nodes > maxNodes {
		return fmt.Errorf("the model expands to more than %d nodes", maxNodes)
	}
	return nil
}

// A scope is one graph, the model's or a body, while it is built.
type scope struct {
	*decoder
	outer *scope
	g     *ir.Graph
	env   map[string]*ir.Value // by the model's names; nil: at fault
	types map[string]declared  // of results
	names map[string]bool      // all that the model uses in this graph
	tried map[string]int       // suffixes that a name has been given
	isOut map[*ir.Value]bool   // outputs so far
}

func (d *decoder) newScope(outer *scope, p *onnxpb.GraphProto) *scope {
	return &scope{decoder: d, outer: outer, g: &ir.Graph{Name: p.GetName()}, env: map[string]*ir.Value{}, types: map[string]declared{},
		names: map[string]bool{}, tried: map[string]int{}, isOut: map[*ir.Value]bool{}}
}

// find returns the value called name of this graph or one around it.
func (s *scope) find(name string) (v *ir.Value, ok bool) {
	for ; s != nil; s = s.outer {
		if v, ok = s.env[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// constantNames is the set of initializers.
func constantNames(p *onnxpb.GraphProto) map[string]bool {
	m := map[string]bool{}
	for _, t := range p.Initializer {
		m[t.GetName()] = true
	}
	for _, t := range p.SparseInitializer {
		m[t.GetValues().GetName()] = true
	}
	return m
}

// build fills the scope's graph from p; nil if p has faults. formals are the types of the inputs that are not
// initializers. Captures are values of outer graphs, which become further inputs, or constants where they are.
func (s *scope) build(p *onnxpb.GraphProto, c *context, formals []ir.Type, captures []string) *ir.Graph {
	start := s.faults()
	s.gather(p)
	nodes := s.expand(c.nodes(p.Node))
	s.checkNames(p, nodes)
	if s.faults() > start {
		return nil
	}
	s.capture(captures)
	inputs := s.inputs(p, formals)
	s.initializers(p)
	s.declare(p)
	nodes = s.sorted(nodes)
	if s.faults() > start {
		return nil
	}
	protos, outputs := make([]*onnxpb.NodeProto, len(nodes)), make([]string, len(p.Output))
	for i, n := range nodes {
		protos[i] = n.NodeProto
		s.g.Claim(n.Output...)
	}
	for i, v := range p.Output {
		outputs[i] = v.GetName()
	}
	ops, err := wire(protos, inputs, outputs)
	if err != nil {
		s.add(&Error{Err: err})
		return nil
	}
	for i, o := range ops {
		s.node(nodes[i], o)
	}
	if s.faults() > start {
		return nil
	}
	for _, name := range outputs {
		s.output(name)
	}
	if s.faults() > start {
		return nil
	}
	return s.g
}

// checkNames reports names that are defined twice, and outputs that are not defined.
func (s *scope) checkNames(p *onnxpb.GraphProto, nodes []*node) {
	by := map[string]string{}
	define := func(name, what string) {
		if old, ok := by[name]; ok {
			s.addf("", "%s and %s are both called %q", old, what, name)
		}
		by[name] = what
	}
	inits := constantNames(p)
	for i, v := range p.Input {
		if !inits[v.GetName()] {
			define(v.GetName(), fmt.Sprintf("input %d", i))
		}
	}
	for i, t := range p.Initializer {
		define(t.GetName(), fmt.Sprintf("initializer %d", i))
	}
	for i, t := range p.SparseInitializer {
		define(t.GetValues().GetName(), fmt.Sprintf("sparse initializer %d", i))
	}
	for _, n := range nodes {
		s.checkText(n)
		if len(n.Output) == 0 {
			s.fault(n, fmt.Errorf("the node has no outputs"))
		}
		for i, name := range n.Output {
			if name != "" {
				define(name, fmt.Sprintf("result %d of %s", i, n))
			}
		}
	}
	for _, v := range slices.Concat(p.Input, p.Output) {
		s.text(v.GetName())
	}
	if what, ok := by[""]; ok {
		s.addf("", "%s has no name", what)
	}
	if len(p.Output) == 0 {
		s.addf("", "the graph %q has no outputs", p.GetName())
	}
	for _, v := range p.Output {
		if _, ok := by[v.GetName()]; !ok && !s.visible(v.GetName()) {
			s.addf(fmt.Sprintf("output %q", v.GetName()), "no node, input or initializer has this name")
		}
	}
}

// checkText reports names that are no text, which protocol buffers demand of them.
func (d *decoder) checkText(n *node) {
	for _, name := range slices.Concat(n.Input, n.Output, []string{n.GetOpType(), n.GetName()}) {
		d.text(name)
	}
	for _, a := range n.Attribute {
		d.text(a.GetName())
	}
}

func (d *decoder) text(name string) {
	if !utf8.ValidString(name) {
		d.addf("", "the name %q is not valid UTF-8", name)
	}
}

// visible reports whether a graph around this one has the name.
func (s *scope) visible(name string) bool {
	_, ok := s.outer.find(name)
	return ok
}

// inputs makes the graph inputs and returns their names.
func (s *scope) inputs(p *onnxpb.GraphProto, formals []ir.Type) []string {
	inits := constantNames(p)
	names := []string{}
	own := []*ir.Value{}
	for _, v := range p.Input {
		if inits[v.GetName()] {
			continue
		}
		x := &ir.Value{Name: v.GetName(), Type: formals[len(own)]}
		own = append(own, x)
		names = append(names, x.Name)
		s.env[x.Name] = x
	}
	s.g.In = append(own, s.g.In...) // captures come last
	s.g.Claim(names...)
	return names
}

// capture makes an input, or a constant, of every named value of an outer graph.
func (s *scope) capture(names []string) {
	for _, name := range names {
		v, _ := s.outer.find(name)
		if v == nil {
			continue
		}
		x := &ir.Value{Name: name, Type: v.Type, Const: v.Const}
		s.env[name] = x
		if v.Const == nil {
			s.g.In = append(s.g.In, x)
		}
		s.g.Claim(name)
	}
}

func (s *scope) initializers(p *onnxpb.GraphProto) {
	for _, t := range p.Initializer {
		x, err := s.folder.tensor(t)
		s.initializer(t.GetName(), x, err)
	}
	for _, t := range p.SparseInitializer {
		x, err := s.folder.sparse(t)
		s.initializer(t.GetValues().GetName(), x, err)
	}
}

func (s *scope) initializer(name string, t *ir.Tensor, err error) {
	if err != nil {
		s.add(&Error{Value: fmt.Sprintf("initializer %q", name), Err: err})
		s.env[name] = nil
		return
	}
	s.constant(name, t)
}

func (s *scope) constant(name string, t *ir.Tensor) {
	s.env[name] = &ir.Value{Name: name, Type: t.Type(), Const: t}
	s.g.Claim(name)
}

// declare notes what the model says of results. A type that cannot be read says nothing: only inputs must have one.
func (s *scope) declare(p *onnxpb.GraphProto) {
	for _, list := range [][]*onnxpb.ValueInfoProto{p.ValueInfo, p.Output} {
		for _, v := range list {
			if t, err := typeOf(v.GetType()); err == nil {
				s.types[v.GetName()] = t
			}
		}
	}
}

// output makes the value called name the next output. An output that is no result of a node, or a second time the same
// one, gets a node Identity: it keeps its name if only a constant has it, which is then called otherwise.
func (s *scope) output(name string) {
	v, _ := s.find(name)
	if v.Def == nil || s.isOut[v] {
		s.tried[name]++
		own := s.g.Fresh(fmt.Sprintf("%s_%d", name, s.tried[name]))
		if v.Const != nil && v.Name == name {
			v.Name, own = own, name
		}
		n, err := s.g.AddTyped(&op.Identity{}, "", []*ir.Value{v}, []string{own}, nil)
		if err != nil {
			s.add(&Error{Value: fmt.Sprintf("output %q", name), Err: err})
			return
		}
		v = n.Out[0]
	}
	s.g.Out = append(s.g.Out, v)
	s.isOut[v] = true
}
