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
	p := pattern{cells: make([]uint32, s.nonzero), ends: make([]int32, s.n)}
	height, width := s.k/s.blocks, s.n/s.blocks
	signs := code[(height*s.n+7)/8:]
	q := 0 // cells that are filled
	for j := range p.ends {
		base, at := j/width*height, j*height
		for row := 0; row < height; row += someBits {
			word := bitsFrom(code, at+row)
			if left := height - row; left < someBits {
				word &= 1<<left - 1
			}
			word &= 1<<someBits - 1
			minus := uint64(0)
			if s.signed {
				minus = bitsFrom(signs, q)
			}
			cells := p.cells[q:]
			cells = cells[:min(len(cells), bits.OnesCount64(word))]
			q += len(cells)
			twice := uint32(base+row) << 1
			for i := range cells {
				cells[i] = twice + uint32(bits.TrailingZeros64(word))<<1 + uint32(minus&1)
				word &= word - 1
				minus >>= 1
			}
		}
		p.ends[j] = int32(q)
	}
	p.cells = p.cells[:q]
	return p
}

const someBits = 56

// bitsFrom is at least someBits bits of s, low bits first, zeros beyond its end.
func bitsFrom(s string, bit int) uint64 {
	if s = s[min(bit/8, len(s)):]; len(s) < 8 {
		return loadBits(s, len(s)) >> (bit % 8)
	}
	s = s[:8]
	low := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	high := uint32(s[4]) | uint32(s[5])<<8 | uint32(s[6])<<16 | uint32(s[7])<<24
	return (uint64(low) | uint64(high)<<32) >> (bit % 8)
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
