package check

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
)

// A Case is a folder in the layout of the ONNX backend tests: model.onnx beside recorded data
// (https://github.com/onnx/onnx/blob/main/docs/OnnxBackendTest.md).
type Case struct{ Name, Dir string }

// Model is the path of the case's model.
func (c Case) Model() string { return filepath.Join(c.Dir, "model.onnx") }

// CaseAt returns the case in dir; it reports whether there is one.
func CaseAt(dir string) (Case, bool) {
	c := Case{filepath.Base(dir), dir}
	_, err := os.Stat(c.Model())
	return c, err == nil
}

// ReadSuite finds the cases in the folders of dir, sorted by name.
func ReadSuite(dir string) ([]Case, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, e := range entries {
		if c, ok := CaseAt(filepath.Join(dir, e.Name())); ok {
			cases = append(cases, c)
		}
	}
	if cases == nil {
		return nil, fmt.Errorf("%s holds no cases: folders with a model.onnx", dir)
	}
	return cases, nil
}

// Data is one recorded run of a graph: its inputs and outputs in graph order.
type Data struct {
	Name    string
	In, Out []*ir.Tensor
}

// readData reads what was recorded with the case for the graph g of its model.
func (c Case) readData(g *ir.Graph) ([]Data, error) {
	sets, err := frontend.ReadCase(c.Dir)
	if err != nil {
		return nil, err
	}
	data := make([]Data, len(sets))
	for i, s := range sets {
		if data[i], err = newData(s, g); err != nil {
			return nil, inFile(c.Dir, err)
		}
	}
	return data, nil
}

// newData brings a recorded run into the order of g.
func newData(s frontend.DataSet, g *ir.Graph) (d Data, err error) {
	d.Name = s.Name
	if d.In, err = assign("input", s.Inputs, g.In); err != nil {
		return d, inFile(s.Name, err)
	}
	if d.Out, err = assign("output", s.Outputs, g.Out); err != nil {
		return d, inFile(s.Name, err)
	}
	return d, nil
}

// assign finds the tensor of each value: the one with its name, else the one with its number.
func assign(kind string, recorded []frontend.NamedTensor, values []*ir.Value) ([]*ir.Tensor, error) {
	byName := map[string]*ir.Tensor{}
	for _, t := range recorded {
		byName[t.Name] = t.Tensor
	}
	out := make([]*ir.Tensor, len(values))
	for i, v := range values {
		switch t := byName[v.Name]; {
		case t != nil:
			out[i] = t
		case i < len(recorded):
			out[i] = recorded[i].Tensor
		default:
			return nil, fmt.Errorf("no %s_%d.pb for %s %q", kind, i, kind, v.Name)
		}
	}
	return out, nil
}
