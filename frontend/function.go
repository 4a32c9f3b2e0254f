package frontend

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir/op"
)

// A funcID is what tells functions apart.
type funcID struct{ domain, name, overload string }

func (f funcID) String() string {
	if f.domain == "" {
		return f.name
	}
	return f.domain + "." + f.name
}

// A function is a model's own operator. Where it has the name of a known one, the model's meaning holds.
type function struct {
	*onnxpb.FunctionProto
	opsets map[string]int
}

func (d *decoder) readFunctions(fs []*onnxpb.FunctionProto, opsets map[string]int) {
	d.functions = map[funcID]function{}
	for _, f := range fs {
		id := funcID{domainOf(f.GetDomain()), f.GetName(), f.GetOverload()}
		if _, ok := d.functions[id]; ok {
			d.addf("", "two functions are called %v", id)
		}
		own := maps.Clone(opsets)
		maps.Copy(own, d.opsets(f.OpsetImport))
		d.functions[id] = function{f, own}
	}
}

// expand returns the nodes with calls of functions inlined.
func (s *scope) expand(nodes []*node) []*node {
	var out []*node
	for _, n := range nodes {
		id := funcID{domainOf(n.GetDomain()), n.GetOpType(), n.GetOverload()}
		f, ok := s.functions[id]
		if !ok {
			s.checkAttrs(n)
			out = append(out, n)
			continue
		}
		if slices.Contains(n.calls, id) {
			s.fault(n, fmt.Errorf("function %v calls itself", id))
			continue
		}
		body, err := s.inline(n, id, f)
		if err != nil {
			s.fault(n, err)
			continue
		}
		out = append(out, s.expand(body)...)
	}
	return out
}

// inline returns the nodes of f in place of a call.
func (s *scope) inline(call *node, id funcID, f function) ([]*node, error) {
	if len(call.Input) > len(f.Input) || len(call.Output) > len(f.Output) {
		return nil, fmt.Errorf("%d inputs and %d outputs, function %v has %d and %d", len(call.Input), len(call.Output), id, len(f.Input), len(f.Output))
	}
	base := call.GetOpType()
	if i := slices.IndexFunc(call.Output, func(name string) bool { return name != "" }); i >= 0 {
		base = call.Output[i]
	}
	in := &inliner{s: s, base: base, names: map[string]string{}, attrs: map[string]*onnxpb.AttributeProto{}}
	for _, a := range f.AttributeProto {
		in.attrs[a.GetName()] = a
	}
	for _, a := range call.Attribute {
		in.attrs[a.GetName()] = a
	}
	for i, name := range f.Input {
		in.names[name] = ""
		if i < len(call.Input) {
			in.names[name] = call.Input[i]
		}
	}
	passed := in.results(call, f)
	var protos []*onnxpb.NodeProto
	for _, n := range f.Node {
		p, err := in.node(n)
		if err != nil {
			return nil, fmt.Errorf("function %v: %w", id, err)
		}
		protos = append(protos, p)
	}
	opsets := maps.Clone(f.opsets)
	if _, ok := opsets[""]; !ok {
		opsets[""] = op.Newest // for Identity, which is the same in all
	}
	for _, o := range passed {
		protos = append(protos, &onnxpb.NodeProto{OpType: proto.String("Identity"), Input: []string{in.name(o[0])}, Output: []string{o[1]}})
	}
	c := &context{opsets, fmt.Sprintf(" in %v called by %s", id, call.where), append(slices.Clone(call.calls), id)}
	return c.nodes(protos), nil
}
