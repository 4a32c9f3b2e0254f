package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// A rnnLayer is the weights of one direction.
type rnnLayer struct {
	rnnSizes
	w, r, b, p []float64
	acts       []gateFunc
	clip       float64
}

func (l *rnnLayer) apply(fn int, x float64) float64 { return l.acts[fn].apply(x, l.clip) }

// bias is element k of gate g of the input's biases, or of the state's.
func (l *rnnLayer) bias(g, k, gates int, state bool) float64 {
	if l.b == nil {
		return 0
	}
	if state {
		g += gates
	}
	return l.b[g*l.hidden+k]
}

// addInput adds the products of x with row k of gate g to acc, addState those of h.
func (l *rnnLayer) addInput(acc float64, g, k int, x []float64) float64 {
	return addDot(acc, x, l.w[(g*l.hidden+k)*l.input:][:l.input])
}

func (l *rnnLayer) addState(acc float64, g, k int, h []float64) float64 {
	return addDot(acc, h, l.r[(g*l.hidden+k)*l.hidden:][:l.hidden])
}

func addDot(acc float64, x, w []float64) float64 {
	for i, v := range x {
		acc += float64(v * w[i])
	}
	return acc
}

// gate is element k of gate g before its activation.
func (l *rnnLayer) gate(g, k, gates int, x, h []float64) float64 {
	acc := l.bias(g, k, gates, false) + l.bias(g, k, gates, true)
	return l.addState(l.addInput(acc, g, k, x), g, k, h)
}

// A rnnCell computes one step: the next h and c from x and the old ones.
type rnnCell func(l *rnnLayer, x, h, c []float64) (h2, c2 []float64)

// run computes all sequences; the results are Y, Y_h and, for two states, Y_c.
func (o *Recurrent) run(in []*ir.Tensor, gates, states int, defaults []string, step rnnCell) ([]*ir.Tensor, error) {
	in = slices.Concat(in, make([]*ir.Tensor, rnnP+1-len(in)))
	z := o.sizes(in[rnnX].Shape, in[rnnR].Shape)
	acts, err := o.functions(z.dirs, defaults)
	if err != nil {
		return nil, err
	}
	x, w, r, b, p := in[rnnX].Floats(), in[rnnW].Floats(), in[rnnR].Floats(), floatsOf(in[rnnB]), floatsOf(in[rnnP])
	lens := slices.Repeat([]int64{int64(z.seq)}, z.batch)
	if in[rnnLens] != nil {
		lens = in[rnnLens].Ints()
	}
	part := func(s []float64, d int) []float64 { return s[len(s)/z.dirs*d : len(s)/z.dirs*(d+1)] }
	y := make([]float64, z.seq*z.dirs*z.batch*z.hidden)
	final := [2][]float64{make([]float64, z.dirs*z.batch*z.hidden), make([]float64, z.dirs*z.batch*z.hidden)}
	for d := range z.dirs {
		l := &rnnLayer{rnnSizes: z, w: part(w, d), r: part(r, d), b: part(b, d), p: part(p, d), clip: float64(o.Clip),
			acts: acts[len(acts)/z.dirs*d:][:len(acts)/z.dirs]}
		if b == nil {
			l.b = nil
		}
		if p == nil {
			l.p = nil
		}
		for n := range z.batch {
			if lens[n] < 0 || lens[n] > int64(z.seq) {
				return nil, fmt.Errorf("sequence_lens[%d] is %d, sequences have %d steps", n, lens[n], z.seq)
			}
			at := (d*z.batch + n) * z.hidden
			if o.Layout == 1 {
				at = (n*z.dirs + d) * z.hidden
			}
			var s [2][]float64
			for i, t := range []*ir.Tensor{in[rnnH], in[rnnC]} {
				s[i] = make([]float64, z.hidden)
				if t != nil {
					copy(s[i], t.Floats()[at:])
				}
			}
			for i := range int(lens[n]) {
				t := i
				if o.Direction == "reverse" || d == 1 {
					t = int(lens[n]) - 1 - i
				}
				xt, yt := t*z.batch+n, (t*z.dirs+d)*z.batch+n
				if o.Layout == 1 {
					xt, yt = n*z.seq+t, (n*z.seq+t)*z.dirs+d
				}
				s[0], s[1] = step(l, x[xt*z.input:][:z.input], s[0], s[1])
				copy(y[yt*z.hidden:], s[0])
			}
			copy(final[0][at:], s[0])
			copy(final[1][at:], s[1])
		}
	}
	dt := in[rnnX].DType
	seq, state := []int{z.seq, z.dirs, z.batch, z.hidden}, []int{z.dirs, z.batch, z.hidden}
	if o.Layout == 1 {
		seq, state = []int{z.batch, z.seq, z.dirs, z.hidden}, []int{z.batch, z.dirs, z.hidden}
	}
	out := []*ir.Tensor{ir.FromFloats(dt, seq, y)}
	for i := range states {
		out = append(out, ir.FromFloats(dt, state, final[i]))
	}
	if o.Work {
		out = append(out, ir.NewTensor(ir.Float64, (gates+2)*z.hidden))
	}
	return out, nil
}

// lower calls a kernel for the operator op, a copy of n's with Work set; 16-bit floats go through float32.
func (o *Recurrent) lower(b *ir.Builder, n *ir.Node, op ir.Op, kernel string, arity int, defaults []string, args ...any) ([]*ir.Value, error) {
	c := &ir.Node{Op: op, In: make([]*ir.Value, arity)}
	for i, v := range n.In {
		c.In[i] = float32Of(b, v)
	}
	types, err := op.Infer(c.In)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		c.Out = append(c.Out, &ir.Value{Type: t})
	}
	z := o.sizes(n.In[rnnX].Type.Shape, n.In[rnnR].Type.Shape)
	acts, err := o.functions(z.dirs, defaults)
	if err != nil {
		return nil, err
	}
	codes, params := []int{}, []float64{}
	for _, a := range acts {
		codes = append(codes, a.code)
		params = append(params, a.alpha, a.beta)
	}
	sizes := []int{z.seq, z.batch, z.input, z.hidden, z.dirs, o.Layout, bitOf(o.Direction == "reverse")}
	args = append([]any{sizes, codes, params, float64(o.Clip)}, args...)
	out := low.CallFor(b, c, kernel, args...)[:len(n.Out):len(n.Out)]
	out = slices.Clone(out)
	for i, v := range n.Out {
		if v != nil {
			out[i] = narrowed(b, out[i], v.Type.DType)
		}
	}
	return out, nil
}
