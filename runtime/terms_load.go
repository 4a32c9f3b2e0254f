// SPDX-License-Identifier: MIT-0

package runtime

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

// tileTerms are those of blocks of depth rows and at most columns columns. sums has, block by block, the number of sums, and
// for each of them an earlier term, rows coming first, and twice a row, plus 1 if that is subtracted. The columns that still
// have both use the sum instead.
func tileTerms(p pattern, sums []uint16, k, depth, columns int) terms {
	l := newTermLoader(p)
	n := len(p.ends)
	tiles := (n + columns - 1) / columns
	for top := 0; top < k; top += depth {
		end := min(top+depth, k)
		for i := range tiles {
			count := 1 + 2*int(sums[0])
			l.tile(&termBlock{lo: i * n / tiles, hi: (i + 1) * n / tiles, top: top, end: end}, sums[1:count])
			sums = sums[count:]
		}
	}
	return l.w
}

// tile appends a block.
func (l *termLoader) tile(b *termBlock, sums []uint16) {
	rows := b.end - b.top
	pos, neg := make([]uint64, rows), make([]uint64, rows) // columns of each term by sign
	for j := b.lo; j < b.hi; j++ {
		l.each(b, j, func(row int, minus uint16) {
			bit := uint64(1) << (j - b.lo)
			pos[row] |= bit &^ -uint64(minus)
			neg[row] |= bit & -uint64(minus)
		})
	}
	next := make([][]uint16, rows+len(sums)/2) // sums that begin with a term
	for i := 0; i < len(sums); i += 2 {
		of, row, minus := sums[i], sums[i+1]/2, sums[i+1]&1
		both := pos[of]&pos[row] | neg[of]&neg[row]
		if minus != 0 {
			both = pos[of]&neg[row] | neg[of]&pos[row]
		}
		pos, neg = append(pos, pos[of]&both), append(neg, neg[of]&both)
		for _, t := range []uint16{of, row} {
			pos[t] &^= both
			neg[t] &^= both
		}
		next[of] = append(next[of], uint16(rows+i/2))
		b.sums = append(b.sums, [2]uint16{2 * of, sums[i+1]})
	}
	var order []uint16 // after a term those that begin with it
	var visit func(t uint16)
	visit = func(t uint16) {
		order = append(order, t)
		for _, n := range next[t] {
			visit(n)
		}
	}
	for t := range rows {
		visit(uint16(t))
	}
	for j := range b.hi - b.lo {
		for _, t := range order {
			if (pos[t]|neg[t])>>j&1 == 1 {
				l.cells = append(l.cells, 2*t+uint16(neg[t]>>j&1))
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
