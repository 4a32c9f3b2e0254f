package passes

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// box is the part of a value that is computed: v holds it.
type box struct {
	v    *ir.Value
	keep [][]int // by axis, increasing; nil: the whole axis
}

func (b box) whole() bool {
	return b.v != nil && !slices.ContainsFunc(b.keep, func(l []int) bool { return l != nil })
}

// shrinker rebuilds the graph g as h with every value cut down to its box.
type shrinker struct {
	a     *liveness
	g, h  *ir.Graph
	boxes map[*ir.Value]box
	made  map[string]*ir.Value // parts of values that were put together already
	lost  map[*ir.Value]int    // values that had to be joined with constants again, and the percentage that was saved
}

func newShrinker(g *ir.Graph, a *liveness) *shrinker {
	s := &shrinker{a: a, g: g, h: &ir.Graph{Name: g.Name, In: g.In, Meta: g.Meta},
		boxes: map[*ir.Value]box{}, made: map[string]*ir.Value{}, lost: map[*ir.Value]int{}}
	s.h.Claim(namesOf(g)...)
	for _, v := range g.In {
		s.boxes[v] = box{v: v, keep: make([][]int, len(v.Type.Shape))}
	}
	return s
}

func (s *shrinker) run() error {
	for _, n := range s.g.Nodes {
		if err := s.node(n); err != nil {
			return fmt.Errorf("%v: %w", n, err)
		}
	}
	if err := s.outputs(); err != nil {
		return err
	}
	_, err := deadcode(s.h)
	return err
}

// worthJoining is the percentage of a value's rows or columns that must be known for it to pay to compute only the
// others and join both again for an operator that takes them all.
const worthJoining = 25

// costly adds to forget what does not pay to know, and reports whether there was any.
func (s *shrinker) costly(forget map[*ir.Value]bool) bool {
	n := len(forget)
	for v, saved := range s.lost {
		if saved < worthJoining && s.a.known[v] != nil {
			forget[v] = true
		}
	}
	return len(forget) > n
}

func (s *shrinker) node(n *ir.Node) error {
	b := ir.BuilderFor(s.h, n)
	f, ok := flowOf(n)
	if !ok {
		in := make([]*ir.Value, len(n.In))
		for i, v := range n.In {
			if v != nil {
				in[i] = s.part(b, v, make([][]int, len(v.Type.Shape)))
			}
		}
		return s.copy(n, in, b.Err())
	}
	v := n.Out[0]
	keep, some := s.a.boxOf(v)
	if !some {
		return nil
	}
	if r, ok := n.Op.(*op.Reshape); ok {
		keep = worthGathering(r, n, keep)
	}
	if !s.smaller(n, keep) {
		in := make([]*ir.Value, len(n.In))
		for i, x := range n.In {
			if in[i] = x; x != nil && x.Const == nil {
				in[i] = s.boxes[x].v
			}
		}
		return s.copy(n, in, nil)
	}
	y := f.Shrink(&op.Shrinker{B: b,
		Get:   func(i int, keep [][]int) *ir.Value { return s.part(b, n.In[i], keep) },
		Known: func(i int) *op.Known { return s.a.knownOf(n.In[i]) },
		Box:   func(i int) [][]int { return s.boxes[n.In[i]].keep },
	}, n, keep)
	s.boxes[v] = box{y, keep}
	return b.Err()
}

// worthGathering is the part of a reshaped value without those axes that would have to be gathered from the whole value
// to leave out little.
func worthGathering(r *op.Reshape, n *ir.Node, keep [][]int) [][]int {
	keep = slices.Clone(keep)
	for a, late := range r.Late(n, keep) {
		if late && 100*len(keep[a]) > (100-worthJoining)*n.Out[0].Type.Shape[a] {
			keep[a] = nil
		}
	}
	return keep
}

// smaller reports whether there is less to compute than n does.
func (s *shrinker) smaller(n *ir.Node, keep [][]int) bool {
	if slices.ContainsFunc(keep, func(l []int) bool { return l != nil }) {
		return true
	}
	if a, ok := n.Op.(*op.Attention); ok && a.Shrinkable(n) {
		return true
	}
	return slices.ContainsFunc(n.In, func(v *ir.Value) bool { return v != nil && v.Const == nil && !s.boxes[v].whole() })
}

// copy adds n to the new graph with other inputs.
func (s *shrinker) copy(n *ir.Node, in []*ir.Value, err error) error {
	if err != nil {
		return err
	}
	names, types := make([]string, len(n.Out)), make([]ir.Type, len(n.Out))
	for i, v := range n.Out {
		if v != nil {
			names[i], types[i] = v.Name, v.Type
		}
	}
	m, err := s.h.AddTyped(n.Op, n.Name, in, names, types)
	if err != nil {
		return err
	}
	for i, v := range n.Out {
		if v != nil {
			s.boxes[v] = box{m.Out[i], make([][]int, len(v.Type.Shape))}
		}
	}
	return nil
}

// outputs makes every output whole and gives it its name.
func (s *shrinker) outputs() error {
	for _, v := range s.g.Out {
		b := ir.NewBuilder(s.h, v.Name)
		y := s.part(b, v, make([][]int, len(v.Type.Shape)))
		if y.Def == nil || slices.Contains(s.h.Out, y) {
			y = b.Add(&op.Identity{}, y)
		}
		if err := b.Err(); err != nil {
			return fmt.Errorf("output %q: %w", v.Name, err)
		}
		y.Name = v.Name
		s.h.Out = append(s.h.Out, y)
	}
	return nil
}

// part returns the elements of v in a box: what is computed of them, joined with constants for what is known and zeros
// for what nobody needs.
func (s *shrinker) part(b *ir.Builder, v *ir.Value, want [][]int) *ir.Value {
	if v.Const != nil {
		if slices.ContainsFunc(want, func(l []int) bool { return l != nil }) {
			return b.Const(op.BoxOf(v.Const, want))
		}
		return v
	}
	have := s.boxes[v]
	if !v.Type.Static() { // such a value is computed whole
		return have.v
	}
	want = slices.Clone(want)
	for a, l := range want {
		if len(l) == v.Type.Shape[a] {
			want[a] = nil
		}
	}
	if have.whole() && !slices.ContainsFunc(want, func(l []int) bool { return l != nil }) {
		return have.v
	}
	key := fmt.Sprintf("%p %v", v, want)
	if y := s.made[key]; y != nil {
		return y
	}
	lists, both, fill := s.overlap(v, want, have)
	var y *ir.Value
	if fill {
		y = b.Const(op.BoxOf(s.constant(v), lists))
	} else {
		y = have.v
		for a, l := range both {
			if at := positions(l, have.keep[a], v.Type.Shape[a]); at != nil {
				y = b.Add(&op.Gather{Axis: a}, y, b.Ints(at...))
			}
		}
		for a := range lists {
			y = s.extend(b, v, y, a, lists, both)
		}
	}
	s.made[key] = y
	return y
}

// overlap returns the wanted indices by axis, those of them that are computed, and whether none is.
func (s *shrinker) overlap(v *ir.Value, want [][]int, have box) (lists, both [][]int, none bool) {
	none = have.v == nil
	for a, d := range v.Type.Shape {
		l := want[a]
		if l == nil {
			l = make([]int, d)
			for i := range l {
				l[i] = i
			}
		}
		in := l
		if have.v != nil && have.keep[a] != nil {
			in = nil
			for _, i := range l {
				if _, ok := slices.BinarySearch(have.keep[a], i); ok {
					in = append(in, i)
				}
			}
		}
		none = none || len(in) == 0
		lists, both = append(lists, l), append(both, in)
	}
	return lists, both, none
}

// positions are the places of list among have (nil: 0 to d-1); nil if they are all of them in order.
func positions(list, have []int, d int) []int {
	if have == nil {
		if len(list) == d {
			return nil
		}
		return list
	}
	if len(list) == len(have) {
		return nil
	}
	out := make([]int, len(list))
	for i, x := range list {
		out[i], _ = slices.BinarySearch(have, x)
	}
	return out
}

// constant is what is known of v, zeros elsewhere.
func (s *shrinker) constant(v *ir.Value) *ir.Tensor {
	if k := s.a.known[v]; k != nil {
		return k.Val
	}
	return ir.NewTensor(v.Type.DType, v.Type.Shape...)
}

// extend joins y, whose axis a has the indices both[a], with constants for the other indices of lists[a]. Axes before
// a are extended already.
func (s *shrinker) extend(b *ir.Builder, v, y *ir.Value, a int, lists, both [][]int) *ir.Value {
	if len(lists[a]) == len(both[a]) {
		return y
	}
	saved := 100 - 100*len(both[a])/len(lists[a])
	scattered := spans(lists[a], both[a]) > 1
	if scattered && a == len(lists)-1 {
		saved /= 3 // a column in order again costs more than a row: its elements lie apart
	}
	if old, ok := s.lost[v]; !ok || saved < old {
		s.lost[v] = saved
	}
	if scattered {
		return s.interleave(b, v, y, a, lists, both)
	}
	var parts []*ir.Value
	first, _ := slices.BinarySearch(lists[a], both[a][0])
	if before := lists[a][:first]; len(before) > 0 {
		parts = append(parts, s.constants(b, v, a, before, lists, both))
	}
	parts = append(parts, y)
	if after := lists[a][first+len(both[a]):]; len(after) > 0 {
		parts = append(parts, s.constants(b, v, a, after, lists, both))
	}
	return b.Add(&op.Concat{Axis: a}, parts...)
}

// constants are what is known of v at the indices list of axis a, axes before it extended already.
func (s *shrinker) constants(b *ir.Builder, v *ir.Value, a int, list []int, lists, both [][]int) *ir.Value {
	return b.Const(op.BoxOf(s.constant(v), slices.Concat(lists[:a], [][]int{list}, both[a+1:])))
}

// spans counts the pieces of list that lie in the sorted part.
func spans(list, part []int) (n int) {
	last := false
	for _, x := range list {
		_, in := slices.BinarySearch(part, x)
		if in && !last {
			n++
		}
		last = in
	}
	return n
}

// interleave joins y, which is in several pieces, and all constants at once and then puts them in order.
func (s *shrinker) interleave(b *ir.Builder, v, y *ir.Value, a int, lists, both [][]int) *ir.Value {
	var missing []int
	order := make([]int, len(lists[a]))
	for i, x := range lists[a] {
		at, ok := slices.BinarySearch(both[a], x)
		if !ok {
			at = len(both[a]) + len(missing)
			missing = append(missing, x)
		}
		order[i] = at
	}
	joined := b.Add(&op.Concat{Axis: a}, y, s.constants(b, v, a, missing, lists, both))
	return b.Add(&op.Gather{Axis: a}, joined, b.Ints(order...))
}
