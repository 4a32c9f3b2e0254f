package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// alike is Infer of operators whose results all have the type of the first input.
func alike(in []*ir.Value, n int) ([]ir.Type, error) {
	t := in[0].Type
	t.Layout = ir.RowMajor
	return slices.Repeat([]ir.Type{t}, n), nil
}

// typed is the shape of the given types broadcast together as a type of elements d. Unknown dimensions stay so unless
// another operand decides them.
func typed(d ir.DType, in ...*ir.Value) ([]ir.Type, error) {
	out := ir.Type{DType: d}
	for _, v := range in {
		if v.Type.NoRank {
			return []ir.Type{{DType: d, NoRank: true}}, nil
		}
		if n := len(v.Type.Shape) - len(out.Shape); n > 0 {
			out.Shape = slices.Concat(slices.Repeat([]int{1}, n), out.Shape)
		}
	}
	for _, v := range in {
		off := len(out.Shape) - len(v.Type.Shape)
		for i, d := range v.Type.Shape {
			switch o := &out.Shape[off+i]; {
			case *o == 1 || *o < 0 && d != 1:
				*o = d
			case d > 1 && d != *o || d == 0 && *o > 1:
				return nil, fmt.Errorf("%s is %v, which does not broadcast to the other operands' %v", v, v.Type, out)
			}
		}
	}
	return []ir.Type{out}, nil
}

// together returns the tensors broadcast to one shape.
func together(in ...*ir.Tensor) ([]*ir.Tensor, error) {
	shapes := make([][]int, len(in))
	for i, t := range in {
		shapes[i] = t.Shape
	}
	shape, err := low.Broadcast(shapes...)
	if err != nil {
		return nil, err
	}
	out := make([]*ir.Tensor, len(in))
	for i, t := range in {
		out[i] = broadcastTo(t, shape)
	}
	return out, nil
}

// broadcastTo returns t broadcast to shape.
func broadcastTo(t *ir.Tensor, shape []int) *ir.Tensor {
	if t.Len() == ir.Size(shape) {
		return t.Reshape(shape...)
	}
	own, full := low.BroadcastStrides(t.Shape, shape), ir.Strides(shape)
	return t.Gather(shape, func(i int) int {
		at := 0
		for k, s := range full {
			at += i / s % max(shape[k], 1) * own[k]
		}
		return at
	})
}

// axisOf counts a negative axis from the end of rank axes.
func axisOf(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		if rank == 0 {
			return 0, fmt.Errorf("axis %d of a scalar, which has none", axis)
		}
		return 0, fmt.Errorf("axis %d is out of range [%d, %d]", axis, -rank, rank-1)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// axesOf is axisOf for a list, which it sorts; an axis must not occur twice.
func axesOf(axes []int, rank int) ([]int, error) {
	out := make([]int, len(axes))
	for i, a := range axes {
		var err error
		if out[i], err = axisOf(a, rank); err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	if len(slices.Compact(slices.Clone(out))) != len(out) {
		return nil, fmt.Errorf("axes %v name an axis twice", axes)
	}
	return out, nil
}

// unknown is a shape of rank dimensions that are known only at run time.
func unknown(rank int) []int { return slices.Repeat([]int{-1}, rank) }

// scalarError says that an operand is no scalar.
func scalarError(what string, t ir.Type) error { return fmt.Errorf("%s is %v, want a scalar", what, t) }

// callOn adds a call of a kernel that computes op, which has one result of type t, of inputs made for it.
func callOn(b *ir.Builder, op ir.Op, kernel string, t ir.Type, in []*ir.Value, args ...any) *ir.Value {
	return b.Add(&low.Kernel{Fn: kernel, Args: args, Of: op, Types: low.TypeList{t}}, in...)
}
