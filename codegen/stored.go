package codegen

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// Stored tells how weights.bin holds one constant.
type Stored struct {
	Form     string `json:"form"` // ternary, sparse, uniform (one element for all) or plain
	Shape    []int  `json:"shape"`
	NonZeros int    `json:"non_zeros,omitempty"` // of ternary and sparse constants
	Bytes    int    `json:"bytes"`
}

// Entropy is the number of bits that a ternary constant takes at least if its weights are independent of one another and
// of their signs: H(d) + d for each weight, where d is the density.
func (s Stored) Entropy() float64 {
	n := float64(ir.Size(s.Shape))
	d := float64(s.NonZeros) / n
	h := d
	for _, p := range []float64{d, 1 - d} {
		if p > 0 {
			h -= p * math.Log2(p)
		}
	}
	return n * h
}

// Storage lists what weights.bin of g holds under the given options, in the order of the file.
func Storage(g *ir.Graph, opt Options) ([]Stored, error) {
	e := newEmitter(g, opt)
	if err := e.emit(); err != nil {
		return nil, err
	}
	return e.weights.list, nil
}

// note lists a constant whose stored form is b, unless another one has stored the same bytes.
func (w *weights) note(form string, shape []int, nonzero int, b []byte) {
	key := form + "\x00" + string(b)
	if w.noted == nil {
		w.noted = map[string]bool{}
	}
	if w.noted[key] {
		return
	}
	w.noted[key] = true
	w.list = append(w.list, Stored{form, shape, nonzero, len(b)})
}
