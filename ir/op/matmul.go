package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var matmul = []Def{
	{Name: "MatMul", Since: 13, From: 1, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{products}, Proto: &MatMul{}},
	{Name: "Gemm", Since: 13, From: 11, In: Arity{2, 3}, Out: Arity{1, 1}, Types: []Types{products}, Proto: &Gemm{}},
	{Name: "Gemm", Since: 7, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{products}, Upgrade: upgradeGemm7},
	{Name: "Gemm", Since: 1, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{products}, Upgrade: upgradeGemm1},
	{Name: "MatMulInteger", Since: 10, In: Arity{2, 4}, Out: Arity{1, 1}, Types: []Types{bytesOf}, Proto: &MatMulInteger{}},
	{Name: "Det", Since: 22, From: 11, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &Det{}},
}

var (
	products = Floats | Of(ir.Int32, ir.Int64, ir.Uint32, ir.Uint64)
	bytesOf  = Of(ir.Int8, ir.Uint8)
)

// MatMul is https://onnx.ai/onnx/operators/onnx__MatMul.html, version 13: numpy's matmul of A [..., M, K] and
// B [..., K, N]. A vector A is one row, a vector B one column, and that axis is dropped from the result.
type MatMul struct{}

// Name is the operator's ONNX name.
func (*MatMul) Name() string { return "MatMul" }

// Infer broadcasts the leading axes.
func (*MatMul) Infer(in []*ir.Value) ([]ir.Type, error) {
	a, b := in[0].Type, in[1].Type
	if a.DType != b.DType {
		return nil, fmt.Errorf("A is %v, B is %v; they must have one element type", a, b)
	}
	if a.NoRank || b.NoRank {
		return []ir.Type{{DType: a.DType, NoRank: true}}, nil
	}
	shape, err := matmulShape(a.Shape, b.Shape)
	return []ir.Type{{DType: a.DType, Shape: shape}}, err
}

func matmulShape(a, b []int) ([]int, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, errors.New("a scalar cannot be an operand; use Mul")
	}
	x, y := matrixShape(a, true), matrixShape(b, false)
	k, k2 := x[len(x)-1], y[len(y)-2]
	if k >= 0 && k2 >= 0 && k != k2 {
		return nil, fmt.Errorf("A %v has rows of %d elements, B %v columns of %d", a, k, b, k2)
	}
	shape, err := broadcastOpen(x[:len(x)-2], y[:len(y)-2])
	if err != nil {
		return nil, fmt.Errorf("leading axes of A %v and B %v: %w", a, b, err)
	}
	if len(a) > 1 {
		shape = append(shape, x[len(x)-2])
	}
	if len(b) > 1 {
		shape = append(shape, y[len(y)-1])
	}
	return shape, nil
}

// matrixShape makes a vector a matrix of one row or one column.
func matrixShape(s []int, row bool) []int {
	switch {
	case len(s) != 1:
		return s
	case row:
		return []int{1, s[0]}
	}
	return []int{s[0], 1}
}

// broadcastOpen broadcasts two shapes that may have unknown dimensions (-1): beside a known length other than 1 an
// unknown one is taken to be equal.
func broadcastOpen(a, b []int) ([]int, error) {
	n := max(len(a), len(b))
	at := func(s []int, i int) int {
		if i += len(s) - n; i >= 0 {
			return s[i]
		}
		return 1
	}
	out := make([]int, n)
	for i := range out {
		switch x, y := at(a, i), at(b, i); {
		case x == y || y == 1:
			out[i] = x
		case x == 1 || x < 0:
			out[i] = y
		case y < 0:
			out[i] = x
		default:
			return nil, fmt.Errorf("lengths %d and %d do not broadcast", x, y)
		}
	}
	return out, nil
}

// Eval sums products in increasing k.
func (*MatMul) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	a, b := in[0], in[1]
	x, y := matrixShape(a.Shape, true), matrixShape(b.Shape, false)
	shape, err := matmulShape(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	lead, err := low.Broadcast(x[:len(x)-2], y[:len(y)-2])
	if err != nil {
		return nil, err
	}
	g := gemm{m: x[len(x)-2], k: x[len(x)-1], n: y[len(y)-1]}
	g.a, g.b = matrixStarts(x, lead), matrixStarts(y, lead)
	if a.DType.IsFloat() {
		return []*ir.Tensor{ir.FromFloats(a.DType, shape, multiply(g, a.Floats(), b.Floats()))}, nil
	}
	return []*ir.Tensor{ir.FromInts(a.DType, shape, multiply(g, a.Ints(), b.Ints()))}, nil
}

// matrixStarts lists where the matrices of an operand begin for every index of lead.
func matrixStarts(shape, lead []int) []int {
	r := len(shape) - 2
	strides := low.BroadcastStrides(shape[:r], lead)
	starts := offsets(lead, strides)
	for i := range starts {
		starts[i] *= shape[r] * shape[r+1]
	}
	return starts
}

// offsets lists the sum of index times stride for every index below dims in row-major order.
func offsets(dims, strides []int) []int {
	out := []int{0}
	for d, n := range dims {
		next := make([]int, 0, len(out)*n)
		for _, o := range out {
			for i := range n {
				next = append(next, o+i*strides[d])
			}
		}
		out = next
	}
	return out
}

// A gemm is a list of products of row-major matrices [m, k] and [k, n] that begin at a and b.
type gemm struct {
	m, k, n int
	a, b    []int
}

func multiply[T float64 | int64](g gemm, a, b []T) []T {
	out := make([]T, len(g.a)*g.m*g.n)
	for q := range g.a {
		for i := range g.m {
			row := out[(q*g.m+i)*g.n:][:g.n]
			for k := range g.k {
				x := a[g.a[q]+i*g.k+k]
				for j, y := range b[g.b[q]+k*g.n:][:g.n] {
					row[j] += T(x * y)
				}
			}
		}
	}
	return out
}

// Lower gives a Linear where B is constant and one matrix, else a Contract.
func (*MatMul) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x, y, shape := n.In[0], n.In[1], n.Out[0].Type.Shape
	k, cols := x.Type.Features(), 1
	if len(y.Type.Shape) > 1 {
		cols = y.Type.Features()
	}
	if y.Const != nil && k > 0 && y.Type.Len() == k*cols && x.Type.DType.IsFloat() {
		w := b.Const(y.Const.Reshape(k, cols))
		return []*ir.Value{reshaped(b, b.Add(&low.Linear{Kind: "dense"}, x, w, nil), shape)}, nil
	}
	x = reshaped(b, x, matrixShape(x.Type.Shape, true))
	y = reshaped(b, y, matrixShape(y.Type.Shape, false))
	return []*ir.Value{reshaped(b, b.Add(&low.Contract{}, x, y), shape)}, nil
}

// reshaped is x in another shape of as many elements, x itself if it has that shape.
func reshaped(b *ir.Builder, x *ir.Value, shape []int) *ir.Value {
	if slices.Equal(x.Type.Shape, shape) {
		return x
	}
	return low.Copy(b, x, shape...)
}

// float32Of widens 16-bit floats, so that several steps are rounded to 16 bits only once, at the end (see narrowed).
func float32Of(b *ir.Builder, x *ir.Value) *ir.Value {
	if x != nil && (x.Type.DType == ir.Float16 || x.Type.DType == ir.BFloat16) {
		return low.Elementwise(b, "cast_float(x0)", x)
	}
	return x
}

// narrowed is x in element type d.
func narrowed(b *ir.Builder, x *ir.Value, d ir.DType) *ir.Value {
	if x.Type.DType == d {
		return x
	}
	return low.Elementwise(b, "cast_"+d.String()+"(x0)", x)
}

// MatMulInteger is https://onnx.ai/onnx/operators/onnx__MatMulInteger.html, version 10: the product in int32 of 8-bit
// integers less their zero points. A's zero point is a scalar, one by row [M], or [..., M, 1]; B's a scalar, one by
// column [N], or [..., 1, N].
type MatMulInteger struct{}

// Name is the operator's ONNX name.
func (*MatMulInteger) Name() string { return "MatMulInteger" }

// Infer checks the zero points.
func (*MatMulInteger) Infer(in []*ir.Value) ([]ir.Type, error) {
	a, b := in[0].Type, in[1].Type
	t := ir.Type{DType: ir.Int32}
	for i := 2; i < len(in); i++ {
		if in[i] == nil {
			continue
		}
		if d := in[i-2].Type.DType; in[i].Type.DType != d {
			return nil, fmt.Errorf("zero point %s is %v, its matrix %v", in[i], in[i].Type.DType, d)
		}
		if z, m := in[i].Type, in[i-2].Type; z.Static() && m.Static() {
			if _, err := zeroPointShape(z.Shape, m.Shape, i == 2); err != nil {
				return nil, err
			}
		}
	}
	if t.NoRank = a.NoRank || b.NoRank; t.NoRank {
		return []ir.Type{t}, nil
	}
	var err error
	t.Shape, err = matmulShape(a.Shape, b.Shape)
	return []ir.Type{t}, err
}

// zeroPointShape is the shape in which a zero point broadcasts with its matrix: a vector is by row of A, by column of B.
func zeroPointShape(z, m []int, row bool) ([]int, error) {
	s := z
	switch {
	case ir.Size(z) == 1:
		return []int{}, nil
	case len(z) == 1 && row && len(m) > 1:
		s = []int{z[0], 1}
	}
	full, err := low.Broadcast(s, m)
	if err != nil || !slices.Equal(full, m) {
		return nil, fmt.Errorf("zero point %v does not fit matrix %v: give one, or one by row of A or column of B", z, m)
	}
	return s, nil
}

// Eval computes with int64 and keeps the low bits.
func (*MatMulInteger) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	var m [2]*ir.Tensor
	for i := range m {
		x := in[i].Ints()
		if len(in) > i+2 && in[i+2] != nil {
			s, err := zeroPointShape(in[i+2].Shape, in[i].Shape, i == 0)
			if err != nil {
				return nil, err
			}
			z := in[i+2].Ints()
			for j, o := range offsets(in[i].Shape, low.BroadcastStrides(s, in[i].Shape)) {
				x[j] -= z[o]
			}
		}
		m[i] = ir.FromInts(ir.Int32, in[i].Shape, x)
	}
	return (&MatMul{}).Eval(m[:])
}

// Lower subtracts zero points in int32 and multiplies.
func (*MatMulInteger) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	var m [2]*ir.Value
	for i := range m {
		x := n.In[i]
		if len(n.In) <= i+2 || n.In[i+2] == nil {
			m[i] = low.Elementwise(b, "cast_int32(x0)", x)
			continue
		}
		s, err := zeroPointShape(n.In[i+2].Type.Shape, x.Type.Shape, i == 0)
		if err != nil {
			return nil, err
		}
		m[i] = low.Elementwise(b, "sub(cast_int32(x0),cast_int32(x1))", x, reshaped(b, n.In[i+2], s))
	}
	return (&MatMul{}).Lower(b, &ir.Node{Op: &MatMul{}, In: m[:], Out: n.Out})
}
