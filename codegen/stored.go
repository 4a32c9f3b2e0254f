package codegen

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
)

// Stored tells how weights.bin holds one constant.
type Stored struct {
	Form     string `json:"form"`                // ternary, sparse, pattern (only where), uniform (one element for all), indexed (few different ones) or plain
	Shape    []int  `json:"shape"`               // diagonal blocks with nothing but zeros beside them count as if side by side
	NonZeros int    `json:"non_zeros,omitempty"` // of ternary and sparse constants and patterns
	Bytes    int    `json:"bytes"`
}

// Least is the number of bytes that a constant of this density takes at least if its weights are independent of one
// another and of their signs: of bits, H(d) + d for each ternary weight and H(d) + 32·d for each sparse one, where d is the
// density; H(d) for each element of a pattern. Other constants take what they take.
func (s Stored) Least() float64 {
	n, per := float64(ir.Size(s.Shape)), 1.0
	switch s.Form {
	case "sparse":
		per = 32
	case "pattern":
		per = 0
	case "ternary":
	default:
		return float64(s.Bytes)
	}
	d := float64(s.NonZeros) / n
	bits := d * per
	for _, p := range []float64{d, 1 - d} {
		if p > 0 {
			bits -= p * math.Log2(p)
		}
	}
	return n * bits / 8
}

// Storage lists what weights.bin of g holds under the given options, in the order of the file.
func Storage(g *ir.Graph, opt Options) ([]Stored, error) {
	e := newEmitter(g, opt)
	if err := e.emit(); err != nil {
		return nil, err
	}
	return e.weights.list, nil
}

// StorageByNode is the number of bytes of weights.bin that each node of g adds: of constants that several nodes read,
// the first that does.
func StorageByNode(g *ir.Graph, opt Options) ([]int, error) {
	e := newEmitter(g, opt)
	if err := e.emit(); err != nil {
		return nil, err
	}
	sizes, at := make([]int, len(g.Nodes)), 0
	for i, end := range e.weights.ends {
		sizes[i], at = end-at, end
	}
	return sizes, nil
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
