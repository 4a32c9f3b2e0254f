package asm

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// tableSpan is how many entries of a table are addressed from one register with short displacements.
const tableSpan = 256

// entries is how many terms of a block are sums of several rows.
func entries(b *low.Block) int {
	n := 0
	for _, s := range b.Steps {
		if len(s.Rows) > 1 {
			n++
		}
	}
	return n
}

// tables prints all blocks.
func (m *matrix) tables() error {
	if n := m.ScratchLen() / ir.Lanes; n > 0 {
		spans := min(len(m.free), (n+tableSpan-1)/tableSpan)
		m.table = append(m.table, m.param(Scratch, 0))
		for range spans - 1 {
			m.table = append(m.table, m.register())
		}
		m.spans = m.table[1:]
		for i, b := range m.table {
			if b.shift = i * tableSpan * m.set.width(); m.set == AVX512 {
				b.shift += tableSpan / 2 * m.set.width()
			}
		}
	}
	for i := range m.Schedule.Blocks {
		if err := m.tableBlock(i); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	return nil
}

// entry is where a term is kept.
func (m *matrix) entry(i int) source {
	b := m.table[min(i/tableSpan, len(m.table)-1)]
	return source{vector, b, i * m.set.width()}
}

// tableBlock prints a block as a function that fills in the table for a panel and then adds its entries to all columns.
func (m *matrix) tableBlock(i int) error {
	b := &m.Schedule.Blocks[i]
	at := make([]int, len(b.Steps)) // of each step's entry
	n := 0
	c := m.code()
	var terms running
	for k, s := range b.Steps {
		if len(s.Rows) == 1 {
			continue
		}
		c.store(terms.term(m, c, s.Rows), m.entry(n))
		at[k] = n
		n++
	}
	m.flush()
	if err := m.append(c); err != nil {
		return err
	}
	err := m.parts(b.Lo, b.Hi, func(lo, hi int) error {
		c := m.code()
		m.sums(c, i, lo, hi, func(step int) int {
			if rows := b.Steps[step].Rows; len(rows) == 1 {
				return m.row(c, rows[0].Index())
			}
			return c.load(m.entry(at[step]))
		})
		return m.append(c)
	})
	m.flush()
	return err
}
