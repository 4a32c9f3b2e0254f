// Package lossy changes the weights of linear layers where somebody asks for it: it makes them binary, ternary or sparse,
// and measures on calibration data what that costs.
package lossy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// Auto stands for a list of layers: all but the first, before which there is no other layer, and the last, behind which
// there is none. Those two are few weights that much depends on, and networks with low-precision weights are trained
// with them left as they are.
const Auto = "auto"

// A Request says what is to be changed. Layers are named by patterns (see Match) or by Auto; a pattern wins over Auto.
// Pruning comes first: what it sets to zero stays zero.
type Request struct {
	Binarize  []string // layers whose weights become -a and +a, with an a of its own for each output channel
	Ternarize []string // layers whose weights become -a, 0 and +a
	// Prune is the share of the weights of the Auto layers, in (0, 1], that stay; 0 leaves all of them.
	Prune  float64
	Global bool // prune by magnitude among all layers together, not in each
	// MaxLoss, where not nil, bounds the measured loss (see Report.Loss): layers are changed in order of sensitivity, as
	// long as it stays within.
	MaxLoss *float64
}

// minRows is the number of rows below which Auto leaves a matrix alone: the compiler takes none so small for ternary.
const minRows = 4

// A Layer is a linear layer: a MatMul whose right operand is constant.
type Layer struct {
	Name        string // of the result
	node        *ir.Node
	first, last bool
}

// Layers returns the linear layers of a graph in order of execution.
func Layers(g *ir.Graph) []*Layer {
	var list []*Layer
	behind := map[*ir.Value]bool{} // a layer
	for _, n := range g.Nodes {
		after := slices.ContainsFunc(n.In, func(v *ir.Value) bool { return behind[v] })
		if isLayer(n) {
			list = append(list, &Layer{Name: n.Out[0].Name, node: n, first: !after})
			after = true
		}
		for _, v := range n.Out {
			behind[v] = after
		}
	}
	before := map[*ir.Value]bool{}
	for _, n := range slices.Backward(g.Nodes) {
		ahead := slices.ContainsFunc(n.Out, func(v *ir.Value) bool { return before[v] })
		for _, l := range list {
			if l.node == n {
				l.last = !ahead
				ahead = true
			}
		}
		for _, v := range n.In {
			before[v] = before[v] || ahead
		}
	}
	return list
}

func isLayer(n *ir.Node) bool {
	return n.Op.Name() == "MatMul" && n.In[0].Const == nil && n.In[1].Const != nil && n.In[1].Type.DType.IsFloat() &&
		n.In[1].Const.Len() > 0
}

func (l *Layer) weights() *ir.Tensor { return l.node.In[1].Const }

func (l *Layer) middle() bool { return !l.first && !l.last }

// rows is the number of weights of an output channel.
func (l *Layer) rows() int {
	s := l.weights().Shape
	return s[max(0, len(s)-2)]
}

// named reports whether pattern fits the layer: its result, its node or its weights.
func (l *Layer) named(pattern string) bool {
	return Match(pattern, l.Name) || Match(pattern, l.node.Name) || Match(pattern, l.node.In[1].Name)
}

// choose returns the layers that patterns name, and those that Auto does.
func choose(flag string, layers []*Layer, patterns []string) (named, auto map[*Layer]bool, err error) {
	named, auto = map[*Layer]bool{}, map[*Layer]bool{}
	for _, p := range patterns {
		into := named
		if p == Auto {
			into = auto
		}
		none := true
		for _, l := range layers {
			if p == Auto && l.middle() && l.rows() >= minRows || p != Auto && l.named(p) {
				into[l], none = true, false
			}
		}
		if none {
			return nil, nil, fmt.Errorf("%s %s: no such layer; %s\nname layers by a pattern such as %q", flag, p, listOf(layers), layers[0].Name)
		}
	}
	return named, auto, nil
}

func listOf(layers []*Layer) string {
	var b strings.Builder
	b.WriteString("the linear layers are")
	for _, l := range layers {
		fmt.Fprintf(&b, "\n\t%+q", l.Name)
		switch {
		case l.first && l.last:
			b.WriteString(" (the only one on its way)")
		case l.first:
			b.WriteString(" (first)")
		case l.last:
			b.WriteString(" (last)")
		}
	}
	return b.String()
}

// A change is new weights for a layer.
type change struct {
	*Layer
	how      string
	old, new *ir.Value // the same where the weights are already as they should be
}

func (c *change) apply()  { c.node.In[1] = c.new }
func (c *change) revert() { c.node.In[1] = c.old }

// changes lists what r changes in g, which stays as it is.
func (r Request) changes(g *ir.Graph) ([]*change, error) {
	layers := Layers(g)
	if len(layers) == 0 {
		return nil, errors.New("the model has no linear layer, a product with a constant matrix, whose weights could change")
	}
	binary, binaryAuto, err := choose("--binarize", layers, r.Binarize)
	if err != nil {
		return nil, err
	}
	ternary, ternaryAuto, err := choose("--ternarize", layers, r.Ternarize)
	if err != nil {
		return nil, err
	}
	var pruned map[*Layer]bool
	if r.Prune > 0 {
		if _, pruned, err = choose("--prune", layers, []string{Auto}); err != nil {
			return nil, err
		}
	}
	var list []*change
	for _, l := range layers {
		if binary[l] && ternary[l] {
			return nil, fmt.Errorf("layer %+q is named by both --binarize and --ternarize", l.Name)
		}
		b, t := binary[l] || binaryAuto[l] && !ternary[l], ternary[l] || ternaryAuto[l] && !binary[l]
		if b && t {
			return nil, errors.New("--binarize auto and --ternarize auto mean the same layers; name those of one of them")
		}
		var how []string
		if pruned[l] {
			how = append(how, "pruned")
		}
		if b {
			how = append(how, "binary")
		}
		if t {
			how = append(how, "ternary")
		}
		if how == nil {
			continue
		}
		if err := finite(l); err != nil {
			return nil, err
		}
		list = append(list, &change{Layer: l, how: strings.Join(how, ", "), old: l.node.In[1]})
	}
	r.weights(g, list, pruned)
	return list, nil
}

// weights computes the new weights of the layers.
func (r Request) weights(g *ir.Graph, list []*change, pruned map[*Layer]bool) {
	w := make([][]float64, len(list))
	var prunable [][]float64
	for i, c := range list {
		w[i] = c.weights().Floats()
		if pruned[c.Layer] {
			prunable = append(prunable, w[i])
		}
	}
	if r.Global {
		prune(prunable, r.Prune)
	} else {
		for _, x := range prunable {
			prune([][]float64{x}, r.Prune)
		}
	}
	for i, c := range list {
		shape := c.weights().Shape
		switch {
		case strings.HasSuffix(c.how, "binary"):
			eachChannel(w[i], shape, binarize)
		case strings.HasSuffix(c.how, "ternary"):
			eachChannel(w[i], shape, ternarize)
		}
		t := ir.FromFloats(c.weights().DType, shape, w[i])
		if c.new = c.old; slices.Equal(t.Floats(), c.weights().Floats()) {
			continue
		}
		c.new = &ir.Value{Name: g.Fresh(c.old.Name), Type: t.Type(), Const: t}
	}
}

// Weights are those of the layers of g.
func Weights(g *ir.Graph) []*ir.Tensor {
	var list []*ir.Tensor
	for _, l := range Layers(g) {
		list = append(list, l.weights())
	}
	return list
}

// Repeat changes g as another graph of the same model was changed, whose Weights were before and then after. Layers are
// told apart by their weights: what their results are called depends on the shapes of the graph.
func Repeat(g *ir.Graph, before, after []*ir.Tensor) error {
	used := make([]bool, len(before))
	for _, l := range Layers(g) {
		w := l.weights()
		i := -1
		for j, b := range before { // the first one that no other layer has, or the last one
			if (i < 0 || used[i]) && same(b, w) {
				i = j
			}
		}
		if i < 0 {
			return fmt.Errorf("the weights of layer %+q depend on the number of samples; change weights without --dim", l.Name)
		}
		if used[i] = true; after[i] != before[i] {
			l.node.In[1] = &ir.Value{Name: g.Fresh(l.node.In[1].Name), Type: after[i].Type(), Const: after[i]}
		}
	}
	return nil
}

// same reports whether two tensors have the same shape and the same bits.
func same(a, b *ir.Tensor) bool {
	if a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) {
		return false
	}
	for i := range a.Len() {
		if math.Float64bits(a.At(i)) != math.Float64bits(b.At(i)) {
			return false
		}
	}
	return true
}
