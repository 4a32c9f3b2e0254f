// SPDX-License-Identifier: MIT-0

package runtime

// slide is a window along one axis: output i reads inputs i*stride - before + k*dilation for k below kernel.
type slide struct{ in, out, kernel, stride, dilation, before, after int }

// slides reads three windows, seven numbers each.
func slides(a []int) (s [3]slide) {
	for i := range s {
		s[i] = slide{a[0], a[1], a[2], a[3], a[4], a[5], a[6]}
		a = a[7:]
	}
	return s
}

// still reports whether each output reads the input at its own place alone.
func (s slide) still() bool { return s.kernel == 1 && s.stride == 1 && s.before == 0 && s.out == s.in }

// first is the input that output i reads with kernel element 0.
func (s slide) first(i int) int { return i*s.stride - s.before }

// taps is the range of kernel elements that read inside the input for a window that begins at first.
func (s slide) taps(first int) (lo, hi int) {
	if first < 0 {
		lo = (-first + s.dilation - 1) / s.dilation
	}
	if hi = (s.in - first + s.dilation - 1) / s.dilation; first >= s.in {
		hi = 0
	}
	return min(lo, s.kernel), min(hi, s.kernel)
}

// live is the range of outputs that read inside the input with kernel element k.
func (s slide) live(k int) (lo, hi int) {
	d := s.before - k*s.dilation // output i reads input i*stride - d
	if d > 0 {
		lo = (d + s.stride - 1) / s.stride
	}
	if hi = (s.in - 1 + d) / s.stride; s.in-1+d < 0 {
		hi = -1
	}
	return lo, min(hi+1, s.out)
}
