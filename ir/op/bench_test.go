package op_test

import (
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// encoderLayer is a Transformer encoder layer of the full size: 96 steps, d_model 512, 8 heads, d_ff 2048.
const encoderLayer = `layer (float[1,96,512] x) => (float[1,96,512] y) {
  wq = sbtc.Rand<shape=[512,512], seed=1>()
  wk = sbtc.Rand<shape=[512,512], seed=2>()
  wv = sbtc.Rand<shape=[512,512], seed=3>()
  wo = sbtc.Rand<shape=[512,512], seed=4>()
  w1 = sbtc.Rand<shape=[512,2048], seed=5>()
  w2 = sbtc.Rand<shape=[2048,512], seed=6>()
  s = sbtc.Rand<shape=[512], seed=7>()
  q = MatMul(x, wq)
  k = MatMul(x, wk)
  v = MatMul(x, wv)
  a = Attention<q_num_heads=8, kv_num_heads=8>(q, k, v)
  o = MatMul(a, wo)
  r = Add(x, o)
  n = LayerNormalization(r, s, s)
  h = MatMul(n, w1)
  g = Gelu(h)
  f = MatMul(g, w2)
  t = Add(n, f)
  y = LayerNormalization(t, s, s)
}`

// The interpreter is to evaluate a full-size layer in seconds.
func BenchmarkEncoderLayer(b *testing.B) {
	g, err := ir.Parse("layer", encoderLayer, op.New)
	if err != nil {
		b.Fatal(err)
	}
	in := []*ir.Tensor{ir.RandTensor(g.In[0].Type, 1)}
	for b.Loop() {
		if _, err := g.Eval(in); err != nil {
			b.Fatal(err)
		}
	}
}
