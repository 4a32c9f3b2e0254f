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
	left := make([]int, hi-lo)
	for _, s := range b.Steps {
		for _, u := range s.Uses {
			if j := u.Index(); j >= lo && j < hi {
				left[j-lo]++
			}
		}
	}
	for j, n := range left {
		if n == 0 {
			m.finish(c, block, lo+j, acc[j], carried[j])
		}
	}
	var uses, done []low.Signed
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
			if left[j]--; left[j] == 0 {
				done = append(done, u)
			}
		}
		for _, u := range done {
			j := u.Index() - lo
			m.finish(c, block, lo+j, acc[j], carried[j])
		}
		done = done[:0]
	}
}

// row is a row of the source.
func (m *matrix) row(c *code, k int) int {
	return c.load(source{vector, m.src, (k - m.from) * 4 * ir.Lanes})
}

// column is where column j of the result is.
func (m *matrix) column(j int) source { return source{vector, m.dst, (j - m.to) * 4 * ir.Lanes} }

// running has the sums of the first rows of the last term, which the next one may begin with.
type running struct {
	rows []low.Signed
	sums []int
}

// term is the sum of rows of the source.
func (t *running) term(m *matrix, c *code, rows []low.Signed) int {
	same := 0
	for same < min(len(t.rows), len(rows)) && t.rows[same] == rows[same] {
		same++
	}
	t.rows, t.sums = rows, t.sums[:same]
	for q := same; q < len(rows); q++ {
		x := m.row(c, rows[q].Index())
		switch {
		case q == 0:
		case rows[q].Negative():
			x = c.do(opSub, t.sums[q-1], x)
		default:
			x = c.do(opAdd, t.sums[q-1], x)
		}
		t.sums = append(t.sums, x)
	}
	return t.sums[len(rows)-1]
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
	for _, a := range m.also {
		c.store(a.epilogue(c, j, acc), a.column(j))
	}
	c.store(m.epilogue(c, j, acc), to)
}
