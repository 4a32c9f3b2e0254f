package frontend

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/internal/suite"
)

// onnx-go wires every graph of the suite, subgraphs and functions included, exactly as the model has it, and every
// stored tensor can be decoded.
func TestSuiteWiring(t *testing.T) {
	models := suite.Models(t)
	wired, tensors := 0, 0
	check := func(path string, nodes []*pb.NodeProto, in, out []string) {
		wired++
		ops, err := wire(nodes, in, out)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for i, o := range ops {
			if o.name != nodes[i].GetOpType() || len(o.in) != len(nodes[i].Input) || len(o.attrs) != len(nodes[i].Attribute) {
				t.Errorf("%s: node %d: %+v", path, i, o)
			}
		}
	}
	tensor := func(path string, p *pb.TensorProto) {
		tensors++
		if _, err := folder(filepath.Dir(path)).tensor(p); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	var nodes func(path string, list []*pb.NodeProto)
	graph := func(path string, g *pb.GraphProto) {
		check(path, g.Node, valueNames(g.Input), valueNames(g.Output))
		for _, p := range g.Initializer {
			tensor(path, p)
		}
		nodes(path, g.Node)
	}
	nodes = func(path string, list []*pb.NodeProto) {
		for _, n := range list {
			for _, g := range graphs(n) {
				graph(path, g)
			}
			for _, a := range n.Attribute {
				if a.T != nil {
					tensor(path, a.T)
				}
			}
		}
	}
	for _, path := range models {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := &pb.ModelProto{}
		if err := proto.Unmarshal(data, m); err != nil {
			t.Fatal(err)
		}
		graph(path, m.Graph)
		for _, f := range m.Functions {
			check(path, f.Node, f.Input, f.Output)
			nodes(path, f.Node)
		}
	}
	t.Logf("%d graphs, %d tensors", wired, tensors)
}

func valueNames(vs []*pb.ValueInfoProto) []string {
	names := make([]string, len(vs))
	for i, v := range vs {
		names[i] = v.GetName()
	}
	return names
}
