package check

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

func TestMargin(t *testing.T) {
	floats := func(x ...float64) *ir.Tensor { return ir.FromFloats(ir.Float32, []int{len(x)}, x) }
	inf := math.Inf(1)
	nan := math.NaN()
	for _, c := range []struct {
		name      string
		margin    Margin
		got, want *ir.Tensor
		ok        bool
	}{
		{"relative", Suite, floats(1.0009), floats(1), true},
		{"beyond relative", Suite, floats(1.0011), floats(1), false},
		{"absolute near zero", Suite, floats(0.9e-7), floats(0), true},
		{"beyond absolute", Suite, floats(2e-7), floats(0), false},
		{"the largest element decides", Recorded, floats(0.0009, 10), floats(0, 10), true},
		{"the largest element decides: beyond", Recorded, floats(0.0011, 10), floats(0, 10), false},
		{"small tensors are absolute", Recorded, floats(0.00009), floats(0), true},
		{"nan", Suite, floats(nan), floats(nan), true},
		{"nan for a number", Suite, floats(nan), floats(1), false},
		{"infinity", Suite, floats(-inf), floats(-inf), true},
		{"a number for infinity", Suite, floats(1e30), floats(inf), false},
		{"the sign of zero", Suite, floats(0), ir.Of(ir.Float32, []int{1}, []float32{float32(math.Copysign(0, -1))}), true},
		{"integers", Suite, ir.Of(ir.Int32, []int{1}, []int32{100000}), ir.Of(ir.Int32, []int{1}, []int32{100001}), false},
		{"shape", Suite, floats(1, 2), floats(1, 2).Reshape(2, 1), false},
		{"type", Suite, floats(1), ir.FromFloats(ir.Float64, []int{1}, []float64{1}), false},
		{"complex", Suite, ir.Of(ir.Complex64, []int{1}, []complex64{1 + 2i}), ir.Of(ir.Complex64, []int{1}, []complex64{1 + 2.1i}), false},
	} {
		if err := c.margin.Compare(c.got, c.want); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSkipList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "skip.txt")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("# known\n\ntest_a\t*\tno sequences\ntest_b\tinterp\tslow\n")
	list, err := ReadSkipList(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, executor, want string }{
		{"test_a", "interp", "no sequences"}, {"test_b", "interp", "slow"}, {"test_b", "purego", ""}, {"test_c", "interp", ""},
	} {
		if got := list.reason(c.name, Executor(c.executor)); got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.name, c.executor, got, c.want)
		}
	}
	for _, text := range []string{"test_a\t*\n", "test_a * reason\n", "test_a\tgpu\treason\n", "test_a\t*\tx\ntest_a\t*\ty\n"} {
		write(text)
		if _, err := ReadSkipList(path); err == nil || !strings.Contains(err.Error(), "skip.txt:") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestJudge(t *testing.T) {
	c := Conform{Skip: SkipList{{"listed", "*"}: "known"}}
	failed := os.ErrInvalid
	for _, k := range []struct {
		name string
		err  error
		want string
	}{
		{"plain", nil, "PASS interp plain"},
		{"plain", failed, "FAIL interp plain invalid argument"},
		{"listed", failed, "SKIP interp listed known"},
		{"listed", nil, "FAIL interp listed listed as skipped but passes"},
	} {
		if got := c.judge(&attempt{Case: Case{Name: k.name, Dir: "d"}}, Interp, k.err).String(); got != k.want {
			t.Errorf("%q, want %q", got, k.want)
		}
	}
}
