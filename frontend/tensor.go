package frontend

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

// maxElems bounds the elements of a value, and each of its dimensions.
const maxElems = math.MaxInt32

// maxRank bounds the axes of a value.
const maxRank = 64

// checkShape returns an error if a tensor of the given shape could not be held, counting 0 as 1 so that strides cannot
// overflow either. Open dimensions count as 1.
func checkShape(shape []int) error {
	if len(shape) > maxRank {
		return fmt.Errorf("%d axes, at most %d are supported", len(shape), maxRank)
	}
	n := 1
	for _, d := range shape {
		if d < -1 {
			return fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d > maxElems || n*max(d, 1) > maxElems {
			return fmt.Errorf("shape %v has more than %d elements", shape, maxElems)
		}
		n *= max(d, 1)
	}
	return nil
}

func shapeOf(dims []int64) ([]int, error) {
	if len(dims) > maxRank {
		return nil, fmt.Errorf("%d axes, at most %d are supported", len(dims), maxRank)
	}
	shape := make([]int, len(dims))
	for i, d := range dims {
		if d < 0 {
			return nil, fmt.Errorf("shape %v has a negative dimension", dims)
		}
		shape[i] = int(min(d, maxElems+1))
	}
	if checkShape(shape) != nil {
		return nil, fmt.Errorf("shape %v has more than %d elements", dims, maxElems)
	}
	return shape, nil
}

func dtypeOf(n int32) (ir.DType, error) {
	if n < 0 || n > 255 || !ir.DType(n).Valid() {
		return ir.Undefined, fmt.Errorf("element type %d is unknown", n)
	}
	return ir.DType(n), nil
}

// tensor decodes a TensorProto. Nothing is allocated before the data is known to be there.
func (f folder) tensor(p *onnxpb.TensorProto) (*ir.Tensor, error) {
	d, err := dtypeOf(p.GetDataType())
	if err != nil {
		return nil, err
	}
	shape, err := shapeOf(p.Dims)
	if err != nil {
		return nil, err
	}
	if p.Segment != nil {
		return nil, errors.New("a tensor stored in segments is not supported")
	}
	if p.GetDataLocation() == onnxpb.TensorProto_EXTERNAL {
		raw, err := f.external(p, byteLen(d, ir.Size(shape)))
		if err != nil {
			return nil, err
		}
		return rawTensor(d, shape, raw)
	}
	if n := ir.Size(shape); n > 0 && len(p.RawData) == 0 {
		return typedTensor(d, shape, p)
	}
	return rawTensor(d, shape, p.RawData)
}

// byteLen is the length of n packed elements.
func byteLen(d ir.DType, n int) int { return (n*d.Bits() + 7) / 8 }

func rawTensor(d ir.DType, shape []int, raw []byte) (*ir.Tensor, error) {
	n := ir.Size(shape)
	if d == ir.String && n > 0 {
		return nil, errors.New("strings cannot be stored as raw data")
	}
	if want := byteLen(d, n); len(raw) != want {
		return nil, fmt.Errorf("%v has %d bytes of data, %d needed", ir.Type{DType: d, Shape: shape}, len(raw), want)
	}
	t := ir.NewTensor(d, shape...)
	if n == 0 {
		return t, nil
	}
	if d.Bits() < 8 {
		unpack(t, func(i int) byte { return raw[i] })
		return t, nil
	}
	_, err := binary.Decode(raw, binary.LittleEndian, t.Any())
	return t, err
}

// unpack fills a tensor of 2- or 4-bit elements from bytes, the first element in the lowest bits.
func unpack(t *ir.Tensor, at func(i int) byte) {
	bits := t.DType.Bits()
	per := 8 / bits
	code := func(i int) uint8 { return at(i/per) >> (i % per * bits) & (1<<bits - 1) }
	switch x := t.Any().(type) {
	case []uint8:
		for i := range x {
			x[i] = code(i)
		}
	case []int8:
		for i := range x {
			x[i] = int8(code(i)<<(8-bits)) >> (8 - bits)
		}
	}
}

// typedTensor reads the field of a TensorProto that holds elements of type d.
func typedTensor(d ir.DType, shape []int, p *onnxpb.TensorProto) (*ir.Tensor, error) {
	n := ir.Size(shape)
	have, want, field := 0, n, ""
	switch d {
	case ir.Float32, ir.Complex64:
		have, field = len(p.FloatData), "float_data"
	case ir.Float64, ir.Complex128:
		have, field = len(p.DoubleData), "double_data"
	case ir.Int64:
		have, field = len(p.Int64Data), "int64_data"
	case ir.Uint32, ir.Uint64:
		have, field = len(p.Uint64Data), "uint64_data"
	case ir.String:
		have, field = len(p.StringData), "string_data"
	default:
		have, field = len(p.Int32Data), "int32_data"
		want = byteLen(d, n)
		if b := d.Bits(); b >= 8 {
			want = n
		}
	}
	if d.IsComplex() {
		want *= 2
	}
	if have != want {
		return nil, fmt.Errorf("%v has %d values in %s, %d needed", ir.Type{DType: d, Shape: shape}, have, field, want)
	}
	t := ir.NewTensor(d, shape...)
	switch x := t.Any().(type) {
	case []float32:
		copy(x, p.FloatData)
	case []float64:
		copy(x, p.DoubleData)
	case []int64:
		copy(x, p.Int64Data)
	case []uint64:
		copy(x, p.Uint64Data)
	case []uint32:
		for i, v := range p.Uint64Data {
			if v > math.MaxUint32 {
				return nil, fmt.Errorf("element %d, %d, is no uint32", i, v)
			}
			x[i] = uint32(v)
		}
	case []string:
		for i, v := range p.StringData {
			x[i] = string(v)
		}
	case []complex64:
		for i := range x {
			x[i] = complex(p.FloatData[2*i], p.FloatData[2*i+1])
		}
	case []complex128:
		for i := range x {
			x[i] = complex(p.DoubleData[2*i], p.DoubleData[2*i+1])
		}
	default:
		return t, int32Data(t, p.Int32Data)
	}
	return t, nil
}

// int32Data stores elements, or packed bytes of them, or the bits of floats, that are held one to an int32.
func int32Data(t *ir.Tensor, data []int32) error {
	lo, hi := int64(math.MinInt32), int64(math.MaxInt32)
	switch bits := t.DType.Bits(); {
	case t.DType.IsInt() && bits >= 8:
		lo, hi = t.DType.IntRange()
	case bits < 8:
		lo, hi = -1<<7, 1<<8-1
	case t.DType != ir.Bool: // bits of a float, some writers extend the sign
		lo, hi = -1<<(bits-1), 1<<bits-1
	}
	for i, v := range data {
		if int64(v) < lo || int64(v) > hi {
			return fmt.Errorf("value %d of int32_data, %d, does not fit %v", i, v, t.DType)
		}
	}
	if t.DType.Bits() < 8 {
		unpack(t, func(i int) byte { return byte(data[i]) })
		return nil
	}
	switch x := t.Any().(type) {
	case []int32:
		copy(x, data)
	case []int16:
		narrow(x, data)
	case []uint16:
		narrow(x, data)
	case []int8:
		narrow(x, data)
	case []uint8:
		narrow(x, data)
	case []bool:
		for i, v := range data {
			x[i] = v != 0
		}
	}
	return nil
}

func narrow[T int8 | uint8 | int16 | uint16](dst []T, src []int32) {
	for i, v := range src {
		dst[i] = T(v)
	}
}
