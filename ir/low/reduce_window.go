package low

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// windowType checks a Reduce with a Window and gives the axis one element for each window.
func (r *Reduce) windowType(x ir.Type) ([]ir.Type, error) {
	if x.DType != ir.Float32 || x.Layout != ir.RowMajor || r.Fn != "mean" && r.Fn != "max" || len(r.Axes) != 1 || !r.KeepDims || r.Partials != 1 {
		return nil, fmt.Errorf("windows: %s of %v along %v", r.Fn, x, r.Axes)
	}
	n := x.Shape[r.Axes[0]]
	windows := (n+r.Before+r.After-r.Window)/max(r.Step, 1) + 1
	if r.Window < 1 || r.Step < 1 || r.Before < 0 || r.After < 0 || n+r.Before+r.After < r.Window || n == 0 {
		return nil, fmt.Errorf("windows of %d in steps of %d over %d elements", r.Window, r.Step, n)
	}
	if last := (windows-1)*r.Step - r.Before; !r.Edge && (r.Before >= r.Window || last >= n) {
		return nil, fmt.Errorf("a window of %d from %d or %d on has none of %d elements", r.Window, -r.Before, last, n)
	}
	shape := slices.Clone(x.Shape)
	shape[r.Axes[0]] = windows
	return []ir.Type{{DType: x.DType, Shape: shape}}, nil
}

// evalWindows combines the elements of each window. A maximum is a chain, index increasing, of those that there are. A mean is
// a sum times float32(1)/count, where the sum has two parts: positions, counted from the beginning of the first window, are in
// blocks of Window; those of the block in which a window begins are added up from the last to the first, those of the next
// block from the first to the last, and then both. What is outside is +0 and does not count.
func (r *Reduce) evalWindows(x *ir.Tensor) []*ir.Tensor {
	types, err := r.windowType(x.Type())
	if err != nil {
		panic(err)
	}
	a, out := r.Axes[0], ir.NewTensor(ir.Float32, types[0].Shape...)
	n, m, inner := x.Shape[a], types[0].Shape[a], ir.Size(x.Shape[a+1:])
	src, y := ir.Data[float32](x), ir.Data[float32](out)
	for i := range y {
		o, t, c := i/inner/m, i/inner%m*r.Step, i%inner
		at := func(p int) (v float32, real bool) { // position p
			p -= r.Before
			if real = r.Edge || p >= 0 && p < n; real {
				v = src[(o*n+min(max(p, 0), n-1))*inner+c]
			}
			return v, real
		}
		y[i] = r.window(t, at)
	}
	return []*ir.Tensor{out}
}

// window is the result for the window from position t on.
func (r *Reduce) window(t int, at func(p int) (float32, bool)) float32 {
	if r.Fn == "max" {
		acc, first := float32(0), true
		for k := range r.Window {
			if v, real := at(t + k); real && first {
				acc, first = v, false
			} else if real {
				acc = accumulate("max", acc, v, nil)
			}
		}
		return acc
	}
	count, next := 0, (t/r.Window+1)*r.Window
	var parts [2]float32
	for k := range r.Window {
		if _, real := at(t + k); real {
			count++
		}
	}
	for p := next - 1; p >= t; p-- {
		if v, _ := at(p); p == next-1 {
			parts[0] = v
		} else {
			parts[0] = v + parts[0]
		}
	}
	for p := next; p < t+r.Window; p++ {
		if v, _ := at(p); p == next {
			parts[1] = v
		} else {
			parts[1] += v
		}
	}
	sum := parts[0]
	if t != next-r.Window {
		sum += parts[1]
	}
	return sum * (1 / float32(count))
}
