package codegen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
)

// weights gathers weights.bin and the struct that a package decodes it into. Constants are stored once, in their
// compact form, little-endian and without padding; the fields hold what the kernels read.
type weights struct {
	mode   Mode
	data   []byte
	ends   []int          // of data, after each node
	at     map[string]int // offset of the bytes that are stored already
	fields []weightField
	byLoad map[string]string // field names by type and loader
	list   []Stored
	noted  map[string]bool // what list has
	coded  string          // the layer whose lists are asked for; the paths that have its weights as code need none
}

type weightField struct {
	name string
	typ  jen.Code
	load jen.Code
}

// section stores b and returns its range.
func (w *weights) section(b []byte) (lo, hi int) {
	if w.at == nil {
		w.at = map[string]int{}
	}
	lo, ok := w.at[string(b)]
	if !ok {
		lo = len(w.data)
		w.data = append(w.data, b...)
		w.at[string(b)] = lo
	}
	return lo, lo + len(b)
}

// field declares a field of the given type that load makes of section b, and returns a reference to it.
func (w *weights) field(typ, load *jen.Statement) *jen.Statement {
	key := fmt.Sprintf("%#v %#v", typ, load)
	name, ok := w.byLoad[key]
	if !ok {
		if w.byLoad == nil {
			w.byLoad = map[string]string{}
		}
		name = fmt.Sprintf("w%d", len(w.fields))
		w.byLoad[key] = name
		w.fields = append(w.fields, weightField{name, typ, load})
	}
	return jen.Id("w").Dot(name)
}

func (w *weights) slice(b []byte) *jen.Statement {
	lo, hi := w.section(b)
	return jen.Id("weightsBin").Index(jen.Lit(lo), jen.Lit(hi))
}

// plain is a constant as it is, row-major or in panels.
func (w *weights) plain(e *emitter, t *ir.Tensor, layout ir.Layout) *jen.Statement {
	if t.Len() == 0 {
		return jen.Nil()
	}
	typ := jen.Index().Id(goType(t.DType))
	load := w.stored(e, t)
	if layout == ir.Panels {
		rows, n := t.Type().Rows(), t.Type().Features()
		load = jen.Id(e.use("packedPanels")).Call(load, jen.Lit(rows), jen.Lit(n))
	}
	return w.field(typ, load)
}

// stored is the call that loads the elements of a constant. One whose elements are all the same is stored as one, one of
// few different elements as these and an index for each, and one that repeats itself once.
func (w *weights) stored(e *emitter, t *ir.Tensor) *jen.Statement {
	load := jen.Id(e.use("load" + loader(t.DType)))
	b := littleEndian(t)
	if p := period(b, t.Len()); p < t.Len() {
		once := t.Gather([]int{p}, func(i int) int { return i })
		return jen.Id(e.use("repeated")).Call(w.stored(e, once), jen.Lit(t.Len()))
	}
	if t.Len() > 1 && t.DType != ir.String && len(b)%t.Len() == 0 {
		switch p := newPalette(b, t.Len()); {
		case p.bits == 0:
			w.note("uniform", t.Shape, 0, p.colours)
			return jen.Id(e.use("repeated")).Call(load.Call(w.slice(p.colours)), jen.Lit(t.Len()))
		case p.bits > 0 && len(p.colours)+len(p.indices) < len(b):
			w.note("indexed", t.Shape, 0, slices.Concat(p.colours, p.indices))
			return jen.Id(e.use("indexed")).Call(load.Call(w.slice(p.colours)), w.slice(p.indices), jen.Lit(p.bits), jen.Lit(t.Len()))
		}
	}
	w.note("plain", t.Shape, 0, b)
	return load.Call(w.slice(b))
}

func loader(d ir.DType) string {
	switch d {
	case ir.Float32:
		return "Float32"
	case ir.Float64:
		return "Float64"
	case ir.Bool:
		return "Bool"
	case ir.String:
		return "String"
	case ir.Complex64:
		return "Complex64"
	case ir.Complex128:
		return "Complex128"
	}
	return "Int[" + goType(d) + "]"
}

// littleEndian is the stored form of a tensor: strings as length-prefixed bytes, everything else as it is held.
func littleEndian(t *ir.Tensor) []byte {
	var b bytes.Buffer
	if t.DType == ir.String {
		for _, s := range ir.Data[string](t) {
			b.Write(binary.AppendUvarint(nil, uint64(len(s))))
			b.WriteString(s)
		}
		return b.Bytes()
	}
	if err := binary.Write(&b, binary.LittleEndian, t.Any()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// The columns of the blocks that densePanels and denseRows of package runtime read.
const panelBlock, rowBlock = 24, 64

// matrix is a dense float32 K x N constant, which a function of package runtime prepares that takes it by blocks of columns.
func (w *weights) matrix(e *emitter, t *ir.Tensor, prepare string, block int) *jen.Statement {
	k, n := t.Shape[0], t.Shape[1]
	elements := w.holes(e, t)
	switch {
	case elements == nil:
		elements = w.stored(e, inBlocks(t, block))
	case n > block:
		elements = jen.Id(e.use("inBlocks")).Call(elements, jen.Lit(k), jen.Lit(n), jen.Lit(block))
	}
	return w.field(jen.Id(e.use("denseMatrix")), jen.Id(e.use(prepare)).Call(elements, jen.Lit(k), jen.Lit(n)))
}

// inBlocks is a row-major matrix cut into blocks of columns, row-major each, so that no copy of it is made when the package
// starts.
func inBlocks(t *ir.Tensor, block int) *ir.Tensor {
	k, n := t.Shape[0], t.Shape[1]
	if n <= block {
		return t
	}
	return t.Gather(t.Shape, func(i int) int {
		j := i / (k * block) * block
		cols := min(block, n-j)
		i -= j * k
		return i/cols*n + j + i%cols
	})
}

// holes stores a dense matrix without its zeros, where size counts and that is smaller; else it returns nil.
func (w *weights) holes(e *emitter, t *ir.Tensor) *jen.Statement {
	x := ir.Data[float32](t)
	minusZero := func(v float32) bool { return v == 0 && math.Signbit(float64(v)) } // which the pattern would lose
	if w.mode != Size || !slices.Contains(x, 0) || slices.ContainsFunc(x, minusZero) {
		return nil
	}
	p, values := w.split(t)
	b, v := p.gaps(), littleEndian(values)
	if len(b)+len(v) >= 4*len(x) {
		return nil
	}
	w.note("sparse", p.stored(), len(p.nonzero), slices.Concat(b, v))
	pattern, _ := w.pattern(e, p)
	return jen.Id(e.use("filledIn")).Call(pattern, jen.Id(e.use("loadFloat32")).Call(w.slice(v)), jen.Lit(t.Shape[0]), jen.Lit(t.Shape[1]))
}

// signs is a ternary K x N constant.
func (w *weights) signs(e *emitter, t *ir.Tensor) *jen.Statement {
	p, _ := patternOf(ir.Data[int8](t), t.Shape[0], t.Shape[1], true)
	load, b := w.pattern(e, p)
	w.note("ternary", p.stored(), len(p.nonzero), b)
	return w.lists(e, "signs", jen.Id(e.use("newSigns")).Call(load))
}

// kept is a pattern of ones, an int8 K x N constant.
func (w *weights) kept(e *emitter, t *ir.Tensor) *jen.Statement {
	p, _ := patternOf(ir.Data[int8](t), t.Shape[0], t.Shape[1], false)
	load, b := w.pattern(e, p)
	w.note("pattern", p.stored(), len(p.nonzero), b)
	return load
}

// lists declares a field for lists of weights.
func (w *weights) lists(e *emitter, typ string, load *jen.Statement) *jen.Statement {
	e.use(typ)
	if w.coded != "" {
		load = jen.Id(e.use("below")).Call(jen.Id(leastPath(w.coded)), jen.Func().Params().Id(typ).Block(jen.Return(load)))
	}
	return w.field(jen.Id(typ), load)
}

// sparse is a float32 K x N constant with zeros: a pattern and its values in the same order, for so many panels of
// activations, 0 for row-major ones.
func (w *weights) sparse(e *emitter, t *ir.Tensor, panels int) *jen.Statement {
	p, values := w.split(t)
	load, b := w.pattern(e, p)
	v := littleEndian(values)
	w.note("sparse", p.stored(), len(p.nonzero), slices.Concat(b, v))
	return w.lists(e, "sparse", jen.Id(e.use("newSparse")).Call(load, jen.Id(e.use("loadFloat32")).Call(w.slice(v)), jen.Lit(panels), jen.Lit(t.Shape[0])))
}

// split parts a float32 matrix into the pattern and the values of its nonzero weights.
func (w *weights) split(t *ir.Tensor) (pattern, *ir.Tensor) {
	x := ir.Data[float32](t)
	p, order := patternOf(x, t.Shape[0], t.Shape[1], false)
	values := make([]float32, len(order))
	for i, q := range order {
		values[i] = x[q]
	}
	return p, ir.Of(ir.Float32, []int{len(values)}, values)
}

// pattern is the call that decodes a pattern, and its stored form: in speed mode the one that decodes fastest, in size
// mode the smallest.
func (w *weights) pattern(e *emitter, p pattern) (*jen.Statement, []byte) {
	if w.mode == Size {
		b := p.gaps()
		return jen.Id(e.use("decodeGaps")).Call(w.slice(b), jen.Lit(p.zeroProbability()), p.shape(e)), b
	}
	b := p.bitmap()
	return jen.Id(e.use("decodeBitmap")).Call(w.slice(b), p.shape(e)), b
}
