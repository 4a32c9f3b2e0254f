package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Det is https://onnx.ai/onnx/operators/onnx__Det.html, version 22: the determinants of square matrices [..., n, n], in
// float64 by elimination, the pivot being the first element of the largest magnitude in its column.
type Det struct {
	// Work asks for a second result, float64 [n, n], the room that compiled code needs.
	Work bool `onnx:"sbtc_work,0"`
}

// Name is the operator's ONNX name.
func (*Det) Name() string { return "Det" }

// Infer drops the last two axes.
func (o *Det) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return openTypes(x.DType, 1), nil
	}
	r := len(x.Shape) - 2
	if r < 0 || x.Shape[r] >= 0 && x.Shape[r+1] >= 0 && x.Shape[r] != x.Shape[r+1] {
		return nil, fmt.Errorf("X is %v, wanted square matrices [..., n, n]", x)
	}
	types := []ir.Type{{DType: x.DType, Shape: slices.Clone(x.Shape[:r])}}
	if o.Work {
		types = append(types, ir.Type{DType: ir.Float64, Shape: x.Shape[r:]})
	}
	return types, nil
}

// Eval eliminates matrix by matrix.
func (o *Det) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	r := len(in[0].Shape) - 2
	n := in[0].Shape[r]
	x := in[0].Floats()
	y := make([]float64, ir.Size(in[0].Shape[:r]))
	work := make([]float64, n*n)
	for i := range y {
		work = x[i*n*n:][:n*n]
		y[i] = eliminate(work, n)
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, in[0].Shape[:r], y), ir.Of(ir.Float64, []int{n, n}, work)}[:1+bitOf(o.Work)], nil
}

func bitOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// eliminate returns the determinant of a [n, n], which it brings into triangular form.
func eliminate(a []float64, n int) float64 {
	det := 1.0
	for k := range n {
		p := k
		for i := k + 1; i < n; i++ {
			if math.Abs(a[i*n+k]) > math.Abs(a[p*n+k]) {
				p = i
			}
		}
		if a[p*n+k] == 0 {
			return 0
		}
		if p != k {
			for j := range n {
				a[k*n+j], a[p*n+j] = a[p*n+j], a[k*n+j]
			}
			det = -det
		}
		det = float64(det * a[k*n+k])
		for i := k + 1; i < n; i++ {
			f := a[i*n+k] / a[k*n+k]
			for j := k; j < n; j++ {
				a[i*n+j] -= float64(f * a[k*n+j])
			}
		}
	}
	return det
}

// Lower calls a kernel.
func (o *Det) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := float32Of(b, n.In[0])
	r := len(x.Type.Shape) - 2
	size := x.Type.Shape[r]
	y := ir.Type{DType: x.Type.DType, Shape: n.Out[0].Type.Shape}
	work := ir.Type{DType: ir.Float64, Shape: []int{size, size}}
	c := &ir.Node{Op: &Det{Work: true}, In: []*ir.Value{x}, Out: []*ir.Value{{Type: y}, {Type: work}}}
	out := low.CallFor(b, c, "determinant", size)
	return []*ir.Value{narrowed(b, out[0], n.Out[0].Type.DType)}, nil
}
