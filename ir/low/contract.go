package low

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Contract multiplies two activations a [..., M, K] and b [..., K, N] whose leading axes broadcast, and applies an
// epilogue as Linear does. Each output is one chain acc = fma(a, b, acc) from +0, k increasing (float64: acc + the
// rounded product; integers exact).
type Contract struct {
	TransA bool `onnx:"transA,0"` // a is [..., K, M]
	TransB bool `onnx:"transB,0"` // b is [..., N, K]
	Act    Expr `onnx:"act"`
}

// Name is the operator's name in the text form.
func (*Contract) Name() string { return "sbtc.Contract" }

// Dims returns the broadcast leading axes and M, K, N.
func (c *Contract) Dims(a, b []int) (lead []int, m, k, n int, err error) {
	if len(a) < 2 || len(b) < 2 {
		return nil, 0, 0, 0, fmt.Errorf("%v times %v", a, b)
	}
	m, k = a[len(a)-2], a[len(a)-1]
	if c.TransA {
		m, k = k, m
	}
	k2, n := b[len(b)-2], b[len(b)-1]
	if c.TransB {
		k2, n = n, k2
	}
	if k != k2 {
		return nil, 0, 0, 0, fmt.Errorf("%v times %v", a, b)
	}
	lead, err = broadcast(a[:len(a)-2], b[:len(b)-2])
	return lead, m, k, n, err
}

// Infer checks shapes; all values are row-major.
func (c *Contract) Infer(in []*ir.Value) ([]ir.Type, error) {
	if len(in) < 2 {
		return nil, errArity
	}
	a, b := in[0].Type, in[1].Type
	if a.DType != b.DType || !a.DType.IsFloat() && !a.DType.IsInt() {
		return nil, fmt.Errorf("%v times %v", a, b)
	}
	for _, v := range in {
		if v.Type.Layout != ir.RowMajor {
			return nil, fmt.Errorf("%s is %v, wanted row-major", v, v.Type)
		}
	}
	lead, m, _, n, err := c.Dims(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	return c.Act.after(ir.Type{DType: a.DType, Shape: append(slices.Clone(lead), m, n)}, in[2:])
}

// Eval computes one output after the other.
func (c *Contract) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	a, b := in[0], in[1]
	lead, m, k, n, err := c.Dims(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	shape := append(slices.Clone(lead), m, n)
	g := &product{m: m, k: k, n: n, as: [2]int{k, 1}, bs: [2]int{n, 1}}
	if c.TransA {
		g.as = [2]int{1, m}
	}
	if c.TransB {
		g.bs = [2]int{1, k}
	}
	g.ao, g.bo = c.Offsets(a.Shape, b.Shape, lead)
	var y *ir.Tensor
	switch d := a.DType; {
	case d == ir.Float64:
		y = ir.Of(d, shape, multiply(g, ir.Data[float64](a), ir.Data[float64](b), fma64))
	case d.IsInt():
		y = ir.FromInts(d, shape, multiply(g, a.Ints(), b.Ints(), func(a, b, c int64) int64 { return a*b + c }))
	default:
		y = fromFloat32s(d, shape, multiply(g, float32s(a), float32s(b), fma32))
	}
	return c.Act.finish(y, in[2:])
}

// Offsets lists where each matrix of a and b begins, for the broadcast leading axes.
func (c *Contract) Offsets(a, b, lead []int) (as, bs []int) {
	return boxIndex(lead, 0, leadStrides(a, lead)), boxIndex(lead, 0, leadStrides(b, lead))
}

// leadStrides are the strides over the leading axes of a matrix operand, broadcast to lead.
func leadStrides(shape, lead []int) []int {
	r := len(shape) - 2
	s := BroadcastStrides(shape[:r], lead)
	for i := range s {
		s[i] *= shape[r] * shape[r+1]
	}
	return s
}

type product struct {
	m, k, n int
	as, bs  [2]int // strides over rows and columns
	ao, bo  []int  // offsets of the matrices
}

func multiply[T float32 | float64 | int64](g *product, a, b []T, fma func(a, b, c T) T) []T {
	y := make([]T, 0, len(g.ao)*g.m*g.n)
	for q := range g.ao {
		for i := range g.m {
			for j := range g.n {
				var acc T
				for k := range g.k {
					acc = fma(a[g.ao[q]+i*g.as[0]+k*g.as[1]], b[g.bo[q]+k*g.bs[0]+j*g.bs[1]], acc)
				}
				y = append(y, acc)
			}
		}
	}
	return y
}
