package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// window finds layer norms over time: rows are transposed, perhaps joined with constant ones, normalized, and some of the
// result transposed back. One operator does that along the rows where they are.
func window(g *ir.Graph) (bool, error) {
	wins, sinks := map[*ir.Node]*windowNorm{}, map[*ir.Node]*windowNorm{}
	readers := map[*ir.Value][]*ir.Node{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			readers[v] = append(readers[v], n)
		}
		if norm, to := taken(n); norm != nil {
			if wins[norm] == nil {
				wins[norm] = newWindowNorm(norm)
			}
			if wins[norm].reads(n, to) {
				sinks[n] = wins[norm]
			}
		}
	}
	var replaced func(v *ir.Value) bool // by what the moves that read it become
	replaced = func(v *ir.Value) bool {
		return !slices.Contains(g.Out, v) && !slices.ContainsFunc(readers[v], func(n *ir.Node) bool {
			return sinks[n] == nil && (!isMove(n) || !replaced(n.Out[0]))
		})
	}
	for n, w := range sinks {
		if !replaced(w.norm.Out[0]) {
			delete(sinks, n)
		}
	}
	return g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		if w := sinks[n]; w != nil {
			return []*ir.Value{w.take(b, w.times[n], n.Out[0].Type.Shape)}, nil
		}
		return nil, nil
	})
}

// windowNorm is a layer norm over time and the moves that take rows of its result.
type windowNorm struct {
	norm  *ir.Node
	in    windowed
	times map[*ir.Node][]int // the steps that a move takes
	steps []int              // all of these, increasing
	out   *ir.Value          // the rows of these
}

func newWindowNorm(norm *ir.Node) *windowNorm {
	w := &windowNorm{norm: norm, times: map[*ir.Node][]int{}}
	x := norm.In[0]
	steps := x.Type.Features()
	w.in.features = x.Type.Len() / steps
	if slices.ContainsFunc(norm.In[1:], func(v *ir.Value) bool { return v == nil || v.Const == nil }) ||
		!w.in.find(x, steps, func(t, f int) int { return f*steps + t }) {
		w.in.features = 0
	}
	return w
}

// reads notes that n has certain elements of the result; it reports whether these are rows.
func (w *windowNorm) reads(n *ir.Node, to []int64) bool {
	if w.in.features == 0 {
		return false
	}
	times, ok := columns(to, w.in.features, w.norm.In[0].Type.Features())
	if !ok || len(times) == 0 {
		return false
	}
	w.times[n] = times
	w.steps = append(w.steps, times...)
	slices.Sort(w.steps)
	w.steps = slices.Compact(w.steps)
	return true
}

// take is rows of the result in a shape.
func (w *windowNorm) take(b *ir.Builder, times, shape []int) *ir.Value {
	if w.out == nil {
		w.out = w.along(b)
	}
	if slices.Equal(times, w.steps) {
		return low.Copy(b, w.out, shape...)
	}
	f := w.in.features
	m := &low.Move{Shape: []int{1, len(times), f}}
	for i := 0; i < len(times); {
		at, _ := slices.BinarySearch(w.steps, times[i])
		rows := 1
		for i+rows < len(times) && at+rows < len(w.steps) && times[i+rows] == w.steps[at+rows] {
			rows++
		}
		m.Parts = append(m.Parts, low.Part{Dims: []int{rows, f}, Out: i * f, OutStrides: []int{f, 1}, In: at * f, InStrides: []int{f, 1}})
		i += rows
	}
	return low.Copy(b, b.Add(m, w.out), shape...)
}

// along is the norm along rows.
func (w *windowNorm) along(b *ir.Builder) *ir.Value {
	op := w.norm.Op.(*low.Normalize)
	along := &low.Normalize{Fn: op.Fn, Epsilon: op.Epsilon, Partials: op.Partials, Rows: true}
	for _, t := range w.steps {
		along.Pick = append(along.Pick, w.in.row[t])
	}
	if slices.Equal(along.Pick, upTo(w.in.rows)) {
		along.Pick = nil
	}
	in := []*ir.Value{low.Copy(b, w.in.x, 1, w.in.rows, w.in.features)}
	for _, v := range w.norm.In[1:] {
		in = append(in, b.Const(v.Const.Gather([]int{len(w.steps)}, func(i int) int { return w.steps[i] })))
	}
	if w.in.rest != nil {
		in = append(append(in, make([]*ir.Value, 3-len(in))...), b.Const(w.in.constant()))
	}
	return b.Add(along, in...)
}

func isMove(n *ir.Node) bool {
	_, ok := n.Op.(*low.Move)
	return ok
}

func upTo(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// taken returns the layer norm whose result n moves, through any number of moves, and which of its elements the result of n
// has; nil if n is not such a move.
func taken(n *ir.Node) (norm *ir.Node, index []int64) {
	m, ok := n.Op.(*low.Move)
	if !ok || len(n.In) != 1 || m.Fill != nil || n.In[0].Def == nil {
		return nil, nil
	}
	x := n.In[0]
	if op, ok := x.Def.Op.(*low.Normalize); ok && op.Fn == "layernorm" && !op.Rows && op.Axis == len(x.Type.Shape)-1 &&
		op.Partials == low.Partials && x.Type.DType == ir.Float32 && x.Type.Len() > 0 {
		norm = x.Def
		for i := range x.Type.Len() {
			index = append(index, int64(i+1))
		}
	} else if norm, index = taken(x.Def); norm == nil {
		return nil, nil
	}
	return norm, moved(m, []*ir.Tensor{ir.Of(ir.Int64, x.Type.Shape, index)})
}

// moved is what m makes of elements numbered from 1; 0 is one that it fills in.
func moved(m *low.Move, in []*ir.Tensor) []int64 {
	out, err := m.Eval(in)
	if err != nil {
		return nil
	}
	return ir.Data[int64](out[0])
}

// columns reads numbers of elements as rows of features, each of which is a column of a matrix [features, steps].
func columns(index []int64, features, steps int) (times []int, ok bool) {
	if len(index)%features != 0 || slices.Contains(index, 0) {
		return nil, false
	}
	for i, e := range index {
		if i%features == 0 {
			times = append(times, (int(e)-1)%steps)
		}
		if int(e) != i%features*steps+times[len(times)-1]+1 {
			return nil, false
		}
	}
	return times, true
}
