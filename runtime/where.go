// SPDX-License-Identifier: MIT-0

package runtime

import "errors"

// strided is where element k of a tensor of the given shape, in row-major order, lies with the given strides.
func strided(k int, shape, strides []int) int {
	at := 0
	for a := len(shape) - 1; a >= 0; a-- {
		at += k % shape[a] * strides[a]
		k /= shape[a]
	}
	return at
}

// where takes each element of out, of the given shape, from x where c is true, else from y; cs, xs and ys are the strides.
func where[T any](out []T, c []bool, x, y []T, shape, cs, xs, ys []int) {
	for i := range out {
		if c[strided(i, shape, cs)] {
			out[i] = x[strided(i, shape, xs)]
		} else {
			out[i] = y[strided(i, shape, ys)]
		}
	}
}

// equalStrings compares the elements of a and b, read with strides as and bs.
func equalStrings(out []bool, a, b []string, shape, as, bs []int) {
	for i := range out {
		out[i] = a[strided(i, shape, as)] == b[strided(i, shape, bs)]
	}
}

// dropout copies x, unless the run-time mode asks for random results: training with a ratio (by default 0.5) that is not 0.
func dropout[T any](out, x []T, ratio []float64, training []bool) error {
	if training[0] && (ratio == nil || ratio[0] != 0) {
		return errors.New("random results are not supported: training_mode must be false or ratio 0")
	}
	copy(out, x)
	return nil
}
