package frontend

import (
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
)

// An inliner copies the nodes of a function for one call: names become the caller's or new ones, references to
// attributes become the attributes.
type inliner struct {
	s     *scope
	base  string            // new names begin with it
	names map[string]string // the function's to the caller's
	attrs map[string]*onnxpb.AttributeProto
}

// fresh returns a name that neither the graph nor one around it uses.
func (s *scope) fresh(base string) string {
	name := base
	for s.taken(name) {
		s.tried[base]++
		name = fmt.Sprintf("%s_%d", base, s.tried[base])
	}
	s.names[name] = true
	return name
}

func (s *scope) taken(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

// gather notes the names of a graph and of the bodies in it.
func (s *scope) gather(p *onnxpb.GraphProto) {
	for name := range constantNames(p) {
		s.names[name] = true
	}
	for _, v := range p.Input {
		s.names[v.GetName()] = true
	}
	for _, n := range p.Node {
		for _, name := range n.Output {
			s.names[name] = true
		}
		for _, g := range graphs(n) {
			s.gather(g)
		}
	}
}

// results names what the function makes. A result that is an input of the function, or a second time the same value,
// is returned as a pair of the function's name and the caller's, to be copied.
func (in *inliner) results(call *node, f function) (passed [][2]string) {
	made := map[string]bool{}
	for _, n := range f.Node {
		for _, name := range n.Output {
			made[name] = true
		}
	}
	for i, name := range f.Output {
		if i >= len(call.Output) || call.Output[i] == "" {
			continue
		}
		if _, named := in.names[name]; named || !made[name] {
			passed = append(passed, [2]string{name, call.Output[i]})
			continue
		}
		in.names[name] = call.Output[i]
	}
	for _, n := range f.Node {
		for _, name := range n.Output {
			in.define(name)
		}
	}
	return passed
}

func (in *inliner) define(name string) {
	if _, ok := in.names[name]; !ok && name != "" {
		in.names[name] = in.s.fresh(in.base + "/" + name)
	}
}

// name is what the caller calls a value of the function. A function sees nothing of the graph around its call, so a
// name that it does not define gets one that nothing has.
func (in *inliner) name(name string) string {
	in.define(name)
	return in.names[name]
}

func (in *inliner) rename(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = in.name(name)
	}
	return out
}

func (in *inliner) node(n *onnxpb.NodeProto) (*onnxpb.NodeProto, error) {
	if err := in.s.count(n); err != nil {
		return nil, err
	}
	out := &onnxpb.NodeProto{OpType: n.OpType, Domain: n.Domain, Overload: n.Overload, Name: n.Name,
		Input: in.rename(n.Input), Output: in.rename(n.Output)}
	for _, a := range n.Attribute {
		a, err := in.attr(a)
		if err != nil {
			return nil, err
		}
		if a != nil {
			out.Attribute = append(out.Attribute, a)
		}
	}
	return out, nil
}

// attr returns the attribute for this call, nil if the caller leaves it out.
func (in *inliner) attr(a *onnxpb.AttributeProto) (*onnxpb.AttributeProto, error) {
	if ref := a.GetRefAttrName(); ref != "" {
		v := in.attrs[ref]
		if v == nil {
			return nil, nil
		}
		if a.Type != nil && v.Type != nil && a.GetType() != v.GetType() {
			return nil, fmt.Errorf("attribute %q is of the kind %v, want %v", ref, v.GetType(), a.GetType())
		}
		return withName(v, a.Name), nil
	}
	if a.G == nil && len(a.Graphs) == 0 {
		return a, nil
	}
	out := withName(a, a.Name)
	out.Graphs = nil
	var err error
	if a.G != nil {
		if out.G, err = in.graph(a.G); err != nil {
			return nil, err
		}
	}
	for _, g := range a.Graphs {
		if g, err = in.graph(g); err != nil {
			return nil, err
		}
		out.Graphs = append(out.Graphs, g)
	}
	return out, nil
}

// withName copies an attribute, not what it holds.
func withName(a *onnxpb.AttributeProto, name *string) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, RefAttrName: a.RefAttrName, Type: a.Type, F: a.F, I: a.I, S: a.S, T: a.T, G: a.G,
		SparseTensor: a.SparseTensor, Tp: a.Tp, Floats: a.Floats, Ints: a.Ints, Strings: a.Strings, Tensors: a.Tensors,
		Graphs: a.Graphs, SparseTensors: a.SparseTensors, TypeProtos: a.TypeProtos}
}

// graph copies a body within the function. Its own names get new ones too: one might be what the caller calls a value
// that the body reads.
func (in *inliner) graph(g *onnxpb.GraphProto) (*onnxpb.GraphProto, error) {
	outer := in.names
	in.names = maps.Clone(outer)
	defer func() { in.names = outer }()
	own := func(name string) *string {
		in.names[name] = in.s.fresh(in.base + "/" + name)
		return proto.String(in.names[name])
	}
	out := &onnxpb.GraphProto{Name: g.Name}
	inits := constantNames(g)
	for _, v := range g.Input {
		if !inits[v.GetName()] {
			out.Input = append(out.Input, &onnxpb.ValueInfoProto{Name: own(v.GetName()), Type: v.Type})
		}
	}
	for _, t := range g.Initializer {
		out.Initializer = append(out.Initializer, tensorNamed(t, own(t.GetName())))
	}
	for _, t := range g.SparseInitializer {
		out.SparseInitializer = append(out.SparseInitializer, &onnxpb.SparseTensorProto{
			Values: tensorNamed(t.GetValues(), own(t.GetValues().GetName())), Indices: t.Indices, Dims: t.Dims})
	}
	for _, n := range g.Node {
		for _, name := range n.Output {
			if name != "" {
				own(name)
			}
		}
	}
	for _, n := range g.Node {
		n, err := in.node(n)
		if err != nil {
			return nil, err
		}
		out.Node = append(out.Node, n)
	}
	for _, v := range g.Output {
		out.Output = append(out.Output, &onnxpb.ValueInfoProto{Name: proto.String(in.name(v.GetName())), Type: v.Type})
	}
	return out, nil
}

// tensorNamed copies a tensor under another name, sharing its data.
func tensorNamed(t *onnxpb.TensorProto, name *string) *onnxpb.TensorProto {
	return &onnxpb.TensorProto{Name: name, Dims: t.GetDims(), DataType: t.DataType, Segment: t.GetSegment(), FloatData: t.GetFloatData(),
		Int32Data: t.GetInt32Data(), StringData: t.GetStringData(), Int64Data: t.GetInt64Data(), RawData: t.GetRawData(),
		ExternalData: t.GetExternalData(), DataLocation: t.DataLocation, DoubleData: t.GetDoubleData(), Uint64Data: t.GetUint64Data()}
}
