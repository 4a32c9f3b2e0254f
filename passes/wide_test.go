package passes

import (
	"math"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// Where larger values cancel, rounding alone takes a graph and what the passes make of it further apart than ir.Folding
// allows. In float64 the same passes on the same graph then have to agree to 40 bits, which no change of what is
// computed would.
var wideFolding = ir.Tolerance{Rel: 0x1p-40}

// cancels reports whether got and want, results of the graph of the given text for the given inputs one after the other,
// lie so near each other as rounding explains: to tol times the largest value anywhere in the graph, where the portable
// passes keep, in float64, what the graph computes.
func cancels(t *testing.T, text string, inputs [][]*ir.Tensor, got, want []*ir.Tensor, tol ir.Tolerance) bool {
	t.Helper()
	g, largest := widened(t, text), 0.0
	run := func() (all []*ir.Tensor) {
		for _, in := range inputs {
			x := make([]*ir.Tensor, len(in))
			for i := range in {
				x[i] = wide(in[i])
			}
			out, err := g.EvalEach(x, func(_ *ir.Value, y *ir.Tensor) {
				for _, v := range y.Floats() {
					if v = math.Abs(v); !math.IsInf(v, 0) {
						largest = max(largest, v)
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, out...)
		}
		return all
	}
	exact := run()
	room := tol.Rel * largest
	if err := Fixpoint(g, Portable, Options{}); err != nil {
		t.Fatal(err)
	}
	for i, y := range run() {
		if err := ir.Agree(y, exact[i], wideFolding); err != nil {
			t.Logf("in float64: %v", err)
			return false
		}
	}
	for i := range got {
		y := want[i].Floats()
		for j, x := range got[i].Floats() {
			if !(math.Abs(x-y[j]) <= room) && !(x != x && y[j] != y[j]) && x != y[j] {
				t.Logf("%v and %v lie further apart than %v", x, y[j], room)
				return false
			}
		}
	}
	return true
}

func wide(x *ir.Tensor) *ir.Tensor {
	if x.DType != ir.Float32 {
		return x
	}
	return ir.FromFloats(ir.Float64, x.Shape, x.Floats())
}

// widened is the graph of a text with float64 for every float32.
func widened(t *testing.T, text string) *ir.Graph {
	t.Helper()
	from := parse(t, text)
	g, now := &ir.Graph{Name: from.Name}, map[*ir.Value]*ir.Value{nil: nil}
	of := func(v *ir.Value) *ir.Value {
		if now[v] == nil && v != nil {
			w := &ir.Value{Name: v.Name, Type: v.Type}
			if w.Type.DType == ir.Float32 {
				w.Type.DType = ir.Float64
			}
			if v.Const != nil {
				w.Const = wide(v.Const)
			}
			now[v] = w
		}
		return now[v]
	}
	for _, v := range from.In {
		g.In = append(g.In, of(v))
	}
	for _, n := range from.Nodes {
		var in []*ir.Value
		for _, v := range n.In {
			in = append(in, of(v))
		}
		names := make([]string, len(n.Out))
		for i, v := range n.Out {
			if v != nil {
				names[i] = v.Name
			}
		}
		o := n.Op
		if c, ok := o.(*op.Cast); ok && c.To == ir.Float32 {
			w := *c
			w.To = ir.Float64
			o = &w
		}
		m, err := g.Add(o, in, names...)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range n.Out {
			if v != nil {
				now[v] = m.Out[i]
			}
		}
	}
	for _, v := range from.Out {
		g.Out = append(g.Out, now[v])
	}
	return g
}

// TestWide holds random models to the same in float64, where it does not matter in which order sums are taken.
func TestWide(t *testing.T) {
	for seed := range uint64(min(40, *models)) {
		g := transformer(t, seed, spelling{anyhow, anyhow})
		if x := ir.RandTensor(g.In[0].Type, 5); !cancels(t, g.String(), [][]*ir.Tensor{{x}}, nil, nil, ir.Folding) {
			t.Errorf("model %d", seed)
		}
	}
}
