package low

import "math/bits"

// tiles adds the blocks of rows [top, end), each of at most columns columns.
func (s *Schedule) tiles(w []int8, top, end, columns int, pairs bool) {
	n := (s.N + columns - 1) / columns
	for i := range n {
		t := tile{lo: i * s.N / n, hi: (i + 1) * s.N / n, top: top}
		for k := top; k < end; k++ {
			var pos, neg uint64
			for j, v := range w[k*s.N+t.lo : k*s.N+t.hi] {
				switch {
				case v > 0:
					pos |= 1 << j
				case v < 0:
					neg |= 1 << j
				}
			}
			t.pos, t.neg = append(t.pos, pos), append(t.neg, neg)
		}
		for i := range end - top {
			t.mate = append(t.mate, i)
		}
		if pairs {
			t.match()
		}
		s.Blocks = append(s.Blocks, Block{t.lo, t.hi, top, end, t.plan(pairs)})
	}
}

// tile is a block that is being planned.
type tile struct {
	lo, hi, top int
	pos, neg    []uint64 // columns, from lo on, whose weight in a row, from top on, is +1 and -1
	mate        []int    // the row with which a row is matched; itself if with none
}

// common are the columns that use x_k + x_q and those that use x_k - x_q, none of a term that only one would use.
func (t *tile) common(k, q int) (sum, diff uint64) {
	sum = t.pos[k]&t.pos[q] | t.neg[k]&t.neg[q]
	diff = t.pos[k]&t.neg[q] | t.neg[k]&t.pos[q]
	if sum&(sum-1) == 0 {
		sum = 0
	}
	if diff&(diff-1) == 0 {
		diff = 0
	}
	return sum, diff
}

// match pairs rows, those first that save the most additions: a term saves one for each of its uses but the first.
func (t *tile) match() {
	var found [MaxColumns][][2]int32 // by what they save
	for k := range t.pos {
		both := t.pos[k] | t.neg[k]
		if both&(both-1) == 0 {
			continue
		}
		for q := k + 1; q < len(t.pos); q++ {
			sum, diff := t.common(k, q)
			if sum|diff == 0 {
				continue
			}
			gain := bits.OnesCount64(sum|diff) - 1
			if sum != 0 && diff != 0 {
				gain--
			}
			found[gain] = append(found[gain], [2]int32{int32(k), int32(q)})
		}
	}
	for gain := len(found) - 1; gain > 0; gain-- {
		for _, p := range found[gain] {
			if k, q := int(p[0]), int(p[1]); t.mate[k] == k && t.mate[q] == q {
				t.mate[k], t.mate[q] = q, k
			}
		}
	}
}

// plan lists the steps. Without pairs they are the rows with +1, and then those with -1: one block of all rows adds in
// the order of strategy "". With pairs a row comes with its mate, at the place of the lower one: both alone, then their
// sum, then their difference, so that no more than these four need a place at a time.
func (t *tile) plan(pairs bool) []Step {
	var a stepper
	if !pairs {
		for _, columns := range [][]uint64{t.pos, t.neg} {
			for k, c := range columns {
				t.add(&a, c, k, k, false)
			}
		}
		return a.steps
	}
	for k, q := range t.mate {
		if q < k {
			continue // it came with its mate
		}
		if q == k {
			t.add(&a, t.pos[k]|t.neg[k], k, k, false)
			continue
		}
		sum, diff := t.common(k, q)
		for _, i := range []int{k, q} {
			t.add(&a, (t.pos[i]|t.neg[i])&^(sum|diff), i, i, false)
		}
		t.add(&a, sum, k, q, false)
		t.add(&a, diff, k, q, true)
	}
	return a.steps
}

// add appends the step of x_k, if q is k, or x_k ± x_q, for the given columns.
func (t *tile) add(a *stepper, columns uint64, k, q int, minus bool) {
	if columns == 0 {
		return
	}
	rows := []Signed{Sign(t.top+k, false)}
	if q != k {
		rows = append(rows, Sign(t.top+q, minus))
	}
	var uses [MaxColumns]Signed
	n := 0
	for ; columns != 0; columns &= columns - 1 {
		j := bits.TrailingZeros64(columns)
		uses[n] = Sign(t.lo+j, t.neg[k]>>j&1 == 1)
		n++
	}
	a.steps = append(a.steps, Step{a.list(rows...), a.list(uses[:n]...)})
}
