// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// A reduction combines, for every index over the kept axes (dims d, strides ds), the elements over the reduced axes
// (dims r, strides rs), in one chain or in partials 16 apart that are then combined 8, 4, 2 and 1 apart.
type reduction struct {
	d, ds, r, rs [6]int
	partials     int
}

// each calls f for the offset of every index vector below d, row-major.
func each(d, s [6]int, f func(at int)) {
	for i0 := range d[0] {
		for i1 := range d[1] {
			for i2 := range d[2] {
				for i3 := range d[3] {
					for i4 := range d[4] {
						at := i0*s[0] + i1*s[1] + i2*s[2] + i3*s[3] + i4*s[4]
						for range d[5] {
							f(at)
							at += s[5]
						}
					}
				}
			}
		}
	}
}

func (q *reduction) size() int {
	n := 1
	for _, d := range q.r {
		n *= d
	}
	return n
}

// reduceAll runs step over the elements and merge over the partials, from start, then finish.
func reduceAll[T any](dst, src []T, q *reduction, start T, step, merge func(acc, x T) T, finish func(acc T) T) {
	o := 0
	each(q.d, q.ds, func(row int) {
		var p [16]T
		for i := range q.partials {
			p[i] = start
		}
		n := 0
		each(q.r, q.rs, func(col int) {
			p[n%q.partials] = step(p[n%q.partials], src[row+col])
			n++
		})
		for s := q.partials / 2; s > 0; s /= 2 {
			for i := range s {
				p[i] = merge(p[i], p[i+s])
			}
		}
		dst[o] = p[0]
		if finish != nil {
			dst[o] = finish(p[0])
		}
		o++
	})
}

func add2[T number](a, b T) T { return a + b }

func mul2[T number](a, b T) T { return a * b }

// max2 is x where x is larger or NaN.
func max2[T number](acc, x T) T {
	if x > acc || x != x {
		return x
	}
	return acc
}

// min2 is x where x is smaller or NaN.
func min2[T number](acc, x T) T {
	if x < acc || x != x {
		return x
	}
	return acc
}

func addAbs[T number](acc, x T) T {
	if x < 0 {
		x = -x
	}
	return acc + x
}

func reduceSum[T number](dst, src []T, q *reduction) { reduceAll(dst, src, q, 0, add2, add2, nil) }

func reduceProd[T number](dst, src []T, q *reduction) { reduceAll(dst, src, q, 1, mul2, mul2, nil) }

func reduceMax[T number](dst, src []T, q *reduction, start T) {
	reduceAll(dst, src, q, start, max2, max2, nil)
}

func reduceMin[T number](dst, src []T, q *reduction, start T) {
	reduceAll(dst, src, q, start, min2, min2, nil)
}

func reduceL1[T number](dst, src []T, q *reduction) { reduceAll(dst, src, q, 0, addAbs, add2, nil) }

// reduceMean divides the sum by the number of elements; integers truncate, and the mean of none is 0.
func reduceMean[T number](dst, src []T, q *reduction) {
	n := T(q.size())
	reduceAll(dst, src, q, 0, add2, add2, func(s T) T {
		if half := T(1) / 2; n == 0 && half == 0 {
			return 0
		}
		return s / n
	})
}

func reduceSumSquare32(dst, src []float32, q *reduction) {
	reduceAll(dst, src, q, 0, squareAdd32, add2, nil)
}

func squareAdd32(acc, x float32) float32 { return fma32(x, x, acc) }

func reduceL232(dst, src []float32, q *reduction) {
	reduceAll(dst, src, q, 0, squareAdd32, add2, sqrt32)
}

// reduceSumSquare is for element types other than float32: the rounded square is added.
func reduceSumSquare[T number](dst, src []T, q *reduction) {
	reduceAll(dst, src, q, 0, squareAdd, add2, nil)
}

func squareAdd[T number](acc, x T) T { return acc + T(x*x) }

func reduceL264(dst, src []float64, q *reduction) {
	reduceAll(dst, src, q, 0, squareAdd, add2, math.Sqrt)
}

// reduceAny is the maximum of booleans.
func reduceAny(dst, src []bool, q *reduction) {
	or := func(a, b bool) bool { return a || b }
	reduceAll(dst, src, q, false, or, or, nil)
}

// reduceEvery is the minimum of booleans.
func reduceEvery(dst, src []bool, q *reduction) {
	and := func(a, b bool) bool { return a && b }
	reduceAll(dst, src, q, true, and, and, nil)
}

// reduceArg finds the index of the first (or last) largest (or, if smallest, smallest) element; NaN beats all.
func reduceArg[T number](dst []int64, src []T, q *reduction, smallest, last bool) {
	o := 0
	each(q.d, q.ds, func(row int) {
		best, at, n := T(0), 0, 0
		each(q.r, q.rs, func(col int) {
			x := src[row+col]
			better := x > best
			if smallest {
				better = x < best
			}
			if x != x || best != best {
				better = x != x && best == best
			}
			if n == 0 || better || last && (x == best || x != x && best != best) {
				best, at = x, n
			}
			n++
		})
		dst[o] = int64(at)
		o++
	})
}
