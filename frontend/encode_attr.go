package frontend

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

// attr encodes the value of an attribute; nil if the attribute is absent. Bodies see captured values by these names.
func (e *encoder) attr(v any, captured []string) (*onnxpb.AttributeProto, error) {
	switch x := v.(type) {
	case ir.DType:
		return intAttr(int64(x)), nil
	case *ir.Tensor:
		return &onnxpb.AttributeProto{Type: onnxpb.AttributeProto_TENSOR.Enum(), T: encodeTensor(x, "")}, nil
	case *ir.Graph:
		g, err := e.graph(x, captured)
		return &onnxpb.AttributeProto{Type: onnxpb.AttributeProto_GRAPH.Enum(), G: g}, err
	}
	f := reflect.ValueOf(v)
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			return nil, nil
		}
		return e.attr(f.Elem().Interface(), captured)
	}
	if x, ok := v.(encoding.TextMarshaler); ok {
		text, err := x.MarshalText()
		return stringAttr(string(text)), err
	}
	switch {
	case f.Kind() == reflect.Bool:
		if f.Bool() {
			return intAttr(1), nil
		}
		return intAttr(0), nil
	case f.CanInt():
		return intAttr(f.Int()), nil
	case f.CanFloat():
		return &onnxpb.AttributeProto{Type: onnxpb.AttributeProto_FLOAT.Enum(), F: proto.Float32(float32(f.Float()))}, nil
	case f.Kind() == reflect.String:
		return stringAttr(f.String()), nil
	case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Uint8:
		return stringAttr(string(f.Bytes())), nil
	case f.Kind() == reflect.Slice:
		return sliceAttr(f)
	}
	return nil, fmt.Errorf("ONNX has no attribute of type %T", v)
}

func intAttr(v int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Type: onnxpb.AttributeProto_INT.Enum(), I: &v}
}

func stringAttr(v string) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Type: onnxpb.AttributeProto_STRING.Enum(), S: []byte(v)}
}

func sliceAttr(f reflect.Value) (*onnxpb.AttributeProto, error) {
	a := &onnxpb.AttributeProto{}
	zero := reflect.Zero(f.Type().Elem())
	_, tensors := f.Interface().([]*ir.Tensor)
	switch {
	case tensors:
		a.Type = onnxpb.AttributeProto_TENSORS.Enum()
	case zero.CanInt():
		a.Type = onnxpb.AttributeProto_INTS.Enum()
	case zero.CanFloat():
		a.Type = onnxpb.AttributeProto_FLOATS.Enum()
	case zero.Kind() == reflect.String:
		a.Type = onnxpb.AttributeProto_STRINGS.Enum()
	default:
		return nil, fmt.Errorf("ONNX has no attribute of type %v", f.Type())
	}
	for i := range f.Len() {
		switch v := f.Index(i); {
		case tensors:
			a.Tensors = append(a.Tensors, encodeTensor(v.Interface().(*ir.Tensor), ""))
		case v.CanInt():
			a.Ints = append(a.Ints, v.Int())
		case v.CanFloat():
			a.Floats = append(a.Floats, float32(v.Float()))
		default:
			a.Strings = append(a.Strings, []byte(v.String()))
		}
	}
	return a, nil
}

// encodeTensor stores the elements as raw data, strings as such.
func encodeTensor(t *ir.Tensor, name string) *onnxpb.TensorProto {
	p := &onnxpb.TensorProto{DataType: proto.Int32(int32(t.DType))}
	if name != "" {
		p.Name = &name
	}
	for _, d := range t.Shape {
		p.Dims = append(p.Dims, int64(d))
	}
	switch x := t.Any().(type) {
	case []string:
		for _, s := range x {
			p.StringData = append(p.StringData, []byte(s))
		}
		return p
	case []uint8:
		if t.DType.Bits() < 8 {
			p.RawData = pack(x, t.DType.Bits())
			return p
		}
	case []int8:
		if t.DType.Bits() < 8 {
			p.RawData = pack(x, t.DType.Bits())
			return p
		}
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, t.Any()); err != nil {
		panic(err) // every element type has a fixed size
	}
	p.RawData = b.Bytes()
	return p
}

// pack puts elements of 2 or 4 bits side by side, the first in the lowest bits.
func pack[T int8 | uint8](x []T, bits int) []byte {
	out := make([]byte, (len(x)*bits+7)/8)
	per := 8 / bits
	for i, v := range x {
		out[i/per] |= byte(v) & (1<<bits - 1) << (i % per * bits)
	}
	return out
}
