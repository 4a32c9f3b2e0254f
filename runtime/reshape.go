// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// reshape copies x, of shape in, into out, of shape want, if the run-time shape asks for that: 0 takes the dimension
// of in unless allowZero, one -1 stands for what is left.
func reshape[T any](out, x []T, shape []int64, in, want []int, allowZero bool) error {
	open := 0
	for i, d := range shape {
		switch {
		case i >= len(want):
		case d == -1:
			open++
			continue
		case d == 0 && !allowZero && i < len(in) && in[i] == want[i]:
			continue
		case d == int64(want[i]) && (d != 0 || allowZero || i < len(in)):
			continue
		}
		open = 2
	}
	if len(shape) != len(want) || open > 1 {
		return fmt.Errorf("Reshape: the shape is %v, compiled for %v", shape, want)
	}
	copy(out, x)
	return nil
}

// squeeze copies x, of shape in, into out, of shape want, if dropping the axes gives that shape.
func squeeze[T any](out, x []T, axes []int64, in, want []int) error {
	at, dropped := 0, 0
	for i, d := range in {
		drop := false
		for _, a := range axes {
			if !drop && (a == int64(i) || a == int64(i-len(in))) {
				drop = true
				dropped++
			}
		}
		if drop && d == 1 {
			continue
		}
		if drop || at >= len(want) || want[at] != d {
			return fmt.Errorf("Squeeze: the axes are %v, compiled for shape %v", axes, want)
		}
		at++
	}
	if at != len(want) || dropped != len(axes) {
		return fmt.Errorf("Squeeze: the axes are %v, compiled for shape %v", axes, want)
	}
	copy(out, x)
	return nil
}

// unsqueeze copies x, of shape in, into out, of shape want, if inserting the axes gives that shape.
func unsqueeze[T any](out, x []T, axes []int64, in, want []int) error {
	at, added := 0, 0
	for i, d := range want {
		add := false
		for _, a := range axes {
			if !add && (a == int64(i) || a == int64(i-len(want))) {
				add = true
				added++
			}
		}
		if add && d == 1 {
			continue
		}
		if add || at >= len(in) || in[at] != d {
			return fmt.Errorf("Unsqueeze: the axes are %v, compiled for shape %v", axes, want)
		}
		at++
	}
	if at != len(in) || added != len(axes) {
		return fmt.Errorf("Unsqueeze: the axes are %v, compiled for shape %v", axes, want)
	}
	copy(out, x)
	return nil
}

// expand broadcasts x, of shape in, to out, of shape want, if the run-time shape asks for that.
func expand[T any](out, x []T, shape []int64, in, want []int) error {
	fits := max(len(shape), len(in)) == len(want)
	for i := 0; fits && i < len(want); i++ {
		own, d := 1, int64(1)
		if k := i - len(want) + len(in); k >= 0 {
			own = in[k]
		}
		if k := i - len(want) + len(shape); k >= 0 {
			d = shape[k]
		}
		fits = d == int64(want[i]) || d == 1 && own == want[i]
	}
	if !fits {
		return fmt.Errorf("Expand: the shape is %v, compiled for %v", shape, want)
	}
	for i := range out {
		at, rest, stride := 0, i, 1
		for a := len(want) - 1; a >= 0; a-- {
			k := a - len(want) + len(in)
			if k < 0 {
				break
			}
			if in[k] != 1 {
				at += rest % want[a] * stride
			}
			rest /= want[a]
			stride *= in[k]
		}
		out[i] = x[at]
	}
	return nil
}
