package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// windowed is a matrix [features, steps] whose columns are all rows of one value, each once, and constant rows.
type windowed struct {
	features int
	x        *ir.Value
	rows     int       // of x
	row      []int     // by step: the row of x, or rows + the place in rest
	rest     []float32 // constant rows, one after the other

	leaves []*ir.Value
	base   []int64 // by leaf: the number of its first element
}

// find follows moves back from v, whose element at(t, f) is that of step t and feature f.
func (w *windowed) find(v *ir.Value, steps int, at func(t, f int) int) bool {
	index := w.elements(v)
	for i, leaf := range w.leaves {
		switch {
		case leaf.Const != nil:
		case w.x != nil || leaf.Type.Len()%w.features != 0 || leaf.Type.DType != ir.Float32:
			return false
		default:
			w.x, w.rows = leaf, leaf.Type.Len()/w.features
			index = shifted(index, w.base[i])
		}
	}
	if w.x == nil || w.x == v || len(index) != w.features*steps {
		return false
	}
	size, base := int64(w.x.Type.Len()), w.base[slices.Index(w.leaves, w.x)]
	seen := make([]bool, w.rows)
	for t := range steps {
		first := index[at(t, 0)]
		inX := 0 < first && first <= size
		for f := range w.features {
			e := index[at(t, f)]
			if inX && e != first+int64(f) || !inX && 0 < e && e <= size || e == -base {
				return false
			}
		}
		if !inX {
			w.row = append(w.row, w.rows+len(w.rest)/w.features)
			for f := range w.features {
				w.rest = append(w.rest, w.value(index[at(t, f)]+base))
			}
			continue
		}
		r := int(first-1) / w.features
		if int(first-1)%w.features != 0 || seen[r] {
			return false
		}
		seen[r] = true
		w.row = append(w.row, r)
	}
	return !slices.Contains(seen, false)
}

// shifted subtracts a number from all.
func shifted(x []int64, by int64) []int64 {
	y := make([]int64, len(x))
	for i, v := range x {
		y[i] = v - by
	}
	return y
}

// elements numbers the elements of v by what moves made them of: leaf after leaf, from 1; 0 is one that a move fills in.
func (w *windowed) elements(v *ir.Value) []int64 {
	if v.Def != nil && v.Const == nil {
		if m, ok := v.Def.Op.(*low.Move); ok && m.Fill == nil {
			var in []*ir.Tensor
			for _, x := range v.Def.In {
				in = append(in, ir.Of(ir.Int64, x.Type.Shape, w.elements(x)))
			}
			return moved(m, in)
		}
	}
	i := slices.Index(w.leaves, v)
	if i < 0 {
		i = len(w.leaves)
		next := int64(0)
		if i > 0 {
			next = w.base[i-1] + int64(w.leaves[i-1].Type.Len())
		}
		w.leaves, w.base = append(w.leaves, v), append(w.base, next)
	}
	index := make([]int64, v.Type.Len())
	for k := range index {
		index[k] = w.base[i] + int64(k) + 1
	}
	return index
}

// value is the constant element of a number.
func (w *windowed) value(e int64) float32 {
	i := len(w.base) - 1
	for w.base[i] >= e {
		i--
	}
	return ir.Data[float32](w.leaves[i].Const)[e-1-w.base[i]]
}

// constant is the constant rows as a matrix.
func (w *windowed) constant() *ir.Tensor {
	return ir.Of(ir.Float32, []int{len(w.rest) / w.features, w.features}, w.rest)
}
