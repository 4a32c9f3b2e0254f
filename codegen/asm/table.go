package asm

import (
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

// TableLen is how many elements the table of the layer has, 0 if it has none.
func (l *Layer) TableLen() int {
	if !l.Table {
		return 0
	}
	n := 0
	for i := range l.Schedule.Blocks {
		n = max(n, entries(&l.Schedule.Blocks[i]))
	}
	return n * ir.Lanes
}

// tableBases gives the table registers; those after the last input's, as many as there are.
func (p *printer) tableBases() {
	free := pointers[3+len(p.extra):]
	for i := range min(len(free), (p.TableLen()/ir.Lanes+tableSpan-1)/tableSpan) {
		b := &base{reg: free[i]}
		if p.set == AVX512 {
			b.shift = (i*tableSpan + tableSpan/2) * p.set.width()
		} else {
			b.shift = i * tableSpan * p.set.width()
		}
		p.table = append(p.table, b)
	}
}

// entry is where a term is kept.
func (p *printer) entry(i int) source {
	b := p.table[min(i/tableSpan, len(p.table)-1)]
	return source{vector, b, i * p.set.width()}
}

// tableBlock prints a block as a function that fills in the table for a panel and then adds its entries to all columns.
func (p *printer) tableBlock(i int) error {
	b := &p.Schedule.Blocks[i]
	at := make([]int, len(b.Steps)) // of each step's entry
	n := 0
	c := newCode(p.set)
	var rows []low.Signed
	var sums []int // of the first rows
	for k, s := range b.Steps {
		if len(s.Rows) == 1 {
			continue
		}
		same := 0
		for same < min(len(rows), len(s.Rows)) && rows[same] == s.Rows[same] {
			same++
		}
		rows, sums = s.Rows, sums[:same]
		for m := same; m < len(rows); m++ {
			x := p.row(c, rows[m].Index())
			switch {
			case m == 0:
			case rows[m].Negative():
				x = c.do(opSub, sums[m-1], x)
			default:
				x = c.do(opAdd, sums[m-1], x)
			}
			sums = append(sums, x)
		}
		c.store(sums[len(rows)-1], p.entry(n))
		at[k] = n
		n++
	}
	p.flush()
	if err := p.append(c); err != nil {
		return err
	}
	parts := (b.Hi - b.Lo + p.set.columns() - 1) / p.set.columns()
	for k := range parts {
		c := newCode(p.set)
		p.sums(c, i, b.Lo+k*(b.Hi-b.Lo)/parts, b.Lo+(k+1)*(b.Hi-b.Lo)/parts, func(step int) int {
			if rows := b.Steps[step].Rows; len(rows) == 1 {
				return p.row(c, rows[0].Index())
			}
			return c.load(p.entry(at[step]))
		})
		if err := p.append(c); err != nil {
			return err
		}
	}
	p.flush()
	return nil
}

// append adds code to the current function, however long that becomes.
func (p *printer) append(c *code) error {
	t, err := p.place(c)
	if err == nil {
		p.body.add(t)
	}
	return err
}
