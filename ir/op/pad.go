package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var pad = []Def{
	{Name: "Pad", Since: 25, From: 11, In: Arity{2, 4}, Out: Arity{1, 1}, Types: []Types{Any, Int64s, Any, Indices}, Proto: &Pad{}},
	{Name: "Pad", Since: 2, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		attrInts(b, n, "pads", 1)
		if !has(n.In, 1) {
			return nil, errors.New("attribute pads is required")
		}
		if v := Take(n, "value", float32(0)); v != 0 {
			n.In = append(n.In, b.Const(ir.FromFloats(n.In[0].Type.DType, nil, []float64{float64(v)})))
		}
		return nil, nil
	}},
	{Name: "Pad", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		if p, ok := n.Attrs["paddings"]; ok {
			delete(n.Attrs, "paddings")
			n.Attrs["pads"] = p
		}
		return nil, nil
	}},
	{Name: "CenterCropPad", Since: 18, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Indices}, Proto: &CenterCropPad{}},
	{Name: "Tile", Since: 13, From: 6, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any, Int64s}, Proto: &Tile{}},
	{Name: "Tile", Since: 1, In: Arity{3, 3}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: upgradeTile},
}

// Pad is https://onnx.ai/onnx/operators/onnx__Pad.html, version 25. Its inputs are the value, the numbers of elements
// to add before and after the axes (negative ones crop), the constant to add, default zero, and the axes, default all.
// The other modes read what is left after cropping.
type Pad struct {
	Mode string `onnx:"mode,constant"` // constant, reflect, edge or wrap
}

// Name is the operator's ONNX name.
func (*Pad) Name() string { return "Pad" }

// Infer adds to the dimensions.
func (p *Pad) Infer(in []*ir.Value) ([]ir.Type, error) {
	switch p.Mode {
	case "constant", "reflect", "edge", "wrap":
	default:
		return nil, fmt.Errorf("mode %q, it must be constant, reflect, edge or wrap", p.Mode)
	}
	x := in[0].Type
	if has(in, 2) {
		if err := sameElements(in[0], in[2]); err != nil {
			return nil, err
		}
		if v := in[2].Type; v.Static() && v.Len() != 1 {
			return nil, fmt.Errorf("constant_value %v is %v, it must be one element", in[2], v)
		}
	}
	if x.NoRank {
		return noRank(x.DType), nil
	}
	pads, ok := constInts(in, 1)
	axes, axesOK := constInts(in, 3)
	shape := slices.Clone(x.Shape)
	if !axesOK || !ok && !has(in, 3) {
		return oneType(x.DType, unknown(len(shape))), nil
	}
	if !has(in, 3) {
		axes = allAxes(len(shape))
	}
	axes, err := eachAxis(axes, len(shape))
	if err != nil {
		return nil, err
	}
	if !ok {
		for _, a := range axes {
			shape[a] = -1
		}
		return oneType(x.DType, shape), nil
	}
	if len(pads) != 2*len(axes) {
		return nil, fmt.Errorf("%d pads for %d axes, it must be two for each", len(pads), len(axes))
	}
	for i, a := range axes {
		if shape[a] < 0 {
			continue
		}
		if _, _, shape[a], err = padded(p.Mode, x.Shape[a], pads[i], pads[len(axes)+i]); err != nil {
			return nil, fmt.Errorf("axis %d: %w", a, err)
		}
	}
	return oneType(x.DType, shape), nil
}

// maxPad bounds what padding adds to an axis and how often one is repeated.
const maxPad = 1 << 30

// padded returns what cropping leaves of an axis of length d, elements [lo, hi), and its length after padding.
func padded(mode string, d, before, after int) (lo, hi, n int, err error) {
	if before < -maxPad || before > maxPad || after < -maxPad || after > maxPad {
		return 0, 0, 0, fmt.Errorf("pads %d and %d are too large", before, after)
	}
	lo, hi = max(0, -before), d-max(0, -after)
	if hi < lo {
		return 0, 0, 0, fmt.Errorf("pads %d and %d of length %d", before, after, d)
	}
	if mode != "constant" && hi == lo && (before > 0 || after > 0) {
		return 0, 0, 0, fmt.Errorf("pads %d and %d in mode %s of an axis of which nothing is left", before, after, mode)
	}
	return lo, hi, hi - lo + max(0, before) + max(0, after), nil
}

// padMap lists the elements of an axis of length d after padding, negative where the constant goes.
func padMap(mode string, d, before, after int) ([]int, error) {
	lo, hi, n, err := padded(mode, d, before, after)
	if err != nil {
		return nil, err
	}
	left := hi - lo
	m := make([]int, n)
	for i := range m {
		o := i - max(0, before)
		switch {
		case o >= 0 && o < left:
		case mode == "edge":
			o = min(max(o, 0), left-1)
		case mode == "wrap":
			o = (o%left + left) % left
		case mode == "reflect" && left == 1:
			o = 0
		case mode == "reflect":
			period := 2 * (left - 1)
			o = (o%period + period) % period
			if o >= left {
				o = period - o
			}
		default:
			m[i] = -1
			continue
		}
		m[i] = lo + o
	}
	return m, nil
}

func (p *Pad) maps(shape, pads, axes []int) ([][]int, error) {
	if axes == nil {
		axes = allAxes(len(shape))
	}
	axes, err := eachAxis(axes, len(shape))
	if err != nil {
		return nil, err
	}
	if len(pads) != 2*len(axes) {
		return nil, fmt.Errorf("%d pads for %d axes, it must be two for each", len(pads), len(axes))
	}
	maps := identityMaps(shape)
	for i, a := range axes {
		if maps[a], err = padMap(p.Mode, shape[a], pads[i], pads[len(axes)+i]); err != nil {
			return nil, fmt.Errorf("axis %d: %w", a, err)
		}
	}
	return maps, nil
}

// Eval picks the elements and fills in the constant.
func (p *Pad) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	maps, err := p.maps(in[0].Shape, in[1].IntsAsInt(), intsAt(in, 3))
	if err != nil {
		return nil, err
	}
	var fill *ir.Tensor
	if has(in, 2) {
		fill = in[2]
	}
	return []*ir.Tensor{pick(in[0], maps, fill)}, nil
}

// Lower moves; operands that are known only at run time go to a kernel.
func (p *Pad) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	pads, ok := constInts(n.In, 1)
	axes, axesOK := constInts(n.In, 3)
	if ok && axesOK && (!has(n.In, 2) || n.In[2].Const != nil) {
		maps, err := p.maps(n.In[0].Type.Shape, pads, axes)
		if err != nil {
			return nil, err
		}
		var fill *ir.Tensor
		if has(n.In, 2) {
			fill = n.In[2].Const.Reshape()
		}
		if v := lowPick(b, n.In[0], maps, fill, n.Out[0].Type.Shape); v != nil {
			return one(v)
		}
	}
	kernel := []string{"padZero", "padValue", "padAxes"}[len(n.In)-2]
	return call(b, n, kernel, shapeOf(n.In[0]), shapeOf(n.Out[0]), p.Mode)
}

// CenterCropPad is https://onnx.ai/onnx/operators/onnx__CenterCropPad.html, version 18.
type CenterCropPad struct {
	Axes []int `onnx:"axes"` // nil: all
}

// Name is the operator's ONNX name.
func (*CenterCropPad) Name() string { return "CenterCropPad" }

func (c *CenterCropPad) axes(rank int) ([]int, error) {
	if c.Axes == nil {
		return allAxes(rank), nil
	}
	return eachAxis(c.Axes, rank)
}

// Infer sets the dimensions of the axes to the wanted ones.
func (c *CenterCropPad) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return noRank(x.DType), nil
	}
	axes, err := c.axes(len(x.Shape))
	if err != nil {
		return nil, err
	}
	n, err := vectorLen(in[1], "the shape")
	if err != nil {
		return nil, err
	}
	if n >= 0 && n != len(axes) {
		return nil, fmt.Errorf("the shape has %d elements for %d axes", n, len(axes))
	}
	want, ok := constInts(in, 1)
	shape := slices.Clone(x.Shape)
	for i, a := range axes {
		if shape[a] = -1; ok {
			if shape[a] = want[i]; want[i] < 0 {
				return nil, fmt.Errorf("dimension %d of the shape %v", want[i], want)
			}
		}
	}
	return oneType(x.DType, shape), nil
}

// maps keeps the middle or surrounds it with zeros; an odd element goes to the end.
func (c *CenterCropPad) maps(shape, want []int) ([][]int, error) {
	axes, err := c.axes(len(shape))
	if err != nil {
		return nil, err
	}
	if len(axes) != len(want) {
		return nil, fmt.Errorf("the shape has %d elements for %d axes", len(want), len(axes))
	}
	maps := identityMaps(shape)
	for i, a := range axes {
		d, w := shape[a], want[i]
		if w < 0 {
			return nil, fmt.Errorf("dimension %d of the shape %v", w, want)
		}
		if w <= d {
			maps[a] = counting((d-w)/2, 1, w)
			continue
		}
		maps[a] = slices.Repeat([]int{-1}, w)
		for k := range d {
			maps[a][(w-d)/2+k] = k
		}
	}
	return maps, nil
}

// Eval picks the elements.
func (c *CenterCropPad) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	maps, err := c.maps(in[0].Shape, in[1].IntsAsInt())
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{pick(in[0], maps, nil)}, nil
}

// Lower moves; a shape that is known only at run time is compared with the declared one.
func (c *CenterCropPad) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0]
	want, ok := constInts(n.In, 1)
	if !ok {
		axes, err := c.axes(len(x.Type.Shape))
		if err != nil {
			return nil, err
		}
		return call(b, n, "centerCropPad", shapeOf(x), shapeOf(n.Out[0]), axes)
	}
	maps, err := c.maps(x.Type.Shape, want)
	if err != nil {
		return nil, err
	}
	return one(lowPick(b, x, maps, nil, n.Out[0].Type.Shape))
}

// Tile is https://onnx.ai/onnx/operators/onnx__Tile.html, version 13.
type Tile struct{}

// upgradeTile makes a list of repeats of version 1's number of tiles along one axis.
func upgradeTile(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	x := n.In[0].Type
	tiles, ok := constInts(n.In, 1)
	axes, ok2 := constInts(n.In, 2)
	if !ok || !ok2 || x.NoRank || len(tiles) != 1 || len(axes) != 1 {
		return nil, errors.New("inputs tiles and axis of Tile-1 must be constant scalars")
	}
	axis, err := axisOf(axes[0], len(x.Shape))
	if err != nil {
		return nil, err
	}
	repeats := slices.Repeat([]int{1}, len(x.Shape))
	repeats[axis] = tiles[0]
	n.In = []*ir.Value{n.In[0], b.Ints(repeats...)}
	return nil, nil
}

// Name is the operator's ONNX name.
func (*Tile) Name() string { return "Tile" }

// Infer multiplies the dimensions.
func (t *Tile) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	n, err := vectorLen(in[1], "the list of repeats")
	if err != nil {
		return nil, err
	}
	if x.NoRank {
		return noRank(x.DType), nil
	}
	if n >= 0 && n != len(x.Shape) {
		return nil, fmt.Errorf("%d repeats of %v", n, x)
	}
	repeats, ok := constInts(in, 1)
	if !ok {
		return oneType(x.DType, unknown(len(x.Shape))), nil
	}
	shape := slices.Clone(x.Shape)
	for i, r := range repeats {
		if r < 0 || r > maxPad {
			return nil, fmt.Errorf("%d repeats of axis %d", r, i)
		}
		shape[i] = times(shape[i], r)
	}
	return oneType(x.DType, shape), nil
}

// Eval repeats.
func (t *Tile) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	maps := identityMaps(in[0].Shape)
	repeats := in[1].IntsAsInt()
	if len(repeats) != len(maps) {
		return nil, fmt.Errorf("%d repeats of %v", len(repeats), in[0].Type())
	}
	for i, r := range repeats {
		if r < 0 || r > maxPad {
			return nil, fmt.Errorf("%d repeats of axis %d", r, i)
		}
		maps[i] = slices.Repeat(maps[i], r)
	}
	return []*ir.Tensor{pick(in[0], maps, nil)}, nil
}

// Lower moves one box that has the repeats as axes of their own.
func (t *Tile) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x, y := n.In[0], n.Out[0]
	repeats, ok := constInts(n.In, 1)
	if !ok {
		return call(b, n, "tile", shapeOf(x), shapeOf(y))
	}
	var p low.Part
	own, out := ir.Strides(x.Type.Shape), ir.Strides(y.Type.Shape)
	for i, r := range repeats {
		d := x.Type.Shape[i]
		p.Dims = append(p.Dims, r, d)
		p.OutStrides = append(p.OutStrides, d*out[i], out[i])
		p.InStrides = append(p.InStrides, 0, own[i])
	}
	return one(b.Add(&low.Move{Shape: y.Type.Shape, Parts: low.Parts{p}}, x))
}
