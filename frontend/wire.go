package frontend

import (
	"errors"
	"fmt"
	"math"
	"slices"

	onnx "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
)

// onnx-go turns the nodes of a model into edges between values and decodes plain attributes. It gets a skeleton of the
// graph without payload, because it would allocate whatever a tensor declares and knows neither newer element types nor
// subgraphs; what the skeleton leaves out is joined to what comes back.

// A wiredOp is one node as onnx-go reports it.
type wiredOp struct {
	name  string
	in    []string
	out   []string
	attrs map[string]any // the attributes; one that the skeleton leaves out is its *onnxpb.AttributeProto
}

// backend is an onnx.Backend that records what onnx-go wires.
type backend struct {
	values []*wiredValue
	edges  []wiredEdge // those of the operation that comes next
	ops    []wiredOp
}

// A wiredValue is a node of onnx-go's graph: a value of the model. It carries no data (onnx.DataCarrier).
type wiredValue struct {
	id   int64
	name string
}

func (v *wiredValue) ID() int64           { return v.id }
func (v *wiredValue) SetName(name string) { v.name = name }
func (v *wiredValue) GetName() string     { return v.name }

// A wiredEdge leads from a result to the input number w of the node that makes it.
type wiredEdge struct {
	from, to *wiredValue
	w        float64
}

func (e wiredEdge) From() graph.Node         { return e.from }
func (e wiredEdge) To() graph.Node           { return e.to }
func (e wiredEdge) ReversedEdge() graph.Edge { return wiredEdge{e.to, e.from, e.w} }
func (e wiredEdge) Weight() float64          { return e.w }

func (b *backend) NewNode() graph.Node      { return &wiredValue{id: int64(len(b.values))} }
func (b *backend) AddNode(n graph.Node)     { b.values = append(b.values, n.(*wiredValue)) }
func (b *backend) Node(id int64) graph.Node { return b.values[id] }

func (b *backend) NewWeightedEdge(from, to graph.Node, w float64) graph.WeightedEdge {
	return wiredEdge{from.(*wiredValue), to.(*wiredValue), w}
}

func (b *backend) SetWeightedEdge(e graph.WeightedEdge) { b.edges = append(b.edges, e.(wiredEdge)) }

// onnx-go only builds; it asks nothing of the graph.
func (b *backend) Nodes() graph.Nodes             { return graph.Empty }
func (b *backend) From(int64) graph.Nodes         { return graph.Empty }
func (b *backend) To(int64) graph.Nodes           { return graph.Empty }
func (b *backend) HasEdgeBetween(_, _ int64) bool { return false }
func (b *backend) HasEdgeFromTo(_, _ int64) bool  { return false }
func (b *backend) Edge(_, _ int64) graph.Edge     { return nil }

// ApplyOperation records an operation with the edges set since the one before: for every result, one to each input.
func (b *backend) ApplyOperation(o onnx.Operation, results ...graph.Node) error {
	op := wiredOp{name: o.Name, attrs: o.Attributes}
	for _, r := range results {
		op.out = append(op.out, r.(*wiredValue).name)
	}
	edges := b.edges
	b.edges = nil
	if len(results) == 0 || len(edges)%len(results) != 0 {
		return errors.New("edges do not fit the results")
	}
	for i, e := range edges[:len(edges)/len(results)] {
		if e.w != float64(i) {
			return errors.New("edges out of order")
		}
		op.in = append(op.in, e.to.name)
	}
	b.ops = append(b.ops, op)
	return nil
}

// noInput stands for the inputs of a node that has none, because onnx-go would invent one and name all alike.
const noInput = "\x00none"

// maxEdges bounds the edges of one node: onnx-go sets one for every pair of an input and a result.
const maxEdges = 1 << 20

// wire has onnx-go wire nodes with the given inputs and outputs of their graph, and checks that nothing was lost.
func wire(nodes []*onnxpb.NodeProto, inputs, outputs []string) (ops []wiredOp, err error) {
	if len(nodes) == 0 { // a graph that only passes values on, which onnx-go calls empty
		return nil, nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("onnx-go: %v", r)
		}
	}()
	g := &onnxpb.GraphProto{Input: named(inputs), Output: named(outputs)}
	var side []*onnxpb.AttributeProto
	for _, n := range nodes {
		if len(n.Input)*len(n.Output) > maxEdges {
			return nil, fmt.Errorf("node %q has %d inputs and %d outputs, which is too much", n.GetName(), len(n.Input), len(n.Output))
		}
		g.Node = append(g.Node, skeleton(n, &side))
	}
	data, err := proto.Marshal(&onnxpb.ModelProto{Graph: g})
	if err != nil {
		return nil, err
	}
	b := &backend{}
	model := onnx.NewModel(b)
	if err := model.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("onnx-go: %w", err)
	}
	if !slices.Equal(b.names(model.Input), inputs) || !slices.Equal(b.names(model.Output), outputs) {
		return nil, errors.New("onnx-go wired other inputs or outputs than the model has")
	}
	if len(b.ops) != len(nodes) {
		return nil, fmt.Errorf("onnx-go wired %d of %d nodes", len(b.ops), len(nodes))
	}
	for i := range b.ops {
		if err := b.ops[i].join(nodes[i], side); err != nil {
			return nil, fmt.Errorf("node #%d: onnx-go wired %w", i, err)
		}
	}
	return b.ops, nil
}

func named(names []string) []*onnxpb.ValueInfoProto {
	out := make([]*onnxpb.ValueInfoProto, len(names))
	for i, n := range names {
		out[i] = &onnxpb.ValueInfoProto{Name: proto.String(n)}
	}
	return out
}

// skeleton returns n without what onnx-go cannot read: such an attribute becomes its number in side.
func skeleton(n *onnxpb.NodeProto, side *[]*onnxpb.AttributeProto) *onnxpb.NodeProto {
	s := &onnxpb.NodeProto{OpType: n.OpType, Input: n.Input, Output: n.Output, Name: n.Name}
	if len(s.Input) == 0 {
		s.Input = []string{noInput}
	}
	for _, a := range n.Attribute {
		if !plain(a) {
			i := int64(len(*side))
			*side = append(*side, a)
			a = &onnxpb.AttributeProto{Name: a.Name, Type: onnxpb.AttributeProto_INT.Enum(), I: &i}
		}
		s.Attribute = append(s.Attribute, a)
	}
	return s
}

// plain reports whether onnx-go reads the attribute.
func plain(a *onnxpb.AttributeProto) bool {
	switch a.GetType() {
	case onnxpb.AttributeProto_FLOAT, onnxpb.AttributeProto_INT, onnxpb.AttributeProto_STRING,
		onnxpb.AttributeProto_FLOATS, onnxpb.AttributeProto_INTS, onnxpb.AttributeProto_STRINGS:
		return true
	}
	return false
}

func (b *backend) names(ids []int64) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = b.values[id].name
	}
	return out
}

// join puts back what the skeleton of n left out and compares all the rest with n.
func (o *wiredOp) join(n *onnxpb.NodeProto, side []*onnxpb.AttributeProto) error {
	if len(n.Input) == 0 {
		if !slices.Equal(o.in, []string{noInput}) {
			return fmt.Errorf("the inputs %q, there are none", o.in)
		}
		o.in = nil
	}
	if o.name != n.GetOpType() || !slices.Equal(o.in, n.Input) || !slices.Equal(o.out, n.Output) {
		return fmt.Errorf("%q = %s(%q), the model has %q = %s(%q)", o.out, o.name, o.in, n.Output, n.GetOpType(), n.Input)
	}
	if len(o.attrs) != len(n.Attribute) {
		return fmt.Errorf("%d attributes, the model has %d", len(o.attrs), len(n.Attribute))
	}
	for _, a := range n.Attribute {
		v := o.attrs[a.GetName()]
		if !plain(a) {
			i, ok := v.(int64)
			if !ok || side[i] != a {
				return fmt.Errorf("attribute %s as %v", a.GetName(), v)
			}
			o.attrs[a.GetName()] = a
			continue
		}
		if !sameAttr(v, a) {
			return fmt.Errorf("attribute %s as %v", a.GetName(), v)
		}
	}
	return nil
}

func sameAttr(v any, a *onnxpb.AttributeProto) bool {
	switch v := v.(type) {
	case int64:
		return a.GetType() == onnxpb.AttributeProto_INT && v == a.GetI()
	case float32:
		return a.GetType() == onnxpb.AttributeProto_FLOAT && math.Float32bits(v) == math.Float32bits(a.GetF())
	case string:
		return a.GetType() == onnxpb.AttributeProto_STRING && v == string(a.S)
	case []int64:
		return a.GetType() == onnxpb.AttributeProto_INTS && slices.Equal(v, a.Ints)
	case []float32:
		return a.GetType() == onnxpb.AttributeProto_FLOATS &&
			slices.EqualFunc(v, a.Floats, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	case []string:
		return a.GetType() == onnxpb.AttributeProto_STRINGS &&
			slices.EqualFunc(v, a.Strings, func(x string, y []byte) bool { return x == string(y) })
	}
	return false
}
