// SPDX-License-Identifier: MIT-0

package runtime

import (
	"math"
	"math/bits"
)

// Ternary layers of one row, or few: every group of three rows has a table of the sums that a column can take of it, and each
// output is one chain over the groups, then fma(scale, sum, bias). The chain begins at -0 if its first term is added, which
// leaves the term as it is, and at +0 if it is subtracted; a group without weights adds -0, which leaves any sum as it is.

const (
	permSteps = 6   // groups whose codes stand in a word
	permTable = 16  // entries of a group
	permWidth = 256 // columns that are computed at once, at most
)

// perm is a ternary matrix as codes of five bits: an entry of a group's table and, on top, whether it is subtracted.
type perm struct {
	start  []float32  // where the chains begin
	blocks [][2]int32 // of rows that are grouped from the first on: where they begin and end
	groups int

	// Pure Go has lists of the codes that are not 0, plus 32 times the group, and where the columns' lists end. Assembly has
	// all codes, in words or bytes, see permPack.
	codes []uint32
	bytes []uint8
	ends  []int32
}

// permCode is the code of the signs of three rows: digits of base 3, 1 for +1 and 2 for -1, the first row's the highest.
// Entries are in the order {}, a, b, c, a+b, a-b, a+c, a-c, b+c, b-c, a+b+c, a+b-c, a-b+c, a-b-c.
var permCode = [32]uint8{0, 3, 19, 2, 8, 9, 18, 25, 24, 1, 6, 7, 4, 10, 11, 5, 12, 13, 17, 23, 22, 21, 29, 28, 20, 27, 26}

// newPerm packs the signs of a matrix of k rows that are grouped anew every depth rows.
func newPerm(p pattern, k, depth int) perm {
	w := emptyPerm(k, depth)
	put := w.packer(len(p.ends))
	type digit struct{ group, value uint32 }
	digits := make([]digit, 2*k) // of the cells
	g := uint32(0)
	for _, b := range w.blocks {
		for i := b[0]; i < b[1]; i++ {
			g, v := g+uint32(i-b[0])/3, [3]uint32{9, 3, 1}[(i-b[0])%3]
			digits[2*i], digits[2*i+1] = digit{g, v}, digit{g, 2 * v}
		}
		g += uint32(b[1]-b[0]+2) / 3
	}
	signs := make([]uint8, w.steps()*permSteps) // of the groups of a column
	begin := int32(0)
	for j, end := range p.ends {
		cells := p.cells[begin:end]
		begin = end
		if len(cells) > 0 && cells[0]&1 == 0 {
			w.start[j] = float32(math.Copysign(0, -1))
		}
		clear(signs)
		for _, c := range cells {
			d := digits[c]
			signs[d.group] += uint8(d.value)
		}
		put(j, signs)
	}
	return w
}

// permOfBitmap is newPerm of what decodeBitmap reads, without a list of all cells.
func permOfBitmap(code string, s patternShape, depth int) perm {
	const rows = 54 // at a time: groups of which bitsFrom reads all bits
	w := emptyPerm(s.k, depth)
	put := w.packer(s.n)
	digits := permDigits()
	height, width := s.k/s.blocks, s.n/s.blocks
	minuses := code[(height*s.n+7)/8:]
	signs := make([]uint8, w.steps()*permSteps) // of the groups of a column
	q := 0                                      // cells before
	for j := range s.n {
		if height < s.k {
			clear(signs)
		}
		first := true
		top, end := j/width*height, j/width*height+height
		for row := top; row < end; {
			// The row is the skip-th of its group, which is in a block that begins at begin.
			begin := row / depth * depth
			skip := (row - begin) % 3
			n := min(rows-skip, end-row, begin+depth-row)
			cells := bitsFrom(code, j*height+row-top) & (1<<n - 1)
			minus := uint64(0)
			if s.signed {
				minus = bitsFrom(minuses, q)
			}
			if first && cells != 0 {
				first = false
				if minus&1 == 0 {
					w.start[j] = float32(math.Copysign(0, -1))
				}
			}
			q += bits.OnesCount64(cells)
			cells <<= skip
			group := begin/depth*((depth+2)/3) + (row-begin)/3
			for i := range signs[group : group+(skip+n+2)/3] {
				before := bits.OnesCount64(cells & (1<<(3*i) - 1))
				signs[group+i] = digits[cells>>(3*i)&7|minus>>before&7<<3]
			}
			row += n
		}
		put(j, signs)
	}
	return w
}

// permDigits gives the digits of base 3 of a group: of the bits that say which rows have a weight, and above them, in the same
// order but without gaps, which of these weights are negative.
func permDigits() (of [64]uint8) {
	for i := range of {
		minus := i >> 3
		for r, v := range [3]uint8{9, 3, 1} {
			if i>>r&1 != 0 {
				of[i] += v << (minus & 1)
				minus >>= 1
			}
		}
	}
	return of
}

// emptyPerm is a matrix of k rows that are grouped anew every depth rows.
func emptyPerm(k, depth int) (w perm) {
	for top := 0; top < k; top += depth {
		end := min(top+depth, k)
		w.blocks = append(w.blocks, [2]int32{int32(top), int32(end)})
		w.groups += (end - top + 2) / 3
	}
	return w
}

// packer makes room for n columns, and gives what packs one.
func (w *perm) packer(n int) func(j int, signs []uint8) {
	if path != pathPureGo {
		return w.pack(n)
	}
	w.start = make([]float32, n)
	return w.list
}

func (w *perm) list(_ int, signs []uint8) {
	for g, s := range signs {
		if s != 0 {
			w.codes = append(w.codes, uint32(g)*2*permTable+uint32(permCode[s%32]))
		}
	}
	w.ends = append(w.ends, int32(len(w.codes)))
}

func (w *perm) steps() int { return (w.groups + permSteps - 1) / permSteps }

// tables fills in the entries for a row, size elements for each group.
func (w *perm) tables(tab, x []float32, size int) {
	for _, b := range w.blocks {
		rows := x[b[0]:b[1]]
		n := len(rows) / 3
		permTables(tab, rows, n)
		tab, rows = tab[n*size:], rows[n*3:]
		if len(rows) > 0 {
			var last [3]float32
			copy(last[:], rows)
			permTables(tab, last[:], 1)
			tab = tab[size:]
		}
	}
	for ; len(tab) >= size; tab = tab[size:] { // groups that complete the last three have no weights
		tab[0] = float32(math.Copysign(0, -1))
	}
}

// permTablesGeneric makes the tables of groups of three rows, each followed by its negatives.
func permTablesGeneric(tab, x []float32, groups int) {
	for g := range groups {
		t, x := (*[2 * permTable]float32)(tab[g*2*permTable:]), (*[3]float32)(x[3*g:])
		a, b, c := x[0], x[1], x[2]
		t[1], t[2], t[3] = a, b, c
		t[4], t[5], t[6], t[7], t[8], t[9] = a+b, a-b, a+c, a-c, b+c, b-c
		t[10], t[11], t[12], t[13] = t[4]+c, t[4]-c, t[5]+c, t[5]-c
		for i, v := range t[1:14] {
			t[permTable+1+i] = -v
		}
	}
}

// permRowsGeneric multiplies row-major rows of k features by a matrix of n columns. A nil bias leaves scale·sum; tab is
// scratch for the tables, twice permTable elements for each group, and more that only assembly needs.
func permRowsGeneric(dst, src []float32, w *perm, scale, bias, tab []float32, rows, k, n int) {
	for r := range rows {
		w.tables(tab, src[r*k:r*k+k], 2*permTable)
		y := dst[r*n : r*n+n]
		begin := int32(0)
		for j := range y {
			sum := w.start[j]
			for _, i := range w.codes[begin:w.ends[j]] {
				sum += tab[i]
			}
			begin = w.ends[j]
			if bias != nil {
				y[j] = fma32(scale[j], sum, bias[j])
			} else {
				y[j] = scale[j] * sum
			}
		}
	}
}
