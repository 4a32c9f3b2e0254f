package op_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/passes"
)

// TestConvAsLinear compares a convolution with constant weights and what it is lowered to, a layer over its windows, for
// random sizes with one to three spatial axes.
func TestConvAsLinear(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	layers := 0
	for range 300 {
		axes := 1 + r.Intn(3)
		batch, channels, filters := 1+r.Intn(2), 1+r.Intn(3), 1+r.Intn(4)
		in, kernel, strides, dilations, before, after := make([]int, axes), make([]int, axes), make([]int, axes), make([]int, axes), make([]int, axes), make([]int, axes)
		out := []int{batch, filters}
		for i := range axes {
			in[i], kernel[i], strides[i], dilations[i], before[i], after[i] = 1+r.Intn(6), 1+r.Intn(3), 1+r.Intn(2), 1+r.Intn(2), r.Intn(4), r.Intn(4)
			out = append(out, (in[i]+before[i]+after[i]-(kernel[i]-1)*dilations[i]-1)/strides[i]+1)
			if in[i]+before[i]+after[i] < (kernel[i]-1)*dilations[i]+1 {
				out[0] = 0
			}
		}
		if out[0] == 0 {
			continue
		}
		list := func(x ...int) string { return strings.ReplaceAll(fmt.Sprint(x), " ", ",") }
		text := fmt.Sprintf("g (float%s x) => (float%s y) {\n w = sbtc.Rand<shape=%s, seed=1>()\n b = sbtc.Rand<shape=[%d], seed=2>()\n y = Conv<dilations=%s, pads=%s, strides=%s>(x, w, b)\n}\n",
			list(append([]int{batch, channels}, in...)...), list(out...), list(append([]int{filters, channels}, kernel...)...), filters,
			list(dilations...), list(append(before, after...)...), list(strides...))
		x := make([]float32, ir.Size(in)*batch*channels)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		args := []*ir.Tensor{ir.Of(ir.Float32, append([]int{batch, channels}, in...), x)}
		g := parse(t, text)
		want, err := g.Eval(args)
		if err != nil {
			t.Fatal(err)
		}
		if err := passes.Run(g, passes.Target[:1], passes.Options{}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(g.String(), "sbtc.Linear") {
			layers++
		}
		got, err := g.Eval(args)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, text, g, got, want)
	}
	if layers < 100 {
		t.Errorf("%d convolutions became layers", layers)
	}
}
