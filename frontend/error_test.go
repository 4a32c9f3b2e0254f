package frontend_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	. "github.com/sbtc-go/sbtc/frontend/internal/pbtest"
)

// named gives a node a name.
func named(name string, n *pb.NodeProto) *pb.NodeProto {
	n.Name = &name
	return n
}

// withType replaces the type of a value.
func withType(v *pb.ValueInfoProto, t *pb.TypeProto) *pb.ValueInfoProto {
	v.Type = t
	return v
}

// Models that are at fault, and all of the message.
func TestFaults(t *testing.T) {
	x, y := In(Value("x", 2)), Out(Value("y", 2))
	undefined := &pb.AttributeProto{Name: proto.String("a")}
	for _, c := range []struct {
		name  string
		model *pb.ModelProto
		want  string
	}{
		{"no graph", &pb.ModelProto{}, "not an ONNX model: it has no graph"},
		{"no outputs", Model(x, Identity("x", "y")), `the graph "g" has no outputs`},
		{"newer opset", Model(Opset("", 28), x, y, Identity("x", "y")), "opset 28 is not supported; export the model for opset 1 to 27"},
		{"no opset", Model(Opset("other", 1), x, y, Identity("x", "y")), `Identity node (#0): the model does not import an opset of domain ""`},
		{"two opsets", Model(Opset("", 7), Opset("ai.onnx", 8), x, y, Identity("x", "y")), `two versions of domain "": 7 and 8`},
		{"operators that are not known", Model(x, y, named("a", Node("Nonesuch", []string{"x"}, []string{"t"})),
			Node("Nonesuch", []string{"t"}, []string{"u"}), &pb.NodeProto{OpType: proto.String("Gelu"), Domain: proto.String("my"), Input: []string{"u"}, Output: []string{"y"}}),
			`Nonesuch node "a" (#0): operator Nonesuch is not supported (2 nodes); ` + "`sbtc ops` lists what is" + `
my.Gelu node (#2): operator my.Gelu is not supported; ` + "`sbtc ops` lists what is"},
		{"cycle", Model(x, y, named("a", Identity("u", "t")), Identity("t", "u"), Identity("u", "y")),
			`the graph has a cycle: Identity node "a" (#0) needs Identity node (#1), which needs the first again`},
		{"cycle of one", Model(x, y, Identity("x", "y"), Identity("t", "t")),
			`the graph has a cycle: Identity node (#1), which needs the first again`},
		{"name twice", Model(x, y, Identity("x", "y"), Identity("x", "y")),
			`result 0 of Identity node (#0) and result 0 of Identity node (#1) are both called "y"`},
		{"input twice", Model(x, x, y, Identity("x", "y")), `input 0 and input 1 are both called "x"`},
		{"no name", Model(x, In(Value("", 1)), y, Identity("x", "y")), "input 1 has no name"},
		{"undefined inputs", Model(x, Out(Value("z", 2)), Identity("a", "y"), Identity("b", "z")),
			`Identity node (#0): input "a" is not defined: no node, input or initializer has this name
Identity node (#1): input "b" is not defined: no node, input or initializer has this name`},
		{"undefined output", Model(x, y), `output "y": no node, input or initializer has this name`},
		{"too many inputs", Model(x, y, Node("Identity", []string{"x", "x"}, []string{"y"})), "Identity node (#0): 2 inputs, Identity takes 1"},
		{"missing input", Model(x, y, Node("Identity", []string{""}, []string{"y"})), "Identity node (#0): input 0 is required"},
		{"too many outputs", Model(x, y, Node("Identity", []string{"x"}, []string{"y", "z"})), "Identity node (#0): 2 outputs, Identity has 1"},
		{"no results", Model(x, y, Identity("x", "y"), Node("Identity", []string{"x"}, nil)), "Identity node (#1): the node has no outputs"},
		{"attribute that is not known", Model(x, y, Node("Identity", []string{"x"}, []string{"y"}, Attr("axis", 1))),
			`Identity node (#0): Identity has no attribute "axis"`},
		{"attribute twice", Model(x, y, Node("Identity", []string{"x"}, []string{"y"}, Attr("a", 1), Attr("a", 1))),
			"Identity node (#0): attribute a: is there twice"},
		{"attribute of the compiler", Model(x, y, Node("Identity", []string{"x"}, []string{"y"}, Attr("sbtc_captures", 1))),
			"Identity node (#0): attribute sbtc_captures: names that begin with sbtc_ are the compiler's own"},
		{"name that is no text", Model(In(Value("\xff", 1)), y, Identity("\xff", "y")), `the name "\xff" is not valid UTF-8`},
		{"attribute without a kind", Model(x, y, Node("Identity", []string{"x"}, []string{"y"}, undefined)),
			"Identity node (#0): attribute a: has neither a kind nor a value"},
		{"attribute of a function", Model(x, y, Node("Identity", []string{"x"}, []string{"y"}, Ref("a", "b", pb.AttributeProto_INT))),
			`Identity node (#0): attribute a: refers to the attribute "b" of a function, but is in none`},
		{"wrong kind", Model(y, Node("Constant", nil, []string{"y"}, Attr("value", 1))),
			"Constant node (#0): attribute value: is not one of Constant, or of the wrong kind"},
		{"constant without value", Model(y, Node("Constant", nil, []string{"y"})), "Constant node (#0): 0 attributes, 0 inputs and 1 outputs, want 1, 0 and 1"},
		{"tensor attribute", Model(y, Node("Constant", nil, []string{"y"}, Attr("value", Floats("", []int64{1 << 40})))),
			"Constant node (#0): attribute value: shape [1099511627776] has more than 2147483647 elements"},
		{"initializers", Model(Floats("v", []int64{3}, 1), Floats("w", []int64{-3}, 1), y, Identity("w", "y")),
			"initializer \"v\": float[3] has 1 values in float_data, 3 needed\ninitializer \"w\": shape [-3] has a negative dimension"},
		{"huge input", Model(In(Value("x", 1<<31-1, 2)), y, Identity("x", "y")), `input "x": shape [2147483647 2] has more than 2147483647 elements`},
		{"huge dimension", Model(In(Value("x", 1<<40)), y, Identity("x", "y")), `input "x": dimension 1099511627776 is outside 0 to 2147483647`},
		{"negative dimension", Model(In(Value("x", -2)), y, Identity("x", "y")), `input "x": dimension -2 is outside 0 to 2147483647`},
		{"element type", Model(In(Typed("x", 77, 1)), y, Identity("x", "y")), `input "x": element type 77 is unknown`},
		{"no element type", Model(In(Typed("x", 0, 1)), y, Identity("x", "y")), `input "x": the model declares no element type`},
		{"declared element type", Model(x, Out(Typed("y", 7, 2)), Identity("x", "y")), `Identity node (#0): element type is float, declared int64`},
		{"sequence", Model(In(withType(Value("x"), &pb.TypeProto{Value: &pb.TypeProto_SequenceType{}})), y),
			`input "x": values of a sequence type are not supported, only tensors are`},
		{"optional output", Model(x, Out(withType(Value("y"), &pb.TypeProto{Value: &pb.TypeProto_OptionalType{}})), Identity("x", "y")),
			`output "y": values of an optional type are not supported, only tensors are`},
		{"sparse position", Model(&pb.SparseTensorProto{Values: Floats("w", []int64{1}, 5), Indices: Int64s("", 6), Dims: []int64{2, 3}}, y, Identity("w", "y")),
			`initializer "w": indices: 6 is outside [2 3]`},
		{"sparse order", Model(&pb.SparseTensorProto{Values: Floats("w", []int64{2}, 5, 6), Indices: Int64s("", 3, 3), Dims: []int64{2, 3}}, y, Identity("w", "y")),
			`initializer "w": indices: position 1 does not come after the one before it`},
		{"sparse and huge", Model(&pb.SparseTensorProto{Values: Floats("w", []int64{1}, 5), Indices: Int64s("", 3), Dims: []int64{1 << 30}}, y, Identity("w", "y")),
			`initializer "w": 1 values in a tensor of [1073741824] are too few to be held dense`},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := allocated()
			_, err := frontend.Decode(marshal(t, c.model))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			if n := allocated() - before; n > 1<<20 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

// Shapes that a model declares but that do not hold give one warning.
func TestWarning(t *testing.T) {
	m := Model(In(Value("x", 3)), Identity("x", "t"), Identity("t", "y"), Info(Value("t", 1)), Out(Value("y", 1)))
	var got []string
	if _, err := frontend.Decode(marshal(t, m), frontend.WithWarnings(func(w string) { got = append(got, w) })); err != nil {
		t.Fatal(err)
	}
	want := "2 declared shapes do not hold and are not used, the first of Identity node (#0): shape is float[3], declared float[1]"
	if len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestManyFaults(t *testing.T) {
	parts := []any{Out(Value("y", 1)), Identity("a", "y")}
	for i := range 30 {
		parts = append(parts, Identity("missing", fmt.Sprint("t", i)))
	}
	_, err := frontend.Decode(marshal(t, Model(parts...)))
	var list frontend.Errors
	if !errors.As(err, &list) || len(list) != 31 || !strings.HasSuffix(err.Error(), "\nand 21 more") {
		t.Error(err)
	}
	var first *frontend.Error
	if !errors.As(err, &first) || first.Op != "Identity" || first.Node != "(#0)" {
		t.Errorf("%+v", first)
	}
}

// Bytes that are no model.
func TestDamaged(t *testing.T) {
	good := marshal(t, Model(In(Value("x", 2)), Identity("x", "y"), Out(Value("y", 2))))
	deep := Graph("g", Identity("x", "y"), Out(Value("y")))
	for range 5000 {
		deep = Graph("g", Node("If", []string{"c"}, []string{"y"}, Attr("then_branch", deep)), Out(Value("y")))
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":     {nil, "it has no graph"},
		"truncated": {good[:len(good)-5], "not an ONNX model, or a damaged one"},
		"text":      {[]byte("<html>not found</html>"), "not an ONNX model"},
		"nested":    {marshal(t, &pb.ModelProto{Graph: deep}), "exceeded maximum recursion depth"},
	} {
		if _, err := frontend.Decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing.onnx")} {
		if _, err := frontend.Load(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") || strings.Count(err.Error(), path) != 1 {
			t.Error(err)
		}
	}
	path := filepath.Join(dir, "empty.onnx")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var e *frontend.Error
	if _, err := frontend.Load(path); !errors.As(err, &e) || e.File != path {
		t.Error(err)
	}
}
