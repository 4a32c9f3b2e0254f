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

// tabled reports whether a graph of low operators is of single rows and has layers for which a row alone takes another order of
// sums than panels would: tables of one row take a quarter of the time of a panel, but their order as code for panels takes a third
// more than that which is best for these.
func tabled(g *ir.Graph) bool {
	return low.SingleRows(g) && slices.ContainsFunc(g.Nodes, func(n *ir.Node) bool {
		l, ok := n.Op.(*low.Linear)
		return ok && l.Kind != "dense"
	})
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
