package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// The reductions: https://onnx.ai/onnx/operators/onnx__ReduceNAME.html, version 13 of ReduceSum, 20 of ReduceMax and
// ReduceMin, 18 of the others. Before, the axes were an attribute.
var reduce = slices.Concat(
	reduceDefs("ReduceSum", 13, Numbers), reduceDefs("ReduceMean", 18, Numbers), reduceDefs("ReduceProd", 18, Numbers),
	reduceDefs("ReduceMax", 20, Numbers|Bools), reduceDefs("ReduceMin", 20, Numbers|Bools),
	reduceDefs("ReduceL1", 18, Numbers), reduceDefs("ReduceL2", 18, Numbers), reduceDefs("ReduceSumSquare", 18, Numbers),
	reduceDefs("ReduceLogSum", 18, Numbers), reduceDefs("ReduceLogSumExp", 18, Numbers),
)

func reduceDefs(name string, since int, types Types) []Def {
	from := min(since, 18)
	return []Def{
		{Name: name, Since: since, From: from, In: Arity{1, 2}, Out: Arity{1, 1}, Types: []Types{types, Int64s}, Proto: &Reduce{name: name}},
		{Name: name, Since: from - 1, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{types},
			Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
				attrInts(b, n, "axes", 1)
				return nil, nil
			}},
	}
}

// Reduce combines the elements along axes; without any, along all, or not at all with NoopWithEmptyAxes. Integer sums
// keep the low bits; means, roots and logarithms of integers are truncated.
type Reduce struct {
	KeepDims          bool `onnx:"keepdims,1"`
	NoopWithEmptyAxes bool `onnx:"noop_with_empty_axes,0"`
	name              string
}

// Name is the operator's ONNX name.
func (o *Reduce) Name() string { return o.name }

// Infer drops the axes or makes them 1.
func (o *Reduce) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return noRank(x.DType), nil
	}
	if axes, ok := constInts(in, 1); ok {
		axes, err := o.axes(axes, len(x.Shape))
		if err != nil {
			return nil, err
		}
		return oneType(x.DType, dropAxes(x.Shape, axes, o.KeepDims)), nil
	}
	n, err := axesLen(in[1])
	switch {
	case err != nil:
		return nil, err
	case o.KeepDims:
		return oneType(x.DType, unknown(len(x.Shape))), nil
	case n > 0 && n <= len(x.Shape):
		return oneType(x.DType, unknown(len(x.Shape)-n)), nil
	}
	return noRank(x.DType), nil
}

// axes returns the axes to reduce, in order.
func (o *Reduce) axes(axes []int, rank int) ([]int, error) {
	if len(axes) > 0 {
		return axesOf(axes, rank)
	}
	if o.NoopWithEmptyAxes {
		return nil, nil
	}
	return allAxes(rank), nil
}

// dropAxes removes dimensions or makes them 1.
func dropAxes(shape, axes []int, keep bool) []int {
	out := []int{}
	for i, d := range shape {
		switch {
		case !slices.Contains(axes, i):
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

// rows lists for every element of the reduction of a tensor of the given shape the elements that it combines.
func rows(shape, axes []int) [][]int {
	out := make([][]int, ir.Size(dropAxes(shape, axes, false)))
	to := ir.Strides(dropAxes(shape, axes, true))
	for _, a := range axes {
		to[a] = 0
	}
	i := 0
	eachIndex(shape, func(idx []int) {
		at := dot(idx, to)
		out[at] = append(out[at], i)
		i++
	})
	return out
}

// Eval combines the elements of each row in order.
func (o *Reduce) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	axes, err := o.axes(intsAt(in, 1), len(x.Shape))
	if err != nil {
		return nil, err
	}
	d, shape := x.DType, dropAxes(x.Shape, axes, o.KeepDims)
	rows := rows(x.Shape, axes)
	switch {
	case o.exact(d) && d == ir.Uint64:
		y := reduceRows(o.name, ir.Data[uint64](x), rows, 0, math.MaxUint64)
		return []*ir.Tensor{ir.Of(d, shape, means(o, y, rows, quo[uint64]))}, nil
	case o.exact(d):
		lo, hi := int64(0), int64(1)
		if d != ir.Bool {
			lo, hi = d.IntRange()
		}
		y := reduceRows(o.name, x.Ints(), rows, lo, hi)
		return []*ir.Tensor{ir.FromInts(d, shape, means(o, y, rows, quo[int64]))}, nil
	}
	y := reduceRows(o.name, x.Floats(), rows, math.Inf(-1), math.Inf(1))
	return []*ir.Tensor{ir.FromFloats(d, shape, means(o, y, rows, func(a, b float64) float64 { return a / b }))}, nil
}

// exact reports whether o is computed with integers.
func (o *Reduce) exact(d ir.DType) bool {
	return !d.IsFloat() && o.name != "ReduceL2" && o.name != "ReduceLogSum" && o.name != "ReduceLogSumExp"
}

func reduceRows[T scalar](name string, x []T, rows [][]int, lo, hi T) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		acc := map[string]T{"ReduceProd": 1, "ReduceMax": lo, "ReduceMin": hi}[name]
		top := 0.0 // of ReduceLogSumExp
		if name == "ReduceLogSumExp" {
			top = math.Inf(-1)
			for _, j := range row {
				top = larger(top, float64(x[j]))
			}
			if math.IsInf(top, 0) {
				top = 0
			}
		}
		for _, j := range row {
			acc = reduceStep(name, acc, x[j], top)
		}
		switch f := float64(acc); name {
		case "ReduceL2":
			acc = T(math.Sqrt(f))
		case "ReduceLogSum":
			acc = T(low.Log64(f))
		case "ReduceLogSumExp":
			acc = T(low.Log64(f) + top)
		}
		out[i] = acc
	}
	return out
}

// means divides sums by the number of elements, if it is means that are wanted.
func means[T scalar](o *Reduce, y []T, rows [][]int, div func(a, b T) T) []T {
	if o.name == "ReduceMean" {
		for i, row := range rows {
			y[i] = div(y[i], T(len(row)))
		}
	}
	return y
}

func reduceStep[T scalar](name string, acc, x T, top float64) T {
	switch name {
	case "ReduceProd":
		return T(acc * x)
	case "ReduceMax":
		return larger(x, acc)
	case "ReduceMin":
		return smaller(x, acc)
	case "ReduceL1":
		if x < 0 {
			x = -x
		}
		return acc + x
	case "ReduceL2", "ReduceSumSquare":
		return acc + T(x*x)
	case "ReduceLogSumExp":
		return acc + T(low.Exp64(float64(x)-top))
	}
	return acc + x
}

// lowReductions are the reductions that package low has.
var lowReductions = map[string]string{
	"ReduceSum": "sum", "ReduceMean": "mean", "ReduceProd": "prod", "ReduceMax": "max", "ReduceMin": "min",
	"ReduceL1": "l1", "ReduceL2": "l2", "ReduceSumSquare": "sumsquare",
}

// Lower makes a Reduce, with Maps around it for logarithms. Run-time axes go to a kernel.
func (o *Reduce) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	d := x.Type.DType
	if !o.exact(d) && !d.IsFloat() { // an irrational function of integers
		y, err := o.lower(b, n, castTo(b, x, ir.Float64))
		if err != nil {
			return nil, err
		}
		return one(castTo(b, y, d))
	}
	y, err := o.lower(b, n, x)
	return []*ir.Value{y}, err
}

func (o *Reduce) lower(b *ir.Builder, n *ir.Node, x *ir.Value) (*ir.Value, error) {
	list, ok := constInts(n.In, 1)
	if !ok {
		return o.lowerRuntime(b, n, x)
	}
	axes, err := o.axes(list, len(x.Type.Shape))
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		if expr := map[string]string{"ReduceL1": "abs(x0)", "ReduceL2": "abs(x0)", "ReduceSumSquare": "mul(x0,x0)", "ReduceLogSum": "log(x0)"}[o.name]; expr != "" {
			return low.Elementwise(b, expr, x), nil
		}
		return low.Copy(b, x, x.Type.Shape...), nil
	}
	reduce := func(fn string, x *ir.Value, keep bool) *ir.Value { return low.ReduceAxes(b, fn, x, axes, keep) }
	switch o.name {
	case "ReduceLogSum":
		return low.Elementwise(b, "log(x0)", reduce("sum", x, o.KeepDims)), nil
	case "ReduceLogSumExp":
		top := low.Elementwise(b, "where(isinf(x0),0,x0)", reduce("max", x, true))
		sum := reduce("sum", low.Elementwise(b, "exp(sub(x0,x1))", x, top), true)
		return withLowShape(b, low.Elementwise(b, "add(log(x0),x1)", sum, top), n.Out[0].Type.Shape), nil
	}
	return reduce(lowReductions[o.name], x, o.KeepDims), nil
}

// withLowShape copies x into another shape unless it has it.
func withLowShape(b *ir.Builder, x *ir.Value, shape []int) *ir.Value {
	if slices.Equal(x.Type.Shape, shape) {
		return x
	}
	return low.Copy(b, x, shape...)
}

// lowerRuntime calls a kernel that reduces along run-time axes in the order of Eval, float16 and bfloat16 by way of
// float32.
func (o *Reduce) lowerRuntime(b *ir.Builder, n *ir.Node, x *ir.Value) (*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	d := x.Type.DType
	wide := x
	if d == ir.Float16 || d == ir.BFloat16 {
		wide = castTo(b, x, ir.Float32)
	}
	if d == ir.Bool {
		wide = castTo(b, x, ir.Uint8)
	}
	if r := len(x.Type.Shape); r > maxRank {
		return nil, fmt.Errorf("reduction of %d dimensions along run-time axes: library kernels take up to %d", r, maxRank)
	}
	fn := "reduceFloats"
	if wide.Type.DType.IsInt() {
		fn = "reduceInts"
	}
	t := n.Out[0].Type
	t.DType = wide.Type.DType
	y := callOn(b, n.Op, fn, t, []*ir.Value{wide, n.In[1]}, o.name, shapeOf(x), shapeOf(n.Out[0]), o.KeepDims, o.NoopWithEmptyAxes)
	return castTo(b, y, d), nil
}
