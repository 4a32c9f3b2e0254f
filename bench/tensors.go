package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// encode returns the elements of t, little-endian.
func encode(t *ir.Tensor) ([]byte, error) {
	if t.DType == ir.String {
		return nil, errors.New("strings; only tensors of numbers are timed")
	}
	var b bytes.Buffer
	err := binary.Write(&b, binary.LittleEndian, t.Any())
	return b.Bytes(), err
}

// decode makes a tensor of elements that encode wrote; a shape that only a run tells becomes one axis.
func decode(typ ir.Type, data []byte) (*ir.Tensor, error) {
	if typ.DType == ir.String {
		return nil, errors.New("strings; only tensors of numbers are timed")
	}
	shape := typ.Shape
	if !typ.Static() {
		shape = []int{len(data) / max(1, typ.DType.Bits()/8)}
	}
	t := ir.NewTensor(typ.DType, shape...)
	return t, binary.Read(bytes.NewReader(data), binary.LittleEndian, t.Any())
}

// relativeError is the largest difference of two tensors over the largest magnitude of want, over elements that are
// finite in both; 0 for other than floats.
func relativeError(got, want *ir.Tensor) float64 {
	if !got.DType.IsFloat() {
		return 0
	}
	g, x := got.Floats(), want.Floats()
	diff, top := 0.0, 0.0
	for i := range x {
		if d := math.Abs(g[i] - x[i]); !math.IsInf(d, 0) && d == d {
			diff = max(diff, d)
		}
		if a := math.Abs(x[i]); !math.IsInf(a, 0) && a == a {
			top = max(top, a)
		}
	}
	if top == 0 {
		return diff
	}
	return diff / top
}
