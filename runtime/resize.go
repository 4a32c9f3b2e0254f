// SPDX-License-Identifier: MIT-0

package runtime

import (
	"fmt"
	"math"
)

// A resizer knows how the axes of a tensor are resized. Arithmetic is in float64.
type resizer struct {
	mode, transform, nearest string
	a                        float64 // of cubic weights
	antialias, exclude       bool
	rank                     int
	axes                     [maxRank]resizeAxis
}

type resizeAxis struct {
	in, out, stride int
	scale, width    float64 // width is out before rounding
	same            bool    // the axis does not change
	from, to        float64 // the region of tf_crop_and_resize

	// of the current index of the result
	at, first, n int // the nearest element; the first of n elements with weights
	start        int
	ratio        float64
	sum, kept    float64 // what weights are divided by: of all, of those inside
	outside      bool
	weights      [8]float64 // if there are no more
}

// init takes over what scales or sizes, of which one is empty, say of the axes, and compares it with the shape wanted.
func (r *resizer) init(scales []float32, sizes []int64, in, want, axes []int, policy string) error {
	r.rank = len(in)
	s := 1
	for i := r.rank - 1; i >= 0; i-- {
		r.axes[i] = resizeAxis{in: in[i], out: in[i], stride: s, same: true, to: 1}
		s *= in[i]
	}
	common := math.Inf(1)
	if policy == "not_smaller" {
		common = 0
	}
	for i, a := range axes {
		w := &r.axes[a]
		if len(sizes) == 0 {
			w.scale = float64(scales[i])
			w.width = w.scale * float64(w.in)
		} else {
			w.width = float64(sizes[i])
			w.scale = w.width / float64(w.in)
			if policy == "not_larger" {
				common = min(common, w.scale)
			} else {
				common = max(common, w.scale)
			}
		}
	}
	for i, a := range axes {
		w := &r.axes[a]
		rounded := w.width
		if len(sizes) > 0 && policy != "stretch" {
			w.scale, w.width = common, float64(common*float64(w.in))
			rounded = w.width + 0.5
		}
		w.out = want[a]
		if !(rounded >= float64(w.out) && rounded < float64(w.out)+1) {
			return fmt.Errorf("Resize: scales %v or sizes %v of axis %d (%d of %d), which is to have length %d", scales, sizes, a, i+1, len(axes), w.out)
		}
		w.same = w.scale == 1 && w.out == w.in
	}
	return nil
}

// origin is the coordinate that index i of the result stands for.
func (r *resizer) origin(w *resizeAxis, i int) float64 {
	x, in := float64(i), float64(w.in)
	switch r.transform {
	case "align_corners":
		if w.width == 1 {
			return 0
		}
		return x * (in - 1) / (w.width - 1)
	case "asymmetric":
		return x / w.scale
	case "tf_crop_and_resize":
		if w.width == 1 {
			return float64((w.to-w.from)*(in-1)/2) + float64(w.from*(in-1))
		}
		return float64(x*(w.to-w.from)*(in-1)/(w.width-1)) + float64(w.from*(in-1))
	case "pytorch_half_pixel":
		if w.width == 1 {
			return -0.5
		}
	case "half_pixel_symmetric":
		offset := float64(in / 2 * (1 - float64(w.out)/w.width))
		return offset + (x+0.5)/w.scale - 0.5
	}
	return (x+0.5)/w.scale - 0.5
}

// round is the index nearest to a coordinate.
func (r *resizer) round(x float64) int {
	i := int(math.Floor(x))
	frac := x - math.Floor(x)
	if r.nearest == "round_prefer_floor" && frac > 0.5 || r.nearest == "round_prefer_ceil" && frac >= 0.5 ||
		r.nearest == "ceil" && frac > 0 {
		i++
	}
	return i
}

// filter is the weight of an element at distance x.
func (r *resizer) filter(x float64) float64 {
	x = math.Abs(x)
	if r.mode == "linear" {
		return max(0, 1-x)
	}
	if x <= 1 {
		return float64(float64((float64((r.a+2)*x)-(r.a+3))*x)*x) + 1
	}
	if x < 2 {
		return float64((float64((float64(r.a*x)-float64(5*r.a))*x)+float64(8*r.a))*x) - float64(4*r.a)
	}
	return 0
}

// set moves axis a to index i of the result.
func (r *resizer) set(a, i int) {
	w := &r.axes[a]
	if w.same {
		w.at = i
		return
	}
	x := r.origin(w, i)
	w.outside = r.transform == "tf_crop_and_resize" && !(x >= 0 && x <= float64(w.in-1))
	if w.outside {
		x = 0
	}
	if r.mode == "nearest" {
		w.at = min(max(r.round(x), 0), w.in-1)
		return
	}
	reach, shrink := 1.0, 1.0
	if r.mode == "cubic" {
		reach = 2
	}
	if r.antialias {
		shrink = min(w.scale, 1)
	}
	base := int(math.Ceil(x)) - 1
	w.start = int(math.Floor(-reach/shrink)) + 1
	w.first, w.n, w.ratio = base+w.start, 2-2*w.start, x-float64(base)
	w.sum, w.kept = 0, 0
	sum, kept := 0.0, 0.0
	if r.antialias {
		for i := range w.n {
			sum += r.raw(w, i)
		}
		w.sum = sum
	}
	if r.exclude {
		for i := range w.n {
			if w.first+i >= 0 && w.first+i < w.in {
				kept += r.weigh(w, i)
			}
		}
		w.kept = kept
	}
	if w.n <= len(w.weights) {
		for i := range w.n {
			w.weights[i] = r.weigh(w, i)
		}
	}
}

// raw is the weight of element first+i before any division.
func (r *resizer) raw(w *resizeAxis, i int) float64 {
	shrink := 1.0
	if r.antialias {
		shrink = min(w.scale, 1)
	}
	return r.filter(float64((float64(w.start+i) - w.ratio) * shrink))
}

// weigh computes the weight of element first+i.
func (r *resizer) weigh(w *resizeAxis, i int) float64 {
	v := r.raw(w, i)
	if w.sum != 0 {
		v /= w.sum
	}
	if r.exclude {
		if w.first+i < 0 || w.first+i >= w.in {
			return 0
		}
		if w.kept != 0 {
			v /= w.kept
		}
	}
	return v
}

// resizeSum is the weighted sum, along axis a, of those along the axes after it.
func resizeSum[T number](r *resizer, x []T, a, base int) float64 {
	for a < r.rank && r.axes[a].same {
		base += r.axes[a].at * r.axes[a].stride
		a++
	}
	if a == r.rank {
		return float64(x[base])
	}
	w := &r.axes[a]
	sum := 0.0
	for i := range w.n {
		v := 0.0
		if w.n <= len(w.weights) {
			v = w.weights[i]
		} else {
			v = r.weigh(w, i)
		}
		sum += float64(v * resizeSum(r, x, a+1, base+min(max(w.first+i, 0), w.in-1)*w.stride))
	}
	return sum
}

// resizeNearest copies the nearest elements of x, of shape in, to out, of shape want.
func resizeNearest[T any](out, x []T, roi, scales []float32, sizes []int64, in, want, axes []int, transform, nearest, policy string) error {
	r := resizer{mode: "nearest", transform: transform, nearest: nearest}
	if err := r.init(scales, sizes, in, want, axes, policy); err != nil {
		return err
	}
	var idx [maxRank]int
	for k := range out {
		r.move(&idx, k)
		at := 0
		for a := range r.rank {
			at += r.axes[a].at * r.axes[a].stride
		}
		out[k] = x[at]
	}
	return nil
}

// move goes to element k of the result, the one after element k-1, to which idx belongs.
func (r *resizer) move(idx *[maxRank]int, k int) {
	if k == 0 {
		for a := range r.rank {
			r.set(a, 0)
		}
		return
	}
	for a := r.rank - 1; a >= 0; a-- {
		idx[a]++
		if idx[a] == r.axes[a].out {
			idx[a] = 0
		}
		r.set(a, idx[a])
		if idx[a] > 0 {
			return
		}
	}
}

// resize interpolates x, of shape in, giving out, of shape want; mode is linear or cubic.
func resize[T number](out, x []T, roi, scales []float32, sizes []int64, in, want, axes []int, mode, transform, policy string, a float64, antialias, exclude bool) error {
	r := resizer{mode: mode, transform: transform, a: a, antialias: antialias, exclude: exclude}
	if err := r.init(scales, sizes, in, want, axes, policy); err != nil {
		return err
	}
	resizeAll(&r, out, x, 0)
	return nil
}

// resizeCrop is resize, in any mode, of the region roi, [starts..., ends...]; what lies outside x is extrapolation.
func resizeCrop[T number, R floating](out, x []T, roi []R, scales []float32, sizes []int64, in, want, axes []int, mode, nearest, policy string, a float64, antialias, exclude bool, extrapolation float64) error {
	r := resizer{mode: mode, transform: "tf_crop_and_resize", nearest: nearest, a: a, antialias: antialias, exclude: exclude}
	if err := r.init(scales, sizes, in, want, axes, policy); err != nil {
		return err
	}
	for i, a := range axes {
		w := &r.axes[a]
		w.from, w.to = float64(roi[i]), float64(roi[len(axes)+i])
		w.same = w.same && w.from == 0 && w.to == 1
	}
	resizeAll(&r, out, x, extrapolation)
	return nil
}

func resizeAll[T number](r *resizer, out, x []T, extrapolation float64) {
	float := isFloat[T]()
	var idx [maxRank]int
	for k := range out {
		r.move(&idx, k)
		outside, at := false, 0
		for a := range r.rank {
			outside = outside || r.axes[a].outside
			at += r.axes[a].at * r.axes[a].stride
		}
		switch {
		case outside:
			out[k] = fromFloat[T](extrapolation)
		case r.mode == "nearest":
			out[k] = x[at]
		default:
			v := resizeSum(r, x, 0, 0)
			if !float {
				v = math.RoundToEven(v)
			}
			out[k] = fromFloat[T](v)
		}
	}
}

// fromFloat narrows v; integers are truncated and saturate, NaN gives 0.
func fromFloat[T number](v float64) T {
	var zero T
	switch any(zero).(type) {
	case int8:
		return T(saturate[int8](v, math.MinInt8, math.MaxInt8))
	case int16:
		return T(saturate[int16](v, math.MinInt16, math.MaxInt16))
	case int32:
		return T(saturate[int32](v, math.MinInt32, math.MaxInt32))
	case int64:
		return T(satint64(v))
	case uint8:
		return T(saturate[uint8](v, 0, math.MaxUint8))
	case uint16:
		return T(saturate[uint16](v, 0, math.MaxUint16))
	case uint32:
		return T(saturate[uint32](v, 0, math.MaxUint32))
	case uint64:
		return T(satuint64(v))
	}
	return T(v)
}
