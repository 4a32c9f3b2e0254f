package frontend

import (
	"errors"
	"fmt"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
)

// A Peer is a model file to be run by another engine, which is to get it in the form that suits it best. Its operators
// and opset stay as they are in the file.
type Peer struct{ model *onnxpb.ModelProto }

// ReadPeer reads the model in the file path, external data included.
func ReadPeer(path string) (*Peer, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m := &onnxpb.ModelProto{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxNesting}).Unmarshal(data, m); err != nil {
		return nil, &Error{File: path, Err: fmt.Errorf("not an ONNX model, or a damaged one: %w", err)}
	}
	if m.Graph == nil {
		return nil, &Error{File: path, Err: errors.New("not an ONNX model: it has no graph")}
	}
	dir := folder(filepath.Dir(path))
	for _, p := range m.Graph.Initializer {
		if p.GetDataLocation() != onnxpb.TensorProto_EXTERNAL {
			continue
		}
		t, err := dir.tensor(p)
		if err != nil {
			return nil, &Error{File: path, Err: fmt.Errorf("%q: %w", p.GetName(), err)}
		}
		p.RawData, p.ExternalData, p.DataLocation = encodeTensor(t, "").RawData, nil, nil
	}
	return &Peer{m}, nil
}

// Clone returns a copy that can be changed alone.
func (p *Peer) Clone() *Peer { return &Peer{proto.CloneOf(p.model)} }

// Marshal returns the file.
func (p *Peer) Marshal() ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(p.model)
}

// inputs are those that a caller has to give.
func (p *Peer) inputs() []*onnxpb.ValueInfoProto {
	constant := constantNames(p.model.Graph)
	var list []*onnxpb.ValueInfoProto
	for _, v := range p.model.Graph.Input {
		if !constant[v.GetName()] {
			list = append(list, v)
		}
	}
	return list
}

// Static reports whether all inputs have fixed shapes.
func (p *Peer) Static() bool {
	for _, v := range p.inputs() {
		shape := v.GetType().GetTensorType().GetShape()
		if shape == nil {
			return false
		}
		for _, d := range shape.Dim {
			if _, ok := d.Value.(*onnxpb.TensorShapeProto_Dimension_DimValue); !ok {
				return false
			}
		}
	}
	return true
}

// Fix gives the inputs the shapes, by name.
func (p *Peer) Fix(shapes map[string][]int) {
	for _, v := range p.inputs() {
		shape, ok := shapes[v.GetName()]
		t := v.GetType().GetTensorType()
		if !ok || t == nil {
			continue
		}
		t.Shape = &onnxpb.TensorShapeProto{}
		for _, d := range shape {
			t.Shape.Dim = append(t.Shape.Dim, fixedDim(d))
		}
	}
	p.forgetShapes()
}

// OpenBatch makes the first axis of all inputs one open dimension. It reports whether it could: they all have to be 1.
func (p *Peer) OpenBatch() bool {
	inputs := p.inputs()
	for _, v := range inputs {
		dims := v.GetType().GetTensorType().GetShape().GetDim()
		if len(dims) == 0 || dims[0].GetDimValue() != 1 {
			return false
		}
	}
	const name = "batch"
	for _, v := range inputs {
		v.Type.GetTensorType().Shape.Dim[0] = &onnxpb.TensorShapeProto_Dimension{
			Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: name},
		}
	}
	p.forgetShapes()
	return len(inputs) > 0
}

func fixedDim(n int) *onnxpb.TensorShapeProto_Dimension {
	return &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(n)}}
}

// forgetShapes drops what the file says about shapes that follow from those of the inputs.
func (p *Peer) forgetShapes() {
	g := p.model.Graph
	g.ValueInfo = nil
	for _, v := range g.Output {
		if t := v.GetType().GetTensorType(); t != nil {
			t.Shape = nil
		}
	}
}

// Ports returns the names of the inputs that a caller has to give, and of the outputs.
func (p *Peer) Ports() (in, out []string) {
	for _, v := range p.inputs() {
		in = append(in, v.GetName())
	}
	for _, v := range p.model.Graph.Output {
		out = append(out, v.GetName())
	}
	return in, out
}
