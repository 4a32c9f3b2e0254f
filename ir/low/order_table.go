package low

// table adds a block of rows [top, end) and all columns in groups of g rows. The steps of a group stand in the order of
// their rows, so that the sum of all rows of a term but the last, if it is a term, comes before it.
func (s *Schedule) table(w []int8, top, end, g int) {
	var a stepper
	var uses [][]Signed // by pattern: a digit for each row of the group, the first row's the highest; 1 is +, 2 is -
	pattern := make([]int, s.N)
	for k := top; k < end; k += g {
		rows := min(g, end-k)
		clear(pattern)
		first := make([]int8, s.N) // the sign of the first row that a column uses
		patterns := 1
		for i := k; i < k+rows; i++ {
			for j, v := range w[i*s.N : (i+1)*s.N] {
				pattern[j] *= 3
				switch {
				case v == 0:
					continue
				case first[j] == 0:
					first[j] = v
				}
				if v == first[j] {
					pattern[j]++
				} else {
					pattern[j] += 2
				}
			}
			patterns *= 3
		}
		for len(uses) < patterns {
			uses = append(uses, nil)
		}
		for j, p := range pattern {
			if p != 0 {
				uses[p] = append(uses[p], Sign(j, first[j] < 0))
			}
		}
		for p, u := range uses {
			if len(u) > 0 {
				a.steps = append(a.steps, Step{a.list(term(p, k, rows)...), a.list(u...)})
				uses[p] = u[:0]
			}
		}
	}
	s.Blocks = append(s.Blocks, Block{Lo: 0, Hi: s.N, Top: top, End: end, Steps: a.steps})
}

// term lists the rows of a pattern of a group that begins at row k.
func term(pattern, k, rows int) []Signed {
	var digits [MaxGroup]int
	for i := rows - 1; i >= 0; i-- {
		digits[i] = pattern % 3
		pattern /= 3
	}
	var out []Signed
	for i, d := range digits[:rows] {
		if d != 0 {
			out = append(out, Sign(k+i, d == 2))
		}
	}
	return out
}
