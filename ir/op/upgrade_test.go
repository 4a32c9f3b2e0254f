package op_test

import (
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// raw is a node as an old model states it; inputs are graph inputs of the given types, constants where there is a tensor.
type raw struct {
	op    string
	opset int
	in    []any // ir.Type or *ir.Tensor
	attrs map[string]any
	outs  int
}

func (r raw) graph() (*ir.Graph, error) {
	g := &ir.Graph{Name: "g"}
	n := &op.Raw{Op: r.op, Opset: r.opset, Attrs: r.attrs}
	if n.Attrs == nil {
		n.Attrs = map[string]any{}
	}
	for i, x := range r.in {
		v := &ir.Value{Name: string(rune('a' + i))}
		switch x := x.(type) {
		case ir.Type:
			v.Type = x
			g.In = append(g.In, v)
		case *ir.Tensor:
			v.Type, v.Const = x.Type(), x
		}
		n.In = append(n.In, v)
	}
	for i := range max(r.outs, 1) {
		n.Out, n.Types = append(n.Out, string(rune('y'-i))), append(n.Types, ir.Type{})
	}
	out, err := op.Import(g, n)
	g.Out = out
	return g, err
}

func floats(shape ...int) ir.Type { return ir.Type{DType: ir.Float32, Shape: shape} }

func vector(x ...float64) *ir.Tensor { return ir.FromFloats(ir.Float32, []int{len(x)}, x) }

// TestUpgrade brings nodes of old opsets to the newest form. The wanted nodes follow the operators' version histories.
func TestUpgrade(t *testing.T) {
	for name, c := range map[string]struct {
		raw
		want []string // lines of the graph, or parts of the error
	}{
		"axis and broadcast": {raw{"Add", 6, []any{floats(2, 3, 4, 5), floats(3, 4)}, map[string]any{"axis": int64(1), "broadcast": int64(1)}, 1},
			[]string{"y_ = Reshape(b, y__c)", "y = Add(a, y_)", "int64[3] {3,4,1}"}},
		"a constant operand":      {raw{"Mul", 1, []any{floats(2, 3), vector(1, 2)}, map[string]any{"axis": int64(0), "broadcast": int64(1), "consumed_inputs": []int64{0, 0}}, 1}, []string{"float[2,1] {1,2}", "y = Mul(a, y__c)"}},
		"no broadcasting":         {raw{"Sub", 6, []any{floats(2, 3), floats(3)}, nil, 1}, []string{"attribute broadcast is 0"}},
		"limits of Clip":          {raw{"Clip", 6, []any{floats(2)}, map[string]any{"max": float32(6)}, 1}, []string{"{-3.4028235e+38}", "{6}", "y = Clip(a, y__c, y__c_1)"}},
		"one limit of Clip":       {raw{"Clip", 1, []any{floats(2)}, map[string]any{"max": float32(6)}, 1}, []string{`y = Clip(a, "", y__c)`}},
		"axes of a reduction":     {raw{"ReduceMean", 13, []any{floats(2, 3)}, map[string]any{"axes": []int64{-1}, "keepdims": int64(0)}, 1}, []string{"int64[1] {-1}", "y = ReduceMean<keepdims=0>(a, y__c)", "float[2]"}},
		"no axes":                 {raw{"ReduceSum", 11, []any{floats(2, 3)}, nil, 1}, []string{"y = ReduceSum(a)", "float[1,1]"}},
		"flattened softmax":       {raw{"Softmax", 11, []any{floats(2, 3, 4)}, nil, 1}, []string{"y_ = Flatten(a)", "y__1 = Softmax(y_)", "y = Reshape(y__1, y__c)"}},
		"softmax of the last":     {raw{"LogSoftmax", 1, []any{floats(2, 3)}, nil, 1}, []string{"y = LogSoftmax<axis=1>(a)"}},
		"Dropout in inference":    {raw{"Dropout", 6, []any{floats(2)}, map[string]any{"is_test": int64(1), "ratio": float32(0.3)}, 1}, []string{"y = Dropout(a)"}},
		"Dropout in training":     {raw{"Dropout", 6, []any{floats(2)}, nil, 1}, []string{"is_test must be 1"}},
		"a mask of floats":        {raw{"Dropout", 7, []any{floats(2)}, nil, 2}, []string{"y, y__1 = Dropout(a)", `x = Cast<to="float">(y__1)`}},
		"a slope for channels":    {raw{"PRelu", 6, []any{floats(2, 3, 4), vector(1, 2, 3)}, nil, 1}, []string{"float[3,1] {1,2,3}", "y = PRelu(a, y__c)"}},
		"the name of a type":      {raw{"Cast", 1, []any{floats(2)}, map[string]any{"to": "FLOAT16"}, 1}, []string{`y = Cast<to="float16">(a)`}},
		"scale for groups":        {raw{"GroupNormalization", 18, []any{floats(1, 4, 5), vector(1, 2), vector(3, 4)}, map[string]any{"num_groups": int64(2)}, 1}, []string{"float[4] {1,1,2,2}", "float[4] {3,3,4,4}", "y = GroupNormalization<num_groups=2>"}},
		"Selu of version 1":       {raw{"Selu", 1, []any{floats(2)}, nil, 1}, []string{"y = Selu<alpha=1.6732, gamma=1.0507>(a)"}},
		"a Gelu with bias":        {raw{"com.microsoft.BiasGelu", 1, []any{floats(2, 3), floats(3)}, nil, 1}, []string{"y_ = Add(a, b)", "y = Gelu(y_)"}},
		"fast Gelu":               {raw{"com.microsoft.FastGelu", 1, []any{floats(2, 3)}, nil, 1}, []string{`y = Gelu<approximate="tanh">(a)`}},
		"Gelu of ONNX Runtime":    {raw{"com.microsoft.Gelu", 1, []any{floats(2, 3)}, nil, 1}, []string{`y = Gelu(a)`}},
		"quick Gelu":              {raw{"com.microsoft.QuickGelu", 1, []any{floats(2, 3)}, nil, 1}, []string{`y = Swish<alpha=1.702>(a)`}},
		"statistics of elements":  {raw{"BatchNormalization", 7, []any{floats(2, 3, 4), floats(3, 4), floats(3, 4), floats(3, 4), floats(3, 4)}, map[string]any{"spatial": int64(0)}, 1}, []string{"y = Reshape(", "BatchNormalization("}},
		"BatchNormalization 9":    {raw{"BatchNormalization", 9, []any{floats(2, 3), floats(3), floats(3), floats(3), floats(3)}, nil, 1}, []string{"y = BatchNormalization(a, b, c, d, e)"}},
		"training before version": {raw{"BatchNormalization", 9, []any{floats(2, 3), floats(3), floats(3), floats(3), floats(3)}, nil, 3}, []string{"makes this training"}},
	} {
		g, err := c.graph()
		text := ""
		if err != nil {
			text = err.Error()
		} else if err := g.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			text = g.String()
		}
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", name, w, text)
			}
		}
	}
}

// TestNarrow passes a declared shape back through elementwise operators to what run-time values decide.
func TestNarrow(t *testing.T) {
	g := &ir.Graph{Name: "g", In: []*ir.Value{{Name: "x", Type: floats(2, 3)}, {Name: "axes", Type: ir.Type{DType: ir.Int64, Shape: []int{1}}}}}
	last := g.In
	for i, name := range []string{"ReduceSum", "Sqrt", "Neg"} {
		n := &op.Raw{Op: name, Opset: op.Newest, In: last, Attrs: map[string]any{}, Out: []string{name}, Types: []ir.Type{{}}}
		if i == 2 {
			n.Types[0] = floats(1, 3)
		}
		out, err := op.Import(g, n)
		if err != nil {
			t.Fatal(err)
		}
		last = out
	}
	for _, n := range g.Nodes {
		if got := n.Out[0].Type; !ir.Same(got, floats(1, 3)) {
			t.Errorf("%v is %v, want float[1,3]", n, got)
		}
	}
}
