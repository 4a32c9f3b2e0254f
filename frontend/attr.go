package frontend

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

// attributes returns the attributes of a node as ir.SetAttr takes them; graphs stay *onnxpb.AttributeProto.
func (s *scope) attributes(n *node, wired map[string]any) (map[string]any, bool) {
	start := s.faults()
	attrs := map[string]any{}
	for _, a := range n.Attribute { // in the file's order, so that messages are
		v := wired[a.GetName()]
		if p, ok := v.(*onnxpb.AttributeProto); ok {
			var err error
			if v, err = s.payload(p); err != nil {
				s.attrFault(n, a.GetName(), err)
			}
		}
		attrs[a.GetName()] = v
	}
	return attrs, s.faults() == start
}

// payload decodes what onnx-go was not given of an attribute.
func (s *scope) payload(a *onnxpb.AttributeProto) (any, error) {
	switch a.GetType() {
	case onnxpb.AttributeProto_TENSOR:
		if a.T == nil {
			return nil, errors.New("the tensor is missing")
		}
		return s.folder.tensor(a.T)
	case onnxpb.AttributeProto_SPARSE_TENSOR:
		if a.SparseTensor == nil {
			return nil, errors.New("the tensor is missing")
		}
		return s.folder.sparse(a.SparseTensor)
	case onnxpb.AttributeProto_TENSORS:
		var list []*ir.Tensor
		for i, p := range a.Tensors {
			t, err := s.folder.tensor(p)
			if err != nil {
				return nil, fmt.Errorf("tensor %d: %w", i, err)
			}
			list = append(list, t)
		}
		return list, nil
	case onnxpb.AttributeProto_GRAPH:
		if a.G == nil {
			return nil, errors.New("the graph is missing")
		}
		return a, nil
	case onnxpb.AttributeProto_TYPE_PROTO:
		if _, err := typeOf(a.Tp); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("attributes of the kind %v are not supported", a.GetType())
}

// checkAttrs reports attributes that are there twice or whose kind is not known, and gives those of models that do not
// state the kind (IR version 1) theirs.
func (d *decoder) checkAttrs(n *node) {
	seen := map[string]bool{}
	for _, a := range n.Attribute {
		if seen[a.GetName()] {
			d.attrFault(n, a.GetName(), errors.New("is there twice"))
		}
		seen[a.GetName()] = true
		if strings.HasPrefix(a.GetName(), "sbtc_") {
			d.attrFault(n, a.GetName(), errors.New("names that begin with sbtc_ are the compiler's own"))
		}
		if a.GetRefAttrName() != "" {
			d.attrFault(n, a.GetName(), fmt.Errorf("refers to the attribute %q of a function, but is in none", a.GetRefAttrName()))
			continue
		}
		if a.GetType() == onnxpb.AttributeProto_UNDEFINED {
			k := kindOf(a)
			if k == onnxpb.AttributeProto_UNDEFINED {
				d.attrFault(n, a.GetName(), errors.New("has neither a kind nor a value"))
			}
			a.Type = k.Enum()
		}
		if _, ok := onnxpb.AttributeProto_AttributeType_name[int32(a.GetType())]; !ok {
			d.attrFault(n, a.GetName(), fmt.Errorf("is of the unknown kind %d", a.GetType()))
		}
	}
}

func kindOf(a *onnxpb.AttributeProto) onnxpb.AttributeProto_AttributeType {
	kinds := []struct {
		has  bool
		kind onnxpb.AttributeProto_AttributeType
	}{
		{a.F != nil, onnxpb.AttributeProto_FLOAT},
		{a.I != nil, onnxpb.AttributeProto_INT},
		{a.S != nil, onnxpb.AttributeProto_STRING},
		{a.T != nil, onnxpb.AttributeProto_TENSOR},
		{a.G != nil, onnxpb.AttributeProto_GRAPH},
		{a.SparseTensor != nil, onnxpb.AttributeProto_SPARSE_TENSOR},
		{a.Floats != nil, onnxpb.AttributeProto_FLOATS},
		{a.Ints != nil, onnxpb.AttributeProto_INTS},
		{a.Strings != nil, onnxpb.AttributeProto_STRINGS},
		{a.Tensors != nil, onnxpb.AttributeProto_TENSORS},
	}
	for _, k := range kinds {
		if k.has {
			return k.kind
		}
	}
	return onnxpb.AttributeProto_UNDEFINED
}

// constantNode makes a constant of a node Constant.
func (s *scope) constantNode(n *node, attrs map[string]any) {
	if len(attrs) != 1 || len(n.Output) != 1 || len(n.Input) != 0 {
		s.fault(n, fmt.Errorf("%d attributes, %d inputs and %d outputs, want 1, 0 and 1", len(attrs), len(n.Input), len(n.Output)))
		return
	}
	name := n.Attribute[0].GetName()
	t, err := constantValue(name, attrs[name])
	if err != nil {
		s.attrFault(n, name, err)
		return
	}
	s.constant(n.Output[0], t)
}

func constantValue(name string, v any) (*ir.Tensor, error) {
	switch x := v.(type) {
	case *ir.Tensor:
		if name == "value" || name == "sparse_value" {
			return x, nil
		}
	case int64:
		if name == "value_int" {
			return ir.Of(ir.Int64, nil, []int64{x}), nil
		}
	case []int64:
		if name == "value_ints" {
			return ir.Of(ir.Int64, []int{len(x)}, slices.Clone(x)), nil
		}
	case float32:
		if name == "value_float" {
			return ir.Of(ir.Float32, nil, []float32{x}), nil
		}
	case []float32:
		if name == "value_floats" {
			return ir.Of(ir.Float32, []int{len(x)}, slices.Clone(x)), nil
		}
	case string:
		if name == "value_string" {
			return ir.Of(ir.String, nil, []string{x}), nil
		}
	case []string:
		if name == "value_strings" {
			return ir.Of(ir.String, []int{len(x)}, slices.Clone(x)), nil
		}
	}
	return nil, errors.New("is not one of Constant, or of the wrong kind")
}
