// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// maxRank is the number of dimensions that kernels can index.
const maxRank = 16

type indexType interface{ ~int32 | ~int64 }

// sliceAll copies the slice of the first axes of x, of shape in, to out, of shape want.
func sliceAll[T any, I indexType](out, x []T, starts, ends []I, in, want []int) error {
	return sliceSteps(out, x, starts, ends, nil, nil, in, want)
}

// sliceAxes copies the slice of some axes of x, of shape in, to out, of shape want.
func sliceAxes[T any, I indexType](out, x []T, starts, ends, axes []I, in, want []int) error {
	return sliceSteps(out, x, starts, ends, axes, nil, in, want)
}

// sliceSteps copies the slice of some axes (nil: the first ones) of x, of shape in, to out, of shape want, in steps
// (nil: of 1).
func sliceSteps[T any, I indexType](out, x []T, starts, ends, axes, steps []I, in, want []int) error {
	rank := len(in)
	var stride, step [maxRank]int
	var seen [maxRank]bool
	base, s := 0, 1
	for i := rank - 1; i >= 0; i-- {
		stride[i], step[i] = s, s
		s *= in[i]
	}
	for k := range starts {
		a := k
		if axes != nil {
			a = int(axes[k])
			if a < 0 {
				a += rank
			}
		}
		if a < 0 || a >= rank || seen[a] {
			return fmt.Errorf("Slice: the axes are %v of %d dimensions", axes, rank)
		}
		seen[a] = true
		by := 1
		if steps != nil {
			by = int(steps[k])
		}
		first, n := sliceSpan(int(starts[k]), int(ends[k]), by, in[a])
		if by == 0 || n != want[a] {
			return fmt.Errorf("Slice: starts %v, ends %v, axes %v, steps %v do not give the shape %v that was compiled", starts, ends, axes, steps, want)
		}
		base += first * stride[a]
		step[a] = by * stride[a]
	}
	for a := range want {
		if !seen[a] && want[a] != in[a] {
			return fmt.Errorf("Slice: starts %v, ends %v, axes %v, steps %v do not give the shape %v that was compiled", starts, ends, axes, steps, want)
		}
	}
	for i := range out {
		at, rest := base, i
		for a := rank - 1; a >= 0; a-- {
			at += rest % want[a] * step[a]
			rest /= want[a]
		}
		out[i] = x[at]
	}
	return nil
}

// sliceSpan is the first element and the number of elements that a slice leaves of an axis of length d.
func sliceSpan(start, end, step, d int) (first, n int) {
	if start < 0 {
		start += d
	}
	if end < 0 {
		end += d
	}
	if step > 0 {
		start, end = min(max(start, 0), d), min(max(end, 0), d)
		if end > start {
			n = (end-start-1)/step + 1
		}
		return start, n
	}
	start, end = max(min(start, d-1), 0), max(min(end, d-1), -1)
	if d > 0 && step < 0 && start > end {
		n = (start-end-1)/-max(step, -d-1) + 1
	}
	return start, n
}
