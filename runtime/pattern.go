// SPDX-License-Identifier: MIT-0

package runtime

import "math/bits"

// pattern says where a K x N matrix has its nonzero weights, column by column, and which of them are negative.
type pattern struct {
	cells []uint32 // twice the row, plus 1 for a negative weight
	ends  []int32  // of the columns, in cells
}

// patternShape is what the stored forms of a pattern leave to the code. The matrix has equal blocks on its diagonal and
// zeros elsewhere, which are not stored; one block is the matrix itself.
type patternShape struct {
	k, n, blocks int
	nonzero      int
	signed       bool // else no weight is negative
}

// cursor walks down the columns of the blocks.
type cursor struct {
	pattern
	row, base, height, width, columns int
}

func newCursor(s *patternShape) cursor {
	c := cursor{height: s.k / s.blocks, width: s.n / s.blocks, columns: s.n}
	c.cells, c.ends = make([]uint32, 0, s.nonzero), make([]int32, 0, s.n)
	return c
}

// next leaves the column; it reports whether there is another one.
func (c *cursor) next() bool {
	c.ends = append(c.ends, int32(len(c.cells)))
	c.row -= c.height
	if j := len(c.ends); j%c.width == 0 {
		c.base += c.height
	}
	return len(c.ends) < c.columns
}

// end is the pattern; columns that were not reached are empty.
func (c *cursor) end() pattern {
	for len(c.ends) < c.columns {
		c.ends = append(c.ends, int32(len(c.cells)))
	}
	return c.pattern
}

// decodeBitmap reads a pattern stored as a bit for each cell, and then one for the sign of each that is set if there are
// signs, both low bits first.
func decodeBitmap(code string, s patternShape) pattern {
	c := newCursor(&s)
	stored := s.k / s.blocks * s.n
	signs := code[(stored+7)/8:]
	at := 0 // the cell that c is at
	for i := 0; i < (stored+7)/8; i += 8 {
		word := uint64(0)
		if i+8 <= len(code) {
			word = loadBits(code[i:], 8)
		} else {
			word = loadBits(code[i:], len(code)-i)
		}
		if left := stored - i*8; left < 64 {
			word &= 1<<left - 1
		}
		for ; word != 0; word &= word - 1 {
			cell := i*8 + bits.TrailingZeros64(word)
			c.row += cell - at
			at = cell
			for c.row >= c.height {
				c.next()
			}
			v := uint32(c.base+c.row) << 1
			if q := len(c.cells); s.signed {
				v |= uint32(signs[q/8] >> (q % 8) & 1)
			}
			c.cells = append(c.cells, v)
		}
	}
	return c.end()
}

// The form of fewest bits is the sequence of gaps, the numbers of zero cells before each nonzero one, which are
// distributed geometrically, each followed by a sign. It is coded by a range coder of the kind rANS (Duda, arXiv
// 1311.2540), which spends on each what its probability asks for.
const (
	gapBits  = 12 // of the probabilities
	gapMax   = 15 // stands for so many zeros without a nonzero cell after them
	gapFloor = 1 << 20
)

// decodeGaps reads a pattern of gaps. zero is the probability of a zero cell in units of 2^-16.
func decodeGaps(code string, zero uint32, s patternShape) pattern {
	var start, freq [gapMax + 1]uint32
	var symbols [1 << gapBits]uint8
	left := uint32(1 << gapBits)
	for i := range start {
		rest := uint32(0)
		if i < gapMax {
			rest = max(left*zero>>16, uint32(gapMax-i))
		}
		start[i], freq[i] = 1<<gapBits-left, left-rest
		for j := start[i]; j < start[i]+freq[i]; j++ {
			symbols[j] = uint8(i)
		}
		left = rest
	}
	c := newCursor(&s)
	head := min(len(code), 5)
	x := loadBits(code, head)
	for code = code[head:]; len(c.cells) < s.nonzero; {
		slot := uint32(x) % (1 << gapBits)
		gap := symbols[slot] & gapMax
		x = uint64(freq[gap])*(x>>gapBits) + uint64(slot-start[gap])
		for c.row += int(gap); c.row >= c.height; {
			if !c.next() {
				return c.pattern
			}
		}
		if gap < gapMax {
			v := uint32(c.base+c.row) << 1
			if s.signed {
				v |= uint32(x & 1)
				x >>= 1
			}
			c.cells = append(c.cells, v)
			c.row++
		}
		if x < gapFloor {
			x <<= 16
			if len(code) >= 2 {
				x |= uint64(code[0]) | uint64(code[1])<<8
				code = code[2:]
			}
		}
	}
	return c.end()
}

// filledIn is a row-major K x N matrix of a pattern and its values in the same order.
func filledIn(p pattern, values []float32, k, n int) []float32 {
	out := make([]float32, k*n)
	begin := int32(0)
	for j, end := range p.ends {
		for i, c := range p.cells[begin:end] {
			out[int(c>>1)*n+j] = values[int(begin)+i]
		}
		begin = end
	}
	return out
}
