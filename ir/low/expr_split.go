package low

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Split takes out of e the first call of a function that a Sequence computes on float32, for inputs of the given element
// types: e is rest with the input after them, x of len(in), standing for the sequence of arg. It is false if there is no
// such call.
func (e Expr) Split(in []ir.DType) (s *Sequence, arg, rest Expr, ok bool) {
	for n, i := range e.code {
		if i.fn == "" || functions[i.fn].seq == nil {
			continue
		}
		b := builder{at: map[inst]int{}}
		b.putFrom(e, i.arg[0])
		arg = Expr{b.code}
		if d, err := arg.Type(in); err != nil || d != ir.Float32 || arg.Inputs() == 0 {
			continue
		}
		without := Expr{slices.Clone(e.code)}
		without.code[n] = inst{x: len(in)}
		b = builder{at: map[inst]int{}}
		b.putFrom(without, len(e.code)-1)
		return functions[i.fn].seq, arg, Expr{b.code}, true
	}
	return nil, Expr{}, Expr{}, false
}
