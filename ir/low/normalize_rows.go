package low

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Normalization along rows. Inputs are x, whose rows lie along one axis, [1, R, F] or the like; scale and bias, one
// element for every row of the result, either may be absent; and a constant [M, F] of further rows, or nothing. Each
// feature is normalized over its R + M rows; of the result, row i is row Pick[i], the constant ones being those from R on.
// Nil: row i is row i of x.
//
//	mean = (sum(x) + sum(c))/N, N = R + M; r = 1/sqrt((sum(fma(d, d, ·)) + s)/N + epsilon), d = x - mean
//	s = fma(dm·M, dm, sum(fma(e, e, ·))), e = c - sum(c)/M, dm = sum(c)/M - mean
//	(x - mean)·r, then fma(·, scale, bias), or the product with scale without a bias
//
// Sums are 16 partial sums by row, of x and of the constant rows c each on their own; without these their part is left out.

// RowsAxis is the axis of x along which its rows lie, -1 if there are several.
func RowsAxis(shape []int) int {
	axis := -1
	for i, d := range shape[:max(0, len(shape)-1)] {
		switch {
		case d != 1 && axis >= 0 && shape[axis] != 1:
			return -1
		case d != 1 || axis < 0:
			axis = i
		}
	}
	return axis
}

func (m *Normalize) inferRows(in []*ir.Value) ([]ir.Type, error) {
	if len(in) < 1 || len(in) > 4 || in[0] == nil {
		return nil, errArity
	}
	x := in[0].Type
	axis := RowsAxis(x.Shape)
	if m.Fn != "layernorm" || x.DType != ir.Float32 || axis < 0 || x.Len() == 0 || m.Partials != Partials {
		return nil, fmt.Errorf("%s in %d partials along the rows of %v", m.Fn, m.Partials, x)
	}
	all, n := x.Rows(), x.Rows()
	if len(in) == 4 && in[3] != nil {
		c := in[3]
		if len(c.Type.Shape) != 2 || c.Type.Shape[1] != x.Features() || c.Const == nil || c.Type.DType != x.DType || c.Type.Len() == 0 {
			return nil, fmt.Errorf("constant rows %v beside %v", c.Type, x)
		}
		all += c.Type.Shape[0]
	}
	if m.Pick != nil {
		n = len(m.Pick)
	}
	for _, p := range m.Pick {
		if p < 0 || p >= all {
			return nil, fmt.Errorf("row %d of %d", p, all)
		}
	}
	for _, v := range in[1:min(3, len(in))] {
		if v != nil && (v.Type.DType != x.DType || v.Type.Len() != n || v.Const == nil) {
			return nil, fmt.Errorf("%s is %v, wanted a constant of %d elements", v, v.Type, n)
		}
	}
	if len(in) > 2 && in[1] == nil && in[2] != nil {
		return nil, fmt.Errorf("a bias without a scale")
	}
	x.Shape = slices.Clone(x.Shape)
	x.Shape[axis] = n
	return []ir.Type{x}, nil
}

// A Moment is what constant rows contribute to the statistics of a feature: their sum, mean and squared distances from it.
type Moment struct{ Sum, Mean, Squares float32 }

// Moments are those of the rows of c, [M, F].
func Moments(c *ir.Tensor) []Moment {
	rows, n := c.Shape[0], c.Shape[1]
	x, m := ir.Data[float32](c), make([]Moment, n)
	for i := range m {
		m[i].Sum = rowTotal("sum", rows, func(r int) float32 { return x[r*n+i] })
		m[i].Mean = m[i].Sum / float32(rows)
		m[i].Squares = rowTotal("sumsquare", rows, func(r int) float32 { return x[r*n+i] - m[i].Mean })
	}
	return m
}

func rowTotal(fn string, rows int, at func(r int) float32) float32 {
	return reduceRow(fn, Partials, rows, 0, at, fma32)
}

func (m *Normalize) evalRows(in []*ir.Tensor) ([]*ir.Tensor, error) {
	n := in[0].Shape[len(in[0].Shape)-1]
	x := ir.Data[float32](in[0])
	rows := len(x) / n
	var c []float32
	var moments []Moment
	if len(in) == 4 && in[3] != nil {
		c, moments = ir.Data[float32](in[3]), Moments(in[3])
	}
	rest := float32(len(c) / n)
	count := float32(rows) + rest
	mean, r := make([]float32, n), make([]float32, n)
	for i := range n {
		sum := rowTotal("sum", rows, func(r int) float32 { return x[r*n+i] })
		if c != nil {
			sum += moments[i].Sum
		}
		mean[i] = sum / count
		squares := rowTotal("sumsquare", rows, func(r int) float32 { return x[r*n+i] - mean[i] })
		if c != nil {
			d := moments[i].Mean - mean[i]
			squares += fma32(d*rest, d, moments[i].Squares)
		}
		r[i] = 1 / sqrtf(squares/count+m.Epsilon)
	}
	shape := slices.Clone(in[0].Shape)
	pick := m.Pick
	if pick == nil {
		for i := range rows {
			pick = append(pick, i)
		}
	}
	shape[RowsAxis(shape)] = len(pick)
	out := ir.NewTensor(ir.Float32, shape...)
	y, all := ir.Data[float32](out), slices.Concat(x, c)
	for i, p := range pick {
		for f := range n {
			v := (all[p*n+f] - mean[f]) * r[f]
			switch {
			case len(in) > 2 && in[2] != nil:
				v = fma32(v, ir.Data[float32](in[1])[i], ir.Data[float32](in[2])[i])
			case len(in) > 1 && in[1] != nil:
				v *= ir.Data[float32](in[1])[i]
			}
			y[i*n+f] = v
		}
	}
	return []*ir.Tensor{out}, nil
}
