package frontend

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

// ReadTensor reads a TensorProto file, as recorded inputs and outputs are, and returns the tensor and its name.
// Sequences and optional values are rejected. A fault is an *Error.
func ReadTensor(path string) (*ir.Tensor, string, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, "", err
	}
	p := &onnxpb.TensorProto{}
	if err = (proto.UnmarshalOptions{RecursionLimit: maxNesting}).Unmarshal(data, p); err != nil {
		err = fmt.Errorf("not a tensor, or a damaged one: %w", err)
	}
	var t *ir.Tensor
	switch {
	case err != nil:
	case p.Segment != nil: // field 3, where SequenceProto and OptionalProto have their elements
		err = errors.New("a sequence or an optional value, which are not supported, only tensors are")
	default:
		t, err = folder(filepath.Dir(path)).tensor(p)
	}
	if err != nil {
		return nil, "", &Error{File: path, Err: err}
	}
	return t, p.GetName(), nil
}

// DataSet is what one run of a model was recorded with.
type DataSet struct {
	Name    string // of its folder
	Inputs  []NamedTensor
	Outputs []NamedTensor
}

// NamedTensor is a recorded value; the name may be empty.
type NamedTensor struct {
	Name   string
	Tensor *ir.Tensor
}

// ReadCase reads the recorded data beside a model in the layout of the ONNX backend tests: folders test_data_set_0,
// test_data_set_1, ... in dir with files input_0.pb, input_1.pb, ... and output_0.pb, ..., in the order of the graph's
// inputs and outputs.
func ReadCase(dir string) ([]DataSet, error) {
	var sets []DataSet
	for i := 0; ; i++ {
		name := fmt.Sprintf("test_data_set_%d", i)
		if !exists(filepath.Join(dir, name)) {
			break
		}
		in, err := readSeries(filepath.Join(dir, name), "input")
		if err != nil {
			return nil, err
		}
		out, err := readSeries(filepath.Join(dir, name), "output")
		if err != nil {
			return nil, err
		}
		sets = append(sets, DataSet{name, in, out})
	}
	if sets == nil {
		return nil, &Error{File: dir, Err: errors.New("no recorded data: there is no folder test_data_set_0")}
	}
	return sets, nil
}

func readSeries(dir, kind string) ([]NamedTensor, error) {
	var list []NamedTensor
	for i := 0; ; i++ {
		path := filepath.Join(dir, fmt.Sprintf("%s_%d.pb", kind, i))
		if !exists(path) {
			return list, nil
		}
		t, name, err := ReadTensor(path)
		if err != nil {
			return nil, err
		}
		list = append(list, NamedTensor{name, t})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
