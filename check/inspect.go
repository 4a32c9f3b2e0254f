package check

import (
	"math"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/lossy"
)

// Layer is what is known of one low operator of a compiled model.
type Layer struct {
	Kind       string  `json:"kind"`
	Output     string  `json:"output"`
	Shape      string  `json:"shape"`      // of the output, with its element type
	Parameters int     `json:"parameters"` // elements of constant operands
	NonZeros   int     `json:"non_zeros"`
	Density    float64 `json:"density"`           // non-zeros in a parameter
	Weights    string  `json:"weights,omitempty"` // of a Linear: dense, sparse, ternary or binary
	// MultiplyAdds counts the products of activations with weights that are not zero, or of two activations; for ternary
	// and binary weights these are additions. nil: a library kernel, whose work is not known from its shapes.
	MultiplyAdds *int `json:"multiply_adds"`
}

// Inspection describes a compiled model.
type Inspection struct {
	Model    string  `json:"model"`
	SHA256   string  `json:"sha256"`
	Opset    int     `json:"opset"`
	Producer string  `json:"producer,omitempty"`
	Inputs   []Port  `json:"inputs"`
	Outputs  []Port  `json:"outputs"`
	Layers   []Layer `json:"layers"`
	Total    Layer   `json:"total"`
	// Lossy is what Options.Lossy changed; nil for nothing.
	Lossy *lossy.Report `json:"lossy,omitempty"`
}

// Port is an input or output of a model.
type Port struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Inspect takes the model at path to the low stage and describes it.
func Inspect(path string, opt Options) (*Inspection, error) {
	m, err := Load(path, Low, opt)
	if err != nil {
		return nil, err
	}
	r := &Inspection{Model: path, SHA256: m.SHA256, Opset: m.Opset, Producer: m.Producer, Inputs: ports(m.Graph.In), Outputs: ports(m.Graph.Out)}
	if opt.Lossy != nil {
		r.Lossy = opt.Lossy.done
	}
	madds := 0
	r.Total = Layer{Kind: "total", MultiplyAdds: &madds}
	counted := map[*ir.Value]bool{} // constants that several nodes share count once in the total
	for _, n := range m.Graph.Nodes {
		l := layerOf(n)
		r.Layers = append(r.Layers, l)
		for _, v := range n.In {
			if v != nil && v.Const != nil && !counted[v] {
				counted[v] = true
				r.Total.Parameters += v.Const.Len()
				r.Total.NonZeros += nonZeros(v.Const)
			}
		}
		if l.MultiplyAdds != nil {
			madds += *l.MultiplyAdds
		}
	}
	r.Total.Density = density(r.Total.NonZeros, r.Total.Parameters)
	return r, nil
}

func ports(values []*ir.Value) []Port {
	out := make([]Port, len(values))
	for i, v := range values {
		out[i] = Port{v.Name, v.Type.String()}
	}
	return out
}

func layerOf(n *ir.Node) Layer {
	l := Layer{Kind: strings.TrimPrefix(n.Op.Name(), "sbtc.")}
	var out ir.Type
	for _, v := range slices.Backward(n.Out) {
		if v != nil {
			l.Output, out = v.Name, v.Type
		}
	}
	l.Shape = out.String()
	for _, v := range n.In {
		if v != nil && v.Const != nil {
			l.Parameters += v.Const.Len()
			l.NonZeros += nonZeros(v.Const)
		}
	}
	l.Density = density(l.NonZeros, l.Parameters)
	work := 0
	l.MultiplyAdds = &work
	switch op := n.Op.(type) {
	case *low.Linear:
		w := n.In[1].Const
		l.Weights = weightKind(w)
		work = out.Rows() * nonZeros(w)
	case *low.Contract:
		if lead, m, k, cols, err := op.Dims(n.In[0].Type.Shape, n.In[1].Type.Shape); err == nil {
			work = ir.Size(lead) * m * k * cols
		}
	case *low.Attend:
		work = attendWork(op, n)
	case *low.Kernel:
		l.Kind += " " + op.Of.Name()
		l.MultiplyAdds = nil
	case *low.Map, *low.Reduce, *low.Normalize, *low.Move:
	}
	return l
}

// attendWork counts the products of queries with keys, and of weights with values.
func attendWork(op *low.Attend, n *ir.Node) int {
	q, k, v := n.In[0].Type.Shape, n.In[1].Type.Shape, n.In[2].Type.Shape
	pairs := q[1] * k[1]
	if op.Finite != nil {
		pairs = 0
		for _, spans := range op.Finite {
			for _, s := range spans {
				pairs += s.Hi - s.Lo
			}
		}
	}
	return q[0] * pairs * (q[2] + v[2]/op.KVHeads*op.Heads)
}

func nonZeros(t *ir.Tensor) int {
	n := 0
	switch {
	case t.DType == ir.String:
		return t.Len()
	default:
		for _, x := range parts(t) {
			if x != 0 {
				n++
			}
		}
	}
	return min(n, t.Len())
}

func density(nonZeros, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(nonZeros) / float64(of)
}

// sparseBelow is the density below which a weight matrix is called sparse.
const sparseBelow = 0.5

// weightKind says what values a weight matrix holds.
func weightKind(w *ir.Tensor) string {
	a, zeros, plain := 0.0, 0, true
	x := w.Floats()
	for _, v := range x {
		switch v = math.Abs(v); {
		case v == 0:
			zeros++
		case a == 0:
			a = v
		case v != a:
			plain = false
		}
	}
	switch {
	case plain && zeros == 0:
		return "binary"
	case plain:
		return "ternary"
	case float64(len(x)-zeros) < sparseBelow*float64(len(x)):
		return "sparse"
	}
	return "dense"
}
