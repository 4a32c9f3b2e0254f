package op

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var blocks = []Def{
	{Name: "Trilu", Since: 14, In: Arity{1, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &Trilu{}},
	{Name: "SpaceToDepth", Since: 13, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &SpaceToDepth{}},
	{Name: "DepthToSpace", Since: 13, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Proto: &DepthToSpace{}},
	{Name: "ReverseSequence", Since: 10, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &ReverseSequence{}},
	{Name: "Col2Im", Since: 18, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Numbers, Int64s}, Proto: &Col2Im{}},
}

// Trilu is https://onnx.ai/onnx/operators/onnx__Trilu.html, version 14: it keeps a triangle of the matrices that the
// last two axes hold. The second input moves the diagonal up.
type Trilu struct {
	Upper bool `onnx:"upper,1"`
}

// Name is the operator's ONNX name.
func (*Trilu) Name() string { return "Trilu" }

// Infer returns the type of the input.
func (t *Trilu) Infer(in []*ir.Value) ([]ir.Type, error) {
	if x := in[0].Type; !x.NoRank && len(x.Shape) < 2 {
		return nil, fmt.Errorf("%v has no matrices: it must have at least two dimensions", x)
	}
	if has(in, 1) && in[1].Type.Static() && in[1].Type.Len() != 1 {
		return nil, fmt.Errorf("k %v is %v, it must be one element", in[1], in[1].Type)
	}
	return alike(in, 1)
}

func (t *Trilu) keeps(row, col, k int) bool {
	if t.Upper {
		return col-row >= k
	}
	return col-row <= k
}

// Eval keeps the elements of the triangle.
func (t *Trilu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, k := in[0], 0
	if has(in, 1) {
		k = in[1].IntsAsInt()[0]
	}
	strides, r := ir.Strides(x.Shape), len(x.Shape)
	return []*ir.Tensor{remap(x, x.Shape, func(idx []int) int {
		if !t.keeps(idx[r-2], idx[r-1], k) {
			return -1
		}
		return dot(idx, strides)
	})}, nil
}

// Lower moves what stays of each row of the matrices.
func (t *Trilu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0]
	r := len(x.Type.Shape)
	rows, cols := x.Type.Shape[r-2], x.Type.Shape[r-1]
	ks, ok := constInts(n.In, 1)
	if !ok || rows > maxParts {
		return call(b, withInputs(n, 2), "trilu", rows, cols, t.Upper)
	}
	k := 0
	if ks != nil {
		k = ks[0]
	}
	parts := low.Parts{}
	for row := range rows {
		lo, hi := 0, cols
		for lo < hi && !t.keeps(row, lo, k) {
			lo++
		}
		for lo < hi && !t.keeps(row, hi-1, k) {
			hi--
		}
		if lo == hi {
			continue
		}
		strides := []int{rows * cols, 1}
		parts = append(parts, low.Part{Dims: []int{ir.Size(x.Type.Shape[:r-2]), hi - lo}, Out: row*cols + lo, OutStrides: strides, In: row*cols + lo, InStrides: strides})
	}
	if len(parts) == 0 {
		parts = append(parts, nothing)
	}
	return one(b.Add(&low.Move{Shape: x.Type.Shape, Parts: parts}, x))
}

// SpaceToDepth is https://onnx.ai/onnx/operators/onnx__SpaceToDepth.html, version 13.
type SpaceToDepth struct {
	BlockSize int `onnx:"blocksize,0"`
}

// Name is the operator's ONNX name.
func (*SpaceToDepth) Name() string { return "SpaceToDepth" }

// image checks that t is [N, C, H, W] and the block size positive.
func image(t ir.Type, block int) error {
	switch {
	case block < 1 || block > 1<<15: // its square is a number of channels
		return fmt.Errorf("blocksize %d, it must be from 1 to %d", block, 1<<15)
	case t.NoRank || len(t.Shape) != 4:
		return fmt.Errorf("%v, it must be [N, C, H, W]", t)
	}
	return nil
}

// over divides a dimension, keeping an unknown one.
func over(d, by int) (int, error) {
	if d < 0 {
		return d, nil
	}
	if d%by != 0 {
		return 0, fmt.Errorf("dimension %d does not divide by %d", d, by)
	}
	return d / by, nil
}

// Infer moves the block into the channels.
func (s *SpaceToDepth) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, k := in[0].Type, s.BlockSize
	if err := image(x, k); err != nil {
		return nil, err
	}
	h, err := over(x.Shape[2], k)
	if err != nil {
		return nil, err
	}
	w, err := over(x.Shape[3], k)
	return oneType(x.DType, []int{x.Shape[0], times(x.Shape[1], k*k), h, w}), err
}

// split returns the shape in which the operator is a transposition, and that.
func (s *SpaceToDepth) split(x []int) (dims, perm []int) {
	k := s.BlockSize
	return []int{x[0], x[1], x[2] / k, k, x[3] / k, k}, []int{0, 3, 5, 1, 2, 4}
}

// Eval transposes.
func (s *SpaceToDepth) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return transposed(s, in, s.split)
}

// Lower moves.
func (s *SpaceToDepth) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return lowTransposed(b, n, s.split)
}

func transposed(op ir.Op, in []*ir.Tensor, split func(x []int) (dims, perm []int)) ([]*ir.Tensor, error) {
	x := in[0]
	types, err := op.Infer([]*ir.Value{{Type: x.Type()}})
	if err != nil {
		return nil, err
	}
	dims, perm := split(x.Shape)
	strides := permuted(ir.Strides(dims), perm)
	out := remap(x, permuted(dims, perm), func(idx []int) int { return dot(idx, strides) })
	return []*ir.Tensor{out.Reshape(types[0].Shape...)}, nil
}

func lowTransposed(b *ir.Builder, n *ir.Node, split func(x []int) (dims, perm []int)) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	dims, perm := split(n.In[0].Type.Shape)
	to := permuted(dims, perm)
	p := low.Part{Dims: to, OutStrides: ir.Strides(to), InStrides: permuted(ir.Strides(dims), perm)}
	return one(b.Add(&low.Move{Shape: n.Out[0].Type.Shape, Parts: low.Parts{p}}, n.In[0]))
}

// DepthToSpace is https://onnx.ai/onnx/operators/onnx__DepthToSpace.html, version 13.
type DepthToSpace struct {
	BlockSize int    `onnx:"blocksize,0"`
	Mode      string `onnx:"mode,DCR"` // the block before the channels; CRD: after them
}

// Name is the operator's ONNX name.
func (*DepthToSpace) Name() string { return "DepthToSpace" }

// Infer moves blocks out of the channels.
func (d *DepthToSpace) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, k := in[0].Type, d.BlockSize
	if d.Mode != "DCR" && d.Mode != "CRD" {
		return nil, fmt.Errorf("mode %q, it must be DCR or CRD", d.Mode)
	}
	if err := image(x, k); err != nil {
		return nil, err
	}
	c, err := over(x.Shape[1], k*k)
	return oneType(x.DType, []int{x.Shape[0], c, times(x.Shape[2], k), times(x.Shape[3], k)}), err
}

func (d *DepthToSpace) split(x []int) (dims, perm []int) {
	k := d.BlockSize
	if d.Mode == "CRD" {
		return []int{x[0], x[1] / (k * k), k, k, x[2], x[3]}, []int{0, 1, 4, 2, 5, 3}
	}
	return []int{x[0], k, k, x[1] / (k * k), x[2], x[3]}, []int{0, 3, 4, 1, 5, 2}
}

// Eval transposes.
func (d *DepthToSpace) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return transposed(d, in, d.split)
}

// Lower moves.
func (d *DepthToSpace) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return lowTransposed(b, n, d.split)
}

// ReverseSequence is https://onnx.ai/onnx/operators/onnx__ReverseSequence.html, version 10.
type ReverseSequence struct {
	BatchAxis int `onnx:"batch_axis,1"`
	TimeAxis  int `onnx:"time_axis,0"`
}

// Name is the operator's ONNX name.
func (*ReverseSequence) Name() string { return "ReverseSequence" }

// Infer returns the type of the input.
func (r *ReverseSequence) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if r.BatchAxis+r.TimeAxis != 1 || r.BatchAxis*r.TimeAxis != 0 {
		return nil, fmt.Errorf("batch_axis %d and time_axis %d, they must be 0 and 1 or 1 and 0", r.BatchAxis, r.TimeAxis)
	}
	n, err := vectorLen(in[1], "sequence_lens")
	if err != nil {
		return nil, err
	}
	if !x.NoRank {
		if len(x.Shape) < 2 {
			return nil, fmt.Errorf("%v, it must have at least two dimensions", x)
		}
		if d := x.Shape[r.BatchAxis]; d >= 0 && n >= 0 && d != n {
			return nil, fmt.Errorf("%d sequence_lens for a batch of %d", n, d)
		}
		lens, _ := constInts(in, 1)
		for _, n := range lens {
			if d := x.Shape[r.TimeAxis]; d >= 0 && (n < 0 || n > d) {
				return nil, fmt.Errorf("a sequence of length %d, there are %d steps", n, d)
			}
		}
	}
	return alike(in, 1)
}

// Eval reverses the first elements of every sequence.
func (r *ReverseSequence) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, lens := in[0], in[1].IntsAsInt()
	for _, n := range lens {
		if n < 0 || n > x.Shape[r.TimeAxis] {
			return nil, fmt.Errorf("a sequence of length %d, there are %d steps", n, x.Shape[r.TimeAxis])
		}
	}
	strides := ir.Strides(x.Shape)
	return []*ir.Tensor{remap(x, x.Shape, func(idx []int) int {
		at, t, n := dot(idx, strides), idx[r.TimeAxis], lens[idx[r.BatchAxis]]
		if t < n {
			at += (n - 1 - 2*t) * strides[r.TimeAxis]
		}
		return at
	})}, nil
}

// Lower moves by constant lengths; others go to a kernel.
func (r *ReverseSequence) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0]
	lens, ok := constInts(n.In, 1)
	if !ok || 2*len(lens) > maxParts || x.Type.Len() == 0 {
		s := x.Type.Shape
		return call(b, n, "reverseSequence", s[0], s[1], ir.Size(s[2:]), r.TimeAxis == 0)
	}
	strides := ir.Strides(x.Type.Shape)
	bs, ts, inner := strides[r.BatchAxis], strides[r.TimeAxis], ir.Size(x.Type.Shape[2:])
	m := &low.Move{Shape: x.Type.Shape}
	for i, l := range lens {
		rest := x.Type.Shape[r.TimeAxis] - l
		if l > 0 {
			m.Parts = append(m.Parts, low.Part{Dims: []int{l, inner}, Out: i * bs, OutStrides: []int{ts, 1}, In: i*bs + (l-1)*ts, InStrides: []int{-ts, 1}})
		}
		if rest > 0 {
			m.Parts = append(m.Parts, low.Part{Dims: []int{rest, inner}, Out: i*bs + l*ts, OutStrides: []int{ts, 1}, In: i*bs + l*ts, InStrides: []int{ts, 1}})
		}
	}
	return one(b.Add(m, x))
}
