package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// MaxUnpool is https://onnx.ai/onnx/operators/onnx__MaxUnpool.html, version 22: zeros but for the elements of X, put
// where I says: an index into the tensor that a MaxPool with these attributes gives X for. output_shape can ask for
// more zeros at the end of each axis.
type MaxUnpool struct {
	KernelShape []int `onnx:"kernel_shape"`
	Pads        []int `onnx:"pads"`
	Strides     []int `onnx:"strides"`
}

// Name is the operator's ONNX name.
func (*MaxUnpool) Name() string { return "MaxUnpool" }

// pooledFrom is the shape of the tensor that X was pooled from.
func (o *MaxUnpool) pooledFrom(x []int) ([]int, error) {
	w := Window{AutoPad: "NOTSET", KernelShape: o.KernelShape, Pads: o.Pads, Strides: o.Strides}
	s, err := w.slides(slices.Repeat([]int{-1}, len(x)-2), o.KernelShape, false)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(x[:2])
	for i, a := range s {
		d := -1
		if n := x[2+i]; n >= 0 {
			if d = (n-1)*a.stride - a.before - a.after + a.kernel; d < 0 {
				return nil, fmt.Errorf("spatial axis %d of the result has length %d; see pads", i, d)
			}
		}
		shape = append(shape, d)
	}
	return shape, nil
}

// Infer returns the shape pooled from, or the one asked for.
func (o *MaxUnpool) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return openTypes(x.DType, 1), nil
	}
	if _, err := spatial("X", x); err != nil {
		return nil, err
	}
	if i := in[1].Type; i.Static() && x.Static() && !slices.Equal(i.Shape, x.Shape) {
		return nil, fmt.Errorf("I is %v, X is %v; they must have one shape", i, x)
	}
	shape, err := o.pooledFrom(x.Shape)
	if err != nil || len(in) < 3 || in[2] == nil {
		return []ir.Type{{DType: x.DType, Shape: shape}}, err
	}
	if in[2].Const == nil {
		return []ir.Type{{DType: x.DType, Shape: slices.Repeat([]int{-1}, len(shape))}}, nil
	}
	asked := in[2].Const.IntsAsInt()
	if err := covers(asked, shape); err != nil {
		return nil, err
	}
	return []ir.Type{{DType: x.DType, Shape: asked}}, nil
}

func covers(asked, shape []int) error {
	bad := len(asked) != len(shape)
	for i := 0; !bad && i < len(asked); i++ {
		bad = asked[i] < shape[i]
	}
	if bad {
		return fmt.Errorf("output_shape is %v, wanted at least %v", asked, shape)
	}
	return nil
}

// Eval places one element after the other.
func (o *MaxUnpool) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape, err := o.pooledFrom(in[0].Shape)
	if err != nil {
		return nil, err
	}
	asked := shape
	if len(in) > 2 && in[2] != nil {
		asked = in[2].IntsAsInt()
		if err := covers(asked, shape); err != nil {
			return nil, err
		}
	}
	y := ir.NewTensor(in[0].DType, asked...)
	from, to := ir.Strides(shape), ir.Strides(asked)
	for i, at := range in[1].Ints() {
		if at < 0 || at >= int64(ir.Size(shape)) {
			return nil, fmt.Errorf("index %d at %d leaves the shape %v", at, i, shape)
		}
		p := 0
		for a := range shape {
			p += int(at) / from[a] % shape[a] * to[a]
		}
		y.CopyElem(p, in[0], i)
	}
	return []*ir.Tensor{y}, nil
}

// Lower calls a kernel that checks indices and a run-time output_shape.
func (o *MaxUnpool) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	shape, err := o.pooledFrom(n.In[0].Type.Shape)
	if err != nil {
		return nil, err
	}
	return callWidened(b, n, o, 3, "maxUnpool", shape, n.Out[0].Type.Shape), nil
}

// MaxRoiPool is https://onnx.ai/onnx/operators/onnx__MaxRoiPool.html, version 22: for every region [sample, x1, y1, x2,
// y2] of X [batch, channels, height, width], the maximum in each cell of a grid over it. Corners, times spatial_scale,
// are rounded half away from zero and belong to the region; cell i of n covers floor(i·size/n) to
// ceil((i+1)·size/n); a cell outside of X gives 0. A NaN is the largest.
type MaxRoiPool struct {
	PooledShape  []int   `onnx:"pooled_shape"`
	SpatialScale float32 `onnx:"spatial_scale,1"`
}

// Name is the operator's ONNX name.
func (*MaxRoiPool) Name() string { return "MaxRoiPool" }

// Infer checks shapes.
func (o *MaxRoiPool) Infer(in []*ir.Value) ([]ir.Type, error) {
	x, r := in[0].Type, in[1].Type
	if err := sameTypes(in); err != nil {
		return nil, err
	}
	if len(o.PooledShape) != 2 || o.PooledShape[0] < 1 || o.PooledShape[1] < 1 {
		return nil, fmt.Errorf("attribute pooled_shape is %v, wanted height and width", o.PooledShape)
	}
	t := ir.Type{DType: x.DType, Shape: []int{-1, -1, o.PooledShape[0], o.PooledShape[1]}}
	if !x.NoRank {
		if len(x.Shape) != 4 {
			return nil, fmt.Errorf("X is %v, wanted [batch, channels, height, width]", x)
		}
		t.Shape[1] = x.Shape[1]
	}
	if !r.NoRank {
		if len(r.Shape) != 2 || r.Shape[1] >= 0 && r.Shape[1] != 5 {
			return nil, fmt.Errorf("rois is %v, wanted [regions, 5]", r)
		}
		t.Shape[0] = r.Shape[0]
	}
	return []ir.Type{t}, nil
}

// Eval computes one region after the other.
func (o *MaxRoiPool) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, rois := in[0].Floats(), in[1].Floats()
	batch, channels, height, width := in[0].Shape[0], in[0].Shape[1], in[0].Shape[2], in[0].Shape[3]
	var y []float64
	for r := range in[1].Shape[0] {
		roi := rois[r*5:][:5]
		sample := int(roi[0])
		if sample < 0 || sample >= batch {
			return nil, fmt.Errorf("region %d is of sample %d, there are %d", r, sample, batch)
		}
		var c [4]int
		for i := range c {
			c[i] = int(math.Round(roi[1+i] * float64(o.SpatialScale)))
		}
		for ch := range channels {
			plane := x[(sample*channels+ch)*height*width:][:height*width]
			for i := range o.PooledShape[0] {
				y0, y1 := cell(i, o.PooledShape[0], c[1], c[3], height)
				for j := range o.PooledShape[1] {
					x0, x1 := cell(j, o.PooledShape[1], c[0], c[2], width)
					y = append(y, boxMax(plane, width, y0, y1, x0, x1))
				}
			}
		}
	}
	shape := []int{in[1].Shape[0], channels, o.PooledShape[0], o.PooledShape[1]}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, shape, y)}, nil
}

// cell is the range that cell i of n covers, from lo to hi inclusive, clipped to a length.
func cell(i, n, lo, hi, length int) (int, int) {
	size := max(hi-lo+1, 1)
	return min(max(lo+i*size/n, 0), length), min(max(lo+((i+1)*size+n-1)/n, 0), length)
}

func boxMax(plane []float64, width, y0, y1, x0, x1 int) float64 {
	if y0 >= y1 || x0 >= x1 {
		return 0
	}
	m := math.Inf(-1)
	for y := y0; y < y1; y++ {
		for _, v := range plane[y*width+x0 : y*width+x1] {
			if v > m || v != v {
				m = v
			}
		}
	}
	return m
}

// Lower calls a kernel that checks the sample numbers.
func (o *MaxRoiPool) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return callWidened(b, n, o, 2, "maxRoiPool", n.In[0].Type.Shape, n.Out[0].Type.Shape, float64(o.SpatialScale)), nil
}
