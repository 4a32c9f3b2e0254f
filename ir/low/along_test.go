package low

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

func normal(r *rand.Rand, shape ...int) *ir.Tensor {
	x := make([]float32, ir.Size(shape))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return ir.Of(ir.Float32, shape, x)
}

// near compares with what float64 gives.
func near(t *testing.T, got *ir.Tensor, want []float64) {
	t.Helper()
	for i, g := range got.Floats() {
		if math.Abs(g-want[i]) > 1e-5 {
			t.Fatalf("element %d is %v, want %v", i, g, want[i])
		}
	}
}

// Rows that are constant count in the statistics like the others, and may be part of the result.
func TestNormalizeAlongRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x, c := normal(r, 1, 19, 3), normal(r, 5, 3)
	out := run(t, `g (float[1,19,3] X) => (float[1,4,3] Y) {
  S = Constant<value=float[4] {1,2,3,-1}>()
  B = Constant<value=float[4] {0,0.5,1,2}>()
  C = sbtc.Raw<dtype="float", shape=[5,3], data="`+base64Of(c)+`">()
  P = sbtc.Move<shape=[1,19,3], panels=1>(X)
  Q = sbtc.Normalize<fn="layernorm", epsilon=0.25, rows=1, pick=[18,0,20,7]>(P, S, B, C)
  Y = sbtc.Move<shape=[1,4,3]>(Q)
}`, x)
	all := append(x.Floats(), c.Floats()...)
	want := make([]float64, 12)
	for f := range 3 {
		var sum, squares float64
		for i := range 24 {
			sum += all[i*3+f]
		}
		for i := range 24 {
			d := all[i*3+f] - sum/24
			squares += d * d
		}
		for i, p := range []int{18, 0, 20, 7} {
			y := (all[p*3+f] - sum/24) / math.Sqrt(squares/24+0.25)
			want[i*3+f] = y*[]float64{1, 2, 3, -1}[i] + []float64{0, 0.5, 1, 2}[i]
		}
	}
	near(t, out[0], want)
}

// One query, whose heads share keys, over two parts is the softmax over all keys.
func TestAttendOneQuery(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	q, k, v, k2, v2 := normal(r, 1, 1, 6), normal(r, 1, 18, 3), normal(r, 1, 18, 4), normal(r, 1, 2, 3), normal(r, 1, 2, 4)
	out := run(t, `g (float[1,1,6] Q, float[1,18,3] K, float[1,18,4] V, float[1,2,3] L, float[1,2,4] W) => (float[1,1,4] Y) {
  A = sbtc.Move<shape=[1,18,3], panels=1>(K)
  B = sbtc.Move<shape=[1,18,4], panels=1>(V)
  C = sbtc.Move<shape=[1,2,3], panels=1>(L)
  D = sbtc.Move<shape=[1,2,4], panels=1>(W)
  Y = sbtc.Attend<heads=2, kv_heads=2, k_heads=1, scale=0.5, partials=16>(Q, A, B, "", C, D)
}`, q, k, v, k2, v2)
	keys, values, x := append(k.Floats(), k2.Floats()...), append(v.Floats(), v2.Floats()...), q.Floats()
	want := make([]float64, 4)
	for h := range 2 {
		var sum float64
		var acc [2]float64
		for j := range 20 {
			var s float64
			for c := range 3 {
				s += x[h*3+c] * keys[j*3+c]
			}
			e := math.Exp(s / 2)
			sum += e
			for c := range 2 {
				acc[c] += e * values[j*4+h*2+c]
			}
		}
		want[2*h], want[2*h+1] = acc[0]/sum, acc[1]/sum
	}
	near(t, out[0], want)
}

func base64Of(t *ir.Tensor) string {
	var b []byte
	for _, v := range ir.Data[float32](t) {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return base64.StdEncoding.EncodeToString(b)
}
