// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
)

// An axisReduction says which elements of a tensor are combined: those that differ in the axes of the second half.
type axisReduction struct {
	kept, dims       [16]int // dimensions
	keptStr, dimsStr [16]int // and their strides in the input
	rank, rank2      int
	n                int // elements combined
}

// newAxisReduction reads run-time axes and checks that they reduce shape in to want.
func newAxisReduction(axes []int64, in, want []int, keep, noop bool) (r axisReduction, err error) {
	var drop [16]bool
	for _, a := range axes {
		if a < -int64(len(in)) || a >= int64(len(in)) {
			return r, fmt.Errorf("axis %d of %d axes", a, len(in))
		}
		if a < 0 {
			a += int64(len(in))
		}
		if drop[a] {
			return r, fmt.Errorf("axes %v name an axis twice", axes)
		}
		drop[a] = true
	}
	stride, at := 1, len(want)
	r.n = 1
	fits := true
	for a := len(in) - 1; a >= 0; a-- {
		d := in[a]
		if drop[a] || len(axes) == 0 && !noop {
			r.dims[r.rank2], r.dimsStr[r.rank2] = d, stride
			r.rank2++
			r.n *= d
			d = 1
		} else {
			r.kept[r.rank], r.keptStr[r.rank] = d, stride
			r.rank++
		}
		if keep || !drop[a] && (len(axes) > 0 || noop) {
			at--
			fits = fits && at >= 0 && want[at] == d
		}
		stride *= in[a]
	}
	if !fits || at != 0 {
		return r, fmt.Errorf("the axes are %v, compiled for shape %v to %v", axes, in, want)
	}
	return r, nil
}

// row is where the elements of result i begin.
func (r *axisReduction) row(i int) int { return strided16(i, &r.kept, &r.keptStr, r.rank) }

// col is where element j of a row lies from its beginning.
func (r *axisReduction) col(j int) int { return strided16(j, &r.dims, &r.dimsStr, r.rank2) }

func strided16(i int, dims, strides *[16]int, rank int) int {
	at := 0
	for a := range rank {
		at += i % dims[a] * strides[a]
		i /= dims[a]
	}
	return at
}

// reduceFloats reduces x, of shape in, along run-time axes to out, of shape want, in float64, the elements in order.
func reduceFloats[T floating](out, x []T, axes []int64, fn string, in, want []int, keep, noop bool) error {
	r, err := newAxisReduction(axes, in, want, keep, noop)
	if err != nil {
		return err
	}
	for i := range out {
		row := r.row(i)
		acc, top := 0.0, math.Inf(-1)
		switch fn {
		case "ReduceProd":
			acc = 1
		case "ReduceMax":
			acc = math.Inf(-1)
		case "ReduceMin":
			acc = math.Inf(1)
		case "ReduceLogSumExp":
			for j := range r.n {
				top = maxNum(top, float64(x[row+r.col(j)]))
			}
			if isInf(top) {
				top = 0
			}
		}
		for j := range r.n {
			v := float64(x[row+r.col(j)])
			switch fn {
			case "ReduceProd":
				acc = acc * v
			case "ReduceMax":
				acc = maxNum(v, acc)
			case "ReduceMin":
				acc = minNum(v, acc)
			case "ReduceL1":
				acc += math.Abs(v)
			case "ReduceL2", "ReduceSumSquare":
				acc += float64(v * v)
			case "ReduceLogSumExp":
				acc += exp64(v - top)
			default:
				acc += v
			}
		}
		switch fn {
		case "ReduceMean":
			acc /= float64(r.n)
		case "ReduceL2":
			acc = math.Sqrt(acc)
		case "ReduceLogSum":
			acc = log64(acc)
		case "ReduceLogSumExp":
			acc = log64(acc) + top
		}
		out[i] = T(acc)
	}
	return nil
}

// reduceInts is reduceFloats for the exact reductions of integers, in 64 bits.
func reduceInts[T integer](out, x []T, axes []int64, fn string, in, want []int, keep, noop bool) error {
	r, err := newAxisReduction(axes, in, want, keep, noop)
	if err != nil {
		return err
	}
	lo, hi := limits[T]()
	for i := range out {
		row := r.row(i)
		acc, extreme := int64(0), lo
		switch fn {
		case "ReduceProd":
			acc = 1
		case "ReduceMin":
			extreme = hi
		}
		for j := range r.n {
			v := x[row+r.col(j)]
			switch fn {
			case "ReduceProd":
				acc *= int64(v)
			case "ReduceMax":
				extreme = max(extreme, v)
			case "ReduceMin":
				extreme = min(extreme, v)
			case "ReduceL1":
				if acc += int64(v); v < 0 {
					acc -= 2 * int64(v)
				}
			case "ReduceSumSquare":
				acc += int64(v) * int64(v)
			default:
				acc += int64(v)
			}
		}
		switch {
		case fn == "ReduceMax" || fn == "ReduceMin":
			out[i] = extreme
			continue
		case fn == "ReduceMean" && lo == 0:
			acc = int64(divInt(uint64(acc), uint64(r.n)))
		case fn == "ReduceMean":
			acc = divInt(acc, int64(r.n))
		}
		out[i] = T(acc)
	}
	return nil
}

// limits are the smallest and the largest value of an integer type.
func limits[T integer]() (lo, hi T) {
	if lo--; lo > 0 { // unsigned
		return 0, lo
	}
	for lo = 1; lo > 0; lo *= 2 {
	}
	return lo, lo - 1
}
