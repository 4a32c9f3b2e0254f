package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var scatter = []Def{
	{Name: "ScatterElements", Since: 18, From: 11, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Any, Indices, Any}, Proto: &ScatterElements{}},
	{Name: "Scatter", Since: 11, From: 9, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Any, Indices, Any}, Proto: &Scatter{}},
	{Name: "ScatterND", Since: 18, From: 11, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Any, Int64s, Any}, Proto: &ScatterND{}},
	{Name: "TensorScatter", Since: 24, In: Arity{2, 3}, Out: Arity{1, 1}, Types: []Types{Any, Any, Int64s}, Proto: &TensorScatter{}},
}

// checkReduction says whether elements of a type can be combined.
func checkReduction(fn string, d ir.DType) error {
	switch fn {
	case "none":
		return nil
	case "add", "mul", "max", "min":
		if !Numbers.has(d) {
			return fmt.Errorf("reduction %s of %v is not supported", fn, d)
		}
		return nil
	}
	return fmt.Errorf("reduction %q, it must be none, add, mul, max or min", fn)
}

// accumulate returns data with updates written over it or combined with it, in the order of each. Every step is
// rounded to the element type, for 16-bit floats to float32.
func accumulate(fn string, data, updates *ir.Tensor, each func(put func(to, from int))) *ir.Tensor {
	switch d := data.DType; {
	case fn == "none":
		out := data.Clone()
		each(func(to, from int) { out.CopyElem(to, updates, from) })
		return out
	case d == ir.Uint64:
		return ir.Of(d, data.Shape, combined(fn, slices.Clone(ir.Data[uint64](data)), ir.Data[uint64](updates), each))
	case d.IsInt():
		return ir.FromInts(d, data.Shape, combined(fn, data.Ints(), updates.Ints(), each))
	case d == ir.Float64:
		return ir.FromFloats(d, data.Shape, combined(fn, data.Floats(), updates.Floats(), each))
	}
	narrow := func(t *ir.Tensor) []float32 {
		return slices.Clone(ir.Data[float32](ir.FromFloats(ir.Float32, t.Shape, t.Floats())))
	}
	out := ir.Of(ir.Float32, data.Shape, combined(fn, narrow(data), narrow(updates), each))
	return ir.FromFloats(data.DType, data.Shape, out.Floats())
}

func combined[T float32 | float64 | int64 | uint64](fn string, x, u []T, each func(put func(to, from int))) []T {
	each(func(to, from int) {
		a, b := x[to], u[from]
		switch fn {
		case "add":
			a += b
		case "mul":
			a *= b
		case "max":
			if !(a > b || a != a) {
				a = b
			}
		case "min":
			if !(a < b || a != a) {
				a = b
			}
		}
		x[to] = a
	})
	return x
}

// ScatterElements is https://onnx.ai/onnx/operators/onnx__ScatterElements.html, version 18. Updates take effect in
// row-major order.
type ScatterElements struct {
	Axis      int    `onnx:"axis,0"`
	Reduction string `onnx:"reduction,none"` // none, add, mul, max or min
}

// Name is the operator's ONNX name.
func (*ScatterElements) Name() string { return "ScatterElements" }

// Infer returns the type of the data; indices and updates must have one shape that fits into it.
func (s *ScatterElements) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, i, u := in[0].Type, in[1].Type, in[2].Type
	if err := sameElements(in[0], in[2]); err != nil {
		return nil, err
	}
	if err := checkReduction(s.Reduction, x.DType); err != nil {
		return nil, err
	}
	if i.Static() && u.Static() && !slices.Equal(i.Shape, u.Shape) {
		return nil, fmt.Errorf("indices are %v, updates %v: they must have one shape", i, u)
	}
	if !x.NoRank && !i.NoRank {
		if err := elementsFit(s.Axis, x, i); err != nil {
			return nil, err
		}
	}
	return alike(in, 1)
}

// Eval writes one update after the other.
func (s *ScatterElements) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, idx := in[0], in[1].IntsAsInt()
	axis, err := axisOf(s.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	strides := ir.Strides(x.Shape)
	out := accumulate(s.Reduction, x, in[2], func(put func(to, from int)) {
		k := 0
		eachIndex(in[1].Shape, func(at []int) {
			i, e := indexOf(idx[k], x.Shape[axis])
			if e != nil {
				err = e
			} else {
				put(dot(at, strides)+(i-at[axis])*strides[axis], k)
			}
			k++
		})
	})
	return []*ir.Tensor{out}, err
}

// Lower calls a kernel.
func (s *ScatterElements) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	axis, err := axisOf(s.Axis, len(n.In[0].Type.Shape))
	if err != nil {
		return nil, err
	}
	if s.Reduction == "none" {
		return call(b, n, "scatterElements", shapeOf(n.In[0]), shapeOf(n.In[1]), axis)
	}
	return callWide(b, n, "scatterReduce", shapeOf(n.In[0]), shapeOf(n.In[1]), axis, s.Reduction)
}

// Scatter is https://onnx.ai/onnx/operators/onnx__Scatter.html, version 11: ScatterElements under its old name.
type Scatter struct{ ScatterElements }

// Name is the operator's ONNX name.
func (*Scatter) Name() string { return "Scatter" }

// ScatterND is https://onnx.ai/onnx/operators/onnx__ScatterND.html, version 18. Updates take effect in the order of
// the index vectors.
type ScatterND struct {
	Reduction string `onnx:"reduction,none"` // none, add, mul, max or min
}

// Name is the operator's ONNX name.
func (*ScatterND) Name() string { return "ScatterND" }

// Infer returns the type of the data; updates must have the shape of what the index vectors name.
func (s *ScatterND) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, i, u := in[0].Type, in[1].Type, in[2].Type
	if err := sameElements(in[0], in[2]); err != nil {
		return nil, err
	}
	if err := checkReduction(s.Reduction, x.DType); err != nil {
		return nil, err
	}
	if x.NoRank || i.NoRank {
		return alike(in, 1)
	}
	if len(x.Shape) == 0 || len(i.Shape) == 0 {
		return nil, errors.New("the data and the indices need at least one dimension")
	}
	last := i.Shape[len(i.Shape)-1]
	if last == 0 || last > len(x.Shape) {
		return nil, fmt.Errorf("index vectors of %d elements into %v", last, x)
	}
	if x.Static() && i.Static() && u.Static() {
		want := slices.Concat(i.Shape[:len(i.Shape)-1], x.Shape[last:])
		if !slices.Equal(u.Shape, want) {
			return nil, fmt.Errorf("updates are %v, data %v and indices %v ask for the shape %v", u, x, i, want)
		}
	}
	return alike(in, 1)
}

// Eval writes what one index vector names after the other.
func (s *ScatterND) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, idx := in[0], in[1].IntsAsInt()
	last := in[1].Shape[len(in[1].Shape)-1]
	strides, inner := ir.Strides(x.Shape), ir.Size(x.Shape[last:])
	var err error
	out := accumulate(s.Reduction, x, in[2], func(put func(to, from int)) {
		for v := range len(idx) / last {
			to := 0
			for k := range last {
				i, e := indexOf(idx[v*last+k], x.Shape[k])
				if e != nil {
					err = e
					return
				}
				to += i * strides[k]
			}
			for i := range inner {
				put(to+i, v*inner+i)
			}
		}
	})
	return []*ir.Tensor{out}, err
}

// Lower calls a kernel.
func (s *ScatterND) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x, i := n.In[0].Type.Shape, n.In[1].Type.Shape
	last := i[len(i)-1]
	dims := append([]int{}, x[:last]...)
	if s.Reduction == "none" {
		return call(b, n, "scatterND", dims, ir.Size(x[last:]))
	}
	return callWide(b, n, "scatterReduceND", dims, ir.Size(x[last:]), s.Reduction)
}

// TensorScatter is https://onnx.ai/onnx/operators/onnx__TensorScatter.html, version 24: it writes an update into a
// cache [batch, ...] along the axis, for each sample from its write index (default 0) on.
type TensorScatter struct {
	Axis int    `onnx:"axis,-2"`     // the sequence; not the first axis
	Mode string `onnx:"mode,linear"` // circular: past the end it goes on at the beginning
}

// Name is the operator's ONNX name.
func (*TensorScatter) Name() string { return "TensorScatter" }

// Infer returns the type of the cache.
func (t *TensorScatter) Infer(in []*ir.Value) ([]ir.Type, error) {
	if t.Mode != "linear" && t.Mode != "circular" {
		return nil, fmt.Errorf("mode %q, it must be linear or circular", t.Mode)
	}
	if err := sameElements(in[0], in[1]); err != nil {
		return nil, err
	}
	x, u := in[0].Type, in[1].Type
	if x.NoRank || u.NoRank {
		return alike(in, 1)
	}
	axis, err := axisOf(t.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	if axis == 0 {
		return nil, errors.New("axis 0 is the batch, it cannot be the sequence")
	}
	bad := len(x.Shape) != len(u.Shape)
	for i := 0; !bad && i < len(x.Shape); i++ {
		if d, e := x.Shape[i], u.Shape[i]; d >= 0 && e >= 0 {
			bad = i == axis && e > d || i != axis && e != d
		}
	}
	if bad {
		return nil, fmt.Errorf("the update is %v, the cache %v: they may differ in axis %d only, where the cache must not be shorter", u, x, axis)
	}
	if has(in, 2) {
		n, err := vectorLen(in[2], "write_indices")
		if err != nil {
			return nil, err
		}
		if n >= 0 && x.Shape[0] >= 0 && n != x.Shape[0] {
			return nil, fmt.Errorf("%d write_indices for a batch of %d", n, x.Shape[0])
		}
	}
	return alike(in, 1)
}

// Eval writes the update.
func (t *TensorScatter) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, u, write := in[0], in[1], intsAt(in, 2)
	axis, err := axisOf(t.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	strides, length := ir.Strides(x.Shape), x.Shape[axis]
	out := accumulate("none", x, u, func(put func(to, from int)) {
		k := 0
		eachIndex(u.Shape, func(at []int) {
			p := at[axis]
			if write != nil {
				w := write[at[0]]
				if w < 0 || t.Mode == "linear" && w > length-u.Shape[axis] {
					err = fmt.Errorf("write index %d for an update of length %d of a cache of length %d", w, u.Shape[axis], length)
					return
				}
				p += w % length
			}
			put(dot(at, strides)+(p%length-at[axis])*strides[axis], k)
			k++
		})
	})
	return []*ir.Tensor{out}, err
}

// Lower calls a kernel.
func (t *TensorScatter) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0].Type.Shape
	axis, err := axisOf(t.Axis, len(x))
	if err != nil {
		return nil, err
	}
	return call(b, withInputs(n, 3), "tensorScatter", x[0], ir.Size(x[1:axis]), x[axis], n.In[1].Type.Shape[axis], ir.Size(x[axis+1:]), t.Mode == "circular")
}
