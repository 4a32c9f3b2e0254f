// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
)

// maxSamples bounds the samples along an axis of a bin.
const maxSamples = 1 << 12

// roiAlign pools regions, [x1, y1, x2, y2] each, of images x, of shape in, into height by width bins. Arithmetic is in
// float64; samples of 0 takes one for each element of a bin.
func roiAlign[T floating](out, x, rois []T, images []int64, in []int, height, width, samples int, scale float64, half, largest bool) error {
	ch, h, w := in[1], in[2], in[3]
	for r, image := range images {
		if image < 0 || image >= int64(in[0]) {
			return fmt.Errorf("RoiAlign: batch index %d of %d images", image, in[0])
		}
		var c [4]float64
		for k := range c {
			c[k] = float64(float64(rois[4*r+k]) * scale)
			if half {
				c[k] -= 0.5
			}
		}
		rw, rh := c[2]-c[0], c[3]-c[1]
		if !half {
			rw, rh = max(rw, 1), max(rh, 1)
		}
		binH, binW := rh/float64(height), rw/float64(width)
		rows, cols := samples, samples
		if samples == 0 {
			if !(math.Ceil(binH) <= maxSamples && math.Ceil(binW) <= maxSamples) {
				return fmt.Errorf("RoiAlign: bins of %v by %v, at most %d is supported", binH, binW, maxSamples)
			}
			rows, cols = int(max(math.Ceil(binH), 0)), int(max(math.Ceil(binW), 0))
		}
		for k := range ch {
			src := x[(int(image)*ch+k)*h*w:][:h*w]
			for p := range height * width {
				y0 := c[1] + float64(float64(p/width)*binH)
				x0 := c[0] + float64(float64(p%width)*binW)
				sum, most := 0.0, 0.0
				for iy := range rows {
					sy := y0 + float64((float64(iy)+0.5)*binH)/float64(rows)
					for ix := range cols {
						sx := x0 + float64((float64(ix)+0.5)*binW)/float64(cols)
						a, b, c, d := roiSample(src, h, w, sy, sx)
						sum += a + b + c + d
						if m := max(a, b, c, d); iy+ix == 0 || m > most {
							most = m
						}
					}
				}
				v := sum / float64(max(rows*cols, 1))
				if largest {
					v = most
				}
				out[(r*ch+k)*height*width+p] = T(v)
			}
		}
	}
	return nil
}

// roiSample returns the four neighbours of a point times their weights, zeros for a point more than 1 outside.
func roiSample[T floating](src []T, h, w int, y, x float64) (a, b, c, d float64) {
	if !(y >= -1 && x >= -1 && y <= float64(h) && x <= float64(w)) || len(src) == 0 {
		return 0, 0, 0, 0
	}
	y, x = max(y, 0), max(x, 0)
	i, j := int(y), int(x)
	down, right := w, 1
	ly, lx := y-float64(i), x-float64(j)
	if i >= h-1 {
		i, ly, down = h-1, 0, 0
	}
	if j >= w-1 {
		j, lx, right = w-1, 0, 0
	}
	hy, hx := 1-ly, 1-lx
	at := src[i*w+j:]
	return float64(float64(hy*hx) * float64(at[0])), float64(float64(hy*lx) * float64(at[right])),
		float64(float64(ly*hx) * float64(at[down])), float64(float64(ly*lx) * float64(at[down+right]))
}
