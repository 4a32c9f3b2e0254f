package op

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var softmax = slices.Concat(softmaxDefs("Softmax"), softmaxDefs("LogSoftmax"), softmaxDefs("Hardmax"))

func softmaxDefs(name string) []Def {
	row := Def{Name: name, Since: 13, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &Softmax{name: name}}
	old := row
	old.Since, old.From, old.Proto = 11, 1, nil
	old.Upgrade = func(b *ir.Builder, n *Raw) ([]*ir.Value, error) { return softmax11(b, n, name) }
	return []Def{row, old}
}

// Softmax is https://onnx.ai/onnx/operators/onnx__Softmax.html, onnx__LogSoftmax.html and onnx__Hardmax.html, version
// 13: along one axis. Hardmax is 1 at the first of the largest elements, a NaN counting as largest, and 0 elsewhere.
type Softmax struct {
	Axis int `onnx:"axis,-1"`
	name string
}

// softmax11 has rows of all axes from the given one on.
func softmax11(b *ir.Builder, n *Raw, name string) ([]*ir.Value, error) {
	x := n.In[0]
	at := int(Take(n, "axis", int64(1)))
	if x.Type.NoRank {
		return nil, scalarError("the input of unknown rank", x.Type)
	}
	rank := len(x.Type.Shape)
	if at != rank {
		var err error
		if at, err = axisOf(at, rank); err != nil {
			return nil, err
		}
	}
	if at < rank && ir.Size(x.Type.Shape[at+1:]) == 1 {
		n.Attrs["axis"] = int64(at)
		return nil, nil
	}
	shape := b.Ints(x.Type.Shape...)
	if !x.Type.Static() {
		shape = b.Add(&Shape{}, x)
	}
	y := b.Add(&Softmax{name: name, Axis: -1}, b.Add(&Flatten{Axis: at}, x))
	return one(b.Add(&Reshape{}, y, shape))
}

// Name is the operator's ONNX name.
func (o *Softmax) Name() string { return o.name }

// Infer returns the type of the input.
func (o *Softmax) Infer(in []*ir.Value) ([]ir.Type, error) {
	if t := in[0].Type; !t.NoRank {
		if _, err := axisOf(o.Axis, len(t.Shape)); err != nil {
			return nil, err
		}
	}
	return alike(in, 1)
}

// Eval subtracts the maximum of the row first.
func (o *Softmax) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0].Floats()
	axis, err := axisOf(o.Axis, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	for _, row := range rows(in[0].Shape, []int{axis}) {
		best := 0
		for j := range row {
			if v, w := x[row[j]], x[row[best]]; v > w || v != v && w == w {
				best = j
			}
		}
		if o.name == "Hardmax" {
			for j, i := range row {
				x[i] = truth(j == best)
			}
			continue
		}
		top, sum := math.Inf(-1), 0.0
		if len(row) > 0 {
			top = x[row[best]]
		}
		for _, i := range row {
			x[i] -= top
			sum += low.Exp64(x[i])
		}
		for _, i := range row {
			if o.name == "Softmax" {
				x[i] = low.Exp64(x[i]) / sum
			} else {
				x[i] -= low.Log64(sum)
			}
		}
	}
	return []*ir.Tensor{ir.FromFloats(in[0].DType, in[0].Shape, x)}, nil
}

// Lower makes a Normalize along the last axis, or compares indices with that of the largest element.
func (o *Softmax) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	rank := len(x.Type.Shape)
	axis, err := axisOf(o.Axis, rank)
	if err != nil {
		return nil, err
	}
	if o.name == "Hardmax" {
		best := b.Add(&low.Reduce{Fn: "argmax", Axes: []int{axis}, KeepDims: true, Partials: 1}, x)
		index := make([]int, x.Type.Shape[axis])
		for i := range index {
			index[i] = i
		}
		shape := slices.Repeat([]int{1}, rank)
		shape[axis] = len(index)
		places := b.Ints(index...)
		places.Const = places.Const.Reshape(shape...)
		places.Type = places.Const.Type()
		return one(low.Elementwise(b, castExpr(x.Type.DType, "eq(x0,x1)"), places, best))
	}
	fn := map[string]string{"Softmax": "softmax", "LogSoftmax": "logsoftmax"}[o.name]
	return one(alongLast(b, x, axis, func(x *ir.Value, axis int) *ir.Value {
		return b.Add(&low.Normalize{Fn: fn, Axis: axis, Partials: low.Partials}, x)
	}))
}

// alongLast applies f, which works on rows of the axes from the given one on, along one axis of x, moving it to the end
// where it must be.
func alongLast(b *ir.Builder, x *ir.Value, axis int, f func(x *ir.Value, axis int) *ir.Value) *ir.Value {
	shape := x.Type.Shape
	if ir.Size(shape[axis+1:]) == 1 {
		return f(x, axis)
	}
	perm := allAxes(len(shape))
	last := len(perm) - 1
	perm[axis], perm[last] = last, axis
	return low.Transpose(b, f(low.Transpose(b, x, perm...), last), perm...)
}
