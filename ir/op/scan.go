package op

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Indices of extremes, and running sums and products.
var scan = []Def{
	{Name: "ArgMax", Since: 13, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &Arg{name: "ArgMax"}},
	{Name: "ArgMin", Since: 13, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &Arg{name: "ArgMin"}},
	{Name: "CumSum", Since: 14, From: 11, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Numbers, Indices}, Proto: &Cumulate{name: "CumSum"}},
	{Name: "CumProd", Since: 26, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Numbers, Indices}, Proto: &Cumulate{name: "CumProd"}},
}

// Arg is https://onnx.ai/onnx/operators/onnx__ArgMax.html and onnx__ArgMin.html, version 13: the first index of the
// extreme along an axis, or the last with SelectLast. A NaN counts as the extreme.
type Arg struct {
	Axis       int  `onnx:"axis,0"`
	KeepDims   bool `onnx:"keepdims,1"`
	SelectLast bool `onnx:"select_last_index,0"`
	name       string
}

// Name is the operator's ONNX name.
func (o *Arg) Name() string { return o.name }

// Infer drops the axis or makes it 1.
func (o *Arg) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return noRank(ir.Int64), nil
	}
	axis, err := axisOf(o.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	return oneType(ir.Int64, dropAxes(x.Shape, []int{axis}, o.KeepDims)), nil
}

// Eval looks through every row.
func (o *Arg) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	axis, err := axisOf(o.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	rows := rows(x.Shape, []int{axis})
	var out []int64
	switch {
	case x.DType == ir.Uint64:
		out = argRows(o, ir.Data[uint64](x), rows)
	case x.DType.IsInt():
		out = argRows(o, x.Ints(), rows)
	default:
		out = argRows(o, x.Floats(), rows)
	}
	return []*ir.Tensor{ir.Of(ir.Int64, dropAxes(x.Shape, []int{axis}, o.KeepDims), out)}, nil
}

func argRows[T scalar](o *Arg, x []T, rows [][]int) []int64 {
	out := make([]int64, len(rows))
	for i, row := range rows {
		best := 0
		for j := range row {
			a, b := x[row[j]], x[row[best]]
			if o.name == "ArgMin" {
				a, b = b, a
			}
			nan, had := x[row[j]] != x[row[j]], x[row[best]] != x[row[best]]
			if nan && !had || !had && a > b || o.SelectLast && (nan && had || a == b) {
				best = j
			}
		}
		out[i] = int64(best)
	}
	return out
}

// Lower makes a Reduce.
func (o *Arg) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	axis, err := axisOf(o.Axis, len(n.In[0].Type.Shape))
	if err != nil {
		return nil, err
	}
	fn := map[string]string{"ArgMax": "argmax", "ArgMin": "argmin"}[o.name]
	r := &low.Reduce{Fn: fn, Axes: []int{axis}, KeepDims: o.KeepDims, Partials: 1, SelectLast: o.SelectLast}
	return one(b.Add(r, n.In[0]))
}

// Cumulate is https://onnx.ai/onnx/operators/onnx__CumSum.html, version 14, and onnx__CumProd.html, version 26: each
// element combined with those before it along an axis; with Exclusive only those, with Reverse those after it.
type Cumulate struct {
	Exclusive bool `onnx:"exclusive,0"`
	Reverse   bool `onnx:"reverse,0"`
	name      string
}

// Name is the operator's ONNX name.
func (o *Cumulate) Name() string { return o.name }

// Infer returns the type of the input.
func (o *Cumulate) Infer(in []*ir.Value) ([]ir.Type, error) {
	if a := in[1]; a.Const != nil && !in[0].Type.NoRank {
		if _, err := scalarAxis(a.Const, len(in[0].Type.Shape)); err != nil {
			return nil, err
		}
	}
	return alike(in, 1)
}

func scalarAxis(t *ir.Tensor, rank int) (int, error) {
	if t.Len() != 1 {
		return 0, scalarError("axis", t.Type())
	}
	return axisOf(t.IntsAsInt()[0], rank)
}

// Eval combines in order along the axis, in float64 or with integers that keep the low bits.
func (o *Cumulate) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	axis, err := scalarAxis(in[1], len(x.Shape))
	if err != nil {
		return nil, err
	}
	rows := rows(x.Shape, []int{axis})
	if o.Reverse {
		for _, row := range rows {
			slices.Reverse(row)
		}
	}
	if x.DType.IsInt() {
		return []*ir.Tensor{ir.FromInts(x.DType, x.Shape, cumulateRows(o, x.Ints(), rows))}, nil
	}
	return []*ir.Tensor{ir.FromFloats(x.DType, x.Shape, cumulateRows(o, x.Floats(), rows))}, nil
}

func cumulateRows[T scalar](o *Cumulate, x []T, rows [][]int) []T {
	for _, row := range rows {
		acc := map[string]T{"CumProd": 1}[o.name]
		for _, i := range row {
			next := acc + x[i]
			if o.name == "CumProd" {
				next = acc * x[i]
			}
			if x[i] = next; o.Exclusive {
				x[i] = acc
			}
			acc = next
		}
	}
	return x
}

// Lower calls a kernel, float16 and bfloat16 by way of float32.
func (o *Cumulate) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	d := x.Type.DType
	wide := x
	if d == ir.Float16 || d == ir.BFloat16 {
		wide = castTo(b, x, ir.Float32)
	}
	fn := "cumulateInts"
	if d.IsFloat() {
		fn = "cumulateFloats"
	}
	y := callOn(b, n.Op, fn, wide.Type, []*ir.Value{wide, n.In[1]}, shapeOf(x), o.name == "CumProd", o.Exclusive, o.Reverse)
	return one(castTo(b, y, d))
}
