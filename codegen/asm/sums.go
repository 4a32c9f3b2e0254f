package asm

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// sums builds the sums of columns [lo, hi) over the rows of a block, and their epilogue if they are complete then; term
// gives the value of a step's term.
func (m *matrix) sums(c *code, block, lo, hi int, term func(step int) int) {
	b := &m.Schedule.Blocks[block]
	acc, wrote := make([]int, hi-lo), make([]int, hi-lo)
	for j := range acc {
		acc[j] = -1
		if m.begun[lo+j] {
			acc[j] = c.load(m.column(lo + j))
		}
	}
	carried := slices.Clone(acc)
	var uses []low.Signed
	for i, s := range b.Steps {
		uses = uses[:0]
		for _, u := range s.Uses {
			if j := u.Index(); j >= lo && j < hi {
				uses = append(uses, u)
			}
		}
		if len(uses) == 0 {
			continue
		}
		t := term(i)
		// Columns are independent: the one that has waited longest comes first.
		slices.SortStableFunc(uses, func(a, b low.Signed) int { return wrote[a.Index()-lo] - wrote[b.Index()-lo] })
		for _, u := range uses {
			j, minus := u.Index()-lo, u.Negative() != m.negated[u.Index()]
			switch {
			case acc[j] < 0 && minus:
				acc[j] = c.do(opSub, c.zero(), t)
			case acc[j] < 0:
				acc[j] = t
			case minus:
				acc[j] = c.do(opSub, acc[j], t)
			default:
				acc[j] = c.do(opAdd, acc[j], t)
			}
			wrote[j] = len(c.ops)
		}
	}
	order := make([]int, hi-lo)
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return wrote[a] - wrote[b] })
	for _, j := range order {
		m.finish(c, block, lo+j, acc[j], carried[j])
	}
}

// row is a row of the source.
func (m *matrix) row(c *code, k int) int {
	return c.load(source{vector, m.src, (k - m.from) * 4 * ir.Lanes})
}

// column is where column j of the result is.
func (m *matrix) column(j int) source { return source{vector, m.dst, (j - m.to) * 4 * ir.Lanes} }

// term is the sum of rows of the source.
func (m *matrix) term(c *code, rows []low.Signed) int {
	t := -1
	for _, r := range rows {
		x := m.row(c, r.Index())
		switch {
		case t < 0:
			t = x
		case r.Negative():
			t = c.do(opSub, t, x)
		default:
			t = c.do(opAdd, t, x)
		}
	}
	return t
}

// finish stores the sum of column j: as it is, if later blocks add to it, or with its epilogue.
func (m *matrix) finish(c *code, block, j, acc, carried int) {
	to := m.column(j)
	if m.last[j] > block {
		if acc != carried {
			c.store(acc, to)
			m.begun[j] = true
		}
		return
	}
	if acc < 0 {
		acc = c.zero()
	}
	c.store(m.epilogue(c, j, acc), to)
}
