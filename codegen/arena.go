package codegen

import (
	"cmp"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// arena plans where values live between the nodes that make and read them. One block of memory serves all values; a
// value's place is free again after its last reader.
type arena struct {
	g      *ir.Graph
	at     int               // index of the current node
	last   map[*ir.Value]int // index of the last reader, by root
	root   map[*ir.Value]*ir.Value
	places map[*ir.Value]block // of roots
	grow   map[*ir.Value]int   // bytes of the results that roots begin, and whose place they are to be
	used   []block             // by offset
	loan   []block             // for the current node only
	size   int                 // bytes in all
}

// block is a range of bytes.
type block struct{ off, size int }

// alignment of values in bytes: that of the widest vectors.
const alignment = 64

func newArena(g *ir.Graph) *arena {
	a := &arena{g: g, last: map[*ir.Value]int{}, root: map[*ir.Value]*ir.Value{}, places: map[*ir.Value]block{}, grow: map[*ir.Value]int{}}
	for i, n := range g.Nodes {
		if a.aliases(n) {
			a.root[n.Out[0]] = a.rootOf(n.In[0])
		}
		for _, v := range n.In {
			if v != nil {
				a.last[a.rootOf(v)] = i
			}
		}
	}
	for i, n := range g.Nodes {
		if k := a.begins(i, n); k >= 0 {
			out := n.Out[0].Type
			a.grow[a.rootOf(n.In[n.Op.(*low.Move).Parts[k].From])] = out.Room() * elemSize(out.DType)
		}
	}
	return a
}

// aliases reports whether the result of n is its input under another shape, or the beginning of it: the first rows in panels
// or the first elements.
func (a *arena) aliases(n *ir.Node) bool {
	m, ok := n.Op.(*low.Move)
	return ok && (m.Turn || m.Parts == nil && m.Layout() == n.In[0].Type.Layout || (m.Prefix(n.In) || a.prefix(n, m)) && !packed(n.In[0])) &&
		!slices.Contains(a.g.Out, n.Out[0])
}

// prefix reports whether the result of n is the first elements of its one input, both row-major and in the arena.
func (a *arena) prefix(n *ir.Node, m *low.Move) bool {
	return len(n.In) == 1 && len(m.Parts) == 1 && stays(n, m.Parts[0]) && ir.Size(m.Parts[0].Dims) == n.Out[0].Type.Len() &&
		!slices.Contains(a.g.In, a.rootOf(n.In[0]))
}

// stays reports whether a part of a move n is elements that are where they shall be, at the beginning of an input, row-major.
func stays(n *ir.Node, p low.Part) bool {
	if p.In != 0 || p.Out != 0 || ir.Size(p.Dims) == 0 || n.Out[0].Type.Layout != ir.RowMajor || n.In[p.From].Type.Layout != ir.RowMajor {
		return false
	}
	l := collapse(p.Dims, [][]int{p.OutStrides, p.InStrides})
	return len(l.dims) == 1 && l.strides[0][0] == 1 && l.strides[1][0] == 1
}

// begins is the part of a move that joins values, node i, whose input dies there, is nothing else, and begins the result; -1 if
// there is none. The result may take its place.
func (a *arena) begins(i int, n *ir.Node) int {
	m, ok := n.Op.(*low.Move)
	if !ok || len(m.Parts) < 2 || covered(m) < n.Out[0].Type.Len() || slices.Contains(a.g.Out, n.Out[0]) {
		return -1
	}
	readers := map[*ir.Value]int{}
	for _, p := range m.Parts {
		readers[a.rootOf(n.In[p.From])]++
	}
	return slices.IndexFunc(m.Parts, func(p low.Part) bool {
		r := a.rootOf(n.In[p.From])
		return stays(n, p) && ir.Size(p.Dims) == r.Type.Len() && readers[r] == 1 && a.last[r] == i && r.Def != nil && !packed(r)
	})
}

// packed reports whether v is a constant brought into panels.
func packed(v *ir.Value) bool {
	for v.Def != nil {
		if _, ok := v.Def.Op.(*low.Move); !ok {
			break
		}
		v = v.Def.In[0]
	}
	return v.Const != nil
}

func (a *arena) rootOf(v *ir.Value) *ir.Value {
	if r := a.root[v]; r != nil {
		return r
	}
	return v
}

func (a *arena) begin(i int) { a.at = i }

// end gives back what the node borrowed and what nobody reads any more.
func (a *arena) end(n *ir.Node) {
	for _, b := range a.loan {
		a.release(b)
	}
	a.loan = nil
	for _, v := range slices.Concat(n.In, n.Out) {
		if v == nil {
			continue
		}
		r := a.rootOf(v)
		if b, ok := a.places[r]; ok && a.last[r] <= a.at {
			a.release(b)
			delete(a.places, r)
		}
	}
}

func (a *arena) release(b block) {
	if i := slices.Index(a.used, b); i >= 0 {
		a.used = slices.Delete(a.used, i, i+1)
	}
}

// reserve finds the lowest free place for n bytes.
func (a *arena) reserve(n int) block {
	n = (n + alignment - 1) / alignment * alignment
	off := 0
	for _, u := range a.used {
		if u.off-off >= n {
			break
		}
		off = max(off, u.off+u.size)
	}
	b := block{off, n}
	at, _ := slices.BinarySearchFunc(a.used, b, func(x, y block) int { return cmp.Compare(x.off, y.off) })
	a.used = slices.Insert(a.used, at, b)
	a.size = max(a.size, off+n)
	return b
}

// borrow is reserve for the current node only.
func (a *arena) borrow(n int) block {
	b := a.reserve(n)
	a.loan = append(a.loan, b)
	return b
}

// inherit gives out the place of an input that dies here, if one has the same type; it reports whether it did.
func (a *arena) inherit(out *ir.Value, in []*ir.Value) bool {
	for _, v := range in {
		r := a.rootOf(v)
		b, ok := a.places[r]
		if ok && a.last[r] == a.at && ir.Same(v.Type, out.Type) && v.Type.Layout == out.Type.Layout {
			a.places[out] = b
			delete(a.places, r)
			return true
		}
	}
	return false
}

// take gives out the place of v, if v dies here and has the room; it reports whether it did.
func (a *arena) take(out, v *ir.Value) bool {
	r := a.rootOf(v)
	b, ok := a.places[r]
	if !ok || a.last[r] != a.at || b.size < out.Type.Room()*elemSize(out.Type.DType) || slices.Contains(a.g.Out, out) {
		return false
	}
	a.places[out] = b
	delete(a.places, r)
	return true
}

// goType is the Go type of the elements of a value.
func goType(d ir.DType) string { return low.GoType(d) }

func elemSize(d ir.DType) int {
	switch d {
	case ir.Complex128:
		return 16
	case ir.Int2, ir.Uint2, ir.Int4, ir.Uint4, ir.Float4E2M1:
		return 1
	}
	return d.Bits() / 8
}

func view(d string, at, n jen.Code) *jen.Statement {
	return jen.Id("view").Types(jen.Id(d)).Call(jen.Id("a"), at, n)
}

// ref is the slice that holds v.
func (e *emitter) ref(v *ir.Value) *jen.Statement {
	if v == nil {
		return jen.Nil()
	}
	if v.Const != nil {
		return e.weights.plain(e, v.Const, ir.RowMajor)
	}
	shown := v
	if r := e.arena.rootOf(v); r != v {
		if r.Const != nil || e.consts[r] != nil || e.inEachLane[r] != nil {
			return e.ref(r)
		}
		v = r
	}
	if c := e.inEachLane[v]; c != nil {
		return e.weights.field(jen.Index().Float32(), jen.Id(e.use("eachLane")).Call(e.weights.stored(e, c)))
	}
	if c := e.consts[v]; c != nil {
		all := e.panelConst(v, c)
		if width := ir.Lanes * shown.Type.Features(); e.cut(shown) {
			return all.Index(jen.Id("lo").Op("*").Lit(width), jen.Id("hi").Op("*").Lit(width))
		}
		return all
	}
	if i := slices.Index(e.g.In, v); i >= 0 {
		return jen.Id("in").Dot(e.in[i].Go)
	}
	if i := slices.Index(e.g.Out, v); i >= 0 {
		return jen.Id("out").Dot(e.out[i].Go)
	}
	if v.Type.DType == ir.String {
		return e.stringRef(v)
	}
	b, ok := e.arena.places[v]
	if !ok {
		b = e.arena.reserve(max(e.arena.grow[v], e.allRoom(v)*elemSize(v.Type.DType)))
		e.arena.places[v] = b
	}
	e.use("view")
	return view(goType(v.Type.DType), e.place(shown, b), e.room(shown))
}

// stringRef is the field of Model that holds a value of strings, which the collector must see.
func (e *emitter) stringRef(v *ir.Value) *jen.Statement {
	name, ok := e.strings[v]
	if !ok {
		name = e.fresh("s")
		e.strings[v] = name
		e.stringFields = append(e.stringFields, stringField{name, v.Type.Len()})
	}
	if e.batch.has(v) {
		return jen.Id("m").Dot(name).Index(jen.Empty(), e.room(v))
	}
	return jen.Id("m").Dot(name)
}

type stringField struct {
	name string
	n    int
}

// scratch is room for n elements for the current node only.
func (e *emitter) scratch(d string, size, n int) *jen.Statement {
	if n == 0 {
		return jen.Nil()
	}
	e.use("view")
	if e.workers.rows != 0 {
		return e.stepScratch(d, n*size, n)
	}
	return view(d, jen.Lit(e.arena.borrow(n*size).off), jen.Lit(n))
}

// alias reports whether n needs no code: a value under another shape, or a constant in another layout.
func (e *emitter) alias(n *ir.Node) bool {
	if m, ok := n.Op.(*low.Move); ok && m.Pack && len(m.Parts) == 0 && n.In[0].Const != nil {
		e.consts[n.Out[0]] = n.In[0].Const.Reshape(m.Shape...)
		return true
	}
	if c := eachLane(n); c != nil {
		e.inEachLane[n.Out[0]] = c
		return true
	}
	return e.arena.aliases(n)
}
