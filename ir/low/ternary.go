package low

import "github.com/sbtc-go/sbtc/ir"

// evalRows is how many rows a ternary layer evaluates side by side.
const evalRows = 64

// ternary computes the rows x of the layer with weights w.
func (l *Linear) ternary(x []float32, w, scale, bias *ir.Tensor) []float32 {
	k, n := w.Shape[0], w.Shape[1]
	rows := len(x) / k
	y := make([]float32, rows*n)
	s, b := ir.Data[float32](scale), orNil[float32](bias)
	sums := l.sums(w)
	for r := 0; r < rows; r += evalRows {
		m := min(evalRows, rows-r)
		in, acc := make([][]float32, k), make([][]float32, n) // by feature, a row of lanes each
		for i := range in {
			in[i] = make([]float32, m)
			for q := range m {
				in[i][q] = x[(r+q)*k+i]
			}
		}
		for j := range acc {
			acc[j] = make([]float32, m)
		}
		sums(in, acc)
		for j := range acc {
			for q, v := range acc[j] {
				if b != nil {
					y[(r+q)*n+j] = fma32(s[j], v, b[j])
				} else {
					y[(r+q)*n+j] = s[j] * v
				}
			}
		}
	}
	return y
}

// sums are those of the layer with weights w: of rows of lanes x, into acc, which is +0.
func (l *Linear) sums(w *ir.Tensor) func(x, acc [][]float32) {
	if s := l.Schedule(w); s != nil {
		return s.sum
	}
	signs, n := ir.Data[int8](w), w.Shape[1]
	return func(x, acc [][]float32) {
		for j := range acc {
			plusThenMinus(x, acc[j], signs[j:], n)
		}
	}
}

// plusThenMinus sums one column of w, whose elements are n apart.
func plusThenMinus(x [][]float32, acc []float32, w []int8, n int) {
	first := true
	for _, sign := range []int8{1, -1} {
		for q, v := range x {
			if w[q*n] == sign {
				addTerm(acc, v, sign < 0, first)
				first = false
			}
		}
	}
}

// addTerm adds a term to a chain, or subtracts it; the first is taken as it is, t or 0-t.
func addTerm(acc, t []float32, negative, first bool) {
	t = t[:len(acc)]
	switch {
	case first && negative:
		for i, v := range t {
			acc[i] = 0 - v
		}
	case first:
		copy(acc, t)
	case negative:
		for i, v := range t {
			acc[i] -= v
		}
	default:
		for i, v := range t {
			acc[i] += v
		}
	}
}
