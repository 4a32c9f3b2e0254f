package op

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// productLines lists, for every element of the product of two activations, the row of input 0 and the column of input 1
// that it is made of, both numbered by batch; nil for products with vectors.
func productLines(n *ir.Node) (row, col []int) {
	a, b, y := n.In[0].Type.Shape, n.In[1].Type.Shape, n.Out[0].Type.Shape
	if len(a) < 2 || len(b) < 2 {
		return nil, nil
	}
	last := len(y) - 1
	rows, cols := slices.Clone(a), slices.Clone(b)
	rows[len(rows)-1], cols[len(cols)-2] = 1, 1
	if y[last-1] != rows[len(rows)-2] || y[last] != cols[len(cols)-1] {
		return nil, nil
	}
	return sources(rows, y), sources(cols, y)
}

// lines calls f with the number and the elements of every row of v, or of every column.
func lines(v *ir.Value, columns bool, f func(line int, elems []int)) {
	shape := v.Type.Shape
	k, step := shape[len(shape)-1], 1
	if columns {
		k, step = shape[len(shape)-2], shape[len(shape)-1]
	}
	if k == 0 {
		return
	}
	elems := make([]int, k)
	for line := range v.Type.Len() / k {
		for i := range elems {
			elems[i] = line/step*step*k + line%step + i*step
		}
		f(line, elems)
	}
}

// knowProduct knows an element where its row and its column are known, or one of them to be zeros.
func (m *MatMul) knowProduct(n *ir.Node, in []*Known) *Known {
	row, col := productLines(n)
	if row == nil || n.In[0].Type.Features() == 0 || (in[0] == nil || in[0].Mask == nil) && (in[1] == nil || in[1].Mask == nil) {
		return nil
	}
	var known, zero [2][]bool
	for i, v := range n.In {
		shape := v.Type.Shape
		k := shape[len(shape)-1-i]
		known[i], zero[i] = fullSet(v.Type.Len()/max(k, 1)), fullSet(v.Type.Len()/max(k, 1))
		lines(v, i == 1, func(line int, elems []int) {
			for _, e := range elems {
				known[i][line] = known[i][line] && in[i].at(e)
				zero[i][line] = zero[i][line] && in[i].zeroAt(e)
			}
		})
	}
	mask := make([]bool, len(row))
	for e := range mask {
		r, c := row[e], col[e]
		mask[e] = known[0][r] && known[1][c] || zero[0][r] || zero[1][c]
	}
	if !slices.Contains(mask, true) {
		return nil
	}
	return knownWhere(mask, evalKnown(n, in))
}

// needFactors needs the rows and the columns of live elements.
func (m *MatMul) needFactors(n *ir.Node, live []bool) [][]bool {
	row, col := productLines(n)
	if row == nil {
		return nil
	}
	need := make([][]bool, 2)
	for i, from := range [][]int{row, col} {
		v := n.In[i]
		on := make([]bool, len(live))
		for e, l := range live {
			if l {
				on[from[e]] = true
			}
		}
		need[i] = make([]bool, v.Type.Len())
		lines(v, i == 1, func(line int, elems []int) {
			for _, e := range elems {
				need[i][e] = on[line]
			}
		})
	}
	return need
}

// shrinkProduct multiplies the rows and the columns of the box.
func (m *MatMul) shrinkProduct(s *Shrinker, n *ir.Node, keep [][]int) *ir.Value {
	if row, _ := productLines(n); row == nil {
		return whole(s, n, keep)
	}
	out := n.Out[0].Type.Shape
	last := len(out) - 1
	box := func(i, own int) *ir.Value {
		shape := n.In[i].Type.Shape
		r := len(shape)
		b := slices.Concat(alignedBox(shape[:r-2], out[:last-1], keep[:last-1]), make([][]int, 2))
		b[r-2+own] = keep[last-1+own]
		return s.Get(i, b)
	}
	return s.B.Add(m, box(0, 0), box(1, 1))
}
