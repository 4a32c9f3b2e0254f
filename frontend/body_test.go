package frontend

import (
	"errors"
	"slices"
	"strings"
	"testing"

	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	pt "github.com/sbtc-go/sbtc/frontend/internal/pbtest"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// buildBodies gives a node whose operator need not exist its bodies, in a scope with the given values.
func buildBodies(p *pb.NodeProto, opset int, values ...*ir.Value) (*op.Raw, error) {
	d := &decoder{options: options{warn: func(string) {}}}
	s := d.newScope(nil, pt.Graph("outer"))
	for _, v := range values {
		s.env[v.Name] = v
	}
	c := &context{opsets: map[string]int{"": opset}}
	n := c.nodes([]*pb.NodeProto{p})[0]
	raw := &op.Raw{Op: n.op(), Opset: opset, Attrs: map[string]any{}}
	for _, name := range p.Input {
		v, _ := s.find(name)
		raw.In = append(raw.In, v)
	}
	for _, a := range p.Attribute {
		raw.Attrs[a.GetName()] = a
		switch {
		case a.I != nil:
			raw.Attrs[a.GetName()] = a.GetI()
		case a.Ints != nil:
			raw.Attrs[a.GetName()] = a.Ints
		}
	}
	s.bodies(n, raw)
	return raw, d.err()
}

func value(name string, d ir.DType, shape ...int) *ir.Value {
	return &ir.Value{Name: name, Type: ir.Type{DType: d, Shape: shape}}
}

func nameList(vs []*ir.Value) string {
	var s []string
	for _, v := range vs {
		s = append(s, v.Name)
	}
	return strings.Join(s, " ")
}

// What a body reads from outside becomes an input of the node and of each body, in the order of first use with bodies
// ordered by attribute name; constants become constants.
func TestCaptures(t *testing.T) {
	inner := pt.Graph("inner", pt.Identity("c", "i"), pt.Identity("e", "i2"), pt.Out(pt.Value("i")))
	p := pt.Node("If", []string{"cond"}, []string{"y"},
		pt.Attr("then_branch", pt.Graph("then", pt.Identity("b", "t"), pt.Identity("w", "w2"), pt.Identity("t", "u"), pt.Out(pt.Value("u", 2)))),
		pt.Attr("else_branch", pt.Graph("else", pt.Identity("a", "t"), pt.Identity("b", "v"), pt.Out(pt.Value("t", 2)))))
	w := &ir.Value{Name: "w", Type: ir.Type{DType: ir.Int64}, Const: ir.Of(ir.Int64, nil, []int64{3})}
	raw, err := buildBodies(p, 27, value("cond", ir.Bool), value("a", ir.Float32, 2), value("b", ir.Float32, 2), w)
	if err != nil {
		t.Fatal(err)
	}
	if raw.Attrs["sbtc_captures"] != int64(2) || nameList(raw.In) != "cond a b" {
		t.Errorf("%v captures, inputs %s", raw.Attrs["sbtc_captures"], nameList(raw.In))
	}
	for attr, want := range map[string]string{
		"then_branch": "then (float[2] a, float[2] b) => (float[2] u) {",
		"else_branch": "else (float[2] a, float[2] b) => (float[2] t) {",
	} {
		g := raw.Attrs[attr].(*ir.Graph)
		if !strings.HasPrefix(g.String(), want) {
			t.Errorf("%s:\n%s", attr, g)
		}
		if err := g.Check(); err != nil {
			t.Error(err)
		}
	}
	if got := raw.Attrs["then_branch"].(*ir.Graph).String(); !strings.Contains(got, "Constant<value=int64 {3}>()") {
		t.Error(got)
	}
	nested := pt.Node("If", nil, nil, pt.Attr("then_branch", pt.Graph("g", pt.Identity("a", "c"), pt.Node("If", []string{"d"}, []string{"o"}, pt.Attr("then_branch", inner)), pt.Out(pt.Value("z")))))
	if got := captures(nested); !slices.Equal(got, []string{"a", "d", "e", "z"}) {
		t.Error(got)
	}
}

// Inputs that a Loop carries have the shape that they start with, unless the body or the model changes it.
func TestLoopTypes(t *testing.T) {
	body := func(outs ...any) *pb.AttributeProto {
		return pt.Attr("body", pt.Graph("b", append([]any{pt.In(pt.Typed("i", 7)), pt.In(pt.Typed("c", 9)), pt.In(pt.Value("p", nil)), pt.In(pt.Value("q", nil)), pt.In(pt.Value("r", 2)),
			pt.Identity("c", "c2"), pt.Identity("p", "p2"), pt.Identity("q", "q2"), pt.Identity("r", "r2"), pt.Out(pt.Typed("c2", 9))}, outs...)...))
	}
	for _, c := range []struct {
		outs []any
		want string
	}{
		{[]any{pt.Out(pt.Value("p2")), pt.Out(pt.Value("q2")), pt.Out(pt.Value("r2"))}, "b (int64 i, bool c, float[3] p, float[4] q, float[2] r)"},
		{[]any{pt.Out(pt.Value("q2")), pt.Out(pt.Value("p2")), pt.Out(pt.Value("r2"))}, "b (int64 i, bool c, float[?] p, float[?] q, float[2] r)"},
	} {
		p := pt.Node("Loop", []string{"", "", "x", "y", "z"}, []string{"o"}, body(c.outs...))
		raw, err := buildBodies(p, 27, value("x", ir.Float32, 3), value("y", ir.Float32, 4), value("z", ir.Float32, 2))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := raw.Attrs["body"].(*ir.Graph).String(); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
	p := pt.Node("Loop", []string{"", ""}, []string{"o"}, body(pt.Out(pt.Value("p2"))))
	if _, err := buildBodies(p, 27); err == nil || !strings.Contains(err.Error(), "the body has 5 inputs, 2 needed") {
		t.Error(err)
	}
}

// Inputs that a Scan scans lose the axis scanned; opset 8 has a batch axis too.
func TestScanTypes(t *testing.T) {
	g := pt.Graph("b", pt.In(&pb.ValueInfoProto{Name: new("s")}), pt.In(&pb.ValueInfoProto{Name: new("e")}), pt.In(&pb.ValueInfoProto{Name: new("f")}),
		pt.Identity("s", "s2"), pt.Out(&pb.ValueInfoProto{Name: new("s2")}))
	for _, c := range []struct {
		opset int
		in    []string
		want  string
	}{
		{11, []string{"s0", "x", "y"}, "b (float[2,5] s, float[2,4] e, float[4,3] f)"},
		{8, []string{"", "s0", "x", "y"}, "b (float[5] s, float[4] e, float[3] f)"},
	} {
		p := pt.Node("Scan", c.in, []string{"o"}, pt.Attr("num_scan_inputs", 2), pt.Attr("scan_input_axes", []int64{1, -3}), pt.Attr("body", g))
		raw, err := buildBodies(p, c.opset, value("s0", ir.Float32, 2, 5), value("x", ir.Float32, 2, 3, 4), value("y", ir.Float32, 2, 4, 3))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := raw.Attrs["body"].(*ir.Graph).String(); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
	p := pt.Node("Scan", []string{"s0"}, []string{"o"}, pt.Attr("num_scan_inputs", 2), pt.Attr("body", g))
	if _, err := buildBodies(p, 11, value("s0", ir.Float32, 2)); err == nil || !strings.Contains(err.Error(), "num_scan_inputs is 2, there are 1 inputs") {
		t.Error(err)
	}
}

// A panic of an operator is a bug, not the end.
func TestPanic(t *testing.T) {
	_, err := importNode(&ir.Graph{}, &op.Raw{Op: "Identity", Name: "(#3)", Opset: 27, In: []*ir.Value{value("x", ir.Bool)}, Out: []string{"y"}, Types: []ir.Type{}})
	var bug *ir.BugError
	if !errors.As(err, &bug) || bug.Where != "Identity node (#3)" || len(bug.Stack) == 0 {
		t.Error(err)
	}
}
