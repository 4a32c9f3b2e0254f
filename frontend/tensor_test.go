package frontend_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

func readTensor(t *testing.T, p proto.Message) (*ir.Tensor, error) {
	path := filepath.Join(t.TempDir(), "t.pb")
	if err := os.WriteFile(path, marshal(t, p), 0o644); err != nil {
		t.Fatal(err)
	}
	x, _, err := frontend.ReadTensor(path)
	return x, err
}

// Every element type in raw_data and in the field that onnx.proto gives for it, the bytes written out by hand.
func TestTensorTypes(t *testing.T) {
	i32 := func(x ...int32) *pb.TensorProto { return &pb.TensorProto{Int32Data: x} }
	u64 := func(x ...uint64) *pb.TensorProto { return &pb.TensorProto{Uint64Data: x} }
	f32 := func(x ...float32) *pb.TensorProto { return &pb.TensorProto{FloatData: x} }
	f64 := func(x ...float64) *pb.TensorProto { return &pb.TensorProto{DoubleData: x} }
	for _, c := range []struct {
		dtype ir.DType
		n     int64
		raw   string
		typed *pb.TensorProto
		want  any
	}{
		{ir.Float32, 2, "\x00\x00\x80\x3f\x00\x00\x00\xc0", f32(1, -2), []float32{1, -2}},
		{ir.Float64, 1, "\x00\x00\x00\x00\x00\x00\xf0\x3f", f64(1), []float64{1}},
		{ir.Complex64, 1, "\x00\x00\x80\x3f\x00\x00\x00\xc0", f32(1, -2), []complex64{1 - 2i}},
		{ir.Complex128, 1, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\xc0", f64(1, -2), []complex128{1 - 2i}},
		{ir.Int64, 1, "\xfe\xff\xff\xff\xff\xff\xff\xff", &pb.TensorProto{Int64Data: []int64{-2}}, []int64{-2}},
		{ir.Uint64, 1, "\xff\xff\xff\xff\xff\xff\xff\xff", u64(math.MaxUint64), []uint64{math.MaxUint64}},
		{ir.Uint32, 2, "\x01\x00\x00\x00\xff\xff\xff\xff", u64(1, math.MaxUint32), []uint32{1, math.MaxUint32}},
		{ir.Int32, 2, "\x01\x00\x00\x00\xff\xff\xff\xff", i32(1, -1), []int32{1, -1}},
		{ir.Int16, 2, "\x01\x00\x00\x80", i32(1, -32768), []int16{1, -32768}},
		{ir.Uint16, 2, "\x01\x00\xff\xff", i32(1, 65535), []uint16{1, 65535}},
		{ir.Int8, 3, "\x01\x80\x7f", i32(1, -128, 127), []int8{1, -128, 127}},
		{ir.Uint8, 2, "\x01\xff", i32(1, 255), []uint8{1, 255}},
		{ir.Bool, 3, "\x00\x01\x01", i32(0, 1, 1), []bool{false, true, true}},
		{ir.Float16, 2, "\x00\x3c\x00\xc0", i32(0x3c00, 0xc000), []uint16{0x3c00, 0xc000}},
		{ir.BFloat16, 2, "\x80\x3f\x00\xc0", i32(0x3f80, 0xc000), []uint16{0x3f80, 0xc000}},
		{ir.Float8E4M3FN, 2, "\x38\xb8", i32(0x38, 0xb8), []uint8{0x38, 0xb8}},
		{ir.Float8E4M3FNUZ, 1, "\x80", i32(-128), []uint8{0x80}},
		{ir.Float8E5M2, 1, "\x3c", i32(0x3c), []uint8{0x3c}},
		{ir.Float8E5M2FNUZ, 1, "\x3c", i32(0x3c), []uint8{0x3c}},
		{ir.Float8E8M0, 1, "\x7f", i32(0x7f), []uint8{0x7f}},
		{ir.Uint4, 3, "\xf1\x02", i32(0xf1, 0x02), []uint8{1, 15, 2}},
		{ir.Int4, 3, "\x87\x0f", i32(0x87, 0x0f), []int8{7, -8, -1}},
		{ir.Float4E2M1, 3, "\x72\x09", i32(0x72, 0x09), []uint8{2, 7, 9}},
		{ir.Uint2, 5, "\xe4\x03", i32(0xe4, 0x03), []uint8{0, 1, 2, 3, 3}},
		{ir.Int2, 5, "\xe4\x03", i32(0xe4, 0x03), []int8{0, 1, -2, -1, -1}},
		{ir.String, 2, "", &pb.TensorProto{StringData: [][]byte{[]byte("a\x00"), nil}}, []string{"a\x00", ""}},
	} {
		t.Run(c.dtype.String(), func(t *testing.T) {
			forms := map[string]*pb.TensorProto{"typed": c.typed}
			if c.raw != "" {
				forms["raw"] = &pb.TensorProto{RawData: []byte(c.raw)}
			}
			for form, p := range forms {
				p.DataType, p.Dims = proto.Int32(int32(c.dtype)), []int64{c.n}
				got, err := readTensor(t, p)
				if err != nil || got.DType != c.dtype || !reflect.DeepEqual(got.Any(), c.want) {
					t.Errorf("%s: %v, %v, want %v", form, got, err, c.want)
				}
			}
			empty := &pb.TensorProto{DataType: proto.Int32(int32(c.dtype)), Dims: []int64{3, 0}}
			if got, err := readTensor(t, empty); err != nil || got.Len() != 0 {
				t.Errorf("empty: %v, %v", got, err)
			}
		})
	}
}

func TestTensorFaults(t *testing.T) {
	for _, c := range []struct {
		p    proto.Message
		want string
	}{
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{2}, FloatData: []float32{1}}, "float[2] has 1 values in float_data, 2 needed"},
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{2}, RawData: make([]byte, 9)}, "float[2] has 9 bytes of data, 8 needed"},
		{&pb.TensorProto{DataType: proto.Int32(22), Dims: []int64{3}, RawData: make([]byte, 3)}, "int4[3] has 3 bytes of data, 2 needed"},
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{1 << 40}}, "more than 2147483647 elements"},
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{1 << 31, 1 << 31, 1 << 31}}, "more than 2147483647 elements"},
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{0, 1 << 62}}, "more than 2147483647 elements"},
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{1 << 30}}, "float[1073741824] has 0 values in float_data"},
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{-1}}, "negative dimension"},
		{&pb.TensorProto{DataType: proto.Int32(99), Dims: []int64{1}}, "element type 99 is unknown"},
		{&pb.TensorProto{}, "element type 0 is unknown"},
		{&pb.TensorProto{DataType: proto.Int32(3), Dims: []int64{1}, Int32Data: []int32{200}}, "value 0 of int32_data, 200, does not fit int8"},
		{&pb.TensorProto{DataType: proto.Int32(12), Dims: []int64{1}, Uint64Data: []uint64{1 << 32}}, "4294967296, is no uint32"},
		{&pb.TensorProto{DataType: proto.Int32(8), Dims: []int64{1}, RawData: []byte("a")}, "strings cannot be stored as raw data"},
		{&pb.TensorProto{DataType: proto.Int32(1), Dims: []int64{1}, Segment: &pb.TensorProto_Segment{}}, "sequence or an optional value"},
	} {
		if _, err := readTensor(t, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.p, err, c.want)
		}
	}
}

func TestReadCase(t *testing.T) {
	sets, err := frontend.ReadCase("../testdata/models/anomaly_sbt")
	if err != nil {
		t.Fatal(err)
	}
	if len(sets) != 2 || len(sets[1].Inputs) != 1 || len(sets[1].Outputs) != 1 {
		t.Fatalf("%+v", sets)
	}
	if _, err := frontend.ReadCase(t.TempDir()); err == nil || !strings.Contains(err.Error(), "test_data_set_0") {
		t.Error(err)
	}
}
