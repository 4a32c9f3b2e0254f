package ir

import (
	"fmt"
	"math"
	"slices"
)

// Elem lists the Go types that hold tensor elements. Float16 and BFloat16 are
// held as their bits in uint16, 8-bit floats and Float4E2M1 as theirs in uint8,
// 2- and 4-bit integers one to an int8 or uint8.
type Elem interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | bool | string | complex64 | complex128
}

// Tensor is a dense array in row-major order.
type Tensor struct {
	DType DType
	Shape []int
	data  column
	gen   string // the operator that made the elements, in the text form; "" where they were changed
}

// NewTensor returns a tensor of zeros.
func NewTensor(d DType, shape ...int) *Tensor {
	return &Tensor{DType: d, Shape: slices.Clone(shape), data: makeData(d, Size(shape))}
}

func makeData(d DType, n int) column {
	switch d {
	case Float32:
		return make(vec[float32], n)
	case Float64:
		return make(vec[float64], n)
	case Int8, Int4, Int2:
		return make(vec[int8], n)
	case Int16:
		return make(vec[int16], n)
	case Int32:
		return make(vec[int32], n)
	case Int64:
		return make(vec[int64], n)
	case Uint8, Uint4, Uint2, Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float4E2M1, Float8E8M0:
		return make(vec[uint8], n)
	case Uint16, Float16, BFloat16:
		return make(vec[uint16], n)
	case Uint32:
		return make(vec[uint32], n)
	case Uint64:
		return make(vec[uint64], n)
	case Bool:
		return make(vec[bool], n)
	case String:
		return make(vec[string], n)
	case Complex64:
		return make(vec[complex64], n)
	case Complex128:
		return make(vec[complex128], n)
	}
	panic(fmt.Sprintf("tensor of %v", d))
}

// Of returns a tensor that holds data; it panics if the length or the Go type does not fit.
func Of[T Elem](d DType, shape []int, data []T) *Tensor {
	if len(data) != Size(shape) {
		panic(fmt.Sprintf("%d elements for shape %v", len(data), shape))
	}
	if _, ok := makeData(d, 0).(vec[T]); !ok {
		panic(fmt.Sprintf("%T cannot hold %v", data, d))
	}
	return &Tensor{DType: d, Shape: slices.Clone(shape), data: vec[T](data)}
}

// Data returns the elements of t, not a copy; it panics if T does not hold t's element type.
func Data[T Elem](t *Tensor) []T { return t.data.(vec[T]) }

// Any returns the elements of t, not a copy, as a slice of their Go type.
func (t *Tensor) Any() any { return t.data.slice() }

// Size is the number of elements of a shape.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// SizeAtMost reports whether shape has no negative dimension and at most n elements, however large its dimensions are.
func SizeAtMost(shape []int, n int) bool {
	size, zero := 1, false
	for _, d := range shape {
		switch {
		case d < 0:
			return false
		case d == 0:
			zero = true
		case d > n/size:
			size = n + 1
		case size <= n:
			size *= d
		}
	}
	return zero || size <= n
}

// Len is the number of elements of t.
func (t *Tensor) Len() int { return Size(t.Shape) }

// Type is the type of a value that holds t.
func (t *Tensor) Type() Type { return Type{DType: t.DType, Shape: t.Shape} }

// Reshape returns a tensor of another shape over the same elements.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	if Size(shape) != t.Len() {
		panic(fmt.Sprintf("reshape %v to %v", t.Shape, shape))
	}
	return &Tensor{DType: t.DType, Shape: slices.Clone(shape), data: t.data}
}

// Strides returns the row-major strides of a shape, in elements.
func Strides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for i, d := range slices.Backward(shape) {
		s[i] = n
		n *= d
	}
	return s
}

// Floats returns the elements widened to float64: a copy. Booleans are 0 and 1.
func (t *Tensor) Floats() []float64 {
	switch x := t.Any().(type) {
	case []float64:
		return slices.Clone(x)
	case []float32:
		return widen(x)
	case []int8:
		return widen(x)
	case []int16:
		return widen(x)
	case []int32:
		return widen(x)
	case []int64:
		return widen(x)
	case []uint8:
		if f := t.DType.format(); f != nil {
			return decodeAll(t.DType, x)
		}
		return widen(x)
	case []uint16:
		if f := t.DType.format(); f != nil {
			return decodeAll(t.DType, x)
		}
		return widen(x)
	case []uint32:
		return widen(x)
	case []uint64:
		return widen(x)
	case []bool:
		out := make([]float64, len(x))
		for i, v := range x {
			if v {
				out[i] = 1
			}
		}
		return out
	}
	panic(fmt.Sprintf("Floats of %v", t.DType))
}

func widen[T float32 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func decodeAll[T uint8 | uint16](d DType, x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = DecodeFloat(d, uint16(v))
	}
	return out
}

// Ints returns the elements as int64: a copy. Uint64 keeps its bits, booleans are 0 and 1, floats are truncated.
func (t *Tensor) Ints() []int64 {
	switch x := t.Any().(type) {
	case []int64:
		return slices.Clone(x)
	case []int8:
		return toInt64(x)
	case []int16:
		return toInt64(x)
	case []int32:
		return toInt64(x)
	case []uint32:
		return toInt64(x)
	case []uint64:
		return toInt64(x)
	case []uint8:
		if t.DType.format() == nil {
			return toInt64(x)
		}
	case []uint16:
		if t.DType.format() == nil {
			return toInt64(x)
		}
	case []bool:
		out := make([]int64, len(x))
		for i, v := range x {
			if v {
				out[i] = 1
			}
		}
		return out
	}
	f := t.Floats()
	out := make([]int64, len(f))
	for i, v := range f {
		out[i] = SaturateInt(v, Int64)
	}
	return out
}

func toInt64[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](x []T) []int64 {
	out := make([]int64, len(x))
	for i, v := range x {
		out[i] = int64(v)
	}
	return out
}

// IntsAsInt returns the elements as int, for shapes and indices.
func (t *Tensor) IntsAsInt() []int {
	x := t.Ints()
	out := make([]int, len(x))
	for i, v := range x {
		out[i] = int(v)
	}
	return out
}

// FromFloats narrows x to the element type d, rounding once to nearest even;
// integers are truncated and saturated, NaN becoming 0; booleans are x != 0.
func FromFloats(d DType, shape []int, x []float64) *Tensor {
	t := NewTensor(d, shape...)
	if len(x) != t.Len() {
		panic(fmt.Sprintf("%d elements for shape %v", len(x), shape))
	}
	switch y := t.Any().(type) {
	case []float32:
		for i, v := range x {
			y[i] = float32(v)
		}
	case []float64:
		copy(y, x)
	default:
		for i, v := range x {
			t.SetFloat(i, v)
		}
	}
	return t
}

// SetFloat stores v as element i, narrowed as FromFloats does.
func (t *Tensor) SetFloat(i int, v float64) {
	t.gen = ""
	switch y := t.Any().(type) {
	case []float32:
		y[i] = float32(v)
	case []float64:
		y[i] = v
	case []bool:
		y[i] = v != 0
	case []uint8:
		if t.DType.format() != nil {
			y[i] = uint8(EncodeFloat(t.DType, v, true))
			return
		}
		y[i] = uint8(SaturateInt(v, t.DType))
	case []uint16:
		if t.DType.format() != nil {
			y[i] = EncodeFloat(t.DType, v, false)
			return
		}
		y[i] = uint16(SaturateInt(v, t.DType))
	default:
		t.SetInt(i, SaturateInt(v, t.DType))
	}
}

// SaturateInt truncates v toward zero and clamps it to the range of an integer
// type; NaN gives 0. A Uint64 result is returned as its bits.
func SaturateInt(v float64, d DType) int64 {
	if v != v {
		return 0
	}
	v = math.Trunc(v)
	lo, hi := d.IntRange()
	if d == Uint64 {
		switch {
		case v <= 0:
			return 0
		case v >= 1<<64:
			return -1
		}
		return int64(uint64(v))
	}
	switch {
	case v <= float64(lo):
		return lo
	case v >= float64(hi):
		return hi
	}
	return int64(v)
}

// FromInts stores x in the element type d, keeping the low bits of integers that do not fit.
func FromInts(d DType, shape []int, x []int64) *Tensor {
	t := NewTensor(d, shape...)
	if len(x) != t.Len() {
		panic(fmt.Sprintf("%d elements for shape %v", len(x), shape))
	}
	for i, v := range x {
		t.SetInt(i, v)
	}
	return t
}

// SetInt stores v as element i, keeping its low bits.
func (t *Tensor) SetInt(i int, v int64) {
	t.gen = ""
	switch y := t.Any().(type) {
	case []int8:
		y[i] = int8(v)
		if t.DType != Int8 {
			sh := 8 - t.DType.Bits()
			y[i] = int8(v) << sh >> sh
		}
	case []int16:
		y[i] = int16(v)
	case []int32:
		y[i] = int32(v)
	case []int64:
		y[i] = v
	case []uint8:
		if t.DType.format() != nil {
			t.SetFloat(i, float64(v))
			return
		}
		y[i] = uint8(v) & uint8(1<<t.DType.Bits()-1)
	case []uint16:
		if t.DType.format() != nil {
			t.SetFloat(i, float64(v))
			return
		}
		y[i] = uint16(v)
	case []uint32:
		y[i] = uint32(v)
	case []uint64:
		y[i] = uint64(v)
	case []bool:
		y[i] = v != 0
	case []float32, []float64:
		t.SetFloat(i, float64(v))
	default:
		panic(fmt.Sprintf("SetInt of %v", t.DType))
	}
}

// Gather returns the tensor of the given shape whose element i is element at(i) of t:
// any movement of elements, whatever their type. A negative index gives zero.
func (t *Tensor) Gather(shape []int, at func(i int) int) *Tensor {
	return &Tensor{DType: t.DType, Shape: slices.Clone(shape), data: t.data.gather(Size(shape), at)}
}

// CopyElem stores element j of src, a tensor of the same element type, as element i of t.
func (t *Tensor) CopyElem(i int, src *Tensor, j int) {
	t.gen = ""
	t.data.copyElem(i, src.data, j)
}

// Clone returns a copy of t that shares nothing with it.
func (t *Tensor) Clone() *Tensor { return t.Gather(t.Shape, func(i int) int { return i }) }

// A column is the elements of a tensor; the methods are what can be done to them without knowing their type.
type column interface {
	slice() any
	gather(n int, at func(int) int) column
	copyElem(i int, src column, j int)
}

type vec[T Elem] []T

func (v vec[T]) slice() any { return []T(v) }

func (v vec[T]) gather(n int, at func(int) int) column {
	out := make(vec[T], n)
	for i := range out {
		if j := at(i); j >= 0 {
			out[i] = v[j]
		}
	}
	return out
}

func (v vec[T]) copyElem(i int, src column, j int) { v[i] = src.(vec[T])[j] }
