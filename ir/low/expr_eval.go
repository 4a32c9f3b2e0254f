package low

import (
	"fmt"
	"sync"

	"github.com/sbtc-go/sbtc/ir"
)

// A Program evaluates an expression for inputs of known element types: the oracle of its bits. Operands and results
// are in float32 for float32, float16 and bfloat16 (narrowed only by a cast and on storing), in float64 with every
// product rounded, or integers wrapped to their width after each operation. A Program may be used concurrently.
type Program struct {
	e     Expr
	in    []ir.DType
	code  []op
	steps []step
}

// A step computes one instruction for n elements; v holds the elements of each.
type step func(v []block, n int)

// block is the elements of one instruction, in the slice of its class.
type block struct {
	f32 []float32
	f64 []float64
	i   []int64
	b   []bool
}

// blockLen elements of all instructions stay in the cache.
const blockLen = 256

// Bind prepares e for inputs of the given element types.
func (e Expr) Bind(in []ir.DType) (*Program, error) {
	code, err := e.typed(in)
	if err != nil {
		return nil, err
	}
	p := &Program{e: e, in: in, code: code}
	for n := range code {
		p.steps = append(p.steps, newStep(code, n))
	}
	return p, nil
}

// Type is the element type of the result.
func (p *Program) Type() ir.DType { return p.code[len(p.code)-1].typ }

// Eval applies e to tensors of equal length: see Program. The result has the shape of the first.
func (e Expr) Eval(in []*ir.Tensor) (*ir.Tensor, error) {
	types := make([]ir.DType, len(in))
	for i, t := range in {
		types[i] = t.DType
	}
	p, err := e.Bind(types)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("expression %v: no input says how many elements there are", e)
	}
	out := ir.NewTensor(p.Type(), in[0].Shape...)
	return out, p.Run(out, in)
}

// Run computes every element of out. The inputs have out's number of elements and the types that the program was
// bound to.
func (p *Program) Run(out *ir.Tensor, in []*ir.Tensor) error {
	if out.DType != p.Type() {
		return fmt.Errorf("expression %v: its type is %v, that of the result %v", p.e, p.Type(), out.DType)
	}
	if len(in) != len(p.in) {
		return fmt.Errorf("expression %v: %d inputs, it was bound to %d", p.e, len(in), len(p.in))
	}
	for i, t := range in {
		if t.DType != p.in[i] || t.Len() != out.Len() {
			return fmt.Errorf("expression %v: input x%d is %v, want %d elements of %v", p.e, i, t.Type(), out.Len(), p.in[i])
		}
	}
	v := newBlocks(p.code, min(blockLen, out.Len()))
	for at := 0; at < out.Len(); at += blockLen {
		n := min(blockLen, out.Len()-at)
		for k, o := range p.code {
			if o.row == nil && o.lit == nil {
				load(v[k], in[o.x], at, n)
			} else if p.steps[k] != nil {
				p.steps[k](v, n)
			}
		}
		store(out, at, v[len(v)-1], n)
	}
	return nil
}

func newBlocks(code []op, n int) []block {
	v := make([]block, len(code))
	for k, o := range code {
		switch classOf(o.typ) {
		case f32Class:
			v[k].f32 = make([]float32, n)
		case f64Class:
			v[k].f64 = make([]float64, n)
		case boolClass:
			v[k].b = make([]bool, n)
		default:
			v[k].i = make([]int64, n)
		}
		if o.lit != nil {
			fill(v[k].f32, float32(o.lit.f))
			fill(v[k].f64, o.lit.f)
			fill(v[k].i, o.lit.i)
			fill(v[k].b, o.lit.b)
		}
	}
	return v
}

func fill[T any](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

// evalLits computes an instruction whose operands are literals.
func (t *typing) evalLits(o op) *value {
	code := append(t.code[:len(t.code):len(t.code)], o)
	v := newBlocks(code, 1)
	newStep(code, len(code)-1)(v, 1)
	var out value
	switch last := v[len(v)-1]; {
	case last.f32 != nil:
		out.f = float64(last.f32[0])
	case last.f64 != nil:
		out.f = last.f64[0]
	case last.b != nil:
		out.b = last.b[0]
	default:
		out.i = last.i[0]
	}
	return &out
}

// newStep returns what computes instruction n, nil for inputs and literals.
func newStep(code []op, n int) step {
	o := code[n]
	if o.row == nil {
		return nil
	}
	if o.row.to != 0 {
		return castStep(o, n)
	}
	var s step
	switch o.class() {
	case f32Class:
		s = classStep(o.form(), n, o.arg, func(b *block) []float32 { return b.f32 })
	case f64Class:
		s = classStep(o.form(), n, o.arg, func(b *block) []float64 { return b.f64 })
	case boolClass:
		s = classStep(o.form(), n, o.arg, func(b *block) []bool { return b.b })
	default:
		s = classStep(o.form(), n, o.arg, func(b *block) []int64 { return b.i })
	}
	d := o.typ
	if !d.IsInt() || d.Bits() == 64 {
		return s
	}
	return func(v []block, m int) {
		s(v, m)
		x := v[n].i[:m]
		for i := range x {
			x[i] = wrap(d, x[i])
		}
	}
}

// classStep applies form, a function on operands of type T, to the instructions arg.
func classStep[T any](form any, n int, arg []int, of func(*block) []T) step {
	switch f := form.(type) {
	case *Sequence:
		a := arg[0]
		return func(v []block, m int) { f.eval(v[n].f32[:m], v[a].f32[:m]) }
	case func(T) T:
		a := arg[0]
		return func(v []block, m int) { map1(of(&v[n])[:m], of(&v[a]), f) }
	case func(T) bool:
		a := arg[0]
		return func(v []block, m int) { map1(v[n].b[:m], of(&v[a]), f) }
	case func(T, T) T:
		a, b := arg[0], arg[1]
		return func(v []block, m int) { map2(of(&v[n])[:m], of(&v[a]), of(&v[b]), f) }
	case func(T, T) bool:
		a, b := arg[0], arg[1]
		return func(v []block, m int) { map2(v[n].b[:m], of(&v[a]), of(&v[b]), f) }
	case func(T, T, T) T:
		a, b, c := arg[0], arg[1], arg[2]
		return func(v []block, m int) {
			y, a, b, c := of(&v[n])[:m], of(&v[a])[:m], of(&v[b])[:m], of(&v[c])[:m]
			for i := range y {
				y[i] = f(a[i], b[i], c[i])
			}
		}
	case choose[T]:
		a, b, c := arg[0], arg[1], arg[2]
		return func(v []block, m int) {
			y, cond, b, c := of(&v[n])[:m], v[a].b[:m], of(&v[b])[:m], of(&v[c])[:m]
			for i := range y {
				if y[i] = c[i]; cond[i] {
					y[i] = b[i]
				}
			}
		}
	case func(uint64) uint64:
		return classStep[T](func(a int64) int64 { return int64(f(uint64(a))) }, n, arg, of)
	case func(uint64, uint64) uint64:
		return classStep[T](func(a, b int64) int64 { return int64(f(uint64(a), uint64(b))) }, n, arg, of)
	case func(uint64, uint64) bool:
		return classStep[T](func(a, b int64) bool { return f(uint64(a), uint64(b)) }, n, arg, of)
	}
	panic(fmt.Sprintf("a form of type %T", form))
}

func map1[R, T any](y []R, a []T, f func(T) R) {
	a = a[:len(y)]
	for i := range y {
		y[i] = f(a[i])
	}
}

func map2[R, T any](y []R, a, b []T, f func(T, T) R) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = f(a[i], b[i])
	}
}

// wrap keeps the low bits of v and extends them as type d does.
func wrap(d ir.DType, v int64) int64 {
	sh := 64 - d.Bits()
	if d.IsUnsigned() {
		return int64(uint64(v) << sh >> sh)
	}
	return v << sh >> sh
}

// half decodes all codes of a 16-bit type once.
var half = map[ir.DType]func() []float32{
	ir.Float16:  sync.OnceValue(func() []float32 { return decodeAll(ir.Float16) }),
	ir.BFloat16: sync.OnceValue(func() []float32 { return decodeAll(ir.BFloat16) }),
}

func decodeAll(d ir.DType) []float32 {
	x := make([]float32, 1<<16)
	for c := range x {
		x[c] = float32(ir.DecodeFloat(d, uint16(c)))
	}
	return x
}

func load(b block, t *ir.Tensor, at, n int) {
	switch x := t.Any().(type) {
	case []float32:
		copy(b.f32, x[at:at+n])
	case []float64:
		copy(b.f64, x[at:at+n])
	case []bool:
		copy(b.b, x[at:at+n])
	case []int64:
		copy(b.i, x[at:at+n])
	case []uint16:
		if f := half[t.DType]; f != nil {
			table := f()
			for i, c := range x[at : at+n] {
				b.f32[i] = table[c]
			}
			return
		}
		widen(b.i, x[at:at+n])
	case []int8:
		widen(b.i, x[at:at+n])
	case []int16:
		widen(b.i, x[at:at+n])
	case []int32:
		widen(b.i, x[at:at+n])
	case []uint8:
		widen(b.i, x[at:at+n])
	case []uint32:
		widen(b.i, x[at:at+n])
	case []uint64:
		widen(b.i, x[at:at+n])
	default:
		panic(fmt.Sprintf("elements of type %T", x))
	}
}

func widen[T int8 | int16 | int32 | uint8 | uint16 | uint32 | uint64](y []int64, x []T) {
	for i, v := range x {
		y[i] = int64(v)
	}
}

func store(t *ir.Tensor, at int, b block, n int) {
	switch y := t.Any().(type) {
	case []float32:
		copy(y[at:], b.f32[:n])
	case []float64:
		copy(y[at:], b.f64[:n])
	case []bool:
		copy(y[at:], b.b[:n])
	case []int64:
		copy(y[at:], b.i[:n])
	default:
		for i := range n {
			if b.f32 != nil {
				t.SetFloat(at+i, float64(b.f32[i]))
			} else {
				t.SetInt(at+i, b.i[i])
			}
		}
	}
}
