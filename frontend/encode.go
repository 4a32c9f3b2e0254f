package frontend

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// Encode writes g, a graph of ONNX operators, as a model file of the newest opset, the types of all results stated.
func Encode(g *ir.Graph, w io.Writer) error {
	e := &encoder{used: map[string]*ir.Value{}, opsets: map[string]int{"": op.Newest}}
	p, err := e.graph(g, nil)
	if err != nil {
		return err
	}
	m := &onnxpb.ModelProto{IrVersion: proto.Int64(int64(onnxpb.Version_IR_VERSION)), ProducerName: proto.String("sbtc"), Graph: p}
	for _, domain := range slices.Sorted(maps.Keys(e.opsets)) {
		m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSetIdProto{Domain: &domain, Version: proto.Int64(int64(e.opsets[domain]))})
	}
	for _, key := range slices.Sorted(maps.Keys(g.Meta)) {
		m.MetadataProps = append(m.MetadataProps, &onnxpb.StringStringEntryProto{Key: &key, Value: proto.String(g.Meta[key])})
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

type encoder struct {
	used   map[string]*ir.Value // by the names around and in the graph at hand; ONNX wants those of a body to be new
	opsets map[string]int
}

// names are what the values of one graph are called in the file.
type names map[*ir.Value]string

func (n names) list(vs []*ir.Value) []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		if v != nil {
			out[i] = n[v]
		}
	}
	return out
}

// graph encodes a graph whose last inputs are the values that outer, if it is a body, calls captured.
func (e *encoder) graph(g *ir.Graph, captured []string) (*onnxpb.GraphProto, error) {
	own := len(g.In) - len(captured)
	if own < 0 {
		return nil, fmt.Errorf("a body has %d inputs, %d values are captured", len(g.In), len(captured))
	}
	p := &onnxpb.GraphProto{Name: proto.String(g.Name)}
	n := names{}
	defer func() {
		for v, name := range n {
			if e.used[name] == v {
				delete(e.used, name)
			}
		}
	}()
	for i, name := range captured {
		n[g.In[own+i]] = name
	}
	for _, v := range g.In[:own] {
		e.name(n, v)
	}
	for _, node := range g.Nodes {
		for _, v := range node.Out {
			e.name(n, v)
		}
	}
	for _, v := range g.Consts() {
		if o := e.used[v.Name]; o != nil && o.Const == v.Const { // one that the body has from around it
			n[v] = v.Name
			continue
		}
		e.name(n, v)
		p.Initializer = append(p.Initializer, encodeTensor(v.Const, n[v]))
	}
	for _, v := range g.In[:own] {
		p.Input = append(p.Input, valueInfo(v, n))
	}
	for _, node := range g.Nodes {
		x, err := e.node(node, n)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", node, err)
		}
		p.Node = append(p.Node, x)
		for _, v := range node.Out {
			if v != nil && !slices.Contains(g.Out, v) {
				p.ValueInfo = append(p.ValueInfo, valueInfo(v, n))
			}
		}
	}
	for _, v := range g.Out {
		p.Output = append(p.Output, valueInfo(v, n))
	}
	return p, nil
}

// name calls v by its own name, or one made from it if that is taken.
func (e *encoder) name(n names, v *ir.Value) {
	if v == nil {
		return
	}
	name := v.Name
	for i := 1; e.used[name] != nil; i++ {
		name = fmt.Sprintf("%s_%d", v.Name, i)
	}
	e.used[name] = v
	n[v] = name
}

func valueInfo(v *ir.Value, n names) *onnxpb.ValueInfoProto {
	t := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(v.Type.DType))}
	if !v.Type.NoRank {
		t.Shape = &onnxpb.TensorShapeProto{}
		for _, d := range v.Type.Shape {
			x := &onnxpb.TensorShapeProto_Dimension{}
			if d >= 0 {
				x.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}
			}
			t.Shape.Dim = append(t.Shape.Dim, x)
		}
	}
	return &onnxpb.ValueInfoProto{Name: proto.String(n[v]), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: t}}}
}

func (e *encoder) node(n *ir.Node, values names) (*onnxpb.NodeProto, error) {
	if _, ok := n.Op.(op.Op); !ok {
		return nil, errors.New("not an ONNX operator; only graphs before lowering can be written as ONNX")
	}
	p := &onnxpb.NodeProto{OpType: proto.String(n.Op.Name()), Output: values.list(n.Out), Name: nodeName(n.Name)}
	if i := strings.LastIndexByte(n.Op.Name(), '.'); i >= 0 {
		domain := n.Op.Name()[:i]
		p.Domain, p.OpType = &domain, proto.String(n.Op.Name()[i+1:])
		e.opsets[domain] = max(e.opsets[domain], since(n.Op.Name()))
	}
	in := values.list(n.In)
	captured, err := capturesOf(n.Op)
	if err == nil && captured > len(in) {
		err = fmt.Errorf("%d captured values among %d inputs", captured, len(in))
	}
	if err != nil {
		return nil, err
	}
	own := len(in) - captured
	p.Input = in[:own]
	ir.StoredAttrs(n.Op, func(name string, v any) {
		if name == capturesAttr || err != nil {
			return
		}
		var a *onnxpb.AttributeProto
		if a, err = e.attr(v, in[own:]); err != nil {
			err = fmt.Errorf("attribute %s: %w", name, err)
		}
		if a != nil {
			a.Name = &name
			p.Attribute = append(p.Attribute, a)
		}
	})
	return p, err
}

// nodeName takes the node's own name out of what messages call it.
func nodeName(where string) *string {
	if prefix, err := strconv.QuotedPrefix(where); err == nil {
		if name, err := strconv.Unquote(prefix); err == nil {
			return &name
		}
	}
	return nil
}

// since is the version of an operator's newest form.
func since(name string) int {
	v := 1
	for _, f := range op.Families {
		for _, d := range f.Defs {
			if d.Name == name {
				v = max(v, d.Since)
			}
		}
	}
	return v
}

// capturesOf is the number of inputs of a node that its bodies capture.
func capturesOf(o ir.Op) (n int, err error) {
	ir.Attrs(o, func(name string, v any) {
		if name != capturesAttr {
			return
		}
		var ok bool
		if n, ok = v.(int); !ok || n < 0 {
			err = fmt.Errorf("attribute %s is %v", capturesAttr, v)
		}
	})
	return n, err
}
