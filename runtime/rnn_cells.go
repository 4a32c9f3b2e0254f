// SPDX-License-Identifier: MIT-0

package runtime

// lstm computes an LSTM: gates in the order input, output, forget, cell; couple makes the forget gate 1 less the input
// gate.
func lstm[T floating](y, yh, yc []T, work []float64, x, w, r, b []T, lens []int32, h0, c0, p []T,
	sizes, acts []int, params []float64, clip float64, couple bool) error {
	s := newRecurrent[T](work, sizes, acts, params, clip, 4)
	return s.run(y, yh, yc, x, w, r, b, lens, h0, c0, p, func(s *recurrent[T], x []T) {
		n := s.hidden
		for g := range 4 {
			for k := range n {
				s.pre[g*n+k] = s.gate(g, k, x, s.h)
			}
		}
		for k := range n {
			c := s.c[k]
			peep := func(a float64, which int, c float64) float64 {
				if len(s.p) == 0 {
					return a
				}
				return a + float64(float64(s.p[which*n+k])*c)
			}
			i := s.act(0, peep(s.pre[k], 0, c))
			f := 1 - i
			if !couple {
				f = s.act(0, peep(s.pre[2*n+k], 2, c))
			}
			c = float64(f*c) + float64(i*s.act(1, s.pre[3*n+k]))
			o := s.act(0, peep(s.pre[n+k], 1, c))
			s.c[k] = c
			s.h[k] = float64(o * s.act(2, c))
		}
	})
}

// gru computes a GRU: gates in the order update, reset, hidden; linear applies the hidden weights before the reset.
func gru[T floating](y, yh []T, work []float64, x, w, r, b []T, lens []int32, h0 []T,
	sizes, acts []int, params []float64, clip float64, linear bool) error {
	s := newRecurrent[T](work, sizes, acts, params, clip, 3)
	return s.run(y, yh, nil, x, w, r, b, lens, h0, nil, nil, func(s *recurrent[T], x []T) {
		n := s.hidden
		z, reset, next := s.pre[:n], s.pre[n:2*n], s.pre[2*n:]
		for k := range n {
			z[k] = s.act(0, s.gate(0, k, x, s.h))
			reset[k] = s.act(0, s.gate(1, k, x, s.h))
			s.c[k] = float64(reset[k] * s.h[k])
		}
		for k := range n {
			var pre float64
			if linear {
				bw, br := s.bias(2, k)
				pre = s.input(bw, 2, k, x) + float64(reset[k]*s.state(br, 2, k, s.h))
			} else {
				pre = s.gate(2, k, x, s.c)
			}
			next[k] = float64((1-z[k])*s.act(1, pre)) + float64(z[k]*s.h[k])
		}
		copy(s.h, next)
	})
}

// rnn computes a simple recurrent layer.
func rnn[T floating](y, yh []T, work []float64, x, w, r, b []T, lens []int32, h0 []T,
	sizes, acts []int, params []float64, clip float64) error {
	s := newRecurrent[T](work, sizes, acts, params, clip, 1)
	return s.run(y, yh, nil, x, w, r, b, lens, h0, nil, nil, func(s *recurrent[T], x []T) {
		for k := range s.pre {
			s.pre[k] = s.act(0, s.gate(0, k, x, s.h))
		}
		copy(s.h, s.pre)
	})
}
