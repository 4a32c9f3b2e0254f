package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// A view is a value as a rearrangement of the elements of src: what a chain of Reshape, Transpose and their kin makes.
// Element i of the value is Scale times element j of src, where j is the sum of the strides of axes' factors.
type view struct {
	src   *ir.Value
	axes  [][]factor // by axis of the value, outermost first, without factors of size 1
	scale float64
	chain []*ir.Node // the nodes between, last first
}

// factor is a run of size positions that lie stride elements apart.
type factor struct{ size, stride int }

func whole(v *ir.Value) view {
	x := view{src: v, scale: 1}
	for i, s := range ir.Strides(v.Type.Shape) {
		x.axes = append(x.axes, merge(factor{v.Type.Shape[i], s}))
	}
	return x
}

// viewOf follows v up through nodes that only move elements and, if scaled, multiply all by one constant. The type of
// v must be static.
func viewOf(v *ir.Value, scaled bool) view {
	n := v.Def
	if n == nil || v.Type.Len() == 0 || len(n.In) == 0 || n.In[0] == nil {
		return whole(v)
	}
	if x, c := scaling(n); scaled && c != 0 && sameType(x, v) {
		w := viewOf(x, scaled)
		w.scale *= c
		w.chain = append([]*ir.Node{n}, w.chain...)
		return w
	}
	if !n.In[0].Type.Static() || !moves(n) {
		return whole(v)
	}
	w := viewOf(n.In[0], scaled)
	if t, ok := n.Op.(*op.Transpose); ok {
		old := w.axes
		w.axes = make([][]factor, len(old))
		for i := range w.axes {
			if t.Perm == nil {
				w.axes[i] = old[len(old)-1-i]
			} else {
				w.axes[i] = old[t.Perm[i]]
			}
		}
	} else if w.axes = split(w.order(), v.Type.Shape); w.axes == nil {
		return whole(v)
	}
	w.chain = append([]*ir.Node{n}, w.chain...)
	return w
}

// moves reports whether n only moves elements, the same way each time.
func moves(n *ir.Node) bool {
	switch n.Op.Name() {
	case "Transpose", "Flatten":
		return true
	case "Reshape", "Squeeze", "Unsqueeze":
		return len(n.In) == 1 || isConst(n.In[1])
	}
	return false
}

// scaling returns x and c where n multiplies x by the number c, or divides it by 1/c.
func scaling(n *ir.Node) (x *ir.Value, c float64) {
	if !isOp(n, "Mul") && !isOp(n, "Div") {
		return nil, 0
	}
	x, k := withConst(n)
	c, ok := number(k)
	switch {
	case x == nil || !ok || !x.Type.DType.IsFloat():
		return nil, 0
	case isOp(n, "Mul"):
		return x, c
	case k == n.In[1]:
		return x, 1 / c
	}
	return nil, 0
}

// order lists the factors of all axes.
func (w view) order() []factor { return merge(slices.Concat(w.axes...)...) }

// merge joins neighbours that lie one within the other and drops factors of size 1.
func merge(fs ...factor) (out []factor) {
	for _, f := range fs {
		switch last := len(out) - 1; {
		case f.size == 1:
		case last >= 0 && out[last].stride == f.size*f.stride:
			out[last] = factor{out[last].size * f.size, f.stride}
		default:
			out = append(out, f)
		}
	}
	return out
}

// split gives each dimension of shape its factors, nil where a factor would be torn.
func split(fs []factor, shape []int) [][]factor {
	fs = slices.Clone(fs)
	axes := make([][]factor, len(shape))
	for i, rest := range shape {
		for rest > 1 {
			f := fs[0]
			switch {
			case rest%f.size == 0:
				axes[i], fs, rest = append(axes[i], f), fs[1:], rest/f.size
			case f.size%rest == 0:
				inner := f.size / rest
				axes[i] = append(axes[i], factor{rest, f.stride * inner})
				fs[0], rest = factor{inner, f.stride}, 1
			default:
				return nil
			}
		}
	}
	return axes
}

// A move is a step of a plan: a Transpose if perm is set, else a Reshape.
type move struct{ perm, shape []int }

// plan returns the steps from src to the view as a value of the given shape.
func (w view) plan(shape []int) []move {
	fs := w.order()
	if len(fs) <= 1 {
		if slices.Equal(w.src.Type.Shape, shape) {
			return nil
		}
		return []move{{shape: shape}}
	}
	best := w.general(fs, shape)
	for _, p := range [][]move{w.reshapeLast(fs, shape), w.reshapeFirst(shape)} {
		if p != nil && len(p) < len(best) {
			best = p
		}
	}
	return best
}

// general is Reshape, Transpose, Reshape: the axes of the Transpose are the factors.
func (w view) general(fs []factor, shape []int) []move {
	sorted := slices.SortedFunc(slices.Values(fs), outermost)
	var first, perm, last []int
	for i, f := range sorted {
		first = append(first, f.size)
		perm = append(perm, slices.Index(sorted, fs[i]))
		last = append(last, fs[i].size)
	}
	return w.trim([]move{{shape: first}, {perm: perm}, {shape: shape}}, last)
}

func outermost(a, b factor) int { return b.stride - a.stride }

// trim drops Reshapes that change nothing; last is the shape after the Transpose.
func (w view) trim(p []move, last []int) []move {
	if slices.Equal(last, p[2].shape) {
		p = p[:2]
	}
	if slices.Equal(w.src.Type.Shape, p[0].shape) {
		p = p[1:]
	}
	return p
}

// reshapeLast is a Transpose of the axes of src, then a Reshape; nil where the view tears an axis of src. Axes of
// length 1 stay where they are.
func (w view) reshapeLast(fs []factor, shape []int) []move {
	src := w.src.Type.Shape
	strides := ir.Strides(src)
	var order []int
	for _, f := range fs {
		for f.size > 1 { // take the axes of src that f consists of, outermost first
			i := slices.IndexFunc(src, func(d int) bool { return d > 1 })
			for i < len(src) && (src[i] == 1 || src[i]*strides[i] != f.size*f.stride) {
				i++
			}
			if i == len(src) || f.size%src[i] != 0 {
				return nil
			}
			order = append(order, i)
			f.size /= src[i]
		}
	}
	perm := fixOnes(src, order)
	last := make([]int, len(perm))
	for i, p := range perm {
		last[i] = src[p]
	}
	return w.trim([]move{{shape: src}, {perm: perm}, {shape: shape}}, last)
}

// fixOnes makes a permutation of order, the axes that are longer than 1, and leaves the others in place.
func fixOnes(shape, order []int) []int {
	perm := make([]int, len(shape))
	for i, d := range shape {
		if perm[i] = i; d != 1 {
			perm[i], order = order[0], order[1:]
		}
	}
	return perm
}

// reshapeFirst is a Reshape, then a Transpose to the shape; nil where an axis has several factors. Axes of length 1
// are in place before the Transpose.
func (w view) reshapeFirst(shape []int) []move {
	axes := split(w.order(), shape)
	if axes == nil {
		return nil
	}
	var fs []factor
	var at []int // where the axes that are longer than 1 stand
	for i, a := range axes {
		a = merge(a...)
		if len(a) > 1 {
			return nil
		}
		if len(a) == 1 {
			fs, at = append(fs, a[0]), append(at, i)
		}
	}
	sorted := slices.SortedFunc(slices.Values(fs), outermost)
	first, order := slices.Clone(shape), make([]int, len(fs))
	for i, f := range sorted {
		first[at[i]] = f.size
		order[slices.Index(fs, f)] = at[i]
	}
	return w.trim([]move{{shape: first}, {perm: fixOnes(shape, order)}, {shape: shape}}, shape)
}

// build adds the nodes of the plan.
func (w view) build(s *site, shape []int) *ir.Value {
	v := w.src
	for _, m := range w.plan(shape) {
		if m.perm != nil {
			v = s.transpose(v, m.perm...)
		} else {
			v = s.reshape(v, m.shape...)
		}
	}
	return v
}

// views writes a chain of nodes that only move elements in the shortest way: what stays in order is one Reshape or
// nothing, the rest one Transpose with at most a Reshape before and after. Axes of length 1 are moved by Reshapes, which
// pass more operators than Transposes do.
var views = rewrite(func(s *site) ([]*ir.Value, error) {
	v := s.n.Out[0]
	if !moves(s.n) || !v.Type.Static() || v.Type.Len() == 0 {
		return nil, nil
	}
	w := viewOf(v, false)
	if len(w.chain) == 0 {
		return nil, nil
	}
	have, want := 0, 0
	for i, n := range w.chain { // what goes if the plan comes: nodes that have no other reader
		if i > 0 && !s.single(n.Out[0]) {
			break
		}
		have += stepCost(isOp(n, "Transpose"))
	}
	plan := w.plan(v.Type.Shape)
	for _, m := range plan {
		want += stepCost(m.perm != nil)
	}
	lower := want == have && isOp(s.n, "Transpose") && plan[len(plan)-1].perm == nil // a Reshape comes to stand below
	if want < have || lower || movesOnes(s.n) {
		return []*ir.Value{w.build(s, v.Type.Shape)}, nil
	}
	if isOp(s.n, "Transpose") || isOp(s.n, "Reshape") && slices.Equal(s.n.In[1].Const.IntsAsInt(), v.Type.Shape) {
		return nil, nil
	}
	return []*ir.Value{s.reshape(s.n.In[0], v.Type.Shape...)}, nil
})

// movesOnes reports whether n is a Transpose that moves an axis of length 1, which a Reshape does for nothing.
func movesOnes(n *ir.Node) bool {
	t, ok := n.Op.(*op.Transpose)
	if !ok {
		return false
	}
	for i, d := range n.In[0].Type.Shape {
		if d == 1 && (t.Perm != nil && t.Perm[i] != i || t.Perm == nil && len(n.In[0].Type.Shape) != 2*i+1) {
			return true
		}
	}
	return false
}

// stepCost makes a Transpose, which copies, dearer than a Reshape.
func stepCost(transpose bool) int {
	if transpose {
		return 2
	}
	return 1
}
