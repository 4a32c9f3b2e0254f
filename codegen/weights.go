package codegen

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
)

// weights gathers weights.bin and the struct that a package decodes it into. Constants are stored once, in their
// compact form, little-endian; the fields hold what the kernels read.
type weights struct {
	data   []byte
	at     map[string]int // offset of the bytes that are stored already
	fields []weightField
	byLoad map[string]string // field names by type and loader
}

type weightField struct {
	name string
	typ  jen.Code
	load jen.Code
}

// sectionAlign is the alignment of a section of weights.bin.
const sectionAlign = 64

// section stores b and returns its range.
func (w *weights) section(b []byte) (lo, hi int) {
	if w.at == nil {
		w.at = map[string]int{}
	}
	lo, ok := w.at[string(b)]
	if !ok {
		for len(w.data)%sectionAlign != 0 {
			w.data = append(w.data, 0)
		}
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
	load := jen.Id(e.use("load" + loader(t.DType))).Call(w.slice(littleEndian(t)))
	if layout == ir.Panels {
		rows, n := t.Type().Rows(), t.Type().Features()
		load = jen.Id(e.use("packedPanels")).Call(load, jen.Lit(rows), jen.Lit(n))
	}
	return w.field(typ, load)
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

// matrix is a dense float32 K x N constant packed by a function of package runtime.
func (w *weights) matrix(e *emitter, t *ir.Tensor, pack string) *jen.Statement {
	load := jen.Id(e.use(pack)).Call(jen.Id(e.use("loadFloat32")).Call(w.slice(littleEndian(t))), jen.Lit(t.Shape[0]), jen.Lit(t.Shape[1]))
	return w.field(jen.Index().Float64(), load)
}

// signs is a ternary K x N constant: two bits a weight.
func (w *weights) signs(e *emitter, t *ir.Tensor) *jen.Statement {
	x := ir.Data[int8](t)
	code := make([]byte, (len(x)+3)/4)
	for i, v := range x {
		if v != 0 {
			code[i/4] |= 1 << (i % 4 * 2)
		}
		if v < 0 {
			code[i/4] |= 2 << (i % 4 * 2)
		}
	}
	load := jen.Id(e.use("decodeSigns")).Call(w.slice(code), jen.Lit(t.Shape[0]), jen.Lit(t.Shape[1]))
	return w.field(jen.Id(e.use("signs")), load)
}

// sparse is a float32 K x N constant with zeros: a bitmap, row-major, low bits first, and the other values.
func (w *weights) sparse(e *emitter, t *ir.Tensor) *jen.Statement {
	x := ir.Data[float32](t)
	bitmap := make([]byte, (len(x)+7)/8)
	var values []float32
	for i, v := range x {
		if v != 0 {
			bitmap[i/8] |= 1 << (i % 8)
			values = append(values, v)
		}
	}
	vals := jen.Id(e.use("loadFloat32")).Call(w.slice(littleEndian(ir.Of(ir.Float32, []int{len(values)}, values))))
	load := jen.Id(e.use("decodeSparse")).Call(w.slice(bitmap), vals, jen.Lit(t.Shape[0]), jen.Lit(t.Shape[1]))
	return w.field(jen.Id(e.use("sparse")), load)
}
