package check

import (
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/lossy"
)

// Counts are sizes and work, of a layer or of a model. Multiply-adds are products in layers, attention and
// convolutions, for ternary and binary weights additions; elementwise work, norms and softmax do not count.
type Counts struct {
	Params  int     `json:"params"`  // elements of constant operands: weights, biases, tables; no indices, no scales
	NonZero int     `json:"nonzero"` // of them, those that are not zero
	Density float64 `json:"density"` // non-zeros in a parameter
	// MACsDense counts every product, of all rows, whatever masks and zeros: in the total those of the model as it was
	// read, for a layer its own.
	MACsDense int `json:"macs_dense"`
	// MACsLive counts what is left when values that reach no output, and scores that a mask excludes, are not computed.
	MACsLive int `json:"macs_live"`
	// MACsNonZero counts, of these, the products in which no factor is zero for certain: a weight, or an activation that
	// is zero whatever the input.
	MACsNonZero int `json:"macs_nonzero"`
	// MACsExecuted counts what the kernels of the compiled package compute, in the form that is Go: with the lanes of
	// panels, and the tiles, that only fill up. Scales of ternary weights count as elementwise work.
	MACsExecuted int `json:"macs_executed"`
	BitsDense    int `json:"bits_dense"`  // of the parameters, none of them left out; 32 each for ternary weights
	BitsStored   int `json:"bits_stored"` // in weights.bin; what several layers share, at the first of them
}

func (c *Counts) add(d *Counts) {
	c.Params += d.Params
	c.NonZero += d.NonZero
	c.BitsDense += d.BitsDense
}

func (c *Counts) setDensity() {
	if c.Density = 1; c.Params > 0 {
		c.Density = float64(c.NonZero) / float64(c.Params)
	}
}

// Inspection describes a model and what it compiles to.
type Inspection struct {
	Model    string  `json:"model"`
	SHA256   string  `json:"sha256"`
	Opset    int     `json:"opset"`
	Producer string  `json:"producer,omitempty"`
	Inputs   []Port  `json:"inputs"`
	Outputs  []Port  `json:"outputs"`
	Layers   []Layer `json:"layers"`
	// Total is of the whole model. Constants that layers share count once; MACsDense, MACsLive and MACsNonZero are those
	// of the graphs of ONNX operators before and after the portable passes.
	Total  Counts       `json:"total"`
	Passes []PassCounts `json:"passes"`
	Paper  *PaperCounts `json:"paper,omitempty"` // for sparse binary transformers that say what they are
	// Lossy is what Options.Lossy changed; nil for nothing.
	Lossy *lossy.Report `json:"lossy,omitempty"`
}

// Port is an input or output of a model.
type Port struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// PassCounts are the multiply-adds of the graph after a pass that changed them.
type PassCounts struct {
	Pass        string `json:"pass"` // "imported" for the model as it was read
	MACsLive    int    `json:"macs_live"`
	MACsNonZero int    `json:"macs_nonzero"`
}

// Inspect takes the model at path to the low stage and describes it.
func Inspect(path string, opt Options) (r *Inspection, err error) {
	m, err := Load(path, Imported, opt)
	if err != nil {
		return nil, err
	}
	defer recoverBug("inspecting "+path, &err)
	r = &Inspection{Model: path, SHA256: m.SHA256, Opset: m.Opset, Producer: m.Producer, Inputs: ports(m.Graph.In), Outputs: ports(m.Graph.Out)}
	warn := func(format string, args ...any) {
		if opt.Warn != nil {
			opt.Warn(fmt.Sprintf(path+": "+format, args...))
		}
	}
	if p, err := paperOf(m.Graph.Meta); err != nil {
		warn("the metadata does not describe a sparse binary transformer: %v", err)
	} else if p != nil {
		r.Paper = p.Counts()
	}
	h := newHistory(m.Graph)
	quiet := h.watch(opt)
	quiet.Warn = nil // everything was said above
	tuned, tell := map[string]bool{}, opt.Choice.TunedTo
	quiet.Choice.TunedTo = func(layer string, err error) {
		if tuned[layer] = err == nil; tell != nil {
			tell(layer, err)
		}
	}
	if m, err = Load(path, Low, quiet); err != nil {
		return nil, err
	}
	if opt.Lossy != nil {
		r.Lossy = opt.Lossy.done
	}
	r.Passes, r.Total.MACsDense = h.rows, h.dense
	last := h.rows[len(h.rows)-1]
	r.Total.MACsLive, r.Total.MACsNonZero = last.MACsLive, last.MACsNonZero
	r.layers(m.Graph, h.products)
	for i := range r.Layers {
		r.Layers[i].Tuned = tuned[r.Layers[i].Name]
	}
	stored, err := codegen.StorageByNode(m.Graph, codegen.Options{Mode: opt.Mode})
	if err != nil {
		warn("no package can hold this model, so stored bits are not counted: %v", err)
		return r, nil
	}
	for i, bytes := range stored {
		r.Layers[i].BitsStored = 8 * bytes
		r.Total.BitsStored += 8 * bytes
	}
	return r, nil
}

func sum(products []op.Product, of func(op.Product) int) (n int) {
	for _, p := range products {
		n += of(p)
	}
	return n
}

// productsOf lists the products of a graph of ONNX operators in execution order, but for those of constants alone and
// of values whose shape is known only when the model runs; open says that there are such.
func productsOf(g *ir.Graph, zeros func(*ir.Value) []bool) (out []op.Product, open bool) {
	varies := map[*ir.Value]bool{}
	for _, v := range g.In {
		varies[v] = true
	}
	for _, n := range g.Nodes {
		some := slices.ContainsFunc(n.In, func(v *ir.Value) bool { return varies[v] })
		for _, v := range n.Out {
			if v != nil {
				varies[v] = some
			}
		}
		if !some {
			continue
		}
		p, ok := productsIn(n, n.Op, zeros)
		out = append(out, p...)
		if _, multiplies := n.Op.(op.Multiplier); multiplies && !ok {
			open = true
		}
	}
	return out, open
}

// productsIn are the products of a node that computes o; ok is false if they are not known.
func productsIn(n *ir.Node, o ir.Op, zeros func(*ir.Value) []bool) (products []op.Product, ok bool) {
	m, ok := o.(op.Multiplier)
	if !ok {
		return nil, false
	}
	for _, vs := range [][]*ir.Value{n.In, n.Out} {
		for _, v := range vs {
			if v != nil && !v.Type.Static() {
				return nil, false
			}
		}
	}
	return m.Products(n, func(i int) []bool { return zeros(n.In[i]) }), true
}

func ports(values []*ir.Value) []Port {
	out := make([]Port, len(values))
	for i, v := range values {
		out[i] = Port{v.Name, v.Type.String()}
	}
	return out
}
