package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// required is the default of an integer attribute that a node must state.
const required = math.MinInt

// eachAxis counts negative axes from the end of rank axes and keeps their order; an axis must not occur twice.
func eachAxis(axes []int, rank int) ([]int, error) {
	out := make([]int, len(axes))
	for i, a := range axes {
		var err error
		if out[i], err = axisOf(a, rank); err != nil {
			return nil, err
		}
		if slices.Contains(out[:i], out[i]) {
			return nil, fmt.Errorf("axes %v name an axis twice", axes)
		}
	}
	return out, nil
}

// allAxes lists the axes of a value.
func allAxes(rank int) []int {
	out := make([]int, rank)
	for i := range out {
		out[i] = i
	}
	return out
}

// constInts returns the elements of an operand that is known at compile time.
func constInts(in []*ir.Value, i int) ([]int, bool) {
	if i >= len(in) || in[i] == nil {
		return nil, true
	}
	if in[i].Const == nil {
		return nil, false
	}
	return in[i].Const.IntsAsInt(), true
}

// has reports whether the optional input i is there.
func has[T any](in []*T, i int) bool { return i < len(in) && in[i] != nil }

// intsAt returns the elements of input i, nil if it is omitted.
func intsAt(in []*ir.Tensor, i int) []int {
	if !has(in, i) {
		return nil
	}
	return in[i].IntsAsInt()
}

// axesLen is vectorLen for a list of axes, which may be a scalar: function bodies of ONNX itself have such.
func axesLen(v *ir.Value) (int, error) {
	if !v.Type.NoRank && len(v.Type.Shape) == 0 {
		return 1, nil
	}
	return vectorLen(v, "the list of axes")
}

// vectorLen is the number of elements of a one-dimensional operand, -1 if it is not known.
func vectorLen(v *ir.Value, what string) (int, error) {
	if v.Type.NoRank {
		return -1, nil
	}
	if len(v.Type.Shape) != 1 {
		return 0, fmt.Errorf("%s %v is %v, it must have one dimension", what, v, v.Type)
	}
	if n := v.Type.Shape[0]; n > 1<<20 { // no list of axes or parts is as long: do not allocate what a model claims
		return 0, fmt.Errorf("%s %v has %d elements", what, v, n)
	}
	return v.Type.Shape[0], nil
}

// oneType is a list of one type.
func oneType(d ir.DType, shape []int) []ir.Type { return []ir.Type{{DType: d, Shape: shape}} }

// noRank is a list of one type of which not even the number of dimensions is known.
func noRank(d ir.DType) []ir.Type { return []ir.Type{{DType: d, NoRank: true}} }

// sameElements checks that the given inputs have one element type.
func sameElements(in ...*ir.Value) error {
	for _, v := range in {
		if v != nil && v.Type.DType != in[0].Type.DType {
			return fmt.Errorf("%v is %v and %v is %v, they must have one element type", in[0], in[0].Type.DType, v, v.Type.DType)
		}
	}
	return nil
}

// times is the product of dimensions, -1 if one is unknown and none is 0.
func times(dims ...int) int {
	n, open := 1, false
	for _, d := range dims {
		if d < 0 {
			open = true
			continue
		}
		n *= d
	}
	if open && n != 0 {
		return -1
	}
	return n
}

// eachIndex calls f with every index vector below shape, in row-major order; f must not keep it.
func eachIndex(shape []int, f func(idx []int)) {
	idx := make([]int, len(shape))
	for range ir.Size(shape) {
		f(idx)
		for i := len(idx) - 1; i >= 0; i-- {
			if idx[i]++; idx[i] < shape[i] {
				break
			}
			idx[i] = 0
		}
	}
}

// dot is the offset of an index vector under the given strides.
func dot(idx, strides []int) int {
	at := 0
	for i, s := range strides {
		at += idx[i] * s
	}
	return at
}

// remap returns the tensor of the given shape whose element at an index vector is element at(idx) of t; a negative
// number gives zero.
func remap(t *ir.Tensor, shape []int, at func(idx []int) int) *ir.Tensor {
	from := make([]int, 0, ir.Size(shape))
	eachIndex(shape, func(idx []int) { from = append(from, at(idx)) })
	return t.Gather(shape, func(i int) int { return from[i] })
}

// pick returns the tensor whose element at an index vector is the element of t that maps names axis by axis: index
// maps[i][idx[i]] of axis i. Where one of these is negative it is the single element of fill, zero if that is nil.
func pick(t *ir.Tensor, maps [][]int, fill *ir.Tensor) *ir.Tensor {
	strides := ir.Strides(t.Shape)
	out := remap(t, lens(maps), func(idx []int) int {
		at := 0
		for i, m := range maps {
			if m[idx[i]] < 0 {
				return -1
			}
			at += m[idx[i]] * strides[i]
		}
		return at
	})
	if fill == nil {
		return out
	}
	i := 0
	eachIndex(out.Shape, func(idx []int) {
		for k, m := range maps {
			if m[idx[k]] < 0 {
				out.CopyElem(i, fill, 0)
				break
			}
		}
		i++
	})
	return out
}

func lens(maps [][]int) []int {
	shape := make([]int, len(maps))
	for i, m := range maps {
		shape[i] = len(m)
	}
	return shape
}

// maxParts bounds the boxes into which an index map is cut; a map that needs more is left to a library kernel.
const maxParts = 256

// lowPick is pick as a Move of boxes, in the given shape; nil if it would need too many.
func lowPick(b *ir.Builder, x *ir.Value, maps [][]int, fill *ir.Tensor, shape []int) *ir.Value {
	m := boxes(x, maps, fill, shape)
	if m == nil {
		return nil
	}
	return b.Add(m, x)
}

// boxes is the Move of lowPick.
func boxes(x *ir.Value, maps [][]int, fill *ir.Tensor, shape []int) *low.Move {
	dims := lens(maps)
	out, own := ir.Strides(dims), ir.Strides(x.Type.Shape)
	parts := low.Parts{{}}
	for i, m := range maps {
		rs := runs(m)
		if len(parts)*len(rs) > maxParts {
			return nil
		}
		var next low.Parts
		for _, p := range parts {
			for _, r := range rs {
				next = append(next, low.Part{
					Dims:       append(slices.Clone(p.Dims), r.n),
					Out:        p.Out + r.at*out[i],
					OutStrides: append(slices.Clone(p.OutStrides), out[i]),
					In:         p.In + r.from*own[i],
					InStrides:  append(slices.Clone(p.InStrides), r.step*own[i]),
				})
			}
		}
		parts = next
	}
	if len(parts) == 0 {
		parts = low.Parts{nothing}
	}
	return &low.Move{Shape: shape, Parts: parts, Fill: fill}
}

// nothing is a part that copies no element; a Move needs at least one part, having none means a copy.
var nothing = low.Part{Dims: []int{0}, OutStrides: []int{0}, InStrides: []int{0}}

// A run is n elements of an index map from position at on: from, from+step, ...
type run struct{ at, from, step, n int }

// runs cuts an index map into arithmetic progressions, leaving out what is negative.
func runs(m []int) (out []run) {
	for i := 0; i < len(m); {
		if m[i] < 0 {
			i++
			continue
		}
		r := run{at: i, from: m[i], n: 1}
		for i++; i < len(m) && m[i] >= 0; i++ {
			if r.n == 1 {
				r.step = m[i] - m[i-1]
			}
			if m[i]-m[i-1] != r.step {
				break
			}
			r.n++
		}
		out = append(out, r)
	}
	return out
}

// counting is the index map from, from+step, ... of n elements.
func counting(from, step, n int) []int {
	m := make([]int, n)
	for i := range m {
		m[i] = from + i*step
	}
	return m
}

// identityMaps is the index maps that leave a value as it is.
func identityMaps(shape []int) [][]int {
	maps := make([][]int, len(shape))
	for i, d := range shape {
		maps[i] = counting(0, 1, d)
	}
	return maps
}

// static returns an error unless all shapes of n are known.
func static(n *ir.Node) error {
	for _, v := range slices.Concat(n.In, n.Out) {
		if v != nil && !v.Type.Static() {
			return fmt.Errorf("the shape of %v is %v and depends on run-time values; declare it in the model", v, v.Type)
		}
	}
	return nil
}

// maxRank is the number of dimensions up to which library kernels index: their arrays are on the stack.
const maxRank = 16

// call lowers n to a library kernel.
func call(b *ir.Builder, n *ir.Node, kernel string, args ...any) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	for _, v := range slices.Concat(n.In, n.Out) {
		if v != nil && len(v.Type.Shape) > maxRank {
			return nil, fmt.Errorf("%v has %d dimensions, library kernels take up to %d", v, len(v.Type.Shape), maxRank)
		}
	}
	return low.CallFor(b, n, kernel, args...), nil
}

// withInputs is n with omitted inputs up to count, for kernels that take them as nil.
func withInputs(n *ir.Node, count int) *ir.Node {
	m := *n
	for len(m.In) < count {
		m.In = append(m.In[:len(m.In):len(m.In)], nil)
	}
	return &m
}

// withOutputs is n with omitted outputs up to count, for kernels that take them as nil.
func withOutputs(n *ir.Node, count int) *ir.Node {
	m := *n
	for len(m.Out) < count {
		m.Out = append(m.Out[:len(m.Out):len(m.Out)], nil)
	}
	return &m
}

// callWide is call for kernels that compute: they take no 16-bit floats, which pass through float32.
func callWide(b *ir.Builder, n *ir.Node, kernel string, args ...any) ([]*ir.Value, error) {
	return callAs(b, n, func(d ir.DType) ir.DType {
		if d == ir.Float16 || d == ir.BFloat16 {
			return ir.Float32
		}
		return d
	}, kernel, args...)
}

// callAs is call with the operands cast to the element types that as gives for theirs, and the results cast back.
func callAs(b *ir.Builder, n *ir.Node, as func(ir.DType) ir.DType, kernel string, args ...any) ([]*ir.Value, error) {
	narrow := func(v *ir.Value) bool { return v != nil && as(v.Type.DType) != v.Type.DType }
	wide, m := *n, false
	wide.In, wide.Out = slices.Clone(n.In), slices.Clone(n.Out)
	for i, v := range n.In {
		if narrow(v) {
			wide.In[i], m = low.Elementwise(b, "cast_"+as(v.Type.DType).String()+"(x0)", v), true
		}
	}
	if !m {
		return call(b, n, kernel, args...)
	}
	for i, v := range n.Out {
		if narrow(v) {
			wide.Out[i] = &ir.Value{Name: v.Name, Type: ir.Type{DType: as(v.Type.DType), Shape: v.Type.Shape}}
		}
	}
	out, err := call(b, &wide, kernel, args...)
	if err != nil {
		return nil, err
	}
	out = slices.Clone(out) // it is the kernel's own list
	for i, v := range n.Out {
		if narrow(v) {
			out[i] = low.Elementwise(b, "cast_"+v.Type.DType.String()+"(x0)", out[i])
		}
	}
	return out, nil
}

// one is a list of one value.
func one(v *ir.Value) ([]*ir.Value, error) { return []*ir.Value{v}, nil }

// shapeOf returns the dimensions of a value as an argument of a kernel, which must not be nil.
func shapeOf(v *ir.Value) []int { return append([]int{}, v.Type.Shape...) }

// attrInts moves an attribute that lists integers to input i, where newer opsets have it.
func attrInts(b *ir.Builder, n *Raw, name string, i int) {
	list, ok := n.Attrs[name]
	if !ok {
		return
	}
	delete(n.Attrs, name)
	x, ok := list.([]int64)
	if !ok {
		panic(attrKind{fmt.Errorf("attribute %s: wrong kind of value", name)})
	}
	v := make([]int, len(x))
	for i := range x {
		v[i] = int(x[i])
	}
	for len(n.In) <= i {
		n.In = append(n.In, nil)
	}
	n.In[i] = b.Ints(v...)
}
