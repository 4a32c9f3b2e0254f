// SPDX-License-Identifier: MIT-0

package runtime

// powInt wraps. A power with a negative exponent is the reciprocal truncated, 0 for a zero base.
func powInt[T integer](a, n T) T {
	if n < 0 {
		switch {
		case a == 1 || a+1 == 0 && n&1 == 0:
			return 1
		case a+1 == 0:
			return a
		}
		return 0
	}
	y := T(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			y *= a
		}
		a *= a
	}
	return y
}
