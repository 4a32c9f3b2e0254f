package codegen

import (
	"math"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

func panelsOf(t ir.Type) int { return (t.Rows() + ir.Lanes - 1) / ir.Lanes }

// layer emits the call of a kernel that computes the layer without its epilogue.
func (e *emitter) layer(n *ir.Node, op *low.Linear, sum sum) {
	x, w, out := n.In[0], n.In[1].Const, n.Out[0]
	k, cols := w.Shape[0], w.Shape[1]
	src, narrow := e.widen(x), jen.Code(nil)
	dst := sum.ref
	if isHalf(x.Type.DType) {
		dst = e.like(out, ir.Float32)
		narrow = e.narrowing(sum.ref, dst, x.Type.DType)
	}
	dims := []jen.Code{jen.Lit(k), jen.Lit(cols)}
	switch {
	case x.Type.Len() == 0 || out.Type.Len() == 0:
		e.zero(dst, n.In[2], cols)
	case op.Kind == "ternary":
		e.ternary(n, op, dst, src)
	case op.Kind == "sparse" && x.Type.Layout == ir.Panels:
		wide := e.scratch("float64", 8, k*ir.Lanes)
		e.call("sparsePanels", append([]jen.Code{dst, src, jen.Op("&").Add(e.weights.sparse(e, w, panelsOf(x.Type))), e.ref(n.In[2]), wide, e.panels(x)}, dims...)...)
	case op.Kind == "sparse":
		e.call("sparseRows", append([]jen.Code{dst, src, jen.Op("&").Add(e.weights.sparse(e, w, 0)), e.ref(n.In[2]), e.rows(x)}, dims...)...)
	case x.Type.DType == ir.Float64:
		e.call("denseRows64", append([]jen.Code{dst, src, e.ref(n.In[1]), e.ref(n.In[2]), e.rows(x)}, dims...)...)
	case x.Type.Layout == ir.Panels:
		wide := e.scratch("float64", 8, k*ir.Lanes)
		e.call("densePanels", append([]jen.Code{dst, src, e.weights.matrix(e, w, "newPanelMatrix", panelBlock), e.wideConst(n.In[2]), wide, e.panels(x)}, dims...)...)
	default:
		e.call("denseRows", append([]jen.Code{dst, src, e.weights.matrix(e, wideTensor(w), "newRowMatrix", rowBlock), e.wideConst(n.In[2]), e.rows(x)}, dims...)...)
	}
	if narrow != nil {
		e.body = append(e.body, narrow)
	}
}

// zero emits a layer without features: every row is the bias.
func (e *emitter) zero(dst *jen.Statement, bias *ir.Value, cols int) {
	if bias == nil || cols == 0 {
		e.body = append(e.body, jen.Id("clear").Call(dst))
		return
	}
	e.call("repeat", dst, e.wideConst(bias))
}

// wideTensor is a constant of a 16-bit float type in float32.
func wideTensor(t *ir.Tensor) *ir.Tensor {
	if !isHalf(t.DType) {
		return t
	}
	return ir.FromFloats(ir.Float32, t.Shape, t.Floats())
}

func (e *emitter) wideConst(v *ir.Value) *jen.Statement {
	if v == nil || !isHalf(v.Type.DType) {
		return e.ref(v)
	}
	return e.weights.plain(e, wideTensor(v.Const), ir.RowMajor)
}

func isHalf(d ir.DType) bool { return d == ir.Float16 || d == ir.BFloat16 }

// widen is a value for a float32 kernel: 16-bit floats are converted to scratch.
func (e *emitter) widen(v *ir.Value) *jen.Statement {
	if v == nil || !isHalf(v.Type.DType) {
		return e.ref(v)
	}
	if v.Const != nil {
		return e.wideConst(v)
	}
	wide := e.like(v, ir.Float32)
	e.call("widen"+halfName(v.Type.DType), wide, e.ref(v))
	return wide
}

func halfName(d ir.DType) string {
	if d == ir.Float16 {
		return "Float16"
	}
	return "BFloat16"
}

// narrowing is the statement that stores a float32 result in a 16-bit type.
func (e *emitter) narrowing(dst, src *jen.Statement, d ir.DType) jen.Code {
	return jen.Id(e.use("narrow"+halfName(d))).Call(dst, src)
}

// wide runs a float32 kernel whose result is of type v: into v itself, or into scratch that is then narrowed.
func (e *emitter) wide(v *ir.Value, run func(dst *jen.Statement)) {
	if !isHalf(v.Type.DType) {
		run(e.ref(v))
		return
	}
	s := e.like(v, ir.Float32)
	run(s)
	e.body = append(e.body, e.narrowing(e.ref(v), s, v.Type.DType))
}

// sum is where a layer leaves its result before the epilogue.
type sum struct {
	ref *jen.Statement
	typ ir.Type
}

// sumOf is the result's own place if the epilogue keeps the element type, else scratch.
func (e *emitter) sumOf(n *ir.Node, act low.Expr) sum {
	t := n.Out[0].Type
	t.DType = n.In[0].Type.DType
	if t.DType == n.Out[0].Type.DType {
		return sum{e.ref(n.Out[0]), t}
	}
	return sum{e.like(n.Out[0], t.DType), t}
}

func (e *emitter) epilogue(n *ir.Node, act low.Expr, s sum, extra []*ir.Value) error {
	if act.IsZero() {
		return nil
	}
	in := []operand{{s.ref, s.typ}}
	for _, v := range extra {
		in = append(in, operand{e.ref(v), v.Type})
	}
	if s.typ.DType == ir.Float32 && n.Out[0].Type.DType == ir.Float32 && newLoops(n.Out[0].Type, e.allPanels(n.Out[0]), in).contiguous() {
		if calls, ok := e.inPlace(act, in); ok {
			e.body = append(e.body, calls...)
			return nil
		}
	}
	return e.loop(act, n.Out[0], in)
}

// inPlace is an expression as calls of kernels on slices, each of which replaces the first input by what it computes; ok
// tells whether that can be.
func (e *emitter) inPlace(x low.Expr, in []operand) (calls []jen.Code, ok bool) {
	if i, ok := x.Input(); ok {
		return nil, i == 0
	}
	fn, args := x.Result()
	form, read, inner := fn+"(x0)", []jen.Code{in[0].ref, in[0].ref}, 0
	if len(args) == 2 {
		i, first := args[0].Input()
		j, second := args[1].Input()
		form, read = fn+"(x0,x1)", append(read, nil)
		switch {
		case second && j > 0:
			read[2] = in[j].ref
		case first && i > 0:
			read[1], read[2], inner = in[i].ref, in[0].ref, 1
		default:
			return nil, false
		}
	}
	kernel := ""
	if f, err := low.ParseExpr(form); err == nil {
		kernel = sliceKernel(f, in[:len(args)])
	}
	if kernel == "" || len(read) != len(args)+1 {
		return nil, false
	}
	if calls, ok = e.inPlace(args[inner], in); !ok {
		return nil, false
	}
	return append(calls, jen.Id(e.use(kernel)).Call(read...)), true
}

// contract emits a product of activations and its epilogue.
func (e *emitter) contract(n *ir.Node, op *low.Contract) error {
	a, b := n.In[0].Type, n.In[1].Type
	lead, m, k, cols, err := op.Dims(a.Shape, b.Shape)
	if err != nil {
		return err
	}
	ar, ac, br, bc := k, 1, cols, 1
	if op.TransA {
		ar, ac = 1, m
	}
	if op.TransB {
		br, bc = 1, k
	}
	as, bs := op.Offsets(a.Shape, b.Shape, lead)
	shape := e.table("product", jen.Id(e.use("product")).Values(jen.Dict{
		jen.Id("m"): jen.Lit(m), jen.Id("k"): jen.Lit(k), jen.Id("n"): jen.Lit(cols),
		jen.Id("ar"): jen.Lit(ar), jen.Id("ac"): jen.Lit(ac), jen.Id("br"): jen.Lit(br), jen.Id("bc"): jen.Lit(bc),
		jen.Id("as"): int32s(as), jen.Id("bs"): int32s(bs),
	}))
	s := e.sumOf(n, op.Act)
	kernel := "contract"
	if a.DType == ir.Float32 || isHalf(a.DType) {
		kernel = "contract32"
	}
	dst, x, y := s.ref, e.widen(n.In[0]), e.widen(n.In[1])
	if isHalf(a.DType) {
		dst = e.like(n.Out[0], ir.Float32)
	}
	if s.typ.Len() > 0 {
		if k == 0 {
			e.body = append(e.body, jen.Id("clear").Call(dst))
		} else {
			set := setFields{}
			if e.batch.has(n.Out[0]) {
				set["as"] = shape.Clone().Dot("as").Index(jen.Empty(), e.batch.times(ir.Size(lead)))
			}
			e.call(kernel, dst, x, y, e.shaped(shape, set))
		}
	}
	if isHalf(a.DType) {
		e.body = append(e.body, e.narrowing(s.ref, dst, a.DType))
	}
	return e.epilogue(n, op.Act, s, n.In[2:])
}

func int32s(x []int) *jen.Statement {
	return jen.Index().Int32().ValuesFunc(func(g *jen.Group) {
		for _, v := range x {
			g.Lit(v)
		}
	})
}

// float32Lit writes a float32 exactly.
func float32Lit(x float32) *jen.Statement {
	if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) || f == 0 && math.Signbit(f) {
		return jen.Qual("math", "Float32frombits").Call(jen.Lit(int(math.Float32bits(x))))
	}
	return jen.Op(hexFloat(float64(x), 32))
}
