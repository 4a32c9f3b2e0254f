package low

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Partials is the number of interleaved partial results of a reduction along a row: element i goes to partial i mod
// 16, then partials 8 apart are combined, 4, 2 and 1 apart.
const Partials = 16

// Reduce combines the elements along axes. Fn is sum, mean, prod, max, min, sumsquare, l1, l2, argmax or argmin; the
// arithmetic is that of the element type, 16-bit floats in float32. In panels, either the one axis is the last, or a sum or
// mean is over all rows, in 16 partials, and the result row-major. With a Window the mean or maximum is that of windows which
// move along the one axis.
type Reduce struct {
	Fn         string `onnx:"fn"`
	Axes       []int  `onnx:"axes"`
	KeepDims   bool   `onnx:"keepdims,1"`
	Partials   int    `onnx:"partials,1"` // 1: one chain, index increasing; 16: see Partials
	SelectLast bool   `onnx:"select_last,0"`
	Window     int    `onnx:"window,0"` // elements of a window; 0: all
	Step       int    `onnx:"step,1"`   // from one window to the next
	Before     int    `onnx:"before,0"` // how far the first window begins before the first element
	After      int    `onnx:"after,0"`  // how far windows may reach beyond the last
	Edge       bool   `onnx:"edge,0"`   // the first and the last element stand for what is outside; else nothing does
}

// ReduceAxes adds a Reduce, in 16 partials if the axes are the last ones.
func ReduceAxes(b *ir.Builder, fn string, x *ir.Value, axes []int, keep bool) *ir.Value {
	r := &Reduce{Fn: fn, Axes: axes, KeepDims: keep, Partials: 1}
	if trailing(axes, len(x.Type.Shape)) {
		r.Partials = Partials
	}
	return b.Add(r, x)
}

func trailing(axes []int, rank int) bool {
	for i, a := range axes {
		if a != rank-len(axes)+i {
			return false
		}
	}
	return true
}

// Name is the operator's name in the text form.
func (*Reduce) Name() string { return "sbtc.Reduce" }

// Infer checks axes, which must be increasing, and drops them or keeps them with length 1.
func (r *Reduce) Infer(in []*ir.Value) ([]ir.Type, error) {
	if len(in) != 1 {
		return nil, errArity
	}
	x := in[0].Type
	for i, a := range r.Axes {
		if a < 0 || a >= len(x.Shape) || i > 0 && a <= r.Axes[i-1] {
			return nil, fmt.Errorf("axes %v of %v", r.Axes, x)
		}
	}
	if r.Window != 0 {
		return r.windowType(x)
	}
	if _, ok := folds[r.Fn]; !ok && r.Fn != "argmax" && r.Fn != "argmin" {
		return nil, fmt.Errorf("unknown reduction %q", r.Fn)
	}
	t := ir.Type{DType: x.DType, Shape: r.kept(x.Shape)}
	if r.Fn == "argmax" || r.Fn == "argmin" {
		t.DType = ir.Int64
		if len(r.Axes) != 1 {
			return nil, fmt.Errorf("%s along axes %v", r.Fn, r.Axes)
		}
	}
	if x.Layout == ir.Panels && r.overRows(x) {
		return []ir.Type{t}, nil
	}
	if x.Layout == ir.Panels {
		if len(r.Axes) != 1 || r.Axes[0] != len(x.Shape)-1 || !r.KeepDims || r.Partials != 1 {
			return nil, fmt.Errorf("reduction over axes %v in panels", r.Axes)
		}
		t.Layout = ir.Panels
	}
	return []ir.Type{t}, nil
}

// overRows reports whether all rows of x are summed to one.
func (r *Reduce) overRows(x ir.Type) bool {
	rows := 1
	for _, a := range r.Axes {
		if a == len(x.Shape)-1 {
			return false
		}
		rows *= x.Shape[a]
	}
	return (r.Fn == "sum" || r.Fn == "mean") && r.Partials == Partials && rows == x.Rows()
}

func (r *Reduce) kept(shape []int) []int {
	out := []int{}
	for i, d := range shape {
		switch {
		case !slices.Contains(r.Axes, i):
			out = append(out, d)
		case r.KeepDims:
			out = append(out, 1)
		}
	}
	return out
}

// A fold is how a reduction starts and takes in an element.
type fold struct {
	start float64
	lo    bool // starts at the smallest value of the type
	hi    bool // starts at the largest
}

var folds = map[string]fold{
	"sum": {}, "mean": {}, "sumsquare": {}, "l1": {}, "l2": {}, "prod": {start: 1}, "max": {lo: true}, "min": {hi: true},
}

type accumulator interface {
	float32 | float64 | int64 | uint64
}

// accumulate takes x into acc; fma is the type's rounding of x·x + acc.
func accumulate[T accumulator](fn string, acc, x T, fma func(a, b, c T) T) T {
	switch fn {
	case "sum", "mean":
		return acc + x
	case "prod":
		return T(acc * x)
	case "sumsquare", "l2":
		return fma(x, x, acc)
	case "l1":
		if x < 0 {
			x = -x
		}
		return acc + x
	case "max":
		if x > acc || x != x {
			return x
		}
		return acc
	case "min":
		if x < acc || x != x {
			return x
		}
		return acc
	}
	panic(fn)
}

// merge combines two partial results.
func merge[T accumulator](fn string, a, b T) T {
	switch fn {
	case "sumsquare", "l2", "l1", "mean":
		fn = "sum"
	}
	return accumulate(fn, a, b, nil)
}

// reduceRow reduces n elements in the given number of partials.
func reduceRow[T accumulator](fn string, partials, n int, start T, at func(int) T, fma func(a, b, c T) T) T {
	p := make([]T, partials)
	for i := range p {
		p[i] = start
	}
	for i := range n {
		p[i%partials] = accumulate(fn, p[i%partials], at(i), fma)
	}
	for s := partials / 2; s > 0; s /= 2 {
		for i := range s {
			p[i] = merge(fn, p[i], p[i+s])
		}
	}
	return p[0]
}

// Eval reduces in the stated order.
func (r *Reduce) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	if r.Window != 0 {
		return r.evalWindows(x), nil
	}
	var kept, dims []int
	var keptStr, dimStr []int
	for i, s := range ir.Strides(x.Shape) {
		if slices.Contains(r.Axes, i) {
			dims, dimStr = append(dims, x.Shape[i]), append(dimStr, s)
		} else {
			kept, keptStr = append(kept, x.Shape[i]), append(keptStr, s)
		}
	}
	rows, cols := boxIndex(kept, 0, keptStr), boxIndex(dims, 0, dimStr)
	if r.Fn == "argmax" || r.Fn == "argmin" {
		return []*ir.Tensor{r.arg(x, rows, cols)}, nil
	}
	shape := r.kept(x.Shape)
	switch d := x.DType; {
	case d == ir.Uint64:
		return []*ir.Tensor{ir.Of(d, shape, reduceInts(r, ir.Data[uint64](x), rows, cols, 0, math.MaxUint64))}, nil
	case d == ir.Bool || d.IsInt():
		lo, hi := int64(0), int64(1)
		if d != ir.Bool {
			lo, hi = d.IntRange()
		}
		return []*ir.Tensor{ir.FromInts(d, shape, reduceInts(r, x.Ints(), rows, cols, lo, hi))}, nil
	case d == ir.Float64:
		y := reduceFloats(r, ir.Data[float64](x), rows, cols, fma64, math.Sqrt)
		return []*ir.Tensor{ir.Of(d, shape, y)}, nil
	}
	y := reduceFloats(r, float32s(x), rows, cols, fma32, sqrtf)
	return []*ir.Tensor{fromFloat32s(x.DType, shape, y)}, nil
}

func reduceFloats[T float32 | float64](r *Reduce, x []T, rows, cols []int, fma func(a, b, c T) T, sqrt func(T) T) []T {
	f := folds[r.Fn]
	start := T(f.start)
	if f.lo {
		start = T(math.Inf(-1))
	}
	if f.hi {
		start = T(math.Inf(1))
	}
	out := make([]T, len(rows))
	for i, row := range rows {
		v := reduceRow(r.Fn, r.Partials, len(cols), start, func(j int) T { return x[row+cols[j]] }, fma)
		switch r.Fn {
		case "mean":
			v /= T(len(cols))
		case "l2":
			v = sqrt(v)
		}
		out[i] = v
	}
	return out
}

func reduceInts[T int64 | uint64](r *Reduce, x []T, rows, cols []int, lo, hi T) []T {
	f := folds[r.Fn]
	start := T(f.start)
	if f.lo {
		start = lo
	}
	if f.hi {
		start = hi
	}
	out := make([]T, len(rows))
	for i, row := range rows {
		v := reduceRow(r.Fn, 1, len(cols), start, func(j int) T { return x[row+cols[j]] }, func(a, b, c T) T { return a*b + c })
		if r.Fn == "mean" && len(cols) > 0 {
			v /= T(len(cols))
		}
		out[i] = v
	}
	return out
}

// arg finds the first (or last) index of the extreme; NaN counts as the extreme.
func (r *Reduce) arg(x *ir.Tensor, rows, cols []int) *ir.Tensor {
	out := make([]int64, len(rows))
	for i, row := range rows {
		best := 0
		for j := range cols {
			c := compareElems(x, row+cols[j], row+cols[best])
			if r.Fn == "argmin" {
				c = -c
			}
			if nanAt(x, row+cols[j]) || nanAt(x, row+cols[best]) {
				c = nanOrder(nanAt(x, row+cols[j]), nanAt(x, row+cols[best]))
			}
			if c > 0 || c == 0 && r.SelectLast {
				best = j
			}
		}
		out[i] = int64(best)
	}
	return ir.Of(ir.Int64, r.kept(x.Shape), out)
}

func nanOrder(a, b bool) int {
	switch {
	case a && !b:
		return 1
	case b && !a:
		return -1
	}
	return 0
}

func nanAt(x *ir.Tensor, i int) bool { return x.DType.IsFloat() && math.IsNaN(x.At(i)) }

func compareElems(x *ir.Tensor, i, j int) int {
	switch d := x.DType; {
	case d == ir.Uint64:
		return compare(ir.Data[uint64](x)[i], ir.Data[uint64](x)[j])
	case d == ir.Int64:
		return compare(ir.Data[int64](x)[i], ir.Data[int64](x)[j])
	}
	return compare(x.At(i), x.At(j))
}

func compare[T float64 | int64 | uint64](a, b T) int {
	switch {
	case a > b:
		return 1
	case a < b:
		return -1
	}
	return 0
}
