package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Split is https://onnx.ai/onnx/operators/onnx__Split.html, version 18. Either the second input lists the lengths of
// the parts or NumOutputs says how many parts there are, all of one length but the last, which may be shorter.
type Split struct {
	Axis       int `onnx:"axis,0"`
	NumOutputs int `onnx:"num_outputs,0"`
}

// upgradeSplit states the number of parts, which up to version 13 is that of the node's outputs.
func upgradeSplit(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	if has(n.In, 1) {
		return nil, nil
	}
	n.In = n.In[:1]
	if x := n.In[0].Type; !x.NoRank && len(n.Out) > 0 {
		a, ok := n.Attrs["axis"].(int64)
		axis, err := axisOf(int(a), len(x.Shape))
		if err != nil {
			return nil, err
		}
		if d := x.Shape[axis]; (ok || n.Attrs["axis"] == nil) && d%len(n.Out) != 0 && d >= 0 {
			return nil, fmt.Errorf("axis %d has length %d, which does not divide into %d equal parts", a, d, len(n.Out))
		}
	}
	n.Attrs["num_outputs"] = int64(len(n.Out))
	return nil, nil
}

// Name is the operator's ONNX name.
func (*Split) Name() string { return "Split" }

// parts returns the lengths of the parts of an axis of length d, -1 where that is unknown.
func (s *Split) parts(lens []int, d int) ([]int, error) {
	if s.NumOutputs > 0 {
		out := make([]int, s.NumOutputs)
		each := (d + s.NumOutputs - 1) / s.NumOutputs
		for i := range out {
			if out[i] = -1; d >= 0 {
				out[i] = max(0, min(each, d-i*each))
			}
		}
		return out, nil
	}
	sum := 0
	for _, n := range lens {
		if n < 0 {
			return nil, fmt.Errorf("a part of length %d", n)
		}
		sum += n
	}
	if d >= 0 && sum != d {
		return nil, fmt.Errorf("parts of lengths %v, the axis has length %d", lens, d)
	}
	return lens, nil
}

// maxOutputs bounds the number of parts.
const maxOutputs = 1 << 16

// Infer returns the types of the parts.
func (s *Split) Infer(in []*ir.Value) ([]ir.Type, error) {
	if s.NumOutputs < 0 || (s.NumOutputs > 0) == has(in, 1) {
		return nil, errors.New("either the input split or the attribute num_outputs must be there")
	}
	if s.NumOutputs > 1<<20 {
		return nil, fmt.Errorf("%d parts", s.NumOutputs)
	}
	if s.NumOutputs > maxOutputs {
		return nil, fmt.Errorf("num_outputs %d, at most %d are supported", s.NumOutputs, maxOutputs)
	}
	lens, known := constInts(in, 1)
	count := s.NumOutputs
	if has(in, 1) {
		n, err := vectorLen(in[1], "split")
		if err != nil {
			return nil, err
		}
		if n < 0 {
			return nil, fmt.Errorf("split %v is %v: the number of parts must be known", in[1], in[1].Type)
		}
		count = n
	}
	x := in[0].Type
	if x.NoRank {
		return slices.Repeat(noRank(x.DType), count), nil
	}
	axis, err := axisOf(s.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	parts := unknown(count)
	if known {
		if parts, err = s.parts(lens, x.Shape[axis]); err != nil {
			return nil, err
		}
	}
	out := make([]ir.Type, count)
	for i, n := range parts {
		out[i] = ir.Type{DType: x.DType, Shape: slices.Clone(x.Shape)}
		out[i].Shape[axis] = n
	}
	return out, nil
}

// Eval cuts the parts out.
func (s *Split) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	axis, err := axisOf(s.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	parts, err := s.parts(intsAt(in, 1), x.Shape[axis])
	if err != nil {
		return nil, err
	}
	var out []*ir.Tensor
	maps, at := identityMaps(x.Shape), 0
	for _, n := range parts {
		maps[axis] = counting(at, 1, n)
		out = append(out, pick(x, maps, nil))
		at += n
	}
	return out, nil
}

// Lower moves. Lengths that are known only at run time are checked by slicing from where a part begins as declared to
// where it ends as they say.
func (s *Split) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0]
	axis, err := axisOf(s.Axis, len(x.Type.Shape))
	if err != nil {
		return nil, err
	}
	lens, known := constInts(n.In, 1)
	if known {
		if lens, err = s.parts(lens, x.Type.Shape[axis]); err != nil {
			return nil, err
		}
	}
	out := make([]*ir.Value, len(n.Out))
	steps := slices.Repeat([]int{1}, len(x.Type.Shape))
	at := 0
	for i, v := range n.Out {
		switch {
		case v == nil && known:
			at += lens[i]
			continue
		case v == nil:
			return nil, fmt.Errorf("output %d is omitted: the length of that part must be known; name it", i)
		}
		shape := v.Type.Shape
		starts := make([]int, len(shape))
		starts[axis] = at
		if known {
			out[i] = low.Slice(b, x, starts, steps, shape)
		} else {
			start := b.Ints(at)
			length := low.Slice(b, n.In[1], []int{i}, []int{1}, []int{1})
			k := &low.Kernel{Fn: "sliceAxes", Of: &Slice{}, Types: low.TypeList{v.Type}, Args: low.Args{shapeOf(x), shapeOf(v)}}
			out[i] = b.Add(k, x, start, low.Elementwise(b, "add(x0,x1)", start, length), b.Ints(axis))
		}
		at += shape[axis]
	}
	return out, nil
}
