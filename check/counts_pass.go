package check

import (
	"slices"
	"time"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/passes"
)

// history follows the work of a model through the portable passes.
type history struct {
	rows     []PassCounts
	dense    int          // all products of the model as it was read
	products []op.Product // after the last pass
	open     bool         // the shapes of some products are known only after folding
	cheap    []op.Product // knowing of constants only
	stale    bool         // a pass has run since products were listed
	zeros    map[*ir.Value][]bool
}

func newHistory(g *ir.Graph) *history {
	h := &history{zeros: map[*ir.Value][]bool{}}
	h.cheap, h.open = productsOf(g, h.constant)
	h.list("imported", g)
	h.dense = sum(h.products, func(p op.Product) int { return p.Full })
	return h
}

// constant is what zeros a constant has.
func (h *history) constant(v *ir.Value) []bool {
	if v == nil || v.Const == nil {
		return nil
	}
	z, ok := h.zeros[v]
	if !ok {
		z = zerosOf(v.Const)
		h.zeros[v] = z
	}
	return z
}

// zerosOf says which elements are zero, nil if none is.
func zerosOf(t *ir.Tensor) (zeros []bool) {
	if t.DType == ir.String || t.DType.IsComplex() {
		return nil
	}
	for i, x := range t.Floats() {
		if x == 0 {
			if zeros == nil {
				zeros = make([]bool, t.Len())
			}
			zeros[i] = true
		}
	}
	return zeros
}

// list counts what g computes after the pass.
func (h *history) list(pass string, g *ir.Graph) {
	h.products, _ = productsOf(g, passes.Zeros(g))
	h.stale = false
	p := PassCounts{pass, sum(h.products, func(p op.Product) int { return p.Seen }), sum(h.products, func(p op.Product) int { return p.NonZero })}
	if n := len(h.rows); n > 0 && h.rows[n-1].MACsLive == p.MACsLive && h.rows[n-1].MACsNonZero == p.MACsNonZero {
		return
	}
	h.rows = append(h.rows, p)
}

// weightsChanged is the row of changes that the user asked for.
const weightsChanged = "changed weights"

// watch returns opt with hooks that follow the passes.
func (h *history) watch(opt Options) Options {
	table := slices.DeleteFunc(slices.Clone(passes.Portable), func(p passes.Pass) bool { return slices.Contains(opt.Disable, p.Name) })
	end := ""
	if n := len(table); n > 0 && table[n-1].Last {
		end = table[n-1].Name
	}
	changed, ended := false, false
	w := opt
	w.Log = func(pass string, nodes int, d time.Duration, ch bool) {
		if changed = ch; opt.Log != nil {
			opt.Log(pass, nodes, d, ch)
		}
	}
	w.After = func(pass string, g *ir.Graph) {
		if opt.After != nil {
			opt.After(pass, g)
		}
		if !slices.ContainsFunc(table, func(p passes.Pass) bool { return p.Name == pass }) {
			return
		}
		if ended {
			h.list(weightsChanged, g)
		}
		h.after(pass, g, changed, pass == end || end == "")
		ended = pass == end
	}
	return w
}

// after counts again where a pass may have changed the work. What is known of activations takes long to follow: that is
// done where the products of the graph are others or where masks may have become known, and at the end.
func (h *history) after(pass string, g *ir.Graph, changed, must bool) {
	if changed {
		h.stale = true
		cheap, open := productsOf(g, h.constant)
		if h.open && !open { // the shapes are known now: this is the model as it was read
			h.open, h.rows = false, nil
			h.list("imported", g)
			h.dense = sum(h.products, func(p op.Product) int { return p.Full })
		}
		must = must || pass == "fold" || pass == "masks" || !slices.Equal(cheap, h.cheap)
		h.cheap = cheap
	}
	if h.stale && must {
		h.list(pass, g)
	}
}
