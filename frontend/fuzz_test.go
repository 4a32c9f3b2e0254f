package frontend_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	. "github.com/sbtc-go/sbtc/frontend/internal/pbtest"
	"github.com/sbtc-go/sbtc/ir"
)

// No input makes decoding panic, and what is decoded is sound.
func FuzzDecode(f *testing.F) {
	x, y := In(Value("x", "N", 2)), Out(Value("y", "N", 2))
	twice := &pb.FunctionProto{Name: proto.String("Twice"), Domain: proto.String("my"), Input: []string{"a"}, Output: []string{"b"},
		Node: []*pb.NodeProto{Identity("a", "t"), Identity("t", "b")}}
	call := Node("Twice", []string{"x"}, []string{"y"})
	call.Domain = proto.String("my")
	branch := Graph("then", Identity("x", "z"), Out(Value("z")))
	for _, m := range []*pb.ModelProto{
		Model(x, Identity("x", "y"), y),
		Model(x, Out(Value("x", "N", 2))),
		Model(x, Node("MatMul", []string{"x", "w"}, []string{"y"}), y, Floats("w", []int64{2, 2}, 1, 2, 3, 4)),
		Model(&pb.SparseTensorProto{Values: Floats("w", []int64{1}, 1), Indices: Int64s("", 1), Dims: []int64{2}}, Identity("w", "y"), Out(Value("y"))),
		Model(Node("Constant", nil, []string{"y"}, Attr("value_strings", []string{"a", "b"})), Out(Typed("y", 8, 2))),
		Model(twice, x, call, y),
		Model(x, In(Typed("c", 9)), Node("If", []string{"c"}, []string{"y"}, Attr("then_branch", branch), Attr("else_branch", branch)), Out(Value("y"))),
		Model(In(Value("v", 2)), Node("Loop", []string{"", "", "v"}, []string{"y"}, Attr("body",
			Graph("b", In(Typed("i", 7)), In(Typed("c", 9)), In(Value("p", 2)), Identity("c", "d"), Identity("p", "q"), Out(Typed("d", 9)), Out(Value("q", 2))))), Out(Value("y", 2))),
	} {
		f.Add(marshal(f, m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := frontend.Decode(data)
		if err != nil {
			var bug *ir.BugError
			if errors.As(err, &bug) {
				t.Fatalf("%v\n%s", err, bug.Stack)
			}
			return
		}
		if err := m.Graph.Check(); err != nil {
			t.Fatalf("%v\n%v", err, m.Graph)
		}
		g, err := roundTrip(m.Graph)
		if err != nil {
			t.Fatalf("%v\n%v", err, m.Graph)
		}
		if g.String() != m.Graph.String() {
			t.Fatalf("got\n%v\nwant\n%v", g, m.Graph)
		}
	})
}
