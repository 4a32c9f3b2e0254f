package frontend_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	. "github.com/sbtc-go/sbtc/frontend/internal/pbtest"
)

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The graph that a model becomes, in the text form.
func TestGraph(t *testing.T) {
	for _, c := range []struct {
		name  string
		model *pb.ModelProto
		want  string
	}{
		{"plain", Model(In(Value("x", 2, 3)), Identity("x", "t"), Identity("t", "y"), Out(Value("y", 2, 3))), `
g (float[2,3] x) => (float[2,3] y) {
  t = Identity(x) # float[2,3]
  y = Identity(t) # float[2,3]
}`},
		{"nodes out of order", Model(In(Value("x", 2)), Identity("t", "y"), Identity("x", "t"), Out(Value("y", 2))), `
g (float[2] x) => (float[2] y) {
  t = Identity(x) # float[2]
  y = Identity(t) # float[2]
}`},
		{"initializer that is also an input", Model(In(Value("x", 1)), In(Value("w", 1)), Floats("w", []int64{1}, 5),
			Identity("w", "y"), Out(Value("y", 1))), `
g (float[1] x) => (float[1] y) {
  w = Constant<value=float[1] {5}>() # float[1]
  y = Identity(w) # float[1]
}`},
		{"output is an input", Model(In(Value("x", 1)), Out(Value("x", 1))), `
g (float[1] x) => (float[1] x_1) {
  x_1 = Identity(x) # float[1]
}`},
		{"output is an initializer", Model(Floats("w", []int64{1}, 5), Out(Value("w", 1))), `
g () => (float[1] w) {
  w_1 = Constant<value=float[1] {5}>() # float[1]
  w = Identity(w_1) # float[1]
}`},
		{"output twice", Model(In(Value("x", 1)), Identity("x", "y"), Out(Value("y", 1)), Out(Value("y", 1))), `
g (float[1] x) => (float[1] y, float[1] y_1) {
  y = Identity(x) # float[1]
  y_1 = Identity(y) # float[1]
}`},
		{"sparse initializer", Model(&pb.SparseTensorProto{Values: Floats("w", []int64{2}, 5, 6), Indices: Int64s("", 1, 5), Dims: []int64{2, 3}},
			Identity("w", "y"), Out(Value("y", 2, 3))), `
g () => (float[2,3] y) {
  w = Constant<value=float[2,3] {0,5,0,0,0,6}>() # float[2,3]
  y = Identity(w) # float[2,3]
}`},
		{"declared shape that no longer holds", Model(In(Value("x", 3)), Identity("x", "y"), Out(Value("y", 1))), `
g (float[3] x) => (float[3] y) {
  y = Identity(x) # float[3]
}`},
		{"oldest opset", Model(Opset("ai.onnx", 1), In(Value("x", 3)), Identity("x", "y"), Out(Value("y", 3))), `
g (float[3] x) => (float[3] y) {
  y = Identity(x) # float[3]
}`},
		{"odd names", Model(In(Value("\"\n\xc3\xa9", 3)), Identity("\"\n\xc3\xa9", "\x00none"), Out(Value("\x00none", 3))), `
g (float[3] "\"\n\u00e9") => (float[3] "\x00none") {
  "\x00none" = Identity("\"\n\u00e9") # float[3]
}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := frontend.Decode(marshal(t, c.model))
			if err != nil {
				t.Fatal(err)
			}
			same(t, m.Graph.String(), c.want)
			if err := m.Graph.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// same compares text forms but for the spaces that align comments.
func same(t *testing.T, got, want string) {
	t.Helper()
	if squeeze(got) != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func squeeze(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		code, comment, _ := strings.Cut(l, " #")
		lines[i] = strings.TrimSpace(code) + " #" + comment
	}
	return strings.Join(lines, "\n")
}

func TestConstantNode(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		attr *pb.AttributeProto
		want string
	}{
		{Attr("value", Floats("", []int64{2, 1}, 1, 2)), "float[2,1] {1,2}"},
		{Attr("sparse_value", &pb.SparseTensorProto{Values: Int64s("", 7), Indices: &pb.TensorProto{DataType: proto.Int32(7),
			Dims: []int64{1, 2}, Int64Data: []int64{1, 0}}, Dims: []int64{2, 2}}), "int64[2,2] {0,0,7,0}"},
		{Attr("value_int", -3), "int64 {-3}"},
		{Attr("value_ints", []int64{4, 5}), "int64[2] {4,5}"},
		{Attr("value_ints", []int64{}), "int64[0] {}"},
		{Attr("value_float", float32(0.5)), "float {0.5}"},
		{Attr("value_floats", []float32{0.5, nan}), "float[2] {0.5,nan}"},
		{Attr("value_string", "a"), `string {"a"}`},
		{Attr("value_strings", []string{"a", ""}), `string[2] {"a",""}`},
	} {
		m := Model(Node("Constant", nil, []string{"c"}, c.attr), Identity("c", "y"), Out(&pb.ValueInfoProto{Name: proto.String("y")}))
		got, err := frontend.Decode(marshal(t, m))
		if err != nil {
			t.Errorf("%s: %v", c.attr.GetName(), err)
			continue
		}
		if want := "c = Constant<value=" + c.want + ">()"; !strings.Contains(got.Graph.String(), want) {
			t.Errorf("%s: got\n%swant %s", c.attr.GetName(), got.Graph, want)
		}
	}
}

func TestFacts(t *testing.T) {
	p := Model(Opset("", 13), In(Value("x", 1)), Identity("x", "y"), Out(Value("y", 1)))
	p.ProducerVersion = proto.String("2")
	p.MetadataProps = []*pb.StringStringEntryProto{{Key: proto.String("a"), Value: proto.String("b")}}
	p.Graph.Node[0].Name = proto.String("/id")
	m, err := frontend.Decode(marshal(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if m.Opset != 13 || m.Producer != "pbtest 2" || len(m.SHA256) != 64 || m.Graph.Meta["a"] != "b" || m.Graph.Nodes[0].Name != `"/id" (#0)` {
		t.Errorf("%+v, %v, %v", m, m.Graph.Meta, m.Graph.Nodes[0])
	}
}
