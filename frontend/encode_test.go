package frontend_test

import (
	"bytes"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/frontend/internal/pbtest"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// roundTrip writes a graph and reads it again.
func roundTrip(g *ir.Graph) (*ir.Graph, error) {
	var b bytes.Buffer
	if err := frontend.Encode(g, &b); err != nil {
		return nil, err
	}
	m, err := frontend.Decode(b.Bytes())
	if err != nil {
		return nil, err
	}
	return m.Graph, nil
}

func TestEncode(t *testing.T) {
	for _, src := range []string{
		`g (float[3,2] x, float[3,4] w0) => (float[4,2] z) {
  c = Constant<value=float[2] {1,2}>()
  "/t.1" = Gemm<alpha=0.5, transA=1>(w0, x, c)
  z = Identity("/t.1")
}`,
		`g (float[2,3] x) => (float[2,3] z) {
  z = Identity(x)
}`,
		`"" () => (string[2] a, bool b, int4[3] c, uint2[5] d, float4e2m1[3] e, complex64 f, bfloat16[0,2] h) {
  k0 = Constant<value=string[2] {"a","\x00"}>()
  k1 = Constant<value=bool {1}>()
  k2 = Constant<value=int4[3] {-8,7,-1}>()
  k3 = Constant<value=uint2[5] {0,1,2,3,1}>()
  k4 = Constant<value=float4e2m1[3] {0.5,-6,1}>()
  k5 = Constant<value=complex64 {1,-2}>()
  k6 = Constant<value=bfloat16[0,2] {}>()
  a = Identity(k0)
  b = Identity(k1)
  c = Identity(k2)
  d = Identity(k3)
  e = Identity(k4)
  f = Identity(k5)
  h = Identity(k6)
}`} {
		g, err := ir.Parse("test", src, op.New)
		if err != nil {
			t.Error(err)
			continue
		}
		g.Meta = map[string]string{"b": "1", "a": "2"}
		got, err := roundTrip(g)
		if err != nil {
			t.Error(err)
			continue
		}
		if got.String() != g.String() {
			t.Errorf("got\n%s\nwant\n%s", got, g)
		}
		if len(got.Meta) != 2 || got.Meta["a"] != "2" {
			t.Error(got.Meta)
		}
	}
}

// kinds is an operator with an attribute of every kind that ir knows.
type kinds struct {
	op.Identity
	Int      int          `onnx:"int"` // required: written even if 0
	Dtype    ir.DType     `onnx:"dtype"`
	Yes      bool         `onnx:"yes,0"`
	Float    float32      `onnx:"float,1"`
	Default  int          `onnx:"default,-1"`
	Maybe    *int         `onnx:"maybe"`
	Absent   *int         `onnx:"absent"`
	Str      string       `onnx:"str,a"`
	Ints     []int        `onnx:"ints"`
	Empty    []int        `onnx:"empty"`
	Floats   []float32    `onnx:"floats"`
	Strs     []string     `onnx:"strs"`
	Tensor   *ir.Tensor   `onnx:"tensor"`
	Body     *ir.Graph    `onnx:"body"`
	Captures int          `onnx:"sbtc_captures,0"`
	Tensors  []*ir.Tensor `onnx:"tensors"`
}

func (*kinds) Name() string { return "my.domain.Kinds" }

// The body's capture is called k inside and x outside; its own x has to get another name.
func TestEncodeAttributes(t *testing.T) {
	body, err := ir.Parse("body", "b (float[2] y, float[2] k) => (float[2] x, float[2] z) {\n x = Identity(k)\n z = Identity(y)\n}", op.New)
	if err != nil {
		t.Fatal(err)
	}
	g := &ir.Graph{Name: "g", In: []*ir.Value{{Name: "x", Type: ir.Type{DType: ir.Float32, Shape: []int{2}}}}}
	n, err := g.AddTyped(&kinds{Dtype: ir.Int4, Yes: true, Float: 0.5, Default: -1, Maybe: new(0), Str: "b", Ints: []int{1, 2}, Empty: []int{},
		Floats: []float32{1.5}, Strs: []string{"s"}, Tensor: ir.Of(ir.Int8, nil, []int8{3}), Body: body, Captures: 1,
		Tensors: []*ir.Tensor{ir.Of(ir.Bool, []int{1}, []bool{true})}}, `"n" (#5)`, []*ir.Value{g.In[0], g.In[0]}, []string{"y"}, []ir.Type{{NoRank: true}})
	if err != nil {
		t.Fatal(err)
	}
	g.Out = n.Out
	var b bytes.Buffer
	if err := frontend.Encode(g, &b); err != nil {
		t.Fatal(err)
	}
	got := &pb.ModelProto{}
	if err := proto.Unmarshal(b.Bytes(), got); err != nil {
		t.Fatal(err)
	}
	tensor := func(dtype int32, dims []int64, raw string) *pb.TensorProto {
		return &pb.TensorProto{DataType: &dtype, Dims: dims, RawData: []byte(raw)}
	}
	a := pbtest.Attr
	want := pbtest.Node("Kinds", []string{"x"}, []string{"y"},
		a("int", 0), a("dtype", 22), a("yes", 1), a("float", float32(0.5)), a("maybe", 0), a("str", "b"), a("ints", []int64{1, 2}),
		a("empty", []int64(nil)), a("floats", []float32{1.5}), a("strs", []string{"s"}), a("tensor", tensor(3, nil, "\x03")),
		a("body", pbtest.Graph("b", pbtest.In(pbtest.Value("y_1", 2)), pbtest.Identity("x", "x_1"), pbtest.Identity("y_1", "z"),
			pbtest.Out(pbtest.Value("x_1", 2)), pbtest.Out(pbtest.Value("z", 2)))),
		&pb.AttributeProto{Name: new("tensors"), Type: pb.AttributeProto_TENSORS.Enum(), Tensors: []*pb.TensorProto{tensor(9, []int64{1}, "\x01")}})
	want.Name, want.Domain = new("n"), new("my.domain")
	if !proto.Equal(got.Graph.Node[0], want) {
		t.Errorf("got  %v\nwant %v", got.Graph.Node[0], want)
	}
	if len(got.OpsetImport) != 2 || got.OpsetImport[0].GetVersion() != 27 || got.OpsetImport[1].GetDomain() != "my.domain" {
		t.Error(got.OpsetImport)
	}
}

// lowOnly is an operator that is not ONNX's.
type lowOnly struct{}

func (lowOnly) Name() string                               { return "sbtc.Low" }
func (lowOnly) Infer([]*ir.Value) ([]ir.Type, error)       { return []ir.Type{{DType: ir.Float32}}, nil }
func (lowOnly) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) { return in, nil }

func TestEncodeRejectsLow(t *testing.T) {
	g := &ir.Graph{}
	if _, err := g.Add(&lowOnly{}, nil, "y"); err != nil {
		t.Fatal(err)
	}
	g.Out = g.Nodes[0].Out
	want := `sbtc.Low (output "y"): not an ONNX operator; only graphs before lowering can be written as ONNX`
	if err := frontend.Encode(g, io.Discard); err == nil || err.Error() != want {
		t.Error(err)
	}
}
