package check

import (
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// trace evaluates g and returns every result by the name of its value.
func trace(g *ir.Graph, in []*ir.Tensor) map[string]*ir.Tensor {
	results := map[string]*ir.Tensor{}
	for i, v := range g.In {
		results[v.Name] = in[i]
	}
	// After an error the results up to it are what there is to compare.
	_, _ = g.EvalEach(in, func(v *ir.Value, t *ir.Tensor) { results[v.Name] = t })
	return results
}

// A divergence tells where the results of one graph leave those of the imported one it was made of.
type divergence struct {
	agrees map[string]bool // of values that both graphs have
}

func diverge(imported, g *ir.Graph, in []*ir.Tensor, tol ir.Tolerance) *divergence {
	d := &divergence{map[string]bool{}}
	want := trace(imported, in)
	for name, t := range trace(g, in) {
		if w := want[name]; w != nil {
			d.agrees[name] = ir.Agree(t, w, tol) == nil
		}
	}
	return d
}

// discontinuous are the operators whose result may jump where an operand changes by little. Their operands decide.
var discontinuous = []string{
	"ArgMax", "ArgMin", "TopK", "Round", "Floor", "Ceil", "Cast", "CastLike", "Mod", "Sign", "Greater", "Less", "GreaterOrEqual",
	"LessOrEqual", "Equal", "Hardmax", "QuantizeLinear", "DynamicQuantizeLinear", "Unique", "NonZero", "NonMaxSuppression", "MaxPool",
	"Shrink", "ThresholdedRelu", "IsInf", "IsNaN",
}

// threshold looks for the reason of a difference in the value v of the imported graph: if every node where differences
// begin is discontinuous, and its operands agree, these lie within the tolerance of a threshold or tie. It returns
// such a node, "" if there is another reason.
func (d *divergence) threshold(v *ir.Value) string {
	seen := map[*ir.Value]bool{}
	at := ""
	var explained func(v *ir.Value) bool
	explained = func(v *ir.Value) bool {
		if seen[v] {
			return true
		}
		seen[v] = true
		if v.Def == nil {
			return false
		}
		differ, unknown := false, false
		for _, x := range v.Def.In {
			if x == nil || x.Const != nil {
				continue
			}
			agrees, ok := d.agrees[x.Name]
			switch {
			case ok && agrees:
			case ok:
				differ = true
				if !explained(x) {
					return false
				}
			default:
				unknown = true
			}
		}
		if differ {
			return true
		}
		if unknown || !slices.Contains(discontinuous, v.Def.Op.Name()) {
			return false
		}
		at = v.Def.String()
		return true
	}
	if !explained(v) {
		return ""
	}
	return at
}

// NodeRow compares one result of the imported graph with the later stages.
type NodeRow struct {
	Value    string   `json:"value"`
	Operator string   `json:"operator"`
	Type     string   `json:"type"`
	Portable *float64 `json:"portable"` // largest relative difference; nil: the stage has no such value
	Low      *float64 `json:"low"`
}

// perNode compares all results of the imported graph with those of the same name in the later stages.
func (w *verifier) perNode(in []*ir.Tensor) []NodeRow {
	want, portable := trace(w.imported, in), trace(w.portable, in)
	low := map[string]*ir.Tensor{}
	if w.compiled.Each == 1 {
		low = trace(w.compiled.Graph, in)
	}
	var rows []NodeRow
	for _, n := range w.imported.Nodes {
		for _, v := range n.Out {
			if v == nil || want[v.Name] == nil {
				continue
			}
			x := want[v.Name]
			rows = append(rows, NodeRow{v.Name, n.Op.Name(), x.Type().String(), difference(portable[v.Name], x), difference(low[v.Name], x)})
		}
	}
	return rows
}

// difference is the largest |got-want| over the largest finite |want|; for integers, booleans and strings 1 where any
// element differs; nil where there is nothing to compare.
func difference(got, want *ir.Tensor) *float64 {
	d := 0.0
	switch {
	case got == nil || !ir.Same(got.Type(), want.Type()):
		return nil
	case !want.DType.IsFloat() && !want.DType.IsComplex():
		if ir.Agree(got, want, ir.Tolerance{}) != nil {
			d = 1
		}
		return &d
	}
	g, w := parts(got), parts(want)
	top := 0.0
	for i := range w {
		if a := math.Abs(w[i]); !math.IsInf(a, 0) {
			top = max(top, a)
		}
		switch diff := math.Abs(g[i] - w[i]); {
		case g[i] == w[i] || g[i] != g[i] && w[i] != w[i]:
		case diff != diff || math.IsInf(diff, 0):
			d = math.MaxFloat64 // JSON has no infinity
		default:
			d = max(d, diff)
		}
	}
	if top > 0 && d < math.MaxFloat64 {
		d /= top
	}
	return &d
}
