package codegen

import (
	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/codegen/asm"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// sparseCode is the sparse layer n with weights w as code.
func sparseCode(n *ir.Node, w *ir.Tensor) *asm.Layer {
	k, cols := w.Shape[0], w.Shape[1]
	s := &asm.Sparse{Rows: make([][]uint16, k)}
	for q, v := range ir.Data[float32](w) {
		if v != 0 {
			s.Rows[q/cols] = append(s.Rows[q/cols], uint16(q%cols))
		}
	}
	l := &asm.Layer{Schedule: &low.Schedule{K: k, N: cols}, Sparse: s}
	if n.In[2] != nil {
		l.Bias = ir.Data[float32](n.In[2].Const)
	}
	return l
}

// near tells sparse layers whose code runs again from the second cache of a core, because that of all layers fits, to load
// as little as they can; others are to be short.
func (l *layers) near(order []*layer, budget int) {
	sum := 0
	for _, a := range order {
		if n := a.Least(asm.AVX512); a.twin == nil && sum+n <= budget {
			sum += n
		}
	}
	for _, a := range order {
		if a.Sparse != nil {
			a.Sparse.Hot = a.panels > 1 && sum < farBytes
		}
	}
}

// tiles are the weights of a sparse constant in the order of the code that w.coded names.
func (w *weights) tiles(e *emitter, t *ir.Tensor) *jen.Statement {
	p, values := w.split(t)
	load, _ := w.pattern(e, p)
	load = jen.Id(e.use("sparseTiles")).Call(load, jen.Id(e.use("loadFloat32")).Call(w.slice(littleEndian(values))), jen.Lit(t.Shape[0]),
		jen.Lit(asm.AVX512.SparseColumns()), jen.Lit(asm.AVX2.SparseColumns()))
	typ := jen.Index().Float32()
	return w.field(typ, jen.Id(e.use("since")).Call(jen.Id(leastPath(w.coded)), jen.Func().Params().Add(typ).Block(jen.Return(load))))
}
