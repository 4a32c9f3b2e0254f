package frontend_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	. "github.com/sbtc-go/sbtc/frontend/internal/pbtest"
)

// copies is a model that copies each input x, y, ... to an output x', y', ...
func copies(values ...*pb.ValueInfoProto) *pb.ModelProto {
	var parts []any
	for _, v := range values {
		out := proto.Clone(v).(*pb.ValueInfoProto)
		out.Name = proto.String(v.GetName() + "'")
		parts = append(parts, In(v), Out(out), Identity(v.GetName(), out.GetName()))
	}
	return Model(parts...)
}

func TestDims(t *testing.T) {
	unranked := &pb.ValueInfoProto{Name: proto.String("x"), Type: &pb.TypeProto{Value: &pb.TypeProto_TensorType{
		TensorType: &pb.TypeProto_Tensor{ElemType: proto.Int32(1)}}}}
	for _, c := range []struct {
		name  string
		model *pb.ModelProto
		flags string
		want  string // beginning of the graph, or the error
		warn  string
		batch int
	}{
		{"shared name", copies(Value("x", "N", 3), Value("y", "N")), "", "g (float[1,3] x, float[1] y)", "--dim N=N", 1},
		{"shared without name", copies(Value("x", nil, 3), Value("y", nil)), "", "g (float[1,3] x, float[1] y)", "--dim x:0=N --dim y:0=N", 1},
		{"minus one", copies(Value("x", -1, 3)), "", "g (float[1,3] x)", "taken as 1", 1},
		{"given", copies(Value("x", "N", 3), Value("y", "N")), "N=4", "g (float[4,3] x, float[4] y)", "", 4},
		{"given by axis", copies(Value("x", "N", 3), Value("y", "N")), "y:0=4", "g (float[4,3] x, float[4] y)", "", 4},
		{"unnamed by axis", copies(Value("x", 2, nil), Value("y", 3)), "x:1=4", "g (float[2,4] x, float[3] y)", "", 0},
		{"colon in a name", copies(Value("x:0", 2, nil)), "x:0:1=4", `g (float[2,4] "x:0")`, "", 0},
		{"not shared by all", copies(Value("x", "N", 3), Value("y", 2)), "", "open dimensions: axis 0 of input \"x\"; fix them with --dim N=N", "", 0},
		{"two names", copies(Value("x", "N", "M"), Value("y", "K", nil), Value("z", "M")), "",
			`open dimensions: axis 0 of input "x"; axis 1 of input "x", axis 0 of input "z"; axis 0 of input "y"; axis 1 of input "y"; ` +
				`fix them with --dim N=N --dim M=N --dim K=N --dim y:1=N`, "", 0},
		{"batch name elsewhere", copies(Value("x", "N", "N")), "", "open dimensions", "", 0},
		{"rest open", copies(Value("x", "N", "M")), "", `open dimensions: axis 1 of input "x"; fix them with --dim M=N`, "taken as 1", 0},
		{"no shape", copies(unranked), "", `input "x": the model declares no shape; give the length of every axis`, "", 0},
		{"no shape, given", copies(unranked), "x:0=2 x:1=3", "g (float[2,3] x)", "", 0},
		{"unknown", copies(Value("x", "N", 3)), "M=4", `dimension "M=4": the model has no dimension "M"; it has N`, "", 0},
		{"all fixed", copies(Value("x", 3)), "M=4", "all its dimensions are fixed", "", 0},
		{"fixed otherwise", copies(Value("x", 3)), "x:0=4", `axis 0 of input "x" is 3 in the model`, "", 0},
		{"no such axis", copies(Value("x", 3)), "x:1=4", `input "x" has 1 axes`, "", 0},
		{"twice", copies(Value("x", "N")), "N=4 x:0=5", "N is also given as 4", "", 0},
		{"no number", copies(Value("x", "N")), "N=many", `"many" is no length`, "", 0},
		{"zero", copies(Value("x", "N")), "N=0", `"0" is no length`, "", 0},
		{"no equals sign", copies(Value("x", "N")), "N", "not of the form NAME=N or INPUT:AXIS=N", "", 0},
		{"too large", copies(Value("x", "N", 1<<30)), "N=4", "more than 2147483647 elements", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var warnings []string
			m, err := frontend.Decode(marshal(t, c.model), frontend.WithDim(strings.Fields(c.flags)...),
				frontend.WithWarnings(func(s string) { warnings = append(warnings, s) }))
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = m.Graph.String()
				if m.Batch != c.batch {
					t.Errorf("batch %d, want %d", m.Batch, c.batch)
				}
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if w := strings.Join(warnings, "\n"); c.warn == "" && w != "" || !strings.Contains(w, c.warn) || strings.Contains(w, "\n") {
				t.Errorf("warnings %q, want %q", w, c.warn)
			}
		})
	}
}
