package frontend

import (
	"fmt"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

// A declared type is what a model says of a value. The zero value says nothing.
type declared struct {
	dtype  ir.DType
	ranked bool // dims are known
	dims   []dim
}

// A dim is one dimension as declared: a length, or open (-1) with or without a name.
type dim struct {
	n    int
	name string
}

func (d dim) open() bool { return d.n < 0 }

// typeOf reads a TypeProto; nil says nothing.
func typeOf(p *onnxpb.TypeProto) (declared, error) {
	var d declared
	var err error
	switch v := p.GetValue().(type) {
	case nil:
		if p != nil && len(p.ProtoReflect().GetUnknown()) > 0 {
			return d, fmt.Errorf("values of an opaque type are not supported, only tensors are")
		}
		return d, nil
	case *onnxpb.TypeProto_TensorType:
		t := v.TensorType
		if t.GetElemType() != 0 {
			if d.dtype, err = dtypeOf(t.GetElemType()); err != nil {
				return d, err
			}
		}
		if t.GetShape() == nil {
			return d, nil
		}
		d.ranked = true
		for _, p := range t.GetShape().GetDim() {
			x, err := dimOf(p)
			if err != nil {
				return d, err
			}
			d.dims = append(d.dims, x)
		}
		return d, checkShape(d.shape(nil))
	case *onnxpb.TypeProto_SequenceType:
		return d, fmt.Errorf("values of a sequence type are not supported, only tensors are")
	case *onnxpb.TypeProto_MapType:
		return d, fmt.Errorf("values of a map type are not supported, only tensors are")
	case *onnxpb.TypeProto_OptionalType:
		return d, fmt.Errorf("values of an optional type are not supported, only tensors are")
	default:
		return d, fmt.Errorf("values of a sparse tensor type are not supported, only dense tensors are")
	}
}

// dimOf reads a dimension. Some exporters write -1 for an open one.
func dimOf(p *onnxpb.TensorShapeProto_Dimension) (dim, error) {
	switch v := p.GetValue().(type) {
	case *onnxpb.TensorShapeProto_Dimension_DimValue:
		if v.DimValue < -1 || v.DimValue > maxElems {
			return dim{}, fmt.Errorf("dimension %d is outside 0 to %d", v.DimValue, maxElems)
		}
		return dim{n: int(v.DimValue)}, nil
	case *onnxpb.TensorShapeProto_Dimension_DimParam:
		return dim{n: -1, name: v.DimParam}, nil
	}
	return dim{n: -1}, nil
}

// shape returns the lengths, those of open dimensions by their names where bound knows them.
func (d declared) shape(bound map[string]int) []int {
	s := make([]int, len(d.dims))
	for i, x := range d.dims {
		s[i] = x.n
		if n, ok := bound[x.name]; ok && x.open() && x.name != "" {
			s[i] = n
		}
	}
	return s
}

// typ is the type with open dimensions bound by name.
func (d declared) typ(bound map[string]int) ir.Type {
	t := ir.Type{DType: d.dtype, NoRank: !d.ranked}
	if d.ranked {
		t.Shape = d.shape(bound)
	}
	return t
}
