package op

import (
	"fmt"
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// BitCast is https://onnx.ai/onnx/operators/onnx__BitCast.html, version 26: the same bits as another element type of
// the same width. A bool has the bits of 0 or 1, and bits other than 0 make it true.
type BitCast struct {
	To ir.DType `onnx:"to"`
}

// Name is the operator's ONNX name.
func (*BitCast) Name() string { return "BitCast" }

// Infer checks the widths.
func (o *BitCast) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.To == ir.Undefined || o.To == ir.String {
		return nil, fmt.Errorf("attribute to is %v, which has no bits", o.To)
	}
	if from := in[0].Type.DType; from.Bits() != o.To.Bits() {
		return nil, fmt.Errorf("attribute to is %v of %d bits, the input is %v of %d", o.To, o.To.Bits(), from, from.Bits())
	}
	t, err := alike(in, 1)
	t[0].DType = o.To
	return t, err
}

// Eval goes by way of the bits of every element.
func (o *BitCast) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	if x.DType == o.To {
		return in[:1], nil
	}
	bits := make([]uint64, x.Len())
	switch d := x.Any().(type) {
	case []float32:
		for i, v := range d {
			bits[i] = uint64(math.Float32bits(v))
		}
	case []float64:
		for i, v := range d {
			bits[i] = math.Float64bits(v)
		}
	case []complex64:
		for i, v := range d {
			bits[i] = uint64(math.Float32bits(imag(v)))<<32 | uint64(math.Float32bits(real(v)))
		}
	case []uint8:
		for i, v := range d {
			bits[i] = uint64(v)
		}
	case []uint16:
		for i, v := range d {
			bits[i] = uint64(v)
		}
	default:
		for i, v := range x.Ints() {
			bits[i] = uint64(v)
		}
	}
	out := ir.NewTensor(o.To, x.Shape...)
	mask := uint64(1)<<o.To.Bits() - 1
	for i, v := range bits {
		switch y := out.Any().(type) {
		case []float32:
			y[i] = math.Float32frombits(uint32(v))
		case []float64:
			y[i] = math.Float64frombits(v)
		case []complex64:
			y[i] = complex(math.Float32frombits(uint32(v)), math.Float32frombits(uint32(v>>32)))
		case []uint8:
			y[i] = uint8(v & mask)
		case []uint16:
			y[i] = uint16(v)
		default:
			out.SetInt(i, int64(v))
		}
	}
	return []*ir.Tensor{out}, nil
}

// Lower copies, changes the sign of integers by a Map, or calls the kernel bitCast.
func (o *BitCast) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	from := x.Type.DType
	switch {
	case from == o.To:
		return []*ir.Value{low.Copy(b, x, x.Type.Shape...)}, nil
	case inMap(from) && inMap(o.To) && !from.IsFloat() && !o.To.IsFloat():
		return []*ir.Value{castTo(b, x, o.To)}, nil
	}
	signed := o.To.IsInt() && !o.To.IsUnsigned()
	return low.CallFor(b, n, "bitCast", o.To.Bits(), signed), nil
}
