package op

import "github.com/sbtc-go/sbtc/ir"

// LSTM is https://onnx.ai/onnx/operators/onnx__LSTM.html, version 22. Gates lie in the order input, output, forget,
// cell; with input_forget the forget gate is 1 less the input gate.
type LSTM struct {
	Recurrent
	InputForget bool `onnx:"input_forget,0"`
}

var lstmDefaults = []string{"Sigmoid", "Tanh", "Tanh"}

// Name is the operator's ONNX name.
func (*LSTM) Name() string { return "LSTM" }

// Infer returns the types of Y, Y_h and Y_c.
func (o *LSTM) Infer(in []*ir.Value) ([]ir.Type, error) { return o.infer(in, 4, 2, lstmDefaults) }

// Eval computes step by step.
func (o *LSTM) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	const input, output, forget, candidate, gates = 0, 1, 2, 3, 4
	return o.run(in, gates, 2, lstmDefaults, func(l *rnnLayer, x, h, c []float64) (h2, c2 []float64) {
		peep := func(acc float64, which, k int, c float64) float64 {
			if l.p == nil {
				return acc
			}
			return acc + float64(l.p[which*l.hidden+k]*c)
		}
		for k := range l.hidden {
			i := l.apply(0, peep(l.gate(input, k, gates, x, h), 0, k, c[k]))
			f := 1 - i
			if !o.InputForget {
				f = l.apply(0, peep(l.gate(forget, k, gates, x, h), 2, k, c[k]))
			}
			g := l.apply(1, l.gate(candidate, k, gates, x, h))
			next := float64(f*c[k]) + float64(i*g)
			out := l.apply(0, peep(l.gate(output, k, gates, x, h), 1, k, next))
			c2 = append(c2, next)
			h2 = append(h2, float64(out*l.apply(2, next)))
		}
		return h2, c2
	})
}

// Lower calls a kernel.
func (o *LSTM) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	op := *o
	op.Work = true
	return o.lower(b, n, &op, "lstm", rnnP+1, lstmDefaults, o.InputForget)
}

// GRU is https://onnx.ai/onnx/operators/onnx__GRU.html, version 22. Gates lie in the order update, reset, hidden.
type GRU struct {
	Recurrent
	LinearBeforeReset bool `onnx:"linear_before_reset,0"`
}

var gruDefaults = []string{"Sigmoid", "Tanh"}

// Name is the operator's ONNX name.
func (*GRU) Name() string { return "GRU" }

// Infer returns the types of Y and Y_h.
func (o *GRU) Infer(in []*ir.Value) ([]ir.Type, error) { return o.infer(in, 3, 1, gruDefaults) }

// Eval computes step by step.
func (o *GRU) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	const update, reset, hidden, gates = 0, 1, 2, 3
	return o.run(in, gates, 1, gruDefaults, func(l *rnnLayer, x, h, c []float64) (h2, c2 []float64) {
		z, r, rh := make([]float64, l.hidden), make([]float64, l.hidden), make([]float64, l.hidden)
		for k := range l.hidden {
			z[k] = l.apply(0, l.gate(update, k, gates, x, h))
			r[k] = l.apply(0, l.gate(reset, k, gates, x, h))
			rh[k] = float64(r[k] * h[k])
		}
		for k := range l.hidden {
			var pre float64
			if o.LinearBeforeReset {
				own := l.addInput(l.bias(hidden, k, gates, false), hidden, k, x)
				pre = own + float64(r[k]*l.addState(l.bias(hidden, k, gates, true), hidden, k, h))
			} else {
				pre = l.gate(hidden, k, gates, x, rh)
			}
			g := l.apply(1, pre)
			h2 = append(h2, float64((1-z[k])*g)+float64(z[k]*h[k]))
		}
		return h2, c
	})
}

// Lower calls a kernel.
func (o *GRU) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	op := *o
	op.Work = true
	return o.lower(b, n, &op, "gru", rnnH+1, gruDefaults, o.LinearBeforeReset)
}

// RNN is https://onnx.ai/onnx/operators/onnx__RNN.html, version 22.
type RNN struct{ Recurrent }

var rnnDefaults = []string{"Tanh"}

// Name is the operator's ONNX name.
func (*RNN) Name() string { return "RNN" }

// Infer returns the types of Y and Y_h.
func (o *RNN) Infer(in []*ir.Value) ([]ir.Type, error) { return o.infer(in, 1, 1, rnnDefaults) }

// Eval computes step by step.
func (o *RNN) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return o.run(in, 1, 1, rnnDefaults, func(l *rnnLayer, x, h, c []float64) (h2, c2 []float64) {
		for k := range l.hidden {
			h2 = append(h2, l.apply(0, l.gate(0, k, 1, x, h)))
		}
		return h2, c
	})
}

// Lower calls a kernel.
func (o *RNN) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	op := *o
	op.Work = true
	return o.lower(b, n, &op, "rnn", rnnH+1, rnnDefaults)
}
