// SPDX-License-Identifier: MIT-0

package runtime

import "math/bits"

// Lists of terms are not stored: they follow from the pattern of the weights and from how the layer adds.

// below is what load returns on paths below from; on others nothing needs it.
func below[T any](from int, load func() T) (t T) {
	if path < from {
		t = load()
	}
	return t
}

// since is what load returns on paths from from on; on others nothing needs it.
func since[T any](from int, load func() T) (t T) {
	if path >= from {
		t = load()
	}
	return t
}

// termLoader walks down the columns of a pattern, block by block of depth rows.
type termLoader struct {
	pattern
	w     terms
	at    []int32 // of each column, the first cell that no block has yet
	began []bool  // columns with a term
	cells []uint16
}

func newTermLoader(p pattern) *termLoader {
	n := len(p.ends)
	l := &termLoader{pattern: p, w: newTerms(n), at: make([]int32, n), began: make([]bool, n)}
	copy(l.at[1:], p.ends)
	return l
}

// each calls f with the rows, from the block's first on, of the weights in column j of a block and whether they are negative.
func (l *termLoader) each(b *termBlock, j int, f func(row int, minus uint16)) {
	i := l.at[j]
	for ; i < l.ends[j] && int(l.pattern.cells[i]>>1) < b.end; i++ {
		f(int(l.pattern.cells[i]>>1)-b.top, uint16(l.pattern.cells[i]&1))
	}
	l.at[j] = i
}

func (l *termLoader) list(b *termBlock) {
	l.w.list(b, l.began, l.cells...)
	l.cells = l.cells[:0]
}

// blockTerms are those of columns that add, in blocks of depth of their k rows, the positive rows and then the negative ones.
func blockTerms(p pattern, k, depth int) terms {
	l := newTermLoader(p)
	var minus []uint16
	for top := 0; top < k; top += depth {
		b := termBlock{hi: len(p.ends), top: top, end: min(top+depth, k)}
		for j := range p.ends {
			l.each(&b, j, func(row int, m uint16) {
				if m == 0 {
					l.cells = append(l.cells, uint16(2*row))
				} else {
					minus = append(minus, uint16(2*row+1))
				}
			})
			l.cells, minus = append(l.cells, minus...), minus[:0]
			l.list(&b)
		}
		l.w.add(&b)
	}
	return l.w
}

// tileTerms are those of blocks of depth rows and at most columns columns. mates has, block by block, the row with which
// each row is matched, itself if with none. A sum or difference of mates is a term if at least two columns use it.
func tileTerms(p pattern, mates []uint16, k, depth, columns int) terms {
	l := newTermLoader(p)
	n := len(p.ends)
	tiles := (n + columns - 1) / columns
	for top := 0; top < k; top += depth {
		end := min(top+depth, k)
		for i := range tiles {
			l.tile(&termBlock{lo: i * n / tiles, hi: (i + 1) * n / tiles, top: top, end: end}, mates[:end-top])
			mates = mates[end-top:]
		}
	}
	return l.w
}

// tile appends a block.
func (l *termLoader) tile(b *termBlock, mates []uint16) {
	rows := b.end - b.top
	pos, neg := make([]uint64, rows), make([]uint64, rows) // columns by sign
	for j := b.lo; j < b.hi; j++ {
		l.each(b, j, func(row int, minus uint16) {
			bit := uint64(1) << (j - b.lo)
			pos[row] |= bit &^ -uint64(minus)
			neg[row] |= bit & -uint64(minus)
		})
	}
	type unit struct {
		k, q      uint16
		sum, diff uint64 // columns that use the sum and the difference
		s, d      uint16 // the terms
	}
	var units []unit
	for k, mate := range mates {
		q := int(mate)
		if q < k {
			continue
		}
		u := unit{k: uint16(k), q: mate}
		if q > k {
			u.sum, u.diff = pos[k]&pos[q]|neg[k]&neg[q], pos[k]&neg[q]|neg[k]&pos[q]
		}
		if bits.OnesCount64(u.sum) < 2 {
			u.sum = 0
		} else {
			u.s = uint16(rows + len(b.sums))
			b.sums = append(b.sums, [2]uint16{2 * u.k, 2 * u.q})
		}
		if bits.OnesCount64(u.diff) < 2 {
			u.diff = 0
		} else {
			u.d = uint16(rows + len(b.sums))
			b.sums = append(b.sums, [2]uint16{2 * u.k, 2*u.q + 1})
		}
		units = append(units, u)
	}
	for j := range b.hi - b.lo {
		for _, u := range units {
			minus := uint16(neg[u.k] >> j & 1)
			switch {
			case u.sum>>j&1 == 1:
				l.cells = append(l.cells, 2*u.s+minus)
				continue
			case u.diff>>j&1 == 1:
				l.cells = append(l.cells, 2*u.d+minus)
				continue
			case (pos[u.k]|neg[u.k])>>j&1 == 1:
				l.cells = append(l.cells, 2*u.k+minus)
			}
			if u.q != u.k && (pos[u.q]|neg[u.q])>>j&1 == 1 {
				l.cells = append(l.cells, 2*u.q+uint16(neg[u.q]>>j&1))
			}
		}
		l.list(b)
	}
	l.w.add(b)
}

// groupTerms are those of groups of g rows in blocks of depth rows: what a column uses of a group is one term, the sum
// of its rows from the first to the last.
func groupTerms(p pattern, k, depth, g int) terms {
	l := newTermLoader(p)
	patterns := 1 // of a group: a digit for each row, the first row's the highest; 1 is the sign of the first, 2 the other
	for range g {
		patterns *= 3
	}
	for top := 0; top < k; top += depth {
		l.groups(&termBlock{hi: len(p.ends), top: top, end: min(top+depth, k)}, g, patterns)
	}
	return l.w
}

// groups appends a block.
func (l *termLoader) groups(b *termBlock, g, patterns int) {
	rows := b.end - b.top
	power := make([]int, g) // of the digit of each row of a group
	for i := range power {
		power[i] = patterns / 3
		if i > 0 {
			power[i] = power[i-1] / 3
		}
	}
	term := make([]uint16, (rows+g-1)/g*patterns) // of each pattern of each group; first 1 if it is used
	var used []int32                              // signed patterns of all columns, and where they end
	var ends []int
	for j := b.lo; j < b.hi; j++ {
		group, first := -1, uint16(0)
		l.each(b, j, func(row int, minus uint16) {
			if row/g != group {
				group, first = row/g, minus
				used = append(used, int32(group*patterns)<<1|int32(minus))
			}
			used[len(used)-1] += int32(power[row%g]*(1+int(minus^first))) << 1
		})
		ends = append(ends, len(used))
	}
	for _, u := range used {
		term[u>>1] = 1
	}
	for i := len(term) - 1; i > 0; i-- { // what comes before the last row of a term that is used is one too
		if term[i] != 0 {
			term[i-lastDigit(i%patterns)] = 1
		}
	}
	for i := range term {
		base := i - i%patterns
		if last := lastDigit(i - base); term[i] != 0 && last > 0 {
			row := base / patterns * g
			p, minus := last, uint16(0)
			for row += g - 1; p%3 == 0; p /= 3 {
				row--
			}
			if p == 2 {
				minus = 1
			}
			if last == i-base {
				term[i] = uint16(row)
				continue
			}
			b.sums = append(b.sums, [2]uint16{2 * term[i-last], uint16(2*row) + minus})
			term[i] = uint16(rows + len(b.sums) - 1)
		}
	}
	begin := 0
	for _, end := range ends {
		for _, u := range used[begin:end] {
			l.cells = append(l.cells, 2*term[u>>1]+uint16(u&1))
		}
		begin = end
		l.list(b)
	}
	l.w.add(b)
}

// lastDigit is what the last digit of p, in base 3, that is not 0 adds to it.
func lastDigit(p int) int {
	power := 1
	for p != 0 && p%3 == 0 {
		p /= 3
		power *= 3
	}
	return p % 3 * power
}
