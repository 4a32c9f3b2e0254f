// Package low is the closed set of operators that code generation knows. Each states the order of its arithmetic, and
// its Eval follows that order with one rounding an operation: it is the oracle of bits (docs/DESIGN.md, Numerics).
package low

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/sbtc-go/sbtc/ir"
)

// The kinds; a ninth needs a reason in docs/DESIGN.md.
var kinds = []ir.Op{&Linear{}, &Contract{}, &Attend{}, &Map{}, &Reduce{}, &Normalize{}, &Move{}, &Kernel{}}

// New returns the low operator called name with default attributes. It is an ir.Lookup.
func New(name string, _ []*ir.Value) (ir.Op, error) {
	for _, k := range kinds {
		if k.Name() == name {
			op := reflect.New(reflect.TypeOf(k).Elem()).Interface().(ir.Op)
			ir.SetDefaults(op)
			return op, nil
		}
	}
	return nil, fmt.Errorf("there is no low operator %s", name)
}

// Is reports whether op belongs to the set.
func Is(op ir.Op) bool {
	for _, k := range kinds {
		if reflect.TypeOf(k) == reflect.TypeOf(op) {
			return true
		}
	}
	return false
}

// broadcast combines shapes as ONNX's multidirectional broadcasting does
// (https://github.com/onnx/onnx/blob/main/docs/Broadcasting.md).
func broadcast(shapes ...[]int) ([]int, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make([]int, rank)
	for i := range out {
		out[i] = 1
	}
	for _, s := range shapes {
		for i, d := range s {
			o := &out[rank-len(s)+i]
			switch {
			case *o == 1:
				*o = d
			case d != 1 && d != *o:
				return nil, fmt.Errorf("shapes %v do not broadcast", shapes)
			}
		}
	}
	return out, nil
}

// Broadcast returns the shape that the given shapes broadcast to.
func Broadcast(shapes ...[]int) ([]int, error) { return broadcast(shapes...) }

// BroadcastStrides returns the strides with which a tensor of the given shape is read when broadcast to out.
func BroadcastStrides(shape, out []int) []int {
	s := make([]int, len(out))
	own := ir.Strides(shape)
	for i, d := range shape {
		if d != 1 {
			s[len(out)-len(shape)+i] = own[i]
		}
	}
	return s
}

// expand returns t broadcast to shape.
func expand(t *ir.Tensor, shape []int) *ir.Tensor {
	if ir.Size(shape) == t.Len() {
		return t.Reshape(shape...)
	}
	idx := boxIndex(shape, 0, BroadcastStrides(t.Shape, shape))
	return t.Gather(shape, func(i int) int { return idx[i] })
}

// boxIndex lists off + sum(i*strides) for every index of dims in row-major order.
func boxIndex(dims []int, off int, strides []int) []int {
	idx := make([]int, 0, ir.Size(dims))
	var walk func(d, at int)
	walk = func(d, at int) {
		if d == len(dims) {
			idx = append(idx, at)
			return
		}
		for i := range dims[d] {
			walk(d+1, at+i*strides[d])
		}
	}
	walk(0, off)
	return idx
}

func shapesOf(in []*ir.Value) [][]int {
	out := make([][]int, len(in))
	for i, v := range in {
		out[i] = v.Type.Shape
	}
	return out
}

// epilogueLayout checks that the values an epilogue or Map reads besides others fit the layout of its result: the
// same layout and shape, or row-major and the same for every row.
func alignLayouts(t ir.Type, in []*ir.Value) error {
	for _, v := range in {
		if v.Type.Layout == ir.Panels && (t.Layout != ir.Panels || v.Type.Rows() != t.Rows() || v.Type.Features() != t.Features()) {
			return fmt.Errorf("%s is %v beside %v", v, v.Type, t)
		}
		if t.Layout == ir.Panels && v.Type.Layout == ir.RowMajor && v.Type.Rows() != 1 {
			return fmt.Errorf("%s is %v, wanted in panels or one row", v, v.Type)
		}
	}
	return nil
}

var errArity = errors.New("wrong number of inputs")
