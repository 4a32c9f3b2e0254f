package low

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// Normalize rescales every row of n elements, n being the product of the axes from Axis on, and keeps the shape.
//
//	softmax     e/sum(e), e = expneg(x - max(x)), computed as e·(1/sum)
//	logsoftmax  (x - max(x)) - log(sum(e))
//	layernorm   d = x - mean, mean = sum(x)/n; r = 1/sqrt(sum(fma(d, d, ·))/n + epsilon); d·r, then scale and bias
//	rmsnorm     r = 1/sqrt(sum(fma(x, x, ·))/n + epsilon); x·r, then scale
//
// The optional inputs scale and bias of n elements act as fma(y, scale, bias), or y·scale without a bias. Sums are in
// Partials partial sums. In panels Axis is the last and Partials is PanelPartials.
//
// With Rows set, layernorm is along the rows: normalize_rows.go says how.
type Normalize struct {
	Fn       string  `onnx:"fn"`
	Axis     int     `onnx:"axis"`
	Epsilon  float32 `onnx:"epsilon,0"`
	Partials int     `onnx:"partials,16"`
	Rows     bool    `onnx:"rows,0"`
	Pick     []int   `onnx:"pick"` // the rows of the result; only with Rows
}

// Name is the operator's name in the text form.
func (*Normalize) Name() string { return "sbtc.Normalize" }

// Infer returns the type of the first input.
func (m *Normalize) Infer(in []*ir.Value) ([]ir.Type, error) {
	if m.Rows {
		return m.inferRows(in)
	}
	if len(in) < 1 || len(in) > 3 {
		return nil, errArity
	}
	x := in[0].Type
	switch m.Fn {
	case "softmax", "logsoftmax", "layernorm", "rmsnorm":
	default:
		return nil, fmt.Errorf("unknown normalization %q", m.Fn)
	}
	if !x.DType.IsFloat() {
		return nil, fmt.Errorf("%s of %v", m.Fn, x)
	}
	if m.Axis < 0 || m.Axis > len(x.Shape) {
		return nil, fmt.Errorf("axis %d of %v", m.Axis, x)
	}
	for _, v := range in[1:] {
		if v.Type.DType != x.DType || v.Type.Len() != ir.Size(x.Shape[m.Axis:]) || v.Type.Layout != ir.RowMajor {
			return nil, fmt.Errorf("%s is %v, the rows have %d elements of %v", v, v.Type, ir.Size(x.Shape[m.Axis:]), x.DType)
		}
	}
	if x.Layout == ir.Panels && (m.Axis != len(x.Shape)-1 || m.Partials != m.PanelPartials()) {
		return nil, fmt.Errorf("%s from axis %d in %d partials in panels", m.Fn, m.Axis, m.Partials)
	}
	return []ir.Type{x}, nil
}

// PanelPartials is the number of partial sums in panels, where sums are over the features of a lane. Sums alone would wait for
// each addition; those of softmax go along with exponentials.
func (m *Normalize) PanelPartials() int {
	if m.Fn == "layernorm" || m.Fn == "rmsnorm" {
		return 4
	}
	return 1
}

// Eval normalizes row by row.
func (m *Normalize) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	if m.Rows {
		return m.evalRows(in)
	}
	x := in[0]
	n := ir.Size(x.Shape[m.Axis:])
	if x.DType == ir.Float64 {
		y := normalizeRows(m, in, n, func(t *ir.Tensor) []float64 { return t.Floats() }, fma64, math.Sqrt, apply[float64])
		return []*ir.Tensor{ir.Of(x.DType, x.Shape, y)}, nil
	}
	y := normalizeRows(m, in, n, float32s, fma32, sqrtf, apply[float32])
	return []*ir.Tensor{fromFloat32s(x.DType, x.Shape, y)}, nil
}

func normalizeRows[T float32 | float64](m *Normalize, in []*ir.Tensor, n int, data func(*ir.Tensor) []T,
	fma func(a, b, c T) T, sqrt func(T) T, apply func(string, []T) []T) []T {
	x := data(in[0])
	out := make([]T, len(x))
	if n == 0 {
		return out
	}
	for r := 0; r < len(x); r += n {
		row, y := x[r:r+n], out[r:r+n]
		sum := func(fn string, v []T) T {
			return reduceRow(fn, m.Partials, n, 0, func(i int) T { return v[i] }, fma)
		}
		switch m.Fn {
		case "softmax", "logsoftmax":
			top := T(math.Inf(-1))
			for _, v := range row {
				if v > top {
					top = v
				}
			}
			for i, v := range row {
				y[i] = v - top
			}
			e := apply(m.exp(in[0].DType), y)
			s := sum("sum", e)
			if m.Fn == "softmax" {
				inv := 1 / s
				for i, v := range e {
					y[i] = v * inv
				}
				break
			}
			l := apply("log(x0)", []T{s})[0]
			for i := range y {
				y[i] -= l
			}
		case "layernorm":
			mean := sum("sum", row) / T(n)
			for i, v := range row {
				y[i] = v - mean
			}
			scaleRow(y, 1/sqrt(sum("sumsquare", y)/T(n)+T(m.Epsilon)))
		case "rmsnorm":
			copy(y, row)
			scaleRow(y, 1/sqrt(sum("sumsquare", row)/T(n)+T(m.Epsilon)))
		}
	}
	affine(out, n, in[1:], data, fma)
	return out
}

func scaleRow[T float32 | float64](y []T, r T) {
	for i := range y {
		y[i] *= r
	}
}

func affine[T float32 | float64](y []T, n int, in []*ir.Tensor, data func(*ir.Tensor) []T, fma func(a, b, c T) T) {
	switch len(in) {
	case 1:
		scale := data(in[0])
		for i := range y {
			y[i] *= scale[i%n]
		}
	case 2:
		scale, bias := data(in[0]), data(in[1])
		for i := range y {
			y[i] = fma(y[i], scale[i%n], bias[i%n])
		}
	}
}

// exp is the exponential function of non-positive numbers for an element type.
func (m *Normalize) exp(d ir.DType) string {
	if d == ir.Float64 {
		return "exp(x0)"
	}
	return "expneg(x0)"
}
