package asm

import "github.com/sbtc-go/sbtc/ir"

// Sparse says where a layer of float32 has weights that are not zero: the columns of each row, increasing. The code has
// the pattern; the weights it reads from memory, in the order of its tiles of columns, row by row.
type Sparse struct {
	Rows [][]uint16
	Hot  bool // the code runs several times in a row from near caches, so that what it loads counts and not how long it is
}

// MaxSparseColumns bounds the columns of a sparse layer.
const MaxSparseColumns = 1 << 16

// Weights is how many weights there are.
func (s *Sparse) Weights() (n int) {
	for _, r := range s.Rows {
		n += len(r)
	}
	return n
}

// Values is the name of the parameter for the weights.
const Values = "weights"

// SparseColumns is how many columns a tile has at most: what the registers hold beside a row and the weights.
func (s Set) SparseColumns() int {
	if s == AVX512 {
		return 26
	}
	return 11
}

// quad is how many weights one load can bring that are then spread in registers. A weight that is an operand in memory, or
// loaded alone, takes a whole load; so does a row. Where rows have few weights the loads are more than the multiplications,
// unless some weights come as quads.
const quad = 4

// sparse prints the tiles of a sparse layer: blocks of rows that a function has room for.
func (m *matrix) sparse() error {
	n, at := m.Schedule.N, 0
	values := m.params[len(m.params)-1].base
	tiles := (n + m.set.SparseColumns() - 1) / m.set.SparseColumns()
	start := func() { values.shift = m.reach(at) }
	start()
	from := values.shift
	flush := func() {
		values.move(&m.body, from) // for the next panel
		m.flush()
		start()
		from = values.shift
	}
	for t := range tiles {
		lo, hi := t*n/tiles, (t+1)*n/tiles
		for _, b := range m.sparseBlocks(lo, hi) {
			if m.body.bytes > 0 && m.body.bytes+b.bytes > chunk {
				flush()
			}
			if err := m.append(m.sparseBlock(b, lo, hi, values, &at)); err != nil {
				return err
			}
		}
	}
	flush()
	return nil
}

// rowBlock is rows [top, end) of a tile, and how long its code is about.
type rowBlock struct{ top, end, weights, rows, bytes int }

// sparseBlocks cuts the rows of a tile into blocks of about as much code each, which a function has room for.
func (m *matrix) sparseBlocks(lo, hi int) []rowBlock {
	bytes := make([]rowBlock, len(m.Sparse.Rows))
	total := 0
	for i := range bytes {
		n := len(within(m.Sparse.Rows[i], lo, hi))
		if n > 0 {
			bytes[i] = rowBlock{weights: n, rows: 1, bytes: 8 + 10*n}
		}
		total += bytes[i].bytes
	}
	parts := (total + chunk - 1) / chunk
	out := []rowBlock{{}}
	sum := 0
	for i, r := range bytes {
		b := &out[len(out)-1]
		if b.bytes > 0 && sum*parts >= len(out)*total {
			out = append(out, rowBlock{top: i})
			b = &out[len(out)-1]
		}
		sum += r.bytes
		b.end, b.weights, b.rows, b.bytes = i+1, b.weights+r.weights, b.rows+r.rows, b.bytes+r.bytes
	}
	return out
}

// within are the columns in [lo, hi).
func within(columns []uint16, lo, hi int) []uint16 {
	for len(columns) > 0 && int(columns[0]) < lo {
		columns = columns[1:]
	}
	n := 0
	for n < len(columns) && int(columns[n]) < hi {
		n++
	}
	return columns[:n]
}

// sparseBlock builds a block of columns [lo, hi), whose weights are those from at on.
func (m *matrix) sparseBlock(b rowBlock, lo, hi int, values *base, at *int) *code {
	c := m.code()
	c.direct = 1
	acc, carried := make([]int, hi-lo), make([]int, hi-lo)
	for j := range acc {
		switch {
		case m.begun[lo+j]:
			acc[j] = c.load(m.column(lo + j))
		case m.bias != nil:
			acc[j] = m.constant(c, m.bias, lo+j)
		default:
			acc[j] = c.zero()
		}
		carried[j] = acc[j]
	}
	period := m.quads(b)
	shift, first := values.shift, -1
	for i := b.top; i < b.end; i++ {
		columns := within(m.Sparse.Rows[i], lo, hi)
		if len(columns) == 0 {
			continue
		}
		switch {
		case first < 0:
			first = i
		case m.set == AVX512 && i-first >= 256:
			c.move(m.src, (i-m.from+128)*4*ir.Lanes)
			first = i
		}
		x := m.row(c, i)
		for _, j := range columns {
			if *at*4 >= shift+m.half() {
				shift = m.reach(*at)
				c.move(values, shift)
			}
			acc[int(j)-lo] = c.do(opFMA, x, m.weight(c, values, *at, period), acc[int(j)-lo])
			*at++
		}
	}
	for j := range acc {
		m.sparseFinish(c, lo+j, acc[j], carried[j], b.end == m.Schedule.K)
	}
	return c
}

// half is how far short displacements reach from a pointer to the weights.
func (m *matrix) half() int {
	if m.set == AVX512 {
		return 128 * 4
	}
	return 128
}

// reach is where a pointer to the weights must be to reach as many as possible from at on.
func (m *matrix) reach(at int) int { return at*4&^(4*quad-1) + m.half() }

// weight is one of the weights in all lanes: of every period of them, the first come as a quad.
func (m *matrix) weight(c *code, values *base, at, period int) int {
	if period == 0 || at%period >= quad {
		return c.load(source{broadcast, values, 4 * at})
	}
	from := c.load(source{quads, values, 4 * (at - at%quad)})
	v := c.do(opSpread, from)
	c.ops[len(c.ops)-1].lane = at % quad
	return v
}

// quads is of how many weights of a block a quad are one; 0 for none.
func (m *matrix) quads(b rowBlock) int {
	if !m.Sparse.Hot || b.rows == 0 || m.set == AVX2 {
		return 0
	}
	// With a share f of quads a weight takes 1-3f/4 loads, and rows/weights for the rows.
	excess := 4 * b.rows // of loads, times 3/4 of the weights: f = excess/(3·weights)
	period := quad * 3 * b.weights / excess / quad * quad
	if period > 64 {
		return 0
	}
	return max(period, 2*quad)
}

// sparseFinish stores the sum of column j: as it is, if later blocks add to it, or with its epilogue.
func (m *matrix) sparseFinish(c *code, j, acc, carried int, last bool) {
	switch {
	case !last && acc == carried:
		return
	case !last:
		m.begun[j] = true
	case !m.Act.IsZero():
		acc = m.expr(c, m.Act, j, acc, map[string]int{})
	}
	c.store(acc, m.column(j))
}
