package frontend_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/frontend/internal/pbtest"
	"github.com/sbtc-go/sbtc/ir"
)

// peer writes a model to a file and reads it as one for other engines.
func peer(t *testing.T, m *pb.ModelProto, files map[string]string) *frontend.Peer {
	t.Helper()
	dir := t.TempDir()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	files["m.onnx"] = string(data)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	p, err := frontend.ReadPeer(filepath.Join(dir, "m.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func reread(t *testing.T, p *frontend.Peer) *ir.Graph {
	t.Helper()
	data, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m, err := frontend.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return m.Graph
}

// dynamic computes x w as ONNX's operators state it: x as uint8 with a zero point so that its range holds 0
// (DynamicQuantizeLinear), w as int8 of one scale, 127 the largest.
func dynamic(x []float32, rows int, w [][]float32) [][]float32 {
	lo, hi, top := float32(0), float32(0), float32(0)
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	scale := (hi - lo) / 255
	zero := math.RoundToEven(float64(-lo / scale))
	for _, row := range w {
		for _, v := range row {
			top = max(top, v, -v)
		}
	}
	wScale := top / 127
	depth, cols := len(w), len(w[0])
	y := make([][]float32, rows)
	for i := range y {
		y[i] = make([]float32, cols)
		for j := range cols {
			sum := 0
			for k := range depth {
				q := math.RoundToEven(float64(x[i*depth+k]/scale)) + zero
				sum += int(min(max(q, 0), 255)-zero) * int(math.RoundToEven(float64(w[k][j]/wScale)))
			}
			y[i][j] = float32(sum) * (scale * wScale)
		}
	}
	return y
}

func TestPeerQuantize(t *testing.T) {
	a := pbtest.Attr
	w := []float32{1, -2, 0.5, 3, 0.25, -0.125} // 3x2; as 2x3 transposed: rows (1,-2,.5) and (3,.25,-.125)
	p := peer(t, pbtest.Model(
		pbtest.In(pbtest.Value("x", 2, 3)), pbtest.Out(pbtest.Value("y", 2, 2)), pbtest.Out(pbtest.Value("z", 2, 2)),
		pbtest.Out(pbtest.Value("h", 2, 2)),
		pbtest.Floats("w", []int64{3, 2}, w...), pbtest.Floats("int8", []int64{2, 3}, w...), pbtest.Floats("b", []int64{2}, 10, 20),
		pbtest.Node("Identity", []string{"w"}, []string{"same"}),
		pbtest.Node("MatMul", []string{"x", "same"}, []string{"y"}),
		pbtest.Node("Gemm", []string{"x", "int8", "b"}, []string{"z"}, a("transB", 1)),
		pbtest.Node("Gemm", []string{"x", "w"}, []string{"h"}, a("alpha", float32(0.5))),
	), map[string]string{})
	n, err := p.Quantize()
	if err != nil || n != 2 {
		t.Fatalf("%d layers, %v; the one with a factor has to stay", n, err)
	}
	x := []float32{0.3, -1, 0.7, 2, 0.1, -0.4}
	out, err := reread(t, p).Eval([]*ir.Tensor{ir.Of(ir.Float32, []int{2, 3}, x)})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range [][][]float32{
		dynamic(x, 2, [][]float32{{1, -2}, {0.5, 3}, {0.25, -0.125}}),
		dynamic(x, 2, [][]float32{{1, 3}, {-2, 0.25}, {0.5, -0.125}}),
	} {
		got := ir.Data[float32](out[k])
		for i := range 4 {
			v := want[i/2][i%2]
			if k == 1 {
				v += []float32{10, 20}[i%2]
			}
			if d := math.Abs(float64(got[i] - v)); d > 1e-5 {
				t.Errorf("output %d, element %d: %v, want %v", k, i, got[i], v)
			}
		}
	}
	if got := ir.Data[float32](out[2]); math.Abs(float64(got[0])+0.0125) > 1e-6 { // 0.5 (0.3 x 1 - 1 x 0.5 + 0.7 x 0.25)
		t.Errorf("the layer that stays: %v", got)
	}
}

func TestPeerQuantizeNeedsOpset(t *testing.T) {
	p := peer(t, pbtest.Model(pbtest.Opset("", 10), pbtest.In(pbtest.Value("x", 1)), pbtest.Out(pbtest.Value("y", 1)), pbtest.Identity("x", "y")), map[string]string{})
	if _, err := p.Quantize(); err == nil || err.Error() != "the model has opset 10; quantizing when it runs needs 11" {
		t.Error(err)
	}
}

func TestPeerShapes(t *testing.T) {
	model := func(batch any) *pb.ModelProto {
		return pbtest.Model(pbtest.In(pbtest.Value("x", batch, 3)), pbtest.Out(pbtest.Value("y", batch, 3)),
			pbtest.Info(pbtest.Value("h", batch, 3)), pbtest.Identity("x", "h"), pbtest.Identity("h", "y"))
	}
	closed := peer(t, model(1), map[string]string{})
	opened := closed.Clone()
	if !closed.Static() || !opened.OpenBatch() || opened.Static() || !closed.Static() {
		t.Error("OpenBatch of a batch of 1")
	}
	if p := peer(t, model(2), map[string]string{}); p.OpenBatch() || !p.Static() {
		t.Error("a batch of 2 is no batch that can be opened")
	}
	p := peer(t, model("n"), map[string]string{})
	if p.Static() {
		t.Error("n is open")
	}
	p.Fix(map[string][]int{"x": {5, 3}})
	if g := reread(t, p); !p.Static() || !slices.Equal(g.Out[0].Type.Shape, []int{5, 3}) {
		t.Errorf("shape %v", g.Out[0].Type)
	}
	in, out := p.Ports()
	if !slices.Equal(in, []string{"x"}) || !slices.Equal(out, []string{"y"}) {
		t.Error(in, out)
	}
}

func TestPeerReadsExternalData(t *testing.T) {
	w := &pb.TensorProto{Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{1, 1},
		DataLocation: pb.TensorProto_EXTERNAL.Enum(), ExternalData: []*pb.StringStringEntryProto{{Key: proto.String("location"), Value: proto.String("w.bin")}}}
	p := peer(t, pbtest.Model(pbtest.In(pbtest.Value("x", 1, 1)), pbtest.Out(pbtest.Value("y", 1, 1)), w,
		pbtest.Node("MatMul", []string{"x", "w"}, []string{"y"})), map[string]string{"w.bin": "\x00\x00\x40\x40"})
	out, err := reread(t, p).Eval([]*ir.Tensor{ir.Of(ir.Float32, []int{1, 1}, []float32{2})})
	if err != nil {
		t.Fatal(err)
	}
	if got := ir.Data[float32](out[0])[0]; got != 6 {
		t.Errorf("2 x 3 = %v", got)
	}
}
