// SPDX-License-Identifier: MIT-0

package runtime

// add32SliceGeneric computes dst[i] = x[i] + y[i]; dst may be x or y.
func add32SliceGeneric(dst, x, y []float32) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, x := range x {
		dst[i] = x + y[i]
	}
}

// sub32SliceGeneric computes dst[i] = x[i] - y[i]; dst may be x or y.
func sub32SliceGeneric(dst, x, y []float32) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, x := range x {
		dst[i] = x - y[i]
	}
}

// mul32SliceGeneric computes dst[i] = x[i] * y[i]; dst may be x or y.
func mul32SliceGeneric(dst, x, y []float32) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, x := range x {
		dst[i] = x * y[i]
	}
}

// max32SliceGeneric computes dst[i] = y[i] > x[i] || y[i] is NaN ? y[i] : x[i]; dst may be x or y.
func max32SliceGeneric(dst, x, y []float32) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, x := range x {
		dst[i] = max2(x, y[i])
	}
}

// scale32SliceGeneric computes dst[i] = x[i] * factor; dst may be x.
func scale32SliceGeneric(dst, x []float32, factor float32) {
	dst = dst[:len(x)]
	for i, x := range x {
		dst[i] = x * factor
	}
}

// relu32SliceGeneric computes dst[i] = x[i] < 0 ? 0 : x[i]; dst may be x.
func relu32SliceGeneric(dst, x []float32) {
	dst = dst[:len(x)]
	for i, x := range x {
		if x < 0 {
			x = 0
		}
		dst[i] = x
	}
}
