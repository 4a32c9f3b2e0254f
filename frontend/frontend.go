// Package frontend reads ONNX models into graphs of the newest opset with static inputs.
package frontend

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// Model is a decoded model file.
type Model struct {
	Graph    *ir.Graph
	SHA256   string // of the model file, in hex
	Opset    int    // version of ONNX's own operators that the model imports
	Producer string // name and version of the tool that wrote it
	Batch    int    // length of the open first axis that all inputs and outputs share, 0 if there is none
}

// An Option changes how a model is read.
type Option func(*options)

type options struct {
	dims    []string
	samples int
	warn    func(string)
	folder  folder
}

// WithDim fixes open dimensions: "NAME=N" all that the model calls NAME, "INPUT:AXIS=N" one axis of one input.
func WithDim(dims ...string) Option {
	return func(o *options) { o.dims = append(o.dims, dims...) }
}

// WithSamples makes the open first axis that all inputs and outputs share no longer than n, whatever WithDim says: there
// are no more samples.
func WithSamples(n int) Option {
	return func(o *options) { o.samples = n }
}

// WithWarnings passes every warning, one line without its end, to warn; without it there are none.
func WithWarnings(warn func(string)) Option {
	return func(o *options) { o.warn = warn }
}

// WithFolder lets a model that is decoded from memory find its external data at and below dir.
func WithFolder(dir string) Option {
	return func(o *options) { o.folder = folder(dir) }
}

// Load reads the model in the file path. Its faults are an *Error or Errors.
func Load(path string, opts ...Option) (*ir.Graph, error) {
	m, err := LoadModel(path, opts...)
	if err != nil {
		return nil, err
	}
	return m.Graph, nil
}

// LoadModel is Load with the facts that are not in the graph.
func LoadModel(path string, opts ...Option) (*Model, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return decode(path, data, append([]Option{WithFolder(filepath.Dir(path))}, opts...))
}

// Decode reads a model from memory. External data is found only with WithFolder.
func Decode(data []byte, opts ...Option) (*Model, error) { return decode("", data, opts) }

// readFile reads a regular file; anything else might not end.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		var p *os.PathError // says the path again
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, &Error{File: path, Err: err}
	}
	return data, nil
}

// maxNesting bounds how deep messages contain each other; a subgraph is three deep.
const maxNesting = 200

func decode(path string, data []byte, opts []Option) (*Model, error) {
	o := options{warn: func(string) {}}
	for _, f := range opts {
		f(&o)
	}
	d := &decoder{options: o, problems: problems{file: path}}
	var flags []dimFlag
	for _, text := range o.dims {
		f, err := parseDim(text)
		if err != nil {
			d.add(&Error{Err: err})
		}
		flags = append(flags, f)
	}
	m := &onnxpb.ModelProto{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxNesting}).Unmarshal(data, m); err != nil {
		d.add(&Error{Err: fmt.Errorf("not an ONNX model, or a damaged one: %w", err)})
	} else if m.Graph == nil {
		d.add(&Error{Err: errors.New("not an ONNX model: it has no graph")})
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	opsets := d.opsets(m.OpsetImport)
	d.readFunctions(m.Functions, opsets)
	if err := d.err(); err != nil {
		return nil, err
	}
	g := d.model(m, opsets, flags)
	if err := d.err(); err != nil {
		return nil, err
	}
	if n := len(d.unused); n > 0 {
		d.warn(fmt.Sprintf("%d declared shapes do not hold and are not used, the first of %s", n, d.unused[0]))
	}
	sum := sha256.Sum256(data)
	producer := m.GetProducerName()
	if v := m.GetProducerVersion(); v != "" {
		producer += " " + v
	}
	return &Model{Graph: g, SHA256: hex.EncodeToString(sum[:]), Opset: opsets[""], Producer: producer, Batch: d.batch}, nil
}

// opsets returns the version of each domain; "" is ONNX's own.
func (d *decoder) opsets(imports []*onnxpb.OperatorSetIdProto) map[string]int {
	m := map[string]int{}
	for _, s := range imports {
		domain, v := domainOf(s.GetDomain()), s.GetVersion()
		if domain == "" && (v < 1 || v > op.Newest) {
			d.add(&Error{Err: fmt.Errorf("opset %d is not supported", v), Remedy: fmt.Sprintf("export the model for opset 1 to %d", op.Newest)})
		}
		if v < 0 || v > maxElems {
			d.addf("", "opset %d of domain %q is no version", v, domain)
		}
		if old, ok := m[domain]; ok && old != int(v) {
			d.addf("", "two versions of domain %q: %d and %d", domain, old, v)
		}
		m[domain] = int(v)
	}
	return m
}

func domainOf(s string) string {
	if s == "ai.onnx" {
		return ""
	}
	return s
}

// model builds the graph of the whole model.
func (d *decoder) model(m *onnxpb.ModelProto, opsets map[string]int, flags []dimFlag) *ir.Graph {
	inits := constantNames(m.Graph)
	pin := dims{p: &d.problems, warn: d.warn, samples: d.samples}
	for _, v := range m.Graph.Input {
		if !inits[v.GetName()] {
			pin.inputs = append(pin.inputs, d.port("input", v))
		}
	}
	for _, v := range m.Graph.Output {
		pin.outputs = append(pin.outputs, d.port("output", v))
	}
	if d.faults() > 0 {
		return nil
	}
	pin.pin(flags)
	if d.faults() > 0 {
		return nil
	}
	d.bound, d.batch = pin.bound, pin.batch
	var formals []ir.Type
	for _, in := range pin.inputs {
		formals = append(formals, in.typ(nil))
	}
	s := d.newScope(nil, m.Graph)
	g := s.build(m.Graph, &context{opsets: opsets}, formals, nil)
	if g == nil {
		return nil
	}
	g.Meta = map[string]string{}
	for _, e := range m.MetadataProps {
		g.Meta[e.GetKey()] = e.GetValue()
	}
	return g
}

func (d *decoder) port(kind string, v *onnxpb.ValueInfoProto) port {
	t, err := typeOf(v.GetType())
	value := fmt.Sprintf("%s %q", kind, v.GetName())
	if err == nil && kind == "input" && t.dtype == ir.Undefined {
		err = errors.New("the model declares no element type")
	}
	if err != nil {
		d.add(&Error{Value: value, Err: err})
	}
	return port{v.GetName(), t}
}
