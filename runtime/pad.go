// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// padZero pads all axes of x, of shape in, with zeros or as mode says, giving out, of shape want.
func padZero[T any](out, x []T, pads []int64, in, want []int, mode string) error {
	return padAxes[T, int64](out, x, pads, nil, nil, in, want, mode)
}

// padValue is padZero with a value of one element, nil for zero.
func padValue[T any](out, x []T, pads []int64, value []T, in, want []int, mode string) error {
	return padAxes[T, int64](out, x, pads, value, nil, in, want, mode)
}

// padAxes is padValue of some axes.
func padAxes[T any, I indexType](out, x []T, pads []int64, value []T, axes []I, in, want []int, mode string) error {
	n := len(axes)
	if axes == nil {
		n = len(in)
	}
	if len(pads) != 2*n || value != nil && len(value) != 1 {
		return fmt.Errorf("Pad: %d pads and %d values for %d axes", len(pads), len(value), n)
	}
	var before, after [maxRank]int
	var seen [maxRank]bool
	for i := range n {
		a := i
		if axes != nil {
			if a = int(axes[i]); a < 0 {
				a += len(in)
			}
		}
		if a < 0 || a >= len(in) || seen[a] {
			return fmt.Errorf("Pad: the axes are %v of %d dimensions", axes, len(in))
		}
		seen[a] = true
		before[a], after[a] = int(pads[i]), int(pads[n+i])
	}
	for a, d := range in {
		left := d - max(0, -before[a]) - max(0, -after[a])
		if left < 0 || d+before[a]+after[a] != want[a] || mode != "constant" && left == 0 && want[a] > 0 {
			return fmt.Errorf("Pad: pads %d and %d of axis %d, which is to have length %d", before[a], after[a], a, want[a])
		}
	}
	var fill T
	if value != nil {
		fill = value[0]
	}
	for i := range out {
		at, rest, stride := 0, i, 1
		for a := len(in) - 1; a >= 0; a-- {
			crop := max(0, -before[a])
			left := in[a] - crop - max(0, -after[a])
			o := padIndex(rest%want[a]-max(0, before[a]), left, mode)
			if o < 0 {
				at = -1
				break
			}
			at += (crop + o) * stride
			rest /= want[a]
			stride *= in[a]
		}
		if at < 0 {
			out[i] = fill
		} else {
			out[i] = x[at]
		}
	}
	return nil
}

// padIndex is the element of n that stands at position o, -1 for the constant.
func padIndex(o, n int, mode string) int {
	if o >= 0 && o < n {
		return o
	}
	switch mode {
	case "edge":
		return min(max(o, 0), n-1)
	case "wrap":
		if o %= n; o < 0 {
			o += n
		}
		return o
	case "reflect":
		for o < 0 || o >= n {
			if n == 1 {
				return 0
			}
			if o < 0 {
				o = -o
			} else {
				o = 2*(n-1) - o
			}
		}
		return o
	}
	return -1
}

// centerCropPad crops or pads the given axes of x, of shape in, to out, of shape want, around the middle.
func centerCropPad[T any, I indexType](out, x []T, shape []I, in, want, axes []int) error {
	for i, a := range axes {
		if len(shape) != len(axes) || int(shape[i]) != want[a] {
			return fmt.Errorf("CenterCropPad: the shape is %v, compiled for %v along axes %v", shape, want, axes)
		}
	}
	for i := range out {
		at, rest, stride := 0, i, 1
		for a := len(in) - 1; a >= 0; a-- {
			o := rest % want[a]
			if d := in[a]; d >= want[a] {
				o += (d - want[a]) / 2
			} else {
				o -= (want[a] - d) / 2
			}
			if o < 0 || o >= in[a] {
				at = -1
				break
			}
			at += o * stride
			rest /= want[a]
			stride *= in[a]
		}
		if at >= 0 {
			out[i] = x[at]
		} else {
			var zero T
			out[i] = zero
		}
	}
	return nil
}

// tile repeats x, of shape in, along its axes, giving out, of shape want.
func tile[T any](out, x []T, repeats []int64, in, want []int) error {
	for a, d := range in {
		if len(repeats) != len(in) || repeats[a] < 0 || int64(d)*repeats[a] != int64(want[a]) {
			return fmt.Errorf("Tile: the repeats of %v are %v, compiled for %v", in, repeats, want)
		}
	}
	for i := range out {
		at, rest, stride := 0, i, 1
		for a := len(in) - 1; a >= 0; a-- {
			at += rest % want[a] % in[a] * stride
			rest /= want[a]
			stride *= in[a]
		}
		out[i] = x[at]
	}
	return nil
}
