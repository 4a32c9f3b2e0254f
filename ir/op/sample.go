package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var sample = []Def{
	{Name: "GridSample", Since: 22, From: 20, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Numbers, Floats}, Proto: &GridSample{}},
	{Name: "GridSample", Since: 16, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Numbers, Floats}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		switch mode := Take(n, "mode", "bilinear"); mode {
		case "bilinear", "bicubic":
			n.Attrs["mode"] = map[string]string{"bilinear": "linear", "bicubic": "cubic"}[mode]
		default:
			n.Attrs["mode"] = mode
		}
		return nil, nil
	}},
	{Name: "AffineGrid", Since: 20, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Floats, Int64s}, Proto: &AffineGrid{}},
	{Name: "RoiAlign", Since: 22, From: 16, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Floats, Floats, Int64s}, Proto: &RoiAlign{}},
	{Name: "RoiAlign", Since: 10, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Floats, Floats, Int64s}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		n.Attrs["coordinate_transformation_mode"] = "output_half_pixel"
		return nil, nil
	}},
}

// GridSample is https://onnx.ai/onnx/operators/onnx__GridSample.html, version 22: it reads [N, C, axes...] at the
// coordinates that the grid, [N, results..., number of axes], lists last axis first, -1 to 1 being the extent.
//
// All arithmetic is in float64. A result is the weighted sum along the first axis, indices increasing, of the weighted
// sums along the axes after it; what lies outside in padding zeros counts as 0. A coordinate that is NaN lies outside
// before the first element, one beyond 2^31 at 2^31. Integers truncate.
type GridSample struct {
	Align   bool   `onnx:"align_corners,0"`
	Mode    string `onnx:"mode,linear"`        // linear, nearest (halves to even) or cubic
	Padding string `onnx:"padding_mode,zeros"` // zeros, border or reflection
}

// Name is the operator's ONNX name.
func (*GridSample) Name() string { return "GridSample" }

// Infer takes the batch and the channels from the input and the rest from the grid.
func (g *GridSample) Infer(in []*ir.Value) ([]ir.Type, error) {
	if !slices.Contains([]string{"linear", "nearest", "cubic"}, g.Mode) {
		return nil, fmt.Errorf("mode %q, it must be linear, nearest or cubic", g.Mode)
	}
	if !slices.Contains([]string{"zeros", "border", "reflection"}, g.Padding) {
		return nil, fmt.Errorf("padding_mode %q, it must be zeros, border or reflection", g.Padding)
	}
	x, at := in[0].Type, in[1].Type
	if x.NoRank || at.NoRank {
		return noRank(x.DType), nil
	}
	r := len(x.Shape)
	if r < 3 || len(at.Shape) != r {
		return nil, fmt.Errorf("%v and a grid of %v, they must be [N, C, axes...] and [N, results..., axes]", x, at)
	}
	if k := at.Shape[r-1]; k >= 0 && k != r-2 || x.Shape[0] >= 0 && at.Shape[0] >= 0 && x.Shape[0] != at.Shape[0] {
		return nil, fmt.Errorf("%v and a grid of %v, they must be [N, C, axes...] and [N, results..., axes]", x, at)
	}
	shape := slices.Concat(x.Shape[:2], at.Shape[1:r-1])
	if x.Static() && ir.Size(x.Shape[2:]) == 0 && times(shape...) != 0 {
		return nil, fmt.Errorf("%v has no elements to read", x)
	}
	return oneType(x.DType, shape), nil
}

// locate turns a coordinate of the grid into one of an axis of length d.
func (g *GridSample) locate(n float64, d int) float64 {
	x := (float64((n+1)*float64(d)) - 1) / 2
	if g.Align {
		x = (n + 1) / 2 * float64(d-1)
	}
	if x != x {
		return -10
	}
	x = min(max(x, -1<<31), 1<<31)
	if g.Mode == "nearest" {
		x = math.RoundToEven(x)
	}
	switch g.Padding {
	case "border":
		x = min(max(x, 0), float64(d-1))
	case "reflection":
		x = g.reflect(x, d)
	}
	return x
}

// reflect mirrors a coordinate at the ends until it lies between them.
func (g *GridSample) reflect(x float64, d int) float64 {
	lo, hi := -0.5, float64(d)-0.5
	if g.Align {
		lo, hi = 0, float64(d-1)
	}
	if hi == lo {
		return lo
	}
	over, from, to := lo-x, lo, hi
	if x > hi {
		over, from, to = x-hi, hi, lo
	}
	if over <= 0 {
		return x
	}
	times := math.Floor(over / (hi - lo))
	rest := over - float64(times*(hi-lo))
	if math.Mod(times, 2) != 0 {
		from, to = to, from
	}
	if from < to {
		return from + rest
	}
	return from - rest
}

// index returns which element of an axis of length d stands at i, -1 for none.
func (g *GridSample) index(i, d int) int {
	switch {
	case g.Padding == "border":
		return min(max(i, 0), d-1)
	case g.Padding == "reflection":
		return min(max(int(g.reflect(float64(i), d)), 0), d-1)
	case i < 0 || i >= d:
		return -1
	}
	return i
}

// weights returns the first element and the weights for coordinate x.
func (g *GridSample) weights(x float64) (first int, w []float64) {
	low := math.Floor(x)
	f := x - low
	switch g.Mode {
	case "nearest":
		return int(low), nil
	case "linear":
		return int(low), []float64{1 - f, f}
	}
	keys := Resize{CubicA: -0.75, Mode: "cubic"}
	for i := -1; i <= 2; i++ {
		w = append(w, keys.filter(float64(i)-f))
	}
	return int(low) - 1, w
}

// Eval reads one channel at one coordinate after the other.
func (g *GridSample) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	t, err := g.Infer([]*ir.Value{{Type: in[0].Type()}, {Type: in[1].Type()}})
	if err != nil {
		return nil, err
	}
	x, where := in[0].Floats(), in[1].Floats()
	dims, k := in[0].Shape[2:], len(in[0].Shape)-2
	strides, results := ir.Strides(dims), ir.Size(t[0].Shape[2:])
	out := make([]float64, 0, t[0].Len())
	first, w := make([]int, k), make([][]float64, k)
	var read func(a, base int, x []float64) float64
	read = func(a, base int, x []float64) float64 {
		if a == k {
			return x[base]
		}
		at := func(i int) float64 {
			if j := g.index(first[a]+i, dims[a]); j >= 0 {
				return read(a+1, base+j*strides[a], x)
			}
			return 0
		}
		if w[a] == nil {
			return at(0)
		}
		sum := 0.0
		for i, v := range w[a] {
			sum += float64(v * at(i))
		}
		return sum
	}
	size := ir.Size(dims)
	for n := range t[0].Shape[0] {
		for c := range t[0].Shape[1] {
			for i := range results {
				for a := range k {
					first[a], w[a] = g.weights(g.locate(where[(n*results+i)*k+k-1-a], dims[a]))
				}
				out = append(out, read(0, 0, x[(n*t[0].Shape[1]+c)*size:][:size]))
			}
		}
	}
	return []*ir.Tensor{ir.FromFloats(t[0].DType, t[0].Shape, out)}, nil
}

// Lower calls a kernel.
func (g *GridSample) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	y := n.Out[0].Type.Shape
	return callWide(b, n, "gridSample", y[0], y[1], ir.Size(y[2:]), append([]int{}, n.In[0].Type.Shape[2:]...), g.Mode, g.Padding, g.Align)
}

// AffineGrid is https://onnx.ai/onnx/operators/onnx__AffineGrid.html, version 20: the coordinates, last axis first,
// that the matrices theta, [N, k, k+1], give those of an image of the size [N, C, axes...]. In float64; a sum begins
// with the last axis and ends with the offset. An axis of length 1 has the coordinate 0 with align_corners.
type AffineGrid struct {
	Align bool `onnx:"align_corners,0"`
}

// Name is the operator's ONNX name.
func (*AffineGrid) Name() string { return "AffineGrid" }

func (g *AffineGrid) fits(theta, size []int) ([]int, error) {
	k := len(size) - 2
	if k != 2 && k != 3 || len(theta) != 3 || theta[1] != k || theta[2] != k+1 || theta[0] != size[0] {
		return nil, fmt.Errorf("theta of shape %v for the size %v, it must be [N, 2, 3] for four dimensions or [N, 3, 4] for five", theta, size)
	}
	for _, d := range size {
		if d < 0 {
			return nil, fmt.Errorf("dimension %d of the size %v", d, size)
		}
	}
	return append(append([]int{size[0]}, size[2:]...), k), nil
}

// Infer returns [N, axes..., number of axes].
func (g *AffineGrid) Infer(in []*ir.Value) ([]ir.Type, error) {
	t := in[0].Type
	n, err := vectorLen(in[1], "the size")
	if err != nil {
		return nil, err
	}
	size, ok := constInts(in, 1)
	switch {
	case ok && t.Static():
		shape, err := g.fits(t.Shape, size)
		return oneType(t.DType, shape), err
	case n >= 2:
		return oneType(t.DType, unknown(n)), nil
	}
	return noRank(t.DType), nil
}

// Eval multiplies one coordinate after the other.
func (g *AffineGrid) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shape, err := g.fits(in[0].Shape, in[1].IntsAsInt())
	if err != nil {
		return nil, err
	}
	theta, k := in[0].Floats(), len(shape)-2
	var out []float64
	eachIndex(shape[:k+1], func(at []int) {
		for row := range k {
			m := theta[(at[0]*k+row)*(k+1):]
			sum := 0.0
			for a := range k {
				sum += float64(m[a] * g.coordinate(at[k-a], shape[k-a]))
			}
			out = append(out, sum+m[k])
		}
	})
	return []*ir.Tensor{ir.FromFloats(in[0].DType, shape, out)}, nil
}

// coordinate of element i of an axis of length d.
func (g *AffineGrid) coordinate(i, d int) float64 {
	switch {
	case g.Align && d == 1:
		return 0
	case g.Align:
		return float64(2*i)/float64(d-1) - 1
	}
	return float64(2*i+1)/float64(d) - 1
}

// Lower calls a kernel.
func (g *AffineGrid) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	shape := shapeOf(n.Out[0])
	if k := len(shape) - 2; len(n.In[0].Type.Shape) != 3 || n.In[0].Type.Shape[0] != shape[0] || n.In[0].Type.Shape[1] != k || n.In[0].Type.Shape[2] != k+1 {
		return nil, errors.New("theta does not fit the declared result")
	}
	return callWide(b, n, "affineGrid", shape, g.Align)
}

// RoiAlign is https://onnx.ai/onnx/operators/onnx__RoiAlign.html, version 22: it pools regions [x1, y1, x2, y2] of
// images [N, C, H, W] into [regions, C, output_height, output_width]. In float64: a sample is the sum of its four
// neighbours times their weights, upper left, upper right, lower left, lower right; an average adds samples row by row.
type RoiAlign struct {
	Transform string  `onnx:"coordinate_transformation_mode,half_pixel"` // or output_half_pixel
	Mode      string  `onnx:"mode,avg"`                                  // max: of the weighted neighbours
	Height    int     `onnx:"output_height,1"`
	Width     int     `onnx:"output_width,1"`
	Samples   int     `onnx:"sampling_ratio,0"` // along each axis of a bin; 0: one for each element
	Scale     float32 `onnx:"spatial_scale,1"`
}

// Name is the operator's ONNX name.
func (*RoiAlign) Name() string { return "RoiAlign" }

// Infer checks shapes.
func (r *RoiAlign) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := sameElements(in[0], in[1]); err != nil {
		return nil, err
	}
	if r.Transform != "half_pixel" && r.Transform != "output_half_pixel" {
		return nil, fmt.Errorf("coordinate_transformation_mode %q, it must be half_pixel or output_half_pixel", r.Transform)
	}
	if r.Mode != "avg" && r.Mode != "max" {
		return nil, fmt.Errorf("mode %q, it must be avg or max", r.Mode)
	}
	if r.Height < 1 || r.Width < 1 || r.Samples < 0 || r.Samples > maxSamples {
		return nil, fmt.Errorf("output_height %d, output_width %d and sampling_ratio %d", r.Height, r.Width, r.Samples)
	}
	x, rois, idx := in[0].Type, in[1].Type, in[2].Type
	if x.NoRank || rois.NoRank || idx.NoRank {
		return oneType(x.DType, []int{-1, -1, r.Height, r.Width}), nil
	}
	if len(x.Shape) != 4 || len(rois.Shape) != 2 || len(idx.Shape) != 1 || rois.Shape[1] >= 0 && rois.Shape[1] != 4 ||
		rois.Shape[0] >= 0 && idx.Shape[0] >= 0 && rois.Shape[0] != idx.Shape[0] {
		return nil, fmt.Errorf("%v, rois %v and batch_indices %v, they must be [N, C, H, W], [R, 4] and [R]", x, rois, idx)
	}
	return oneType(x.DType, []int{max(rois.Shape[0], idx.Shape[0]), x.Shape[1], r.Height, r.Width}), nil
}

// maxSamples bounds the samples along an axis of a bin.
const maxSamples = 1 << 12

// samples is the number of samples along an axis of a bin of the given length.
func (r *RoiAlign) samples(bin float64) (int, error) {
	if r.Samples > 0 {
		return r.Samples, nil
	}
	n := math.Ceil(bin)
	if !(n <= maxSamples) {
		return 0, fmt.Errorf("a bin of length %v, at most %d is supported", bin, maxSamples)
	}
	return int(max(n, 0)), nil
}

// Eval pools one bin after the other.
func (r *RoiAlign) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, rois, idx := in[0].Floats(), in[1].Floats(), in[2].Ints()
	batch, ch, h, w := in[0].Shape[0], in[0].Shape[1], in[0].Shape[2], in[0].Shape[3]
	var out []float64
	for n, i := range idx {
		if i < 0 || i >= int64(batch) {
			return nil, fmt.Errorf("batch index %d of %d images", i, batch)
		}
		offset := 0.0
		if r.Transform == "half_pixel" {
			offset = 0.5
		}
		var c [4]float64
		for k := range c {
			c[k] = float64(rois[4*n+k]*float64(r.Scale)) - offset
		}
		width, height := c[2]-c[0], c[3]-c[1]
		if r.Transform != "half_pixel" {
			width, height = max(width, 1), max(height, 1)
		}
		binH, binW := height/float64(r.Height), width/float64(r.Width)
		rows, err := r.samples(binH)
		if err != nil {
			return nil, err
		}
		cols, err := r.samples(binW)
		if err != nil {
			return nil, err
		}
		for k := range ch {
			image := x[(int(i)*ch+k)*h*w:][:h*w]
			for ph := range r.Height {
				for pw := range r.Width {
					acc := 0.0
					for iy := range rows {
						y := c[1] + float64(float64(ph)*binH) + float64((float64(iy)+0.5)*binH)/float64(rows)
						for ix := range cols {
							x := c[0] + float64(float64(pw)*binW) + float64((float64(ix)+0.5)*binW)/float64(cols)
							v := r.sample(image, h, w, y, x)
							if r.Mode == "avg" {
								acc += v[0] + v[1] + v[2] + v[3]
							} else if m := max(v[0], v[1], v[2], v[3]); iy+ix == 0 || m > acc {
								acc = m
							}
						}
					}
					if r.Mode == "avg" {
						acc /= float64(max(rows*cols, 1))
					}
					out = append(out, acc)
				}
			}
		}
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, []int{len(idx), ch, r.Height, r.Width}, out)}, nil
}

// sample returns the neighbours of a point times their weights; a point more than 1 outside has none.
func (r *RoiAlign) sample(image []float64, h, w int, y, x float64) (v [4]float64) {
	if !(y >= -1 && y <= float64(h) && x >= -1 && x <= float64(w)) || h == 0 || w == 0 {
		return v
	}
	y0, y1, ly := r.between(y, h)
	x0, x1, lx := r.between(x, w)
	hy, hx := 1-ly, 1-lx
	return [4]float64{
		float64(float64(hy*hx) * image[y0*w+x0]), float64(float64(hy*lx) * image[y0*w+x1]),
		float64(float64(ly*hx) * image[y1*w+x0]), float64(float64(ly*lx) * image[y1*w+x1]),
	}
}

// between returns the neighbours of a coordinate of an axis of length d and the weight of the second.
func (r *RoiAlign) between(x float64, d int) (lo, hi int, f float64) {
	x = max(x, 0)
	lo = int(x)
	if lo >= d-1 {
		return d - 1, d - 1, 0
	}
	return lo, lo + 1, x - float64(lo)
}

// Lower calls a kernel.
func (r *RoiAlign) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return callWide(b, n, "roiAlign", shapeOf(n.In[0]), r.Height, r.Width, r.Samples, float64(r.Scale), r.Transform == "half_pixel", r.Mode == "max")
}
