// Package pbtest builds small ONNX models for tests.
package pbtest

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
)

// Model returns a model of the newest opset with the given parts of its graph: *pb.NodeProto, *pb.TensorProto and
// *pb.SparseTensorProto (initializers), In, Out, Info, *pb.FunctionProto, *pb.OperatorSetIdProto.
func Model(parts ...any) *pb.ModelProto {
	m := &pb.ModelProto{IrVersion: proto.Int64(13), ProducerName: proto.String("pbtest")}
	m.Graph = Graph("g", parts...)
	for _, p := range parts {
		switch p := p.(type) {
		case *pb.FunctionProto:
			m.Functions = append(m.Functions, p)
		case *pb.OperatorSetIdProto:
			m.OpsetImport = append(m.OpsetImport, p)
		}
	}
	if m.OpsetImport == nil {
		m.OpsetImport = []*pb.OperatorSetIdProto{Opset("", 27)}
	}
	return m
}

// In, Out and Info are an input, an output and the type of a value.
type (
	In   *pb.ValueInfoProto
	Out  *pb.ValueInfoProto
	Info *pb.ValueInfoProto
)

// Graph returns a graph of the given parts; see Model.
func Graph(name string, parts ...any) *pb.GraphProto {
	g := &pb.GraphProto{Name: &name}
	for _, p := range parts {
		switch p := p.(type) {
		case *pb.NodeProto:
			g.Node = append(g.Node, p)
		case *pb.TensorProto:
			g.Initializer = append(g.Initializer, p)
		case *pb.SparseTensorProto:
			g.SparseInitializer = append(g.SparseInitializer, p)
		case In:
			g.Input = append(g.Input, p)
		case Out:
			g.Output = append(g.Output, p)
		case Info:
			g.ValueInfo = append(g.ValueInfo, p)
		}
	}
	return g
}

// Value is a float tensor called name; a dimension is an int, the name of an open one, or nil for one without a name.
func Value(name string, dims ...any) *pb.ValueInfoProto { return Typed(name, 1, dims...) }

// Typed is Value of another element type.
func Typed(name string, dtype int32, dims ...any) *pb.ValueInfoProto {
	shape := &pb.TensorShapeProto{}
	for _, d := range dims {
		x := &pb.TensorShapeProto_Dimension{}
		switch d := d.(type) {
		case int:
			x.Value = &pb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}
		case string:
			x.Value = &pb.TensorShapeProto_Dimension_DimParam{DimParam: d}
		}
		shape.Dim = append(shape.Dim, x)
	}
	return &pb.ValueInfoProto{Name: &name, Type: &pb.TypeProto{Value: &pb.TypeProto_TensorType{
		TensorType: &pb.TypeProto_Tensor{ElemType: &dtype, Shape: shape}}}}
}

// Node returns a node with inputs in, outputs out and attributes.
func Node(op string, in, out []string, attrs ...*pb.AttributeProto) *pb.NodeProto {
	return &pb.NodeProto{OpType: &op, Input: in, Output: out, Attribute: attrs}
}

// Identity is a node that copies in to out.
func Identity(in, out string) *pb.NodeProto { return Node("Identity", []string{in}, []string{out}) }

// Floats is a float tensor.
func Floats(name string, dims []int64, x ...float32) *pb.TensorProto {
	return &pb.TensorProto{Name: &name, DataType: proto.Int32(1), Dims: dims, FloatData: x}
}

// Int64s is a vector.
func Int64s(name string, x ...int64) *pb.TensorProto {
	return &pb.TensorProto{Name: &name, DataType: proto.Int32(7), Dims: []int64{int64(len(x))}, Int64Data: x}
}

// Opset imports a version of a domain.
func Opset(domain string, version int64) *pb.OperatorSetIdProto {
	return &pb.OperatorSetIdProto{Domain: &domain, Version: &version}
}

// Attr returns an attribute of the kind of v.
func Attr(name string, v any) *pb.AttributeProto {
	a := &pb.AttributeProto{Name: &name}
	kind := pb.AttributeProto_UNDEFINED
	switch v := v.(type) {
	case int:
		a.I, kind = proto.Int64(int64(v)), pb.AttributeProto_INT
	case float32:
		a.F, kind = &v, pb.AttributeProto_FLOAT
	case string:
		a.S, kind = []byte(v), pb.AttributeProto_STRING
	case []int64:
		a.Ints, kind = v, pb.AttributeProto_INTS
	case []float32:
		a.Floats, kind = v, pb.AttributeProto_FLOATS
	case []string:
		for _, s := range v {
			a.Strings = append(a.Strings, []byte(s))
		}
		kind = pb.AttributeProto_STRINGS
	case *pb.TensorProto:
		a.T, kind = v, pb.AttributeProto_TENSOR
	case *pb.SparseTensorProto:
		a.SparseTensor, kind = v, pb.AttributeProto_SPARSE_TENSOR
	case *pb.GraphProto:
		a.G, kind = v, pb.AttributeProto_GRAPH
	}
	a.Type = kind.Enum()
	return a
}

// Ref is an attribute that stands for the attribute ref of the function around it.
func Ref(name, ref string, kind pb.AttributeProto_AttributeType) *pb.AttributeProto {
	return &pb.AttributeProto{Name: &name, RefAttrName: &ref, Type: &kind}
}
