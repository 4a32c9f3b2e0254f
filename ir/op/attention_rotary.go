package op

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// RotaryEmbedding is https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html, version 23: it rotates pairs of features
// of X, [batch, heads, sequence, size] or [batch, sequence, heads·size], by the angles whose cosines and sines are
// given by position, or for the positions that position_ids names. A pair is feature i and i + half, or 2i and 2i+1 if
// interleaved; features from rotary_embedding_dim on stay.
type RotaryEmbedding struct {
	Interleaved bool `onnx:"interleaved,0"`
	NumHeads    int  `onnx:"num_heads,0"`
	Dim         int  `onnx:"rotary_embedding_dim,0"`
}

// Name is the operator's ONNX name.
func (*RotaryEmbedding) Name() string { return "RotaryEmbedding" }

// rotaryDims are the lengths of a rotation.
type rotaryDims struct {
	batch, seq, heads, size, half int
	flat                          bool // heads come after the sequence
}

func (o *RotaryEmbedding) dims(x []int) (d rotaryDims, err error) {
	switch {
	case len(x) == 4:
		d = rotaryDims{batch: x[0], heads: x[1], seq: x[2], size: x[3]}
	case len(x) != 3:
		return d, fmt.Errorf("X has the shape %v, wanted 3 or 4 axes", x)
	case o.NumHeads < 1 || x[2]%o.NumHeads != 0 && x[2] >= 0:
		return d, fmt.Errorf("attribute num_heads is %d, which does not divide X's last axis of %d", o.NumHeads, x[2])
	default:
		d = rotaryDims{batch: x[0], seq: x[1], heads: o.NumHeads, size: perHead(x[2], o.NumHeads), flat: true}
	}
	dim := o.Dim
	if dim == 0 {
		dim = d.size
	}
	if d.half = dim / 2; dim >= 0 && (dim%2 != 0 || d.size >= 0 && dim > d.size) {
		return d, fmt.Errorf("%d features of %d are rotated; the number must be even and no larger", dim, d.size)
	}
	return d, nil
}

// Infer checks the tables.
func (o *RotaryEmbedding) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameTypes(in[:3]); err != nil {
		return nil, err
	}
	x := in[0].Type
	if x.NoRank {
		return openTypes(x.DType, 1), nil
	}
	d, err := o.dims(x.Shape)
	if err != nil {
		return nil, err
	}
	byID := len(in) > 3 && in[3] != nil
	for _, v := range in[1:3] {
		t := v.Type
		if t.NoRank {
			continue
		}
		want := []int{d.batch, d.seq, d.half}
		if byID {
			want = []int{-1, d.half}
		}
		if !fitsShape(t.Shape, want) {
			return nil, fmt.Errorf("%s is %v, wanted the shape %v, the last axis half of what is rotated", v, t, want)
		}
	}
	if byID && !in[3].Type.NoRank && !fitsShape(in[3].Type.Shape, []int{d.batch, d.seq}) {
		return nil, fmt.Errorf("position_ids is %v, wanted [%d %d]", in[3].Type, d.batch, d.seq)
	}
	return alike(in, 1)
}

// fitsShape compares shapes where both are known.
func fitsShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i, d := range a {
		if d != b[i] && d >= 0 && b[i] >= 0 {
			return false
		}
	}
	return true
}

// Eval rotates pair by pair.
func (o *RotaryEmbedding) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	d, err := o.dims(in[0].Shape)
	if err != nil {
		return nil, err
	}
	x, cos, sin := in[0].Floats(), in[1].Floats(), in[2].Floats()
	for r := range d.batch * d.seq * d.heads {
		b, s := r/(d.seq*d.heads), r/d.heads%d.seq
		if !d.flat {
			b, s = r/(d.heads*d.seq), r%d.seq
		}
		at := b*d.seq + s
		if len(in) > 3 && in[3] != nil {
			if at = int(in[3].Ints()[at]); at < 0 || at >= in[1].Shape[0] {
				return nil, fmt.Errorf("position_ids names position %d, the tables have %d", at, in[1].Shape[0])
			}
		}
		row := x[r*d.size:][:d.size]
		for i := range d.half {
			j, k := i, i+d.half
			if o.Interleaved {
				j, k = 2*i, 2*i+1
			}
			c, s := cos[at*d.half+i], sin[at*d.half+i]
			row[j], row[k] = float64(c*row[j])-float64(s*row[k]), float64(s*row[j])+float64(c*row[k])
		}
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, in[0].Shape, x)}, nil
}

// Lower makes Slices, Maps and a Concat.
func (o *RotaryEmbedding) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	d, err := o.dims(n.In[0].Type.Shape)
	if err != nil {
		return nil, err
	}
	x := float32Of(b, n.In[0])
	shape, table := []int{d.batch, d.heads, d.seq, d.size}, []int{d.batch, 1, d.seq, d.half}
	if d.flat {
		shape, table = []int{d.batch, d.seq, d.heads, d.size}, []int{d.batch, d.seq, 1, d.half}
		x = low.Copy(b, x, shape...)
	}
	var tables [2]*ir.Value
	for i, v := range n.In[1:3] {
		if len(n.In) > 3 && n.In[3] != nil {
			g := &Gather{}
			t := ir.Type{DType: v.Type.DType, Shape: []int{d.batch, d.seq, d.half}}
			out, err := g.Lower(b, &ir.Node{Op: g, In: []*ir.Value{v, n.In[3]}, Out: []*ir.Value{{Type: t}}})
			if err != nil {
				return nil, err
			}
			v = out[0]
		}
		tables[i] = low.Copy(b, float32Of(b, v), table...)
	}
	part := func(start, step, count int) *ir.Value {
		s := append(slices.Clone(shape[:3]), count)
		return low.Slice(b, x, []int{0, 0, 0, start}, []int{1, 1, 1, step}, s)
	}
	x1, x2 := part(0, 1, d.half), part(d.half, 1, d.half)
	if o.Interleaved {
		x1, x2 = part(0, 2, d.half), part(1, 2, d.half)
	}
	re := low.Elementwise(b, "sub(mul(x0,x2),mul(x1,x3))", tables[0], tables[1], x1, x2)
	im := low.Elementwise(b, "add(mul(x1,x2),mul(x0,x3))", tables[0], tables[1], x1, x2)
	var y *ir.Value
	if o.Interleaved {
		pair := append(slices.Clone(shape[:3]), d.half, 1)
		y = low.Concat(b, 4, low.Copy(b, re, pair...), low.Copy(b, im, pair...))
		y = low.Copy(b, y, append(slices.Clone(shape[:3]), 2*d.half)...)
	} else {
		y = low.Concat(b, 3, re, im)
	}
	if rest := d.size - 2*d.half; rest > 0 {
		y = low.Concat(b, 3, y, part(2*d.half, 1, rest))
	}
	y = low.Copy(b, y, n.In[0].Type.Shape...)
	return []*ir.Value{narrowed(b, y, n.In[0].Type.DType)}, nil
}
