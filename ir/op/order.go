package op

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var order = []Def{
	{Name: "TopK", Since: 24, From: 10, In: Arity{2, 2}, Out: Arity{1, 2}, Types: []Types{Numbers, Int64s}, Proto: &TopK{}},
	{Name: "TopK", Since: 1, In: Arity{1, 1}, Out: Arity{1, 2}, Types: []Types{Floats}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		k := Take(n, "k", int64(-1))
		if k < 0 {
			return nil, errors.New("attribute k is required and must not be negative")
		}
		n.In = append(n.In, b.Ints(int(k)))
		return nil, nil
	}},
	{Name: "Unique", Since: 11, In: Arity{1, 1}, Out: Arity{1, 4}, Types: []Types{Numbers | Bools | Of(ir.String)}, Proto: &Unique{}},
}

// ordering returns how elements compare; NaNs are equal and greater than all else.
func ordering(x *ir.Tensor) func(i, j int) int {
	switch v := x.Any().(type) {
	case []string:
		return func(i, j int) int { return cmp.Compare(v[i], v[j]) }
	case []uint64:
		return func(i, j int) int { return cmp.Compare(v[i], v[j]) }
	}
	if !x.DType.IsFloat() {
		v := x.Ints()
		return func(i, j int) int { return cmp.Compare(v[i], v[j]) }
	}
	v := x.Floats()
	return func(i, j int) int {
		if a, b := v[i] != v[i], v[j] != v[j]; a || b {
			switch {
			case !b:
				return 1
			case !a:
				return -1
			}
			return 0
		}
		return cmp.Compare(v[i], v[j])
	}
}

// TopK is https://onnx.ai/onnx/operators/onnx__TopK.html, version 24. The results are sorted in any case; of equal
// elements the earlier comes first, a NaN is greater than any number.
type TopK struct {
	Axis    int  `onnx:"axis,-1"`
	Largest bool `onnx:"largest,1"`
	Sorted  bool `onnx:"sorted,1"`
}

// Name is the operator's ONNX name.
func (*TopK) Name() string { return "TopK" }

// Infer sets the axis to the number of elements wanted.
func (t *TopK) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if k := in[1].Type; k.Static() && k.Len() != 1 {
		return nil, fmt.Errorf("k %v is %v, it must be one number", in[1], k)
	}
	if x.NoRank {
		return []ir.Type{x, {DType: ir.Int64, NoRank: true}}, nil
	}
	axis, err := axisOf(t.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(x.Shape)
	shape[axis] = -1
	if k, ok := constInts(in, 1); ok {
		if d := x.Shape[axis]; k[0] < 0 || d >= 0 && k[0] > d {
			return nil, fmt.Errorf("k is %d, axis %d has length %d", k[0], axis, d)
		}
		shape[axis] = k[0]
	}
	return []ir.Type{{DType: x.DType, Shape: shape}, {DType: ir.Int64, Shape: shape}}, nil
}

// Eval sorts the elements along the axis.
func (t *TopK) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x, k := in[0], in[1].IntsAsInt()[0]
	axis, err := axisOf(t.Axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	if k < 0 || k > x.Shape[axis] {
		return nil, fmt.Errorf("k is %d, axis %d has length %d", k, axis, x.Shape[axis])
	}
	compare := ordering(x)
	strides, rows, shape := ir.Strides(x.Shape), slices.Clone(x.Shape), slices.Clone(x.Shape)
	rows[axis], shape[axis] = 1, k
	to, out := ir.Strides(shape), ir.NewTensor(x.DType, shape...)
	indices := ir.NewTensor(ir.Int64, shape...)
	eachIndex(rows, func(idx []int) {
		base := dot(idx, strides)
		order := allAxes(x.Shape[axis])
		slices.SortStableFunc(order, func(i, j int) int {
			c := compare(base+i*strides[axis], base+j*strides[axis])
			if t.Largest {
				return -c
			}
			return c
		})
		for n, i := range order[:k] {
			at := dot(idx, to) + n*to[axis]
			out.CopyElem(at, x, base+i*strides[axis])
			indices.SetInt(at, int64(i))
		}
	})
	return []*ir.Tensor{out, indices}, nil
}

// Lower calls a kernel.
func (t *TopK) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	x := n.In[0].Type.Shape
	axis, err := axisOf(t.Axis, len(x))
	if err != nil {
		return nil, err
	}
	return callWide(b, withOutputs(n, 2), "topK", ir.Size(x[:axis]), x[axis], ir.Size(x[axis+1:]), keptLen(n, axis), t.Largest)
}

// keptLen is the length of an axis in the results.
func keptLen(n *ir.Node, axis int) int {
	for _, v := range n.Out {
		if v != nil {
			return v.Type.Shape[axis]
		}
	}
	return 0
}

// Unique is https://onnx.ai/onnx/operators/onnx__Unique.html, version 11. Its results are the distinct elements or
// slices, where each occurs first, which of them each element is, and how often each occurs. NaNs are one element.
type Unique struct {
	Axis   *int `onnx:"axis"` // nil: the elements as a vector
	Sorted bool `onnx:"sorted,1"`
}

// Name is the operator's ONNX name.
func (*Unique) Name() string { return "Unique" }

// Infer returns types whose lengths depend on the values.
func (u *Unique) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	y := ir.Type{DType: x.DType, Shape: unknown(1)}
	if u.Axis != nil {
		if x.NoRank {
			y = x
		} else {
			axis, err := axisOf(*u.Axis, len(x.Shape))
			if err != nil {
				return nil, err
			}
			y.Shape = slices.Clone(x.Shape)
			y.Shape[axis] = -1
		}
	}
	list := ir.Type{DType: ir.Int64, Shape: unknown(1)}
	all := list
	if x.Static() {
		all.Shape = []int{x.Len()}
		if u.Axis != nil {
			axis, _ := axisOf(*u.Axis, len(x.Shape))
			all.Shape = []int{x.Shape[axis]}
		}
	}
	return []ir.Type{y, list, all, list}, nil
}

// slices returns x as [outer, d, inner].
func (u *Unique) slices(x []int) (outer, d, inner int) {
	if u.Axis == nil {
		return 1, ir.Size(x), 1
	}
	axis, err := axisOf(*u.Axis, len(x))
	if err != nil {
		panic(err)
	}
	return ir.Size(x[:axis]), x[axis], ir.Size(x[axis+1:])
}

// Eval compares slices element by element.
func (u *Unique) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	outer, d, inner := u.slices(x.Shape)
	elem := ordering(x)
	compare := func(i, j int) int {
		for o := range outer {
			for k := range inner {
				if c := elem((o*d+i)*inner+k, (o*d+j)*inner+k); c != 0 {
					return c
				}
			}
		}
		return 0
	}
	var first, inverse, counts []int64
	order := allAxes(d)
	slices.SortStableFunc(order, compare)
	inverse = make([]int64, d)
	for i, o := range order {
		if i == 0 || compare(order[i-1], o) != 0 {
			first, counts = append(first, int64(o)), append(counts, 0)
		}
		inverse[o] = int64(len(first) - 1)
		counts[len(first)-1]++
	}
	if !u.Sorted {
		u.byFirst(first, inverse, counts)
	}
	shape := []int{len(first)}
	if u.Axis != nil {
		axis, _ := axisOf(*u.Axis, len(x.Shape))
		shape = slices.Clone(x.Shape)
		shape[axis] = len(first)
	}
	y := x.Gather(shape, func(i int) int {
		n := max(1, len(first))
		return (i/inner/n*d+int(first[i/inner%n]))*inner + i%inner
	})
	list := func(v []int64) *ir.Tensor { return ir.Of(ir.Int64, []int{len(v)}, v) }
	return []*ir.Tensor{y, list(first), list(inverse), list(counts)}, nil
}

// byFirst puts the distinct elements in the order of their first occurrence.
func (u *Unique) byFirst(first, inverse, counts []int64) {
	order := allAxes(len(first))
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(first[i], first[j]) })
	place := make([]int64, len(first))
	f, c := slices.Clone(first), slices.Clone(counts)
	for to, from := range order {
		first[to], counts[to], place[from] = f[from], c[from], int64(to)
	}
	for i, v := range inverse {
		inverse[i] = place[v]
	}
}

// Lower calls a kernel, which compares the number of distinct elements with the declared one.
func (u *Unique) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	outer, d, inner := u.slices(n.In[0].Type.Shape)
	want := -1
	for i, v := range n.Out {
		switch {
		case v == nil || i == 2:
		case i == 0 && u.Axis != nil:
			axis, err := axisOf(*u.Axis, len(v.Type.Shape))
			if err != nil {
				return nil, err
			}
			want = v.Type.Shape[axis]
		default:
			want = v.Type.Shape[0]
		}
	}
	as := func(d ir.DType) ir.DType {
		switch d {
		case ir.Float16, ir.BFloat16:
			return ir.Float32
		case ir.Bool:
			return ir.Uint8
		}
		return d
	}
	return callAs(b, withOutputs(n, 4), as, "unique", outer, d, inner, want, u.Sorted)
}
