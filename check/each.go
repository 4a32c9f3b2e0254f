package check

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/passes"
)

// proven is the number of samples for which a proof that they may be run one by one stands for more of them: operators
// know their number only from shapes, and it should not be one that a model has elsewhere.
const proven = 3

// alone reads the model of all, which is for several samples, for one. apart is why it cannot be run sample by sample,
// nil if it can.
func alone(path string, all *frontend.Model, opt Options) (one *frontend.Model, apart, err error) {
	opt.Warn = nil // warnings are said once
	n := min(all.Batch, proven)
	opt.Samples = n
	whole, err := Load(path, Imported, opt)
	if err != nil {
		return nil, nil, err
	}
	opt.Samples = 1
	if one, err = Load(path, Imported, opt); err != nil {
		return nil, err, nil
	}
	for i, v := range all.Graph.Out {
		if w := one.Graph.Out[i].Type; v.Type.Static() && w.Static() && v.Type.Len() != w.Len()*all.Batch {
			return nil, fmt.Errorf("output %q is %v, that of one sample %v", v.Name, v.Type, w), nil
		}
	}
	proof, err := Load(path, Imported, opt)
	if err != nil {
		return nil, nil, err
	}
	return one, passes.Each(whole.Graph, proof.Graph, n), nil
}

// lanesFrom is the batch from which models of single rows have their samples in the lanes: four samples then take the time
// that they take one by one, and sixteen a quarter of it.
const lanesFrom = 8

// singleRows reports whether a graph of low operators is of layers that have one row.
func singleRows(g *ir.Graph) bool {
	layers := 0
	for _, n := range g.Nodes {
		switch n.Op.(type) {
		case *low.Linear:
			layers++
		case *low.Map, *low.Move:
		default:
			return false
		}
		for _, v := range n.Out {
			if v.Type.Rows() != 1 || v.Type.DType != ir.Float32 {
				return false
			}
		}
	}
	return layers > 0
}

// repeated are values of one sample for n of them.
func repeated(vs []*ir.Value, n int) []*ir.Value {
	out := make([]*ir.Value, len(vs))
	for i, v := range vs {
		w := *v
		w.Type.Shape = slices.Clone(w.Type.Shape)
		w.Type.Shape[0] *= n
		out[i] = &w
	}
	return out
}

// Fields are the fields of the package's Inputs and Outputs.
func (c *Compiled) Fields() (in, out []codegen.Field) {
	return codegen.Fields(c.In), codegen.Fields(c.Out)
}

// Eval evaluates the graph on the inputs of the package, or on those of its first samples.
func (c *Compiled) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	if c.Each == 1 {
		return c.Graph.Eval(in)
	}
	return codegen.EvalEach(c.Graph, in)
}
