// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// cumulateFloats combines each element of x with those before it along an axis, in float64: sums, or products. Exclusive
// leaves the element itself out, reverse begins at the end.
func cumulateFloats[T floating, I indexType](out, x []T, axis []I, shape []int, product, exclusive, reverse bool) error {
	outer, n, inner, err := axisSpan(int(axis[0]), shape)
	if err != nil {
		return err
	}
	for o := range outer {
		for i := range inner {
			acc := 0.0
			if product {
				acc = 1
			}
			for k := range n {
				if reverse {
					k = n - 1 - k
				}
				at := (o*n+k)*inner + i
				next := acc + float64(x[at])
				if product {
					next = acc * float64(x[at])
				}
				if out[at] = T(next); exclusive {
					out[at] = T(acc)
				}
				acc = next
			}
		}
	}
	return nil
}

// cumulateInts is cumulateFloats for integers, which keep their low bits.
func cumulateInts[T integer, I indexType](out, x []T, axis []I, shape []int, product, exclusive, reverse bool) error {
	outer, n, inner, err := axisSpan(int(axis[0]), shape)
	if err != nil {
		return err
	}
	for o := range outer {
		for i := range inner {
			acc := bit[T](product)
			for k := range n {
				if reverse {
					k = n - 1 - k
				}
				at := (o*n+k)*inner + i
				next := acc + x[at]
				if product {
					next = acc * x[at]
				}
				if out[at] = next; exclusive {
					out[at] = acc
				}
				acc = next
			}
		}
	}
	return nil
}

// axisSpan splits a shape at an axis.
func axisSpan(axis int, shape []int) (outer, n, inner int, err error) {
	if axis < -len(shape) || axis >= len(shape) {
		return 0, 0, 0, fmt.Errorf("axis %d of %d axes", axis, len(shape))
	}
	if axis < 0 {
		axis += len(shape)
	}
	outer, inner = 1, 1
	for a, d := range shape {
		switch {
		case a < axis:
			outer *= d
		case a > axis:
			inner *= d
		}
	}
	return outer, shape[axis], inner, nil
}
