package low

import (
	"math/bits"
	"sync"
)

// tiles adds the blocks of rows [top, end), each of at most columns columns.
func (s *Schedule) tiles(w []int8, top, end, columns int, pairs bool) {
	n := (s.N + columns - 1) / columns
	blocks := make([]Block, n)
	var wait sync.WaitGroup
	for i := range blocks {
		wait.Go(func() { blocks[i] = s.tile(w, i*s.N/n, (i+1)*s.N/n, top, end, pairs) })
	}
	wait.Wait()
	s.Blocks = append(s.Blocks, blocks...)
}

// tile plans a block.
func (s *Schedule) tile(w []int8, lo, hi, top, end int, pairs bool) Block {
	t := tile{lo: lo, top: top, rows: end - top}
	for k := top; k < end; k++ {
		var pos, neg uint64
		for j, sign := range w[k*s.N+lo : k*s.N+hi] {
			switch {
			case sign > 0:
				pos |= 1 << j
			case sign < 0:
				neg |= 1 << j
			}
		}
		t.pos, t.neg = append(t.pos, pos), append(t.neg, neg)
	}
	b := Block{Lo: lo, Hi: hi, Top: top, End: end}
	if pairs {
		t.share()
		b.Steps, b.Sums = t.shared(), t.sums
	} else {
		b.Steps = t.plan()
	}
	return b
}

// tile is a block that is being planned.
type tile struct {
	lo, top, rows int
	pos, neg      []uint64 // columns, from lo on, that add and subtract a term: of the rows, from top on, and then the sums
	sums          []Sum
}

// common are the columns that have a term and a row, with equal signs or with different ones.
func (t *tile) common(of, row int, minus bool) uint64 {
	if minus {
		return t.pos[of]&t.neg[row] | t.neg[of]&t.pos[row]
	}
	return t.pos[of]&t.pos[row] | t.neg[of]&t.neg[row]
}

// candidate is a sum that a tile may have: of a term and a row, or their difference.
type candidate struct {
	of  int32
	row Signed
}

// share finds sums that several columns can use, one after the other: of all sums of a term and a row the one that most
// columns still have, which saves an addition for each of them but the first (C. Paar, Optimized arithmetic for
// Reed-Solomon encoders, 1997).
func (t *tile) share() {
	var found [MaxColumns + 1][]candidate // by the columns that had them when last counted
	note := func(of, row int) {
		both := (t.pos[of] | t.neg[of]) & (t.pos[row] | t.neg[row])
		if both&(both-1) == 0 {
			return
		}
		same := t.common(of, row, false)
		if n := bits.OnesCount64(same); n > 1 {
			found[n] = append(found[n], candidate{int32(of), Sign(row, false)})
		}
		if n := bits.OnesCount64(both &^ same); n > 1 {
			found[n] = append(found[n], candidate{int32(of), Sign(row, true)})
		}
	}
	for row := range t.rows {
		for of := range row {
			note(of, row)
		}
	}
	for n := len(found) - 1; n > 1; n-- {
		for i := 0; i < len(found[n]); i++ {
			v := found[n][i]
			s := Sum{int(v.of), v.row.Index(), v.row.Negative()}
			c := t.common(s.Of, s.Row, s.Minus)
			if left := bits.OnesCount64(c); left < n {
				if left > 1 {
					found[left] = append(found[left], v)
				}
				continue
			}
			t.sums = append(t.sums, s)
			t.pos, t.neg = append(t.pos, t.pos[s.Of]&c), append(t.neg, t.neg[s.Of]&c)
			for _, i := range []int{s.Of, s.Row} {
				t.pos[i] &^= c
				t.neg[i] &^= c
			}
			if s.Of < t.rows { // three rows at most: the sums that terms begin with need registers
				for row := range t.rows {
					note(len(t.pos)-1, row)
				}
			}
		}
	}
}

// shared lists the steps of rows and sums: after a term those that begin with it.
func (t *tile) shared() []Step {
	next := make([][]int, len(t.pos)) // that begin with a term
	for i, s := range t.sums {
		next[s.Of] = append(next[s.Of], t.rows+i)
	}
	var a stepper
	var visit func(i int, of ...Signed)
	visit = func(i int, of ...Signed) {
		t.add(&a, t.pos[i]|t.neg[i], i, of...)
		for _, n := range next[i] {
			s := t.sums[n-t.rows]
			visit(n, append(of, Sign(t.top+s.Row, s.Minus))...)
		}
	}
	for i := range t.rows {
		visit(i, Sign(t.top+i, false))
	}
	return a.steps
}

// plan lists the rows with +1, and then those with -1: one block of all rows adds in the order of strategy "".
func (t *tile) plan() []Step {
	var a stepper
	for _, columns := range [][]uint64{t.pos, t.neg} {
		for i, c := range columns {
			t.add(&a, c, i, Sign(t.top+i, false))
		}
	}
	return a.steps
}

// add appends the step of term i, the sum of rows, for the given columns.
func (t *tile) add(a *stepper, columns uint64, i int, rows ...Signed) {
	if columns == 0 {
		return
	}
	var uses [MaxColumns]Signed
	n := 0
	for ; columns != 0; columns &= columns - 1 {
		j := bits.TrailingZeros64(columns)
		uses[n] = Sign(t.lo+j, t.neg[i]>>j&1 == 1)
		n++
	}
	a.steps = append(a.steps, Step{a.list(rows...), a.list(uses[:n]...)})
}
