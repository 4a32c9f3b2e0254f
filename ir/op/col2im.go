package op

import (
	"errors"
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
)

// Col2Im is https://onnx.ai/onnx/operators/onnx__Col2Im.html, version 18: [N, C·(product of the block), L] becomes
// [N, C, image...], blocks adding up where they overlap. Floats add in float64, the offsets within the block increasing.
type Col2Im struct {
	Dilations []int `onnx:"dilations"` // nil: all 1
	Pads      []int `onnx:"pads"`      // nil: all 0
	Strides   []int `onnx:"strides"`   // nil: all 1
}

// Name is the operator's ONNX name.
func (*Col2Im) Name() string { return "Col2Im" }

// with returns the attributes, defaults filled in, for an image of rank axes.
func (c *Col2Im) with(rank int) (dilations, pads, strides []int, err error) {
	fill := func(x []int, n, v int, what string) []int {
		if x == nil {
			x = make([]int, n)
			for i := range x {
				x[i] = v
			}
		}
		if len(x) != n {
			err = fmt.Errorf("%s %v for %d axes", what, x, rank)
		}
		for _, d := range x {
			if d < v {
				err = fmt.Errorf("%s %v, the least is %d", what, x, v)
			}
		}
		return x
	}
	return fill(c.Dilations, rank, 1, "dilations"), fill(c.Pads, 2*rank, 0, "pads"), fill(c.Strides, rank, 1, "strides"), err
}

// counts returns the number of blocks along each axis of the image.
func (c *Col2Im) counts(image, block []int) ([]int, error) {
	dil, pads, strides, err := c.with(len(image))
	if err != nil {
		return nil, err
	}
	if len(block) != len(image) {
		return nil, fmt.Errorf("block shape %v for image shape %v", block, image)
	}
	n := make([]int, len(image))
	for i := range n {
		room := image[i] + pads[i] + pads[len(n)+i] - dil[i]*(block[i]-1) - 1
		if block[i] < 1 || room < 0 {
			return nil, fmt.Errorf("block shape %v for image shape %v", block, image)
		}
		n[i] = room/strides[i] + 1
	}
	return n, nil
}

// Infer checks that the columns are as many as there are blocks.
func (c *Col2Im) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	rank, err := vectorLen(in[1], "image_shape")
	if err != nil {
		return nil, err
	}
	if rank < 0 {
		if rank, err = vectorLen(in[2], "block_shape"); err != nil {
			return nil, err
		}
	}
	if x.NoRank || rank < 0 {
		return noRank(x.DType), nil
	}
	if len(x.Shape) != 3 {
		return nil, fmt.Errorf("%v, it must be [N, C x block, L]", x)
	}
	if _, _, _, err := c.with(rank); err != nil {
		return nil, err
	}
	shape := append([]int{x.Shape[0], -1}, unknown(rank)...)
	img, ok := constInts(in, 1)
	if ok {
		copy(shape[2:], img)
	}
	block, ok2 := constInts(in, 2)
	if ok2 {
		if ir.Size(block) < 1 {
			return nil, fmt.Errorf("block shape %v", block)
		}
		if shape[1], err = over(x.Shape[1], ir.Size(block)); err != nil {
			return nil, err
		}
	}
	if ok && ok2 {
		n, err := c.counts(img, block)
		if err != nil {
			return nil, err
		}
		if x.Shape[2] >= 0 && ir.Size(n) != x.Shape[2] {
			return nil, fmt.Errorf("%v has %d columns, the image has %v blocks", x, x.Shape[2], n)
		}
	}
	return oneType(x.DType, shape), nil
}

// Eval adds the columns up, one after the other.
func (c *Col2Im) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, img, block := in[0], in[1].IntsAsInt(), in[2].IntsAsInt()
	counts, err := c.counts(img, block)
	if err != nil {
		return nil, err
	}
	dil, pads, str, err := c.with(len(img))
	if err != nil {
		return nil, err
	}
	size, cols := ir.Size(block), ir.Size(counts)
	if size < 1 || x.Shape[1]%size != 0 || x.Shape[2] != cols {
		return nil, fmt.Errorf("%v for image shape %v and block shape %v", x.Type(), img, block)
	}
	images := x.Shape[0] * x.Shape[1] / size
	var add func(to, from int)
	var done func(shape []int) *ir.Tensor
	if x.DType.IsFloat() {
		from, sum := x.Floats(), make([]float64, images*ir.Size(img))
		add = func(i, j int) { sum[i] += from[j] }
		done = func(shape []int) *ir.Tensor { return ir.FromFloats(x.DType, shape, sum) }
	} else {
		from, sum := x.Ints(), make([]int64, images*ir.Size(img))
		add = func(i, j int) { sum[i] += from[j] }
		done = func(shape []int) *ir.Tensor { return ir.FromInts(x.DType, shape, sum) }
	}
	j := 0
	for i := range images {
		eachIndex(block, func(off []int) {
			eachIndex(counts, func(at []int) {
				to := i
				for k, d := range img {
					p := at[k]*str[k] + off[k]*dil[k] - pads[k]
					if p < 0 || p >= d || to < 0 {
						to = -1
					} else {
						to = to*d + p
					}
				}
				if to >= 0 {
					add(to, j)
				}
				j++
			})
		})
	}
	return []*ir.Tensor{done(append([]int{x.Shape[0], x.Shape[1] / size}, img...))}, nil
}

// Lower calls a kernel.
func (c *Col2Im) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	out := n.Out[0].Type.Shape
	dil, pads, str, err := c.with(len(out) - 2)
	if err != nil {
		return nil, err
	}
	if len(out) > maxRank {
		return nil, errors.New("too many dimensions")
	}
	x := n.In[0].Type.Shape
	return callWide(b, n, "col2im", out[0]*out[1], x[1]/max(out[1], 1), x[2], append([]int{}, out[2:]...), dil, pads, str)
}
