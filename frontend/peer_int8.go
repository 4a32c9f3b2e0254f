package frontend

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir"
)

// Quantize makes each product with a constant matrix one of 8-bit integers and returns their number: weights as int8
// with one scale for the matrix, largest magnitude 127, activations quantized as they come. This is the form that ONNX
// Runtime's tools call dynamic quantization, and which it fuses into its integer kernels:
//
//	DynamicQuantizeLinear (https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html, opset 11)
//	MatMulInteger         (https://onnx.ai/onnx/operators/onnx__MatMulInteger.html, opset 10)
//	Cast, Mul, and for Gemm with a summand Add
//
// These are MatMul with a matrix as the right operand, and Gemm without factors whose left operand is not transposed.
func (p *Peer) Quantize() (int, error) {
	for _, s := range p.model.OpsetImport {
		if domainOf(s.GetDomain()) == "" && s.GetVersion() < 11 {
			return 0, fmt.Errorf("the model has opset %d; quantizing when it runs needs 11", s.GetVersion())
		}
	}
	q := quantizer{g: p.model.Graph, constants: map[string]*onnxpb.TensorProto{}, inputs: map[string][]string{}, weights: map[string][]string{}}
	for _, t := range q.g.Initializer {
		q.constants[t.GetName()] = t
	}
	q.prefix = "int8"
	for q.taken() {
		q.prefix += "_"
	}
	count := 0
	for _, n := range q.g.Node {
		done, err := q.node(n)
		if err != nil {
			return 0, err
		}
		if done {
			count++
		}
	}
	q.g.Node = q.nodes
	q.g.ValueInfo = nil
	return count, nil
}

type quantizer struct {
	g         *onnxpb.GraphProto
	nodes     []*onnxpb.NodeProto
	constants map[string]*onnxpb.TensorProto
	inputs    map[string][]string // quantized activations by name: elements, scale, zero point
	weights   map[string][]string // quantized matrices: elements, scale, zero point
	prefix    string              // of new names
	count     int
}

// taken reports whether a name of the graph begins with the prefix.
func (q *quantizer) taken() bool {
	for _, n := range q.g.Node {
		for _, name := range n.Output {
			if strings.HasPrefix(name, q.prefix) {
				return true
			}
		}
	}
	for _, t := range q.g.Initializer {
		if strings.HasPrefix(t.GetName(), q.prefix) {
			return true
		}
	}
	return false
}

// node adds n, or what stands for it; it reports whether n was quantized.
func (q *quantizer) node(n *onnxpb.NodeProto) (bool, error) {
	b, transposed := q.operand(n)
	if b == nil {
		q.nodes = append(q.nodes, n)
		return false, nil
	}
	w, err := q.weight(n.Input[1], b, transposed)
	if err != nil {
		return false, err
	}
	if w == nil {
		q.nodes = append(q.nodes, n)
		return false, nil
	}
	x := q.inputs[n.Input[0]]
	if x == nil {
		x = []string{q.name("x"), q.name("x_scale"), q.name("x_zero")}
		q.add("DynamicQuantizeLinear", []string{n.Input[0]}, x...)
		q.inputs[n.Input[0]] = x
	}
	y, float, scale := q.name("y"), q.name("float"), q.name("scale")
	q.add("MatMulInteger", []string{x[0], w[0], x[2], w[2]}, y)
	cast := q.add("Cast", []string{y}, float)
	to := intAttr(int64(ir.Float32))
	to.Name = proto.String("to")
	cast.Attribute = []*onnxpb.AttributeProto{to}
	q.add("Mul", []string{x[1], w[1]}, scale)
	if len(n.Input) < 3 || n.Input[2] == "" {
		q.add("Mul", []string{float, scale}, n.Output[0])
		return true, nil
	}
	product := q.name("product")
	q.add("Mul", []string{float, scale}, product)
	q.add("Add", []string{product, n.Input[2]}, n.Output[0])
	return true, nil
}

// operand returns the constant right operand of a product that can be quantized, nil where n is none.
func (q *quantizer) operand(n *onnxpb.NodeProto) (b *onnxpb.TensorProto, transposed bool) {
	if domainOf(n.GetDomain()) != "" {
		return nil, false
	}
	switch n.GetOpType() {
	case "MatMul":
	case "Gemm":
		for _, a := range n.Attribute {
			switch a.GetName() {
			case "alpha", "beta":
				if a.GetF() != 1 {
					return nil, false
				}
			case "transA":
				if a.GetI() != 0 {
					return nil, false
				}
			case "transB":
				transposed = a.GetI() != 0
			}
		}
	default:
		// A constant may come through nodes that exporters leave.
		switch {
		case n.GetOpType() == "Identity" && q.constants[n.Input[0]] != nil:
			q.constants[n.Output[0]] = q.constants[n.Input[0]]
		case n.GetOpType() == "Constant":
			for _, a := range n.Attribute {
				if a.T != nil {
					q.constants[n.Output[0]] = a.T
				}
			}
		}
		return nil, false
	}
	if b = q.constants[n.Input[1]]; b == nil || len(b.Dims) != 2 || ir.DType(b.GetDataType()) != ir.Float32 {
		return nil, false
	}
	return b, transposed
}

// weight adds the constants of a matrix; nil if its elements are not finite.
func (q *quantizer) weight(name string, b *onnxpb.TensorProto, transposed bool) ([]string, error) {
	key := fmt.Sprint(name, transposed)
	if w := q.weights[key]; w != nil {
		return w, nil
	}
	t, err := folder("").tensor(b)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	x := ir.Data[float32](t)
	top := float32(0)
	for _, v := range x {
		top = max(top, max(v, -v))
	}
	if math.IsInf(float64(top), 0) || top != top {
		return nil, nil
	}
	scale := top / 127
	if top == 0 {
		scale = 1
	}
	rows, cols := t.Shape[0], t.Shape[1]
	if transposed {
		rows, cols = cols, rows
	}
	z := make([]int8, len(x))
	for i, v := range x {
		at := i
		if transposed {
			at = i%rows*cols + i/rows
		}
		z[at] = int8(math.RoundToEven(float64(v / scale)))
	}
	w := []string{q.name("w"), q.name("w_scale"), q.name("w_zero")}
	q.g.Initializer = append(q.g.Initializer,
		encodeTensor(ir.Of(ir.Int8, []int{rows, cols}, z), w[0]),
		encodeTensor(ir.Of(ir.Float32, nil, []float32{scale}), w[1]),
		encodeTensor(ir.Of(ir.Int8, nil, []int8{0}), w[2]))
	q.weights[key] = w
	return w, nil
}

// name makes a new name.
func (q *quantizer) name(what string) string {
	q.count++
	return fmt.Sprintf("%s_%s_%d", q.prefix, what, q.count)
}

func (q *quantizer) add(op string, in []string, out ...string) *onnxpb.NodeProto {
	n := &onnxpb.NodeProto{OpType: &op, Input: in, Output: out}
	q.nodes = append(q.nodes, n)
	return n
}
