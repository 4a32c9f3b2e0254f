package low

import "github.com/sbtc-go/sbtc/ir"

// Map computes a scalar expression for every element of its inputs' broadcast shape. In panels, an input is in panels
// too or has one row, the same for all.
type Map struct {
	Expr Expr `onnx:"expr"`
}

// Elementwise adds a Map of the inputs, which the expression calls x0, x1 and so on.
func Elementwise(b *ir.Builder, expr string, in ...*ir.Value) *ir.Value {
	return b.Add(&Map{Expr: MustExpr(expr)}, in...)
}

// Name is the operator's name in the text form.
func (*Map) Name() string { return "sbtc.Map" }

// Infer returns the broadcast shape, in panels if an input is.
func (m *Map) Infer(in []*ir.Value) ([]ir.Type, error) {
	if m.Expr.Inputs() > len(in) {
		return nil, errArity
	}
	shape, err := broadcast(shapesOf(in)...)
	if err != nil {
		return nil, err
	}
	t := ir.Type{Shape: shape}
	dts := make([]ir.DType, len(in))
	for i, v := range in {
		dts[i] = v.Type.DType
		t.Layout = max(t.Layout, v.Type.Layout)
	}
	if t.DType, err = m.Expr.Type(dts); err != nil {
		return nil, err
	}
	return []ir.Type{t}, alignLayouts(t, in)
}

// Eval computes the expression element by element.
func (m *Map) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	shapes := make([][]int, len(in))
	for i, t := range in {
		shapes[i] = t.Shape
	}
	shape, err := broadcast(shapes...)
	if err != nil {
		return nil, err
	}
	aligned := make([]*ir.Tensor, len(in))
	for i, t := range in {
		aligned[i] = expand(t, shape)
	}
	out, err := m.Expr.Eval(aligned)
	if err != nil {
		return nil, err
	}
	return []*ir.Tensor{out.Reshape(shape...)}, nil
}
