package frontend

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

// A sparse tensor may have this many elements, and sparsest more for each value it stores: what a file makes the
// compiler allocate stays in proportion to its size.
const (
	sparseFree = 1 << 20
	sparsest   = 1 << 12
)

// sparse decodes a SparseTensorProto to a dense tensor.
func (f folder) sparse(p *onnxpb.SparseTensorProto) (*ir.Tensor, error) {
	if p.GetValues() == nil {
		return nil, errors.New("a sparse tensor without values")
	}
	values, err := f.tensor(p.GetValues())
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	shape, err := shapeOf(p.Dims)
	if err != nil {
		return nil, err
	}
	if values.DType == ir.Float8E8M0 {
		return nil, errors.New("float8e8m0 has no zero, so no sparse tensors")
	}
	nnz := values.Len()
	if n := ir.Size(shape); n > sparseFree+sparsest*nnz {
		return nil, fmt.Errorf("%d values in a tensor of %v are too few to be held dense", nnz, shape)
	}
	at, err := f.sparseIndices(p, shape, nnz)
	if err != nil {
		return nil, fmt.Errorf("indices: %w", err)
	}
	t := ir.NewTensor(values.DType, shape...)
	for i, j := range at {
		t.CopyElem(j, values, i)
	}
	return t, nil
}

// sparseIndices returns the positions of the values in row-major order.
func (f folder) sparseIndices(p *onnxpb.SparseTensorProto, shape []int, nnz int) ([]int, error) {
	if p.GetIndices() == nil {
		if nnz == 0 {
			return nil, nil
		}
		return nil, errors.New("missing")
	}
	t, err := f.tensor(p.GetIndices())
	if err != nil {
		return nil, err
	}
	if t.DType != ir.Int64 {
		return nil, fmt.Errorf("are %v, want int64", t.DType)
	}
	ix := ir.Data[int64](t)
	at := make([]int, nnz)
	switch {
	case slices.Equal(t.Shape, []int{nnz}):
		for i, j := range ix {
			if j < 0 || j >= int64(ir.Size(shape)) {
				return nil, fmt.Errorf("%d is outside %v", j, shape)
			}
			at[i] = int(j)
		}
	case slices.Equal(t.Shape, []int{nnz, len(shape)}):
		for i := range at {
			for k, d := range shape {
				j := ix[i*len(shape)+k]
				if j < 0 || j >= int64(d) {
					return nil, fmt.Errorf("%v is outside %v", ix[i*len(shape):][:len(shape)], shape)
				}
				at[i] = at[i]*d + int(j)
			}
		}
	default:
		return nil, fmt.Errorf("have shape %v, want [%d] or [%d,%d]", t.Shape, nnz, nnz, len(shape))
	}
	for i := 1; i < nnz; i++ {
		if at[i] <= at[i-1] {
			return nil, fmt.Errorf("position %d does not come after the one before it", i)
		}
	}
	return at, nil
}
