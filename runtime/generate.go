// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
)

// zerosOfShape clears out, if the run-time shape is the one compiled for.
func zerosOfShape[T any](out []T, shape []int64, want []int) error {
	same := len(shape) == len(want)
	for i, d := range want {
		same = same && shape[i] == int64(d)
	}
	if !same {
		return fmt.Errorf("the shape is %v, compiled for %v", shape, want)
	}
	clear(out)
	return nil
}

// rangeFloats counts up from start to limit, in float64, if that gives as many elements as out has.
func rangeFloats[T floating](out, start, limit, delta []T) error {
	s, d := float64(start[0]), float64(delta[0])
	n := max(0, math.Ceil((float64(limit[0])-s)/d))
	if d == 0 || n != float64(len(out)) {
		return rangeError(start[0], limit[0], delta[0], len(out))
	}
	for i := range out {
		out[i] = T(s + float64(float64(i)*d))
	}
	return nil
}

// rangeInts is rangeFloats for integers, which keep their low bits.
func rangeInts[T signed](out, start, limit, delta []T) error {
	s, l, d := int64(start[0]), int64(limit[0]), int64(delta[0])
	span, step := uint64(l)-uint64(s), uint64(d)
	if d < 0 {
		s, l, span, step = l, s, -span, -step
	}
	n := uint64(0)
	if l > s && d != 0 {
		n = (span-1)/step + 1
	}
	if d == 0 || n != uint64(len(out)) {
		return rangeError(start[0], limit[0], delta[0], len(out))
	}
	v := start[0]
	for i := range out {
		out[i] = v
		v += delta[0]
	}
	return nil
}

func rangeError[T number](start, limit, delta T, n int) error {
	return fmt.Errorf("Range from %v to %v by %v, compiled for %d elements", start, limit, delta, n)
}

// window is a0 - a1 cos(t) + a2 cos(2t), t = 2 pi i/n, n the size, less 1 unless periodic.
func window[I indexType](out []float64, size []I, a0, a1, a2 float64, periodic bool) error {
	if int(size[0]) != len(out) {
		return fmt.Errorf("the size is %d, compiled for %d", size[0], len(out))
	}
	n := float64(len(out))
	if !periodic {
		n--
	}
	for i := range out {
		t := 2 * math.Pi * float64(i) / n
		out[i] = a0 - float64(a1*cos64(t)) + float64(a2*cos64(2*t))
	}
	return nil
}

// nllLoss is the loss of log-probabilities x, [N, classes, plane], for targets [N, plane]: -x times the weight of the
// class, 0 for ignored targets; summed in order in float64, or divided by the sum of the weights.
func nllLoss[T floating, I indexType](out, x []T, target []I, weight []T, classes, plane int, reduction string, ignores bool, ignore int) error {
	sum, weights := 0.0, 0.0
	for i, t := range target {
		c := int(t)
		if ignores && c == ignore {
			if reduction == "none" {
				out[i] = 0
			}
			continue
		}
		if c < 0 || c >= classes {
			return fmt.Errorf("target %d is class %d of %d", i, c, classes)
		}
		w := 1.0
		if weight != nil {
			w = float64(weight[c])
		}
		v := float64(-float64(x[(i/plane*classes+c)*plane+i%plane]) * w)
		if reduction == "none" {
			out[i] = T(v)
		}
		sum += v
		weights += w
	}
	switch reduction {
	case "sum":
		out[0] = T(sum)
	case "mean":
		out[0] = T(sum / weights)
	}
	return nil
}
