package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var resize = []Def{
	{Name: "Resize", Since: 19, From: 13, In: Arity{1, 4}, Out: Arity{1, 1}, Types: resizeTypes, Proto: &Resize{}},
	{Name: "Resize", Since: 11, In: Arity{3, 4}, Out: Arity{1, 1}, Types: resizeTypes, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		if n.Attrs["coordinate_transformation_mode"] == "tf_half_pixel_for_nn" {
			return nil, errors.New("coordinate_transformation_mode tf_half_pixel_for_nn, which only opset 11 has, is not supported; export for opset 13")
		}
		return nil, nil
	}},
	{Name: "Resize", Since: 10, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Of(ir.Float32)}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		n.In = []*ir.Value{n.In[0], nil, n.In[1]}
		n.Attrs["coordinate_transformation_mode"], n.Attrs["nearest_mode"] = "asymmetric", "floor"
		return nil, nil
	}},
	{Name: "Upsample", Since: 9, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Of(ir.Float32)}, Proto: &Upsample{}},
	{Name: "Upsample", Since: 7, In: Arity{1, 1}, Out: Arity{1, 1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		return nil, attrScales(b, n, Take[[]float32](n, "scales", nil))
	}},
	{Name: "Upsample", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		if n.Attrs["mode"] == "bilinear" {
			n.Attrs["mode"] = "linear"
		}
		n.Attrs["scales"] = []float32{1, 1, Take(n, "height_scale", float32(0)), Take(n, "width_scale", float32(0))}
		return nil, nil
	}},
}

var resizeTypes = []Types{Any, Of(ir.Float16, ir.Float32, ir.Float64), Of(ir.Float32), Int64s}

func attrScales(b *ir.Builder, n *Raw, scales []float32) error {
	if scales == nil {
		return errors.New("attribute scales is required")
	}
	n.In = append(n.In[:1:1], b.Const(ir.Of(ir.Float32, []int{len(scales)}, scales)))
	return nil
}

// Resize is https://onnx.ai/onnx/operators/onnx__Resize.html, version 19. Its inputs are the value, the region (for
// tf_crop_and_resize), and either scales or sizes, both for Axes.
//
// All arithmetic is in float64: coordinates as the formulas on that page are written, weights as Keys' (cubic) and
// triangle (linear) filters, divided by their sum where they are cut off or widened. A result is the weighted sum along
// the first axis, indices increasing, of the weighted sums along the axes after it; axes that do not change are left
// out. Integers round half to even and saturate.
type Resize struct {
	Antialias   bool    `onnx:"antialias,0"`
	Axes        []int   `onnx:"axes"` // nil: all
	Transform   string  `onnx:"coordinate_transformation_mode,half_pixel"`
	CubicA      float32 `onnx:"cubic_coeff_a,-0.75"`
	Exclude     bool    `onnx:"exclude_outside,0"`
	Extrapolate float32 `onnx:"extrapolation_value,0"`
	Policy      string  `onnx:"keep_aspect_ratio_policy,stretch"` // stretch, not_larger or not_smaller
	Mode        string  `onnx:"mode,nearest"`                     // nearest, linear or cubic
	Nearest     string  `onnx:"nearest_mode,round_prefer_floor"`
}

// Name is the operator's ONNX name.
func (*Resize) Name() string { return "Resize" }

// given returns an operand that is neither omitted nor empty.
func given(in []*ir.Value, i int) *ir.Value {
	if !has(in, i) || in[i].Type.Static() && in[i].Type.Len() == 0 {
		return nil
	}
	return in[i]
}

func (r *Resize) check(in []*ir.Value) error {
	oneOf := func(attr, v string, of ...string) error {
		if slices.Contains(of, v) {
			return nil
		}
		return fmt.Errorf("%s %q, it must be one of %q", attr, v, of)
	}
	for _, err := range []error{
		oneOf("mode", r.Mode, "nearest", "linear", "cubic"),
		oneOf("coordinate_transformation_mode", r.Transform, "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", crop),
		oneOf("nearest_mode", r.Nearest, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
		oneOf("keep_aspect_ratio_policy", r.Policy, "stretch", "not_larger", "not_smaller"),
	} {
		if err != nil {
			return err
		}
	}
	d := in[0].Type.DType
	switch {
	case (given(in, 2) == nil) == (given(in, 3) == nil):
		return errors.New("either scales or sizes must be given")
	case r.Transform == crop && given(in, 1) == nil:
		return fmt.Errorf("%s needs the input roi", crop)
	case r.Antialias && r.Mode == "nearest":
		return errors.New("antialias with mode nearest; it needs linear or cubic")
	case (r.Mode != "nearest" || r.Transform == crop) && !Numbers.has(d):
		return fmt.Errorf("%s of %v is not supported", r.Mode, d)
	}
	return nil
}

const crop = "tf_crop_and_resize"

func (r *Resize) axes(rank int) ([]int, error) {
	if r.Axes == nil {
		return allAxes(rank), nil
	}
	return eachAxis(r.Axes, rank)
}

// Infer scales the dimensions.
func (r *Resize) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := r.check(in); err != nil {
		return nil, err
	}
	x := in[0].Type
	if x.NoRank {
		return noRank(x.DType), nil
	}
	axes, err := r.axes(len(x.Shape))
	if err != nil {
		return nil, err
	}
	for i, want := range []int{0, 2 * len(axes), len(axes), len(axes)} {
		if v := given(in, i); i > 0 && v != nil {
			if n, err := vectorLen(v, "operand"); err != nil || n >= 0 && n != want {
				return nil, fmt.Errorf("%v is %v, it must have %d elements", v, v.Type, want)
			}
		}
	}
	shape := slices.Clone(x.Shape)
	s, z := given(in, 2), given(in, 3)
	if s != nil && s.Const == nil || z != nil && z.Const == nil || slices.Contains(x.Shape, -1) {
		for _, a := range axes {
			shape[a] = -1
		}
		return oneType(x.DType, shape), nil
	}
	to, err := r.ways(x.Shape, axes, constOf(s), constOf(z))
	if err != nil {
		return nil, err
	}
	for i, a := range axes {
		shape[a] = to[i].out
	}
	return oneType(x.DType, shape), nil
}

func constOf(v *ir.Value) *ir.Tensor {
	if v == nil {
		return nil
	}
	return v.Const
}

// A way is how an axis is resized: to out elements, in theory to width = scale times the elements it has.
type way struct {
	out          int
	scale, width float64
}

// maxResized bounds the length of a resized axis.
const maxResized = 1 << 30

// ways returns what scales or sizes say of the axes.
func (r *Resize) ways(shape, axes []int, scales, sizes *ir.Tensor) ([]way, error) {
	out := make([]way, len(axes))
	if scales != nil {
		for i, s := range scales.Floats() {
			w := s * float64(shape[axes[i]])
			if !(s > 0 && w < maxResized) {
				return nil, fmt.Errorf("scale %v of an axis of length %d", s, shape[axes[i]])
			}
			out[i] = way{int(w), s, w}
		}
		return out, nil
	}
	pick := math.Inf(1)
	if r.Policy == "not_smaller" {
		pick = 0
	}
	for i, n := range sizes.IntsAsInt() {
		d := shape[axes[i]]
		if n < 0 || n >= maxResized || d == 0 {
			return nil, fmt.Errorf("size %d of an axis of length %d", n, d)
		}
		s := float64(n) / float64(d)
		out[i] = way{n, s, float64(n)}
		if r.Policy == "not_larger" {
			pick = min(pick, s)
		} else {
			pick = max(pick, s)
		}
	}
	if r.Policy == "stretch" {
		return out, nil
	}
	for i := range out {
		w := float64(pick * float64(shape[axes[i]]))
		if !(w < maxResized) {
			return nil, fmt.Errorf("sizes %v for the shape %v", sizes.IntsAsInt(), shape)
		}
		out[i] = way{int(math.Floor(w + 0.5)), pick, w}
	}
	return out, nil
}

// origin is the coordinate in an axis of length d that element i of the result stands for; from and to are the region.
func (r *Resize) origin(w way, i, d int, from, to float64) float64 {
	x, in := float64(i), float64(d)
	switch r.Transform {
	case "align_corners":
		if w.width == 1 {
			return 0
		}
		return x * (in - 1) / (w.width - 1)
	case "asymmetric":
		return x / w.scale
	case crop:
		if w.width == 1 {
			return float64((to-from)*(in-1)/2) + float64(from*(in-1))
		}
		return float64(x*(to-from)*(in-1)/(w.width-1)) + float64(from*(in-1))
	case "pytorch_half_pixel":
		if w.width == 1 {
			return -0.5
		}
	case "half_pixel_symmetric":
		offset := float64(in / 2 * (1 - float64(w.out)/w.width))
		return offset + (x+0.5)/w.scale - 0.5
	}
	return (x+0.5)/w.scale - 0.5
}

// nearest is the index that a coordinate is rounded to.
func (r *Resize) nearest(x float64) int {
	low := math.Floor(x)
	up := false
	switch frac := x - low; r.Nearest {
	case "round_prefer_floor":
		up = frac > 0.5
	case "round_prefer_ceil":
		up = frac >= 0.5
	case "ceil":
		up = frac > 0
	}
	if up {
		low++
	}
	return int(low)
}

// filter is the weight of an element at distance x from the coordinate, before widening.
func (r *Resize) filter(x float64) float64 {
	a := float64(r.CubicA)
	x = math.Abs(x)
	if r.Mode == "linear" {
		return max(0, 1-x)
	}
	switch {
	case x <= 1:
		return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64((float64(a*x)-float64(5*a))*x)+float64(8*a))*x) - float64(4*a)
	}
	return 0
}

// taps returns the first index and the weights of the elements, those beyond the ends included, that a coordinate of
// an axis of length d is made of.
func (r *Resize) taps(x, scale float64, d int) (first int, weights []float64) {
	shrink, reach := 1.0, 1.0
	if r.Mode == "cubic" {
		reach = 2
	}
	if r.Antialias {
		shrink = min(scale, 1)
	}
	base := int(math.Ceil(x)) - 1
	start := int(math.Floor(-reach/shrink)) + 1
	ratio, sum := x-float64(base), 0.0
	for i := start; i < 2-start; i++ {
		w := r.filter(float64((float64(i) - ratio) * shrink))
		weights = append(weights, w)
		sum += w
	}
	first = base + start
	if r.Antialias {
		divide(weights, sum)
	}
	if r.Exclude {
		sum = 0
		for i := range weights {
			if first+i < 0 || first+i >= d {
				weights[i] = 0
			}
			sum += weights[i]
		}
		divide(weights, sum)
	}
	return first, weights
}

func divide(w []float64, sum float64) {
	if sum == 0 {
		return
	}
	for i := range w {
		w[i] /= sum
	}
}

// Eval resizes one axis after the other, the last one first.
func (r *Resize) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	axes, err := r.axes(len(x.Shape))
	if err != nil {
		return nil, err
	}
	operand := func(i int) *ir.Tensor {
		if has(in, i) && in[i].Len() > 0 {
			return in[i]
		}
		return nil
	}
	ways, err := r.ways(x.Shape, axes, operand(2), operand(3))
	if err != nil {
		return nil, err
	}
	roi := make([]float64, 2*len(axes))
	for i := range axes {
		roi[len(axes)+i] = 1
	}
	if r.Transform == crop {
		roi = operand(1).Floats()
	}
	shape := slices.Clone(x.Shape)
	for i, a := range axes {
		shape[a] = ways[i].out
	}
	if ir.Size(shape) == 0 || x.Len() == 0 {
		if ir.Size(shape) > 0 {
			return nil, fmt.Errorf("%v has no elements to make %v of", x.Type(), shape)
		}
		return []*ir.Tensor{ir.NewTensor(x.DType, shape...)}, nil
	}
	cur, outside := x, make([][]bool, len(x.Shape))
	at := identityMaps(x.Shape) // in mode nearest
	var data []float64
	if r.Mode != "nearest" {
		data = x.Floats()
	}
	dims := slices.Clone(x.Shape)
	for a := len(dims) - 1; a >= 0; a-- {
		i := slices.Index(axes, a)
		if i < 0 {
			continue
		}
		w, d, from, to := ways[i], dims[a], roi[i], roi[len(axes)+i]
		if w.scale == 1 && w.out == d && from == 0 && to == 1 {
			continue
		}
		origins := make([]float64, w.out)
		outside[a] = make([]bool, w.out)
		for k := range origins {
			origins[k] = r.origin(w, k, d, from, to)
			if r.Transform == crop && !(origins[k] >= 0 && origins[k] <= float64(d-1)) {
				outside[a][k], origins[k] = true, 0
			}
		}
		if r.Mode == "nearest" {
			at[a] = make([]int, w.out)
			for k, o := range origins {
				at[a][k] = min(max(r.nearest(o), 0), d-1)
			}
			continue
		}
		data = r.along(data, ir.Size(dims[:a]), d, ir.Size(dims[a+1:]), origins, w.scale)
		dims[a] = w.out
	}
	if r.Mode == "nearest" {
		cur = pick(x, at, nil)
	} else {
		if !x.DType.IsFloat() {
			for i, v := range data {
				data[i] = math.RoundToEven(v)
			}
		}
		cur = ir.FromFloats(x.DType, shape, data)
	}
	return []*ir.Tensor{r.extrapolate(cur, outside)}, nil
}

// along resizes the middle axis of [outer, d, inner].
func (r *Resize) along(x []float64, outer, d, inner int, origins []float64, scale float64) []float64 {
	out := make([]float64, outer*len(origins)*inner)
	for k, o := range origins {
		first, weights := r.taps(o, scale, d)
		for p := range outer {
			for q := range inner {
				sum := 0.0
				for i, w := range weights {
					sum += float64(w * x[(p*d+min(max(first+i, 0), d-1))*inner+q])
				}
				out[(p*len(origins)+k)*inner+q] = sum
			}
		}
	}
	return out
}

// extrapolate sets what lies outside the input along an axis.
func (r *Resize) extrapolate(y *ir.Tensor, outside [][]bool) *ir.Tensor {
	if r.Transform != crop {
		return y
	}
	i := 0
	eachIndex(y.Shape, func(idx []int) {
		for a, k := range idx {
			if outside[a] != nil && outside[a][k] {
				y.SetFloat(i, float64(r.Extrapolate))
				break
			}
		}
		i++
	})
	return y
}

// Lower calls a kernel.
func (r *Resize) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x, y := shapeOf(n.In[0]), shapeOf(n.Out[0])
	axes, err := r.axes(len(x))
	if err != nil {
		return nil, err
	}
	m := *n
	m.In = []*ir.Value{n.In[0], nil, given(n.In, 2), given(n.In, 3)}
	if r.Transform != crop {
		if r.Mode == "nearest" {
			return call(b, &m, "resizeNearest", x, y, axes, r.Transform, r.Nearest, r.Policy)
		}
		return callWide(b, &m, "resize", x, y, axes, r.Mode, r.Transform, r.Policy, float64(r.CubicA), r.Antialias, r.Exclude)
	}
	m.In[1] = n.In[1]
	return callWide(b, &m, "resizeCrop", x, y, axes, r.Mode, r.Nearest, r.Policy, float64(r.CubicA), r.Antialias, r.Exclude, float64(r.Extrapolate))
}
