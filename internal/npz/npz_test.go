package npz

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

// numpy.npz was written by NumPy 2.4: numpy.savez of arrays of many types, one of them column-major, one big-endian;
// compressed.npz by numpy.savez_compressed.
var fromNumPy = map[string]*ir.Tensor{
	"f/4:0":   ir.Of(ir.Float32, []int{2, 3}, []float32{0, 1, 2, 3, 4, 5}),
	"fortran": ir.Of(ir.Int16, []int{2, 3, 4}, []int16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}),
	"big":     ir.Of(ir.Int32, []int{3}, []int32{0, 1, 2}),
	"zero_d":  ir.Of(ir.Float64, nil, []float64{2.5}),
	"b":       ir.Of(ir.Bool, []int{2}, []bool{true, false}),
	"h":       ir.FromFloats(ir.Float16, []int{2}, []float64{1.5, -2}),
	"s":       ir.Of(ir.String, []int{2, 2}, []string{"ab", "\u00fc", "", "xyz"}),
	"bytes":   ir.Of(ir.String, []int{2}, []string{"ab", "c"}),
	"c":       ir.Of(ir.Complex64, []int{1}, []complex64{1 + 2i}),
	"empty":   ir.NewTensor(ir.Int64, 0, 3),
	"u8":      ir.Of(ir.Uint64, []int{1}, []uint64{255}),
}

func TestReadNumPy(t *testing.T) {
	got, err := Read("testdata/numpy.npz")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range fromNumPy {
		check(t, name, got[name], want)
	}
	if len(got) != len(fromNumPy) {
		t.Errorf("%d arrays, want %d", len(got), len(fromNumPy))
	}
	got, err = Read("testdata/compressed.npz")
	if err != nil || got["x"].Type().String() != "double[10,10]" {
		t.Errorf("compressed: %v, %v", got["x"].Type(), err)
	}
}

func check(t *testing.T, name string, got, want *ir.Tensor) {
	t.Helper()
	if got == nil {
		t.Errorf("%s is missing", name)
	} else if err := ir.Agree(got, want, ir.Tolerance{}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestWriteRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := Write(path, fromNumPy); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range fromNumPy {
		check(t, name, got[name], want)
	}
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import numpy").Run() != nil {
		t.Skip("NumPy cannot check the file: there is none")
	}
	script := `import numpy, sys
a = numpy.load(sys.argv[1])
assert a['f/4:0'].dtype == numpy.float32 and a['f/4:0'][1][2] == 5
assert a['s'][0][1] == '\u00fc' and a['zero_d'].shape == () and a['empty'].shape == (0, 3) and a['h'][1] == -2`
	if out, err := exec.Command(python, "-c", script, path).CombinedOutput(); err != nil {
		t.Errorf("NumPy reads it differently: %s", out)
	}
}

// A file cannot make its reader take memory or panic.
func TestReadHostile(t *testing.T) {
	header := func(text string) string { return "\x93NUMPY\x01\x00" + string([]byte{byte(len(text)), 0}) + text }
	for name, c := range map[string]struct{ file, want string }{
		"empty":    {"", "not a .npy file"},
		"magic":    {"PK\x03\x04....", "not a .npy file"},
		"no keys":  {header("{}\n"), "cannot read the header"},
		"objects":  {header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"), `element type "O" is not supported`},
		"huge":     {header("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }\n"), "do not fit"},
		"overflow": {header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }\n"), "too large"},
		"short":    {header("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n") + "12345678", "shorter than its header"},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("x.npy")
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(c.file))
		z.Close()
		path := filepath.Join(t.TempDir(), "a.npz")
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `array "x"`) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestConvert(t *testing.T) {
	doubles := func(x ...float64) *ir.Tensor { return ir.Of(ir.Float64, []int{len(x)}, x) }
	ints := func(x ...int64) *ir.Tensor { return ir.Of(ir.Int64, []int{len(x)}, x) }
	for _, c := range []struct {
		from *ir.Tensor
		to   ir.DType
		want *ir.Tensor // nil for an error
	}{
		{doubles(1.5, -2), ir.Float32, ir.Of(ir.Float32, []int{2}, []float32{1.5, -2})},
		{doubles(0.1), ir.Float32, nil},
		{ints(7, -8), ir.Int4, ir.Of(ir.Int4, []int{2}, []int8{7, -8})},
		{ints(8), ir.Int4, nil},
		{ints(-1), ir.Uint64, nil},
		{ir.Of(ir.Uint16, []int{1}, []uint16{0x3f80}), ir.BFloat16, ir.FromFloats(ir.BFloat16, []int{1}, []float64{1})},
		{ints(1), ir.Bool, nil},
		{ints(1, 2), ir.Float32, ir.Of(ir.Float32, []int{2}, []float32{1, 2})},
	} {
		name := c.from.Type().String() + " to " + c.to.String()
		got, err := Convert(c.from, c.to)
		switch {
		case c.want == nil && err == nil:
			t.Errorf("%s: no error", name)
		case c.want != nil && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != nil:
			check(t, name, got, c.want)
		}
	}
}
