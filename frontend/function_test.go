package frontend_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	. "github.com/sbtc-go/sbtc/frontend/internal/pbtest"
)

func function(name string, in, out []string, nodes ...*pb.NodeProto) *pb.FunctionProto {
	return &pb.FunctionProto{Domain: proto.String("my"), Name: &name, Input: in, Output: out, Node: nodes,
		OpsetImport: []*pb.OperatorSetIdProto{Opset("", 21), Opset("my", 1)}}
}

// call is a node of the domain of functions.
func call(name string, in, out []string, attrs ...*pb.AttributeProto) *pb.NodeProto {
	n := Node(name, in, out, attrs...)
	n.Domain = proto.String("my")
	return n
}

func TestFunctions(t *testing.T) {
	strs := func(s ...string) []string { return s }
	twice := function("Twice", strs("a"), strs("b"), Identity("a", "t"), Identity("t", "b"))
	four := function("Four", strs("a"), strs("b"), call("Twice", strs("a"), strs("t")), call("Twice", strs("t"), strs("b")))
	constant := function("C", nil, strs("b"), Node("Constant", nil, strs("b"), Ref("value_int", "v", pb.AttributeProto_INT)))
	byDefault := proto.Clone(constant).(*pb.FunctionProto)
	byDefault.AttributeProto = []*pb.AttributeProto{Attr("v", 7)}
	pass := function("Pass", strs("a", "unused"), strs("a", "b", "b"), Identity("a", "b"))
	loop := function("Loop2", strs("a"), strs("b"), call("Loop2", strs("a"), strs("b")))
	outside := function("Outside", strs("a"), strs("b"), Identity("x", "b"))
	bomb := []any{In(Value("x", 1)), call("F0", strs("x"), strs("y")), Out(Value("y", 1))}
	for i := range 40 {
		next := fmt.Sprint("F", i+1)
		bomb = append(bomb, function(fmt.Sprint("F", i), strs("a"), strs("b"), call(next, strs("a"), strs("t")), call(next, strs("t"), strs("b"))))
	}
	bomb = append(bomb, function("F40", strs("a"), strs("b"), Identity("a", "b")))
	x, y := In(Value("x", 2)), Out(Value("y", 2))
	for _, c := range []struct {
		name  string
		model *pb.ModelProto
		want  string
	}{
		{"nested", Model(twice, four, x, call("Four", strs("x"), strs("y")), Identity("y", "y/t"), y, Out(Value("y/t", 2))), `
g (float[2] x) => (float[2] y, float[2] "y/t") {
  "y/t_1/t" = Identity(x) # float[2]
  "y/t_1" = Identity("y/t_1/t") # float[2]
  "y/t_2" = Identity("y/t_1") # float[2]
  y = Identity("y/t_2") # float[2]
  "y/t" = Identity(y) # float[2]
}`},
		{"attribute", Model(constant, call("C", nil, strs("y"), Attr("v", 5)), Out(Typed("y", 7))), `
g () => (int64 y) {
  y_1 = Constant<value=int64 {5}>() # int64
  y = Identity(y_1) # int64
}`},
		{"attribute by default", Model(byDefault, call("C", nil, strs("y")), Out(Typed("y", 7))), `
g () => (int64 y) {
  y_1 = Constant<value=int64 {7}>() # int64
  y = Identity(y_1) # int64
}`},
		{"attribute left out", Model(constant, call("C", nil, strs("y")), Out(Typed("y", 7))),
			`Constant node (#0) in my.C called by (#0): 0 attributes, 0 inputs and 1 outputs, want 1, 0 and 1`},
		{"attribute of another kind", Model(constant, call("C", nil, strs("y"), Attr("v", "a")), Out(Typed("y", 7))),
			`my.C node (#0): function my.C: attribute "v" is of the kind STRING, want INT`},
		{"results that are inputs", Model(pass, x, call("Pass", strs("x"), strs("y", "z", "w")), y, Out(Value("z")), Out(Value("w"))), `
g (float[2] x) => (float[2] y, float[2] z, float[2] w) {
  z = Identity(x) # float[2]
  y = Identity(x) # float[2]
  w = Identity(z) # float[2]
}`},
		{"recursion", Model(loop, x, call("Loop2", strs("x"), strs("y")), y),
			`my.Loop2 node (#0) in my.Loop2 called by (#0): function my.Loop2 calls itself`},
		{"nothing seen outside", Model(outside, x, call("Outside", strs("x"), strs("y")), y),
			`Identity node (#0) in my.Outside called by (#0): input "y/x" is not defined: no node, input or initializer has this name`},
		{"too many inputs", Model(twice, x, call("Twice", strs("x", "x"), strs("y")), y),
			`my.Twice node (#0): 2 inputs and 1 outputs, function my.Twice has 1 and 1`},
		{"two of one name", Model(twice, twice, x, call("Twice", strs("x"), strs("y")), y), `two functions are called my.Twice`},
		{"exponential", Model(bomb...), `expands to more than 262144 nodes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := frontend.Decode(marshal(t, c.model))
			switch {
			case strings.HasPrefix(c.want, "\n") && err == nil:
				same(t, m.Graph.String(), c.want)
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}
