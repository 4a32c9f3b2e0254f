// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// recurrent is what the kernels lstm, gru and rnn share: they compute in float64, a gate as a sum from its two biases
// over the inputs, then over the state. Sizes are steps, batch, inputs, hidden, directions, whether the batch comes
// first, whether the one direction is backward. An activation has a code and two parameters.
type recurrent[T floating] struct {
	steps, batch, inputs, hidden, dirs int
	batchFirst, backward               bool
	gates                              int
	acts                               []int
	params                             []float64
	clip                               float64
	w, r, b, p                         []T       // of the current direction
	h, c, pre                          []float64 // state, and room for the gates
	dir                                int
}

func newRecurrent[T floating](work []float64, sizes, acts []int, params []float64, clip float64, gates int) recurrent[T] {
	hidden := sizes[3]
	return recurrent[T]{steps: sizes[0], batch: sizes[1], inputs: sizes[2], hidden: hidden, dirs: sizes[4], batchFirst: sizes[5] == 1,
		backward: sizes[6] == 1, gates: gates, acts: acts, params: params, clip: clip,
		h: work[:hidden], c: work[hidden:][:hidden], pre: work[2*hidden:][:gates*hidden]}
}

// run computes all sequences by step, which replaces h and c.
func (s *recurrent[T]) run(y, yh, yc, x, w, r, b []T, lens []int32, h0, c0, p []T, step func(s *recurrent[T], x []T)) error {
	for i, n := range lens {
		if n < 0 || int(n) > s.steps {
			return fmt.Errorf("sequence_lens[%d] is %d, sequences have %d steps", i, n, s.steps)
		}
	}
	clear(y)
	for s.dir = range s.dirs {
		part := func(v []T) []T { return v[len(v)/s.dirs*s.dir:][:len(v)/s.dirs] }
		s.w, s.r, s.b, s.p = part(w), part(r), part(b), part(p)
		for n := range s.batch {
			at := (s.dir*s.batch + n) * s.hidden
			if s.batchFirst {
				at = (n*s.dirs + s.dir) * s.hidden
			}
			load(s.h, h0, at)
			load(s.c, c0, at)
			count := s.steps
			if lens != nil {
				count = int(lens[n])
			}
			for i := range count {
				t := i
				if s.backward || s.dir == 1 {
					t = count - 1 - i
				}
				from, to := t*s.batch+n, (t*s.dirs+s.dir)*s.batch+n
				if s.batchFirst {
					from, to = n*s.steps+t, (n*s.steps+t)*s.dirs+s.dir
				}
				step(s, x[from*s.inputs:][:s.inputs])
				store(y[to*s.hidden:], s.h)
			}
			store(yh[at:], s.h)
			if yc != nil {
				store(yc[at:], s.c)
			}
		}
	}
	clear(s.h)
	clear(s.c)
	clear(s.pre)
	return nil
}

func load[T floating](to []float64, from []T, at int) {
	clear(to)
	if from != nil {
		for i := range to {
			to[i] = float64(from[at+i])
		}
	}
}

func store[T floating](to []T, from []float64) {
	for i, v := range from {
		to[i] = T(v)
	}
}

// bias is element k of gate g of the input's biases and of the state's.
func (s *recurrent[T]) bias(g, k int) (input, state float64) {
	if len(s.b) == 0 {
		return 0, 0
	}
	return float64(s.b[g*s.hidden+k]), float64(s.b[(s.gates+g)*s.hidden+k])
}

// input adds the products of x with row k of gate g.
func (s *recurrent[T]) input(acc float64, g, k int, x []T) float64 {
	for i, w := range s.w[(g*s.hidden+k)*s.inputs:][:s.inputs] {
		acc += float64(float64(x[i]) * float64(w))
	}
	return acc
}

// state adds the products of h with row k of gate g.
func (s *recurrent[T]) state(acc float64, g, k int, h []float64) float64 {
	for i, w := range s.r[(g*s.hidden+k)*s.hidden:][:s.hidden] {
		acc += float64(h[i] * float64(w))
	}
	return acc
}

// gate is element k of gate g before its activation.
func (s *recurrent[T]) gate(g, k int, x []T, h []float64) float64 {
	b, c := s.bias(g, k)
	return s.state(s.input(b+c, g, k, x), g, k, h)
}

// act applies function number f of the direction.
func (s *recurrent[T]) act(f int, x float64) float64 {
	f += len(s.acts) / s.dirs * s.dir
	if s.clip > 0 {
		x = min(max(x, -s.clip), s.clip)
	}
	return activate(s.acts[f], s.params[2*f], s.params[2*f+1], x)
}

// activate applies the activation of a code.
func activate(code int, alpha, beta, x float64) float64 {
	switch code {
	case 0: // Relu
		return max(x, 0)
	case 1:
		return tanh64(x)
	case 2:
		return sigmoid64(x)
	case 3: // Affine
		return float64(alpha*x) + beta
	case 4: // LeakyRelu
		if x < 0 {
			return float64(alpha * x)
		}
		return x
	case 5: // ThresholdedRelu
		if x < alpha {
			return 0
		}
		return x
	case 6: // ScaledTanh
		return float64(alpha * tanh64(float64(beta*x)))
	case 7: // HardSigmoid
		return min(max(float64(alpha*x)+beta, 0), 1)
	case 8: // Elu
		if x < 0 {
			return float64(alpha * expm164(x))
		}
		return x
	case 9: // Softsign
		return x / (1 + max(x, -x))
	}
	return softplus64(x)
}
