package asm

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir/low"
)

// Groups reports whether two layers, of which first is the input of second alone, can be one: then for each block of rows
// of second the columns of first that these are, and their share of all sums of second, are one function. Such a group of
// hidden units stays in the first caches, its values as well as its code, while the sums so far come and go.
func Groups(first, second *Layer) bool {
	if first.Sparse != nil || second.Sparse != nil || first.Table || second.Table || first.First != nil || first.Also != nil || second.Also != nil || first.Schedule.N != second.Schedule.K {
		return false
	}
	for i, x := range first.Extra {
		if x.Row == nil && first.Act.Uses(i+1) {
			return false
		}
	}
	code := map[int]int{} // by the first row of a group, in additions
	for _, b := range first.Schedule.Blocks {
		if b.Top != 0 || b.End != first.Schedule.K {
			return false
		}
	}
	for _, b := range second.Schedule.Blocks {
		if code[b.Top] == 0 {
			for _, c := range first.Schedule.Blocks {
				if lo, hi := max(b.Top, c.Lo), min(b.End, c.Hi); lo < hi {
					code[b.Top] += uses(&c) * (hi - lo) / (c.Hi - c.Lo)
				}
			}
		}
		code[b.Top] += uses(&b)
	}
	for _, n := range code {
		if 7*n > 3*chunk/2 {
			return false
		}
	}
	return true
}

// uses is how many terms the columns of a block add.
func uses(b *low.Block) (n int) {
	for _, s := range b.Steps {
		n += len(s.Uses)
	}
	return n
}

// groups prints the layer and the one before it.
func (m *matrix) groups() error {
	hidden := m.param(Scratch, 0)
	if m.set == AVX512 {
		hidden.shift = 128 * m.set.width()
	}
	first := newMatrix(m.First, m.printer, hidden, m.src)
	m.src = hidden
	for i := range m.Schedule.Blocks {
		b := &m.Schedule.Blocks[i]
		if i == 0 || b.Top != m.Schedule.Blocks[i-1].Top {
			m.flush()
			first.to, m.from = b.Top, b.Top
			for k, c := range m.First.Schedule.Blocks {
				if lo, hi := max(b.Top, c.Lo), min(b.End, c.Hi); lo < hi {
					if err := first.block(k, lo, hi, m.append); err != nil {
						return fmt.Errorf("block %d of the first layer: %w", k, err)
					}
				}
			}
		}
		if err := m.block(i, b.Lo, b.Hi, m.append); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	return nil
}
