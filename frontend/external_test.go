package frontend_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend"
	pb "github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	. "github.com/sbtc-go/sbtc/frontend/internal/pbtest"
)

// external is a model whose initializer, two floats, lies where the key-value pairs say.
func external(dtype int32, pairs ...string) *pb.ModelProto {
	w := &pb.TensorProto{Name: proto.String("w"), DataType: &dtype, Dims: []int64{2}, DataLocation: pb.TensorProto_EXTERNAL.Enum()}
	for i := 0; i < len(pairs); i += 2 {
		w.ExternalData = append(w.ExternalData, &pb.StringStringEntryProto{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return Model(w, Identity("w", "y"), Out(Typed("y", dtype, 2)))
}

func TestExternalData(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "model")
	data := []byte("....\x00\x00\x80\x3f\x00\x00\x00\xc0") // 1, -2 after four bytes
	for _, path := range []string{filepath.Join(dir, "sub", "w.bin"), filepath.Join(top, "outside")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../outside", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("sub/w.bin", filepath.Join(dir, "inside")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		model *pb.ModelProto
		want  string // error, "" for none
	}{
		{external(1, "location", "sub/w.bin", "offset", "4", "length", "8", "checksum", "?"), ""},
		{external(1, "location", "sub/w.bin", "offset", "4"), ""},
		{external(1, "location", "inside", "offset", "4"), ""},
		{external(1, "location", "sub/w.bin"), "12 bytes of external data, 8 needed"},
		{external(1, "location", "sub/w.bin", "offset", "5", "length", "8"), "the data would end at 13"},
		{external(1, "location", "sub/w.bin", "offset", "13"), "the data begins at 13"},
		{external(1, "location", "sub/w.bin", "offset", "-4"), `offset "-4" is not a size`},
		{external(1, "location", "sub/w.bin", "offset", "9223372036854775808"), "is not a size"},
		{external(1, "location", "sub/w.bin", "offset", "8", "length", "9223372036854775807"), "9223372036854775807 bytes of external data, 8 needed"},
		{external(1, "location", "../outside", "offset", "4"), `external file "../outside" is outside the model's folder`},
		{external(1, "location", "sub/../../outside", "offset", "4"), "is outside the model's folder"},
		{external(1, "location", filepath.Join(top, "outside"), "offset", "4"), "is outside the model's folder"},
		{external(1, "location", "link", "offset", "4"), "escapes"},
		{external(1, "location", "sub"), `external file "sub" is not a regular file`},
		{external(1, "location", "missing"), "no such file"},
		{external(1), "external data without a location"},
		{external(8, "location", "sub/w.bin"), "strings cannot be external data"},
	} {
		path := filepath.Join(dir, "model.onnx")
		if err := os.WriteFile(path, marshal(t, c.model), 0o644); err != nil {
			t.Fatal(err)
		}
		g, err := frontend.Load(path)
		switch {
		case c.want == "" && err != nil:
			t.Error(err)
		case c.want == "":
			if !strings.Contains(g.String(), "float[2] {1,-2}") {
				t.Error(g)
			}
		case err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path+`: initializer "w": `):
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if _, err := frontend.Decode(marshal(t, external(1, "location", "sub/w.bin"))); err == nil || !strings.Contains(err.Error(), "not read from a folder") {
		t.Error(err)
	}
}
