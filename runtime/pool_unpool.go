// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
)

// maxUnpool puts the elements of x where at says, an index into the shape from, in zeros of shape to; asked, if not
// nil, must be to.
func maxUnpool[T any](y, x []T, at, asked []int64, from, to []int) error {
	if asked != nil {
		same := len(asked) == len(to)
		for i := 0; same && i < len(to); i++ {
			same = asked[i] == int64(to[i])
		}
		if !same {
			return fmt.Errorf("MaxUnpool: output_shape is %v, compiled for %v", asked, to)
		}
	}
	clear(y)
	size := 1
	for _, d := range from {
		size *= d
	}
	for i, v := range at {
		if v < 0 || v >= int64(size) {
			return fmt.Errorf("MaxUnpool: index %d at %d leaves the shape %v", v, i, from)
		}
		p, k, stride := 0, int(v), 1
		for a := len(from) - 1; a >= 0; a-- {
			p += k % from[a] * stride
			k /= from[a]
			stride *= to[a]
		}
		y[p] = x[i]
	}
	return nil
}

// maxRoiPool is the maximum in each cell of a grid over every region [sample, x1, y1, x2, y2] of x, of shape in; y has
// shape out. Corners are scaled and rounded half away from zero.
func maxRoiPool[T floating](y, x, rois []T, in, out []int, scale float64) error {
	height, width := in[2], in[3]
	i := 0
	for r := range out[0] {
		roi := rois[r*5:][:5]
		sample := int(roi[0])
		if sample < 0 || sample >= in[0] {
			return fmt.Errorf("MaxRoiPool: region %d is of sample %d, there are %d", r, sample, in[0])
		}
		var c [4]int
		for k := range c {
			v := float64(float64(roi[1+k]) * scale)
			c[k] = int(math.Trunc(v))
			if d := v - math.Trunc(v); d >= 0.5 {
				c[k]++
			} else if d <= -0.5 {
				c[k]--
			}
		}
		for ch := range in[1] {
			plane := x[(sample*in[1]+ch)*height*width:][:height*width]
			for py := range out[2] {
				y0, y1 := roiCell(py, out[2], c[1], c[3], height)
				for px := range out[3] {
					x0, x1 := roiCell(px, out[3], c[0], c[2], width)
					best := T(math.Inf(-1))
					if y0 >= y1 || x0 >= x1 {
						best = 0
					}
					for v := y0; v < y1; v++ {
						for u := x0; u < x1; u++ {
							best = maxNum(plane[v*width+u], best)
						}
					}
					y[i] = best
					i++
				}
			}
		}
	}
	return nil
}

func roiCell(i, n, lo, hi, length int) (int, int) {
	size := max(hi-lo+1, 1)
	return min(max(lo+i*size/n, 0), length), min(max(lo+((i+1)*size+n-1)/n, 0), length)
}
