package low

import (
	"math"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

func parse(t *testing.T, src string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse("test", src, New)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func run(t *testing.T, src string, in ...*ir.Tensor) []*ir.Tensor {
	t.Helper()
	out, err := parse(t, src).Eval(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func f32s(shape []int, x ...float32) *ir.Tensor { return ir.Of(ir.Float32, shape, x) }

func want(t *testing.T, got *ir.Tensor, x ...float32) {
	t.Helper()
	for i, v := range ir.Data[float32](got) {
		if math.Float32bits(v) != math.Float32bits(x[i]) {
			t.Errorf("element %d is %x, want %x", i, v, x[i])
		}
	}
}

// A chain of fma rounds once a term: 1 + 2^-12 squared is 1 + 2^-11 + 2^-24, whose last bit only an fma keeps when
// the leading 1 + 2^-11 is taken off.
func TestDenseRoundsOnceATerm(t *testing.T) {
	out := run(t, `g (float[1,2] X) => (float[1,1] Y) {
  W = Constant<value=float[2,1] {-1,1.000244140625}>()
  Y = sbtc.Linear(X, W, "")
}`, f32s([]int{1, 2}, 1+0x1p-11, 1+0x1p-12))
	want(t, out[0], 0x1p-24)
}

// The positive terms come first: (2^24 + 1) + 1 - 2^24 loses both ones, in index order none would be lost.
func TestTernaryOrder(t *testing.T) {
	out := run(t, `g (float[2,4] X) => (float[2,2] Y) {
  W = Constant<value=int8[4,2] {1,0,-1,0,1,0,1,-1}>()
  S = Constant<value=float[2] {1,2}>()
  Y = sbtc.Linear<kind="ternary">(X, W, S, "")
}`, f32s([]int{2, 4}, 0x1p24, 0x1p24, 1, 1, 1, 2, 3, 4))
	want(t, out[0], 0, -2, 1-2+3+4, -8)
}

// Only the keys of a query's spans take part: the first query copies its value, the second averages two.
func TestAttendSpans(t *testing.T) {
	out := run(t, `g (float[1,2,1] Q, float[1,3,1] K, float[1,3,1] V) => (float[1,2,1] Y) {
  Y = sbtc.Attend<finite="2-3; 0-2">(Q, K, V)
}`, f32s([]int{1, 2, 1}, 5, 0), f32s([]int{1, 3, 1}, 1, 2, 3), f32s([]int{1, 3, 1}, 10, 20, 7))
	want(t, out[0], 7, 15)
}

func TestAttendRowWithoutKeysIsNaN(t *testing.T) {
	out := run(t, `g (float[1,1,1] Q, float[1,2,1] K) => (float[1,1,1] Y) {
  M = Constant<value=float[1,2] {-inf,-inf}>()
  Y = sbtc.Attend(Q, K, K, M)
}`, f32s([]int{1, 1, 1}, 1), f32s([]int{1, 2, 1}, 1, 2))
	if v := ir.Data[float32](out[0])[0]; v == v {
		t.Errorf("got %v, want NaN", v)
	}
}

// In 16 partials element 16 joins element 0 before it meets element 1.
func TestReducePartials(t *testing.T) {
	x := make([]float32, 17)
	x[0], x[1], x[16] = 0x1p24, 1, -0x1p24
	for _, c := range []struct {
		partials string
		want     float32
	}{{"16", 1}, {"1", 0}} {
		out := run(t, `g (float[17] X) => (float Y) {
  Y = sbtc.Reduce<fn="sum", axes=[0], keepdims=0, partials=`+c.partials+`>(X)
}`, f32s([]int{17}, x...))
		want(t, out[0], c.want)
	}
}

func TestBadGraphs(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`Y = sbtc.Move<shape=[3]>(X)`, "not as many elements"},
		{`Y = sbtc.Move<shape=[2], parts="0 [2] 0 [1] 5 [1]">(X)`, "leaves"},
		{`Y = sbtc.Move<shape=[2], parts="0 [2] 0">(X)`, "fields"},
		{`Y = sbtc.Reduce<fn="sum", axes=[2]>(X)`, "axes [2]"},
		{`Y = sbtc.Reduce<fn="median", axes=[0]>(X)`, "median"},
		{`Y = sbtc.Map<expr="add(x0,x1)">(X)`, "number of inputs"},
		{`Y = sbtc.Map<expr="frobnicate(x0)">(X)`, "frobnicate"},
		{`Y = sbtc.Linear(X, X, "")`, "times"},
		{`Y = sbtc.Normalize<fn="softmax", axis=3>(X)`, "axis 3"},
		{`Y = sbtc.Nothing(X)`, "no low operator"},
		{`Y = sbtc.Contract(X, X)`, "times"},
	} {
		_, err := ir.Parse("bad", "g (float[2,3] X) => (float[2,3] Y) {\n  "+c.line+"\n}", New)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad:2:3") {
			t.Errorf("%s: got %v, want %s at bad:2:3", c.line, err, c.want)
		}
	}
}
