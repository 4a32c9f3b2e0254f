package low

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Each proves that all, a graph of low operators for b samples along the first axis of every input and output, computes
// for every sample what one computes, the graph of the same model for one sample: that the model may be run sample by
// sample. The error says which operator mixes samples, or cannot be shown not to.
//
// Two values correspond if every element of the one is an element of the other for a sample. The elements of a sample
// stand together in runs of some length, one run of each sample after the other, wherever an operator may have put the
// axis of the samples or joined it with others. The proof goes from the outputs to the inputs and looks at every element.
func Each(all, one *ir.Graph, b int) error {
	if len(all.In) != len(one.In) || len(all.Out) != len(one.Out) {
		return errors.New("the graph for one sample has other inputs or outputs")
	}
	e := &eacher{b: b, runs: map[[2]*ir.Value]pairing{}, errs: map[[2]*ir.Value]error{}, bits: map[*ir.Value][]uint64{}}
	for i, v := range all.In {
		w := one.In[i]
		if w.Type.Len() == 0 || v.Type.Len() != b*w.Type.Len() {
			return fmt.Errorf("input %q is %v, that of one sample %v", v.Name, v.Type, w.Type)
		}
		e.runs[[2]*ir.Value{v, w}] = pairing{v, w, w.Type.Len()}
	}
	for i, v := range all.Out {
		r, err := e.match(v, one.Out[i])
		if err != nil {
			return err
		}
		if r.length != r.one.Type.Len() {
			return fmt.Errorf("output %q does not have one sample after the other", v.Name)
		}
	}
	return nil
}

type eacher struct {
	b    int
	runs map[[2]*ir.Value]pairing
	errs map[[2]*ir.Value]error // of those that do not
	bits map[*ir.Value][]uint64 // of the elements of constants
}

// pairing says how two values correspond: the elements of a sample stand in runs of length. Constants have length 0: of
// them elements are compared.
type pairing struct {
	all, one *ir.Value
	length   int
}

// place is the sample of element i and its place in the value of one sample, for runs of the given length.
func (e *eacher) place(i, length int) (sample, j int) {
	return i / length % e.b, i/(length*e.b)*length + i%length
}

// same reports whether element i is element j for a sample.
func (e *eacher) same(r pairing, i, j, sample int) bool {
	if r.length == 0 {
		return e.elements(r.all)[i] == e.elements(r.one)[j]
	}
	k, at := e.place(i, r.length)
	return k == sample && at == j
}

// elements are those of a constant number, as bits.
func (e *eacher) elements(v *ir.Value) []uint64 {
	bits, ok := e.bits[v]
	if !ok {
		bits = make([]uint64, v.Const.Len())
		if v.Const.DType.IsFloat() {
			for i, x := range v.Const.Floats() {
				bits[i] = math.Float64bits(x)
			}
		} else {
			for i, x := range v.Const.Ints() {
				bits[i] = uint64(x)
			}
		}
		e.bits[v] = bits
	}
	return bits
}

// find looks for the length of the runs of a result of n elements for one sample.
func (e *eacher) find(n int, ok func(length int) bool) (int, bool) {
	for length := n; length > 0; length-- {
		if n%length == 0 && ok(length) {
			return length, true
		}
	}
	return 0, false
}

// every reports whether with runs of length every element of a result corresponds, which ok says of one.
func (e *eacher) every(n, length int, ok func(i, sample, j int) bool) bool {
	for i := range n * e.b {
		if sample, j := e.place(i, length); !ok(i, sample, j) {
			return false
		}
	}
	return true
}

// bare is v without moves that leave every element in its place.
func bare(v *ir.Value) *ir.Value {
	for v.Def != nil {
		m, ok := v.Def.Op.(*Move)
		if !ok || m.Layout() != v.Def.In[0].Type.Layout || m.Parts != nil && !m.still(v.Def.In) {
			return v
		}
		v = v.Def.In[0]
	}
	return v
}

// still reports whether the parts leave every element where it is.
func (m *Move) still(in []*ir.Value) bool {
	if len(in) != 1 || len(m.Parts) != 1 || ir.Size(m.Shape) != in[0].Type.Len() {
		return false
	}
	p := m.Parts[0]
	if ir.Size(p.Dims) != ir.Size(m.Shape) || p.In != 0 || p.Out != 0 {
		return false
	}
	own := ir.Strides(p.Dims)
	for i, d := range p.Dims {
		if d > 1 && (p.InStrides[i] != own[i] || p.OutStrides[i] != own[i]) {
			return false
		}
	}
	return true
}

// match finds out how two values correspond.
func (e *eacher) match(all, one *ir.Value) (pairing, error) {
	all, one = bare(all), bare(one)
	key := [2]*ir.Value{all, one}
	if r, ok := e.runs[key]; ok {
		return r, nil
	}
	if err, ok := e.errs[key]; ok {
		return pairing{}, err
	}
	length, err := e.compare(all, one)
	if err != nil {
		// A move may leave every element of one sample in its place, and is none then.
		if m, ok := moves(all); ok {
			if x, err := e.match(all.Def.In[0], one); err == nil {
				still := &Move{Shape: one.Type.Shape, Parts: Parts{{Dims: []int{one.Type.Len()}, OutStrides: []int{1}, InStrides: []int{1}}}}
				if length, err := e.moved(m, still, []pairing{x}); err == nil {
					e.runs[key] = pairing{all, one, length}
					return e.runs[key], nil
				}
			}
		}
		e.errs[key] = err
		return pairing{}, err
	}
	e.runs[key] = pairing{all, one, length}
	return e.runs[key], nil
}

// moves is the operator that gives v, if that moves elements of one value.
func moves(v *ir.Value) (*Move, bool) {
	if v.Def == nil || len(v.Def.In) != 1 {
		return nil, false
	}
	m, ok := v.Def.Op.(*Move)
	return m, ok && m.Parts != nil
}

// compare finds out how two values correspond that are computed in the same way.
func (e *eacher) compare(all, one *ir.Value) (length int, err error) {
	switch {
	case all.Type.DType == ir.String:
		return 0, fmt.Errorf("%q holds strings", all.Name)
	case all.Const != nil && one.Const != nil:
		if d := all.Type.DType; d != one.Type.DType || !d.IsFloat() && !d.IsInt() && d != ir.Bool {
			return 0, fmt.Errorf("the constant %q is %v", all.Name, all.Type)
		}
		return 0, nil
	case all.Def == nil || one.Def == nil || reflect.TypeOf(all.Def.Op) != reflect.TypeOf(one.Def.Op) || len(all.Def.In) != len(one.Def.In):
		return 0, fmt.Errorf("%q of type %v is computed in another way for one sample", all.Name, all.Type)
	case all.Type.Len() != e.b*one.Type.Len() || one.Type.Len() == 0:
		return 0, fmt.Errorf("%v: %v for %d samples, %v for one", all.Def, all.Type, e.b, one.Type)
	}
	in := make([]pairing, len(all.Def.In))
	for i, v := range all.Def.In {
		w := one.Def.In[i]
		if v == nil && w == nil {
			continue
		}
		if v == nil || w == nil {
			return 0, fmt.Errorf("%v has other inputs for one sample", all.Def)
		}
		if in[i], err = e.match(v, w); err != nil {
			return 0, err
		}
	}
	if length, err = e.node(all.Def, one.Def, in); err != nil {
		return 0, fmt.Errorf("%v: %w", all.Def, err)
	}
	return length, nil
}

// node is the length of the runs in the result of an operator whose inputs correspond.
func (e *eacher) node(all, one *ir.Node, in []pairing) (length int, err error) {
	switch op := all.Op.(type) {
	case *Linear:
		return e.linear(all, op, one.Op.(*Linear), in)
	case *Contract:
		return e.products(all, one, op, one.Op.(*Contract), in)
	case *Attend:
		return e.attention(all, one, op, one.Op.(*Attend), in)
	case *Map:
		if op.Expr.String() != one.Op.(*Map).Expr.String() {
			return 0, errOther
		}
		return e.aligned(all.Out[0], one.Out[0], in)
	case *Reduce:
		return e.reduction(all, one, op, one.Op.(*Reduce), in[0])
	case *Normalize:
		return e.normalized(all, one, op, one.Op.(*Normalize), in)
	case *Move:
		return e.moved(op, one.Op.(*Move), in)
	}
	return 0, errors.New("a library kernel computes all samples at once")
}

var (
	errOther = errors.New("it computes something else for one sample")
	errMixes = errors.New("it mixes samples, or does so for all that can be shown")
)

// equal reports whether two constants, or two absent ones, are the same.
func (r pairing) equal() bool {
	if r.all == nil || r.one == nil {
		return r.all == r.one
	}
	a, b := r.all.Const, r.one.Const
	return a != nil && b != nil && a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && (a == b || reflect.DeepEqual(a.Any(), b.Any()))
}

func equal(in []pairing) bool {
	return !slices.ContainsFunc(in, func(r pairing) bool { return !r.equal() })
}

// rows is the length of the runs over rows of n elements, of a value with runs over rows of k.
func (r pairing) rows(k, n int) (int, error) {
	if r.length == 0 || k == 0 || n == 0 || r.length%k != 0 {
		return 0, errMixes
	}
	return r.length / k * n, nil
}

func (e *eacher) linear(all *ir.Node, a, b *Linear, in []pairing) (int, error) {
	if a.Kind != b.Kind || !reflect.DeepEqual(a.Order, b.Order) || a.Act.String() != b.Act.String() || len(in) > a.Operands() || !equal(in[1:]) {
		return 0, errOther
	}
	w := all.In[1].Type.Shape
	return in[0].rows(w[0], w[1])
}

// aligned is for values that are read element by element, broadcast.
func (e *eacher) aligned(all, one *ir.Value, in []pairing) (int, error) {
	n := one.Type.Len()
	at := make([][2][]int, len(in))
	for k := range in {
		for s, v := range [2]*ir.Value{all, one} {
			at[k][s] = boxIndex(v.Type.Shape, 0, BroadcastStrides(v.Def.In[k].Type.Shape, v.Type.Shape))
		}
	}
	length, ok := e.find(n, func(length int) bool {
		for k, r := range in {
			if !e.every(n, length, func(i, sample, j int) bool { return e.same(r, at[k][0][i], at[k][1][j], sample) }) {
				return false
			}
		}
		return true
	})
	if !ok {
		return 0, errMixes
	}
	return length, nil
}

// products checks that every matrix product is of one sample.
func (e *eacher) products(all, one *ir.Node, a, b *Contract, in []pairing) (int, error) {
	if a.TransA != b.TransA || a.TransB != b.TransB || a.Act.String() != b.Act.String() || len(in) != 2 {
		return 0, errOther
	}
	var at [2][2][]int // of both graphs, both operands: where their matrices begin
	var size [2][3]int
	for s, n := range []*ir.Node{all, one} {
		x, y := n.In[0].Type.Shape, n.In[1].Type.Shape
		lead, m, k, cols, err := a.Dims(x, y)
		if err != nil {
			return 0, err
		}
		at[s][0], at[s][1] = a.Offsets(x, y, lead)
		size[s] = [3]int{m, k, cols}
	}
	m, k, n := size[0][0], size[0][1], size[0][2]
	if size[0] != size[1] {
		return 0, errMixes
	}
	matrix := [2]int{m * k, k * n}
	count := len(at[1][0])
	length, ok := e.find(count, func(length int) bool {
		return e.every(count, length, func(q, sample, p int) bool {
			for side, r := range in {
				if r.length%matrix[side] != 0 {
					return false
				}
				i, j := at[0][side][q], at[1][side][p]
				for x := range matrix[side] {
					if !e.same(r, i+x, j+x, sample) {
						return false
					}
					if r.length > 0 { // the others follow
						break
					}
				}
			}
			return true
		})
	})
	if !ok {
		return 0, errMixes
	}
	return length * m * n, nil
}

// attention checks that queries see the keys of their own sample.
func (e *eacher) attention(all, one *ir.Node, a, b *Attend, in []pairing) (int, error) {
	if !reflect.DeepEqual(a, b) {
		return 0, errOther
	}
	for i, r := range in[:3] {
		if r.length == 0 || r.length != one.In[i].Type.Len() || all.In[i].Type.Shape[0] != e.b*one.In[i].Type.Shape[0] {
			return 0, errMixes
		}
	}
	if len(in) > 4 {
		return 0, errOther // what passes find out comes later
	}
	if len(in) == 4 {
		shape := func(n *ir.Node) []int {
			q := n.In[0].Type.Shape
			return []int{q[0], a.Heads, q[1], n.In[1].Type.Shape[1]}
		}
		full, each := shape(all), shape(one)
		i, j := boxIndex(full, 0, BroadcastStrides(all.In[3].Type.Shape, full)), boxIndex(each, 0, BroadcastStrides(one.In[3].Type.Shape, each))
		if !e.every(len(j), len(j), func(x, sample, y int) bool { return e.same(in[3], i[x], j[y], sample) }) {
			return 0, errMixes
		}
	}
	return one.Out[0].Type.Len(), nil
}

// reduction checks that no axis across samples is reduced.
func (e *eacher) reduction(all, one *ir.Node, a, b *Reduce, x pairing) (int, error) {
	same := *a
	if same.Axes, same.KeepDims = b.Axes, b.KeepDims; !reflect.DeepEqual(&same, b) {
		return 0, errOther
	}
	if a.Window != 0 { // whole axes of it belong to one sample
		s, t := all.In[0].Type.Shape[a.Axes[0]:], one.In[0].Type.Shape[b.Axes[0]:]
		if !slices.Equal(s, t) {
			return 0, errMixes
		}
		return x.rows(ir.Size(s), ir.Size(one.Out[0].Type.Shape[b.Axes[0]:]))
	}
	to, along := a.places(all.In[0].Type.Shape)
	toOne, alongOne := b.places(one.In[0].Type.Shape)
	if x.length == 0 || len(to)/all.Out[0].Type.Len() != len(toOne)/one.Out[0].Type.Len() {
		return 0, errMixes
	}
	length, ok := e.find(one.Out[0].Type.Len(), func(length int) bool {
		return e.every(len(toOne), x.length, func(i, sample, j int) bool {
			k, at := e.place(to[i], length)
			return k == sample && at == toOne[j] && along[i] == alongOne[j]
		})
	})
	if !ok {
		return 0, errMixes
	}
	return length, nil
}

// places lists, for every element of a value of the given shape, to which element of the result it goes, and as the how
// manieth of them.
func (r *Reduce) places(shape []int) (to, along []int) {
	kept := slices.Clone(shape)
	reduced := make([]int, len(shape))
	for i := range reduced {
		reduced[i] = 1
	}
	for _, a := range r.Axes {
		kept[a], reduced[a] = 1, shape[a]
	}
	return boxIndex(shape, 0, BroadcastStrides(kept, shape)), boxIndex(shape, 0, BroadcastStrides(reduced, shape))
}

func (e *eacher) normalized(all, one *ir.Node, a, b *Normalize, in []pairing) (int, error) {
	n := ir.Size(all.In[0].Type.Shape[a.Axis:])
	if a.Rows || b.Rows || a.Fn != b.Fn || a.Epsilon != b.Epsilon || a.Partials != b.Partials || n != ir.Size(one.In[0].Type.Shape[b.Axis:]) || !equal(in[1:]) {
		return 0, errOther
	}
	return in[0].rows(n, n)
}

// moved checks that every element stays in its sample.
func (e *eacher) moved(a, b *Move, in []pairing) (int, error) {
	if !reflect.DeepEqual(a.Fill, b.Fill) || a.Pack || b.Pack || a.Parts == nil || b.Parts == nil {
		return 0, errOther
	}
	from, at := a.sources()
	fromOne, atOne := b.sources()
	n := len(atOne)
	length, ok := e.find(n, func(length int) bool {
		return e.every(n, length, func(i, sample, j int) bool {
			return from[i] == fromOne[j] && (from[i] < 0 || e.same(in[from[i]], at[i], atOne[j], sample))
		})
	})
	if !ok {
		return 0, errMixes
	}
	return length, nil
}

// sources lists, for every element of the result, the input that it comes from and its place there; -1 for the fill.
func (m *Move) sources() (from, at []int) {
	n := ir.Size(m.Shape)
	from, at = make([]int, n), make([]int, n)
	for i := range from {
		from[i] = -1
	}
	for _, p := range m.Parts {
		to, in := p.Places()
		for i, o := range to {
			from[o], at[o] = p.From, in[i]
		}
	}
	return from, at
}
