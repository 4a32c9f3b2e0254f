package low

import "fmt"

// Schedule is the order in which a ternary layer adds, worked out from its weights before anything runs. Kernels that
// have the weights in their instructions, loops over lists, and Eval all follow it, so they give the same bits.
//
// Every output is one chain over the steps that use its column, in the order of the blocks: the first term is taken as
// it is (t or 0-t), the others are added or subtracted. A column that no step uses is +0.
type Schedule struct {
	K, N   int
	Blocks []Block
}

// Block has the steps of columns [Lo, Hi) over rows [Top, End) of the matrix: what one run of code holds in registers.
// Blocks stand in the order in which they run; those of the same rows are adjacent, and rows increase.
type Block struct {
	Lo, Hi   int
	Top, End int
	Steps    []Step
	Sums     []Sum // of rt, from which the steps follow
}

// Sum is a term of a tile: an earlier term and a row, or their difference. All columns that have both, with the signs that
// this takes, and of which no earlier sum has taken one, use it.
type Sum struct {
	Of    int // a row, from Top on, or from End-Top on an earlier sum
	Row   int // from Top on
	Minus bool
}

// Step computes a term once and adds it to the sums of the columns that use it.
type Step struct {
	Rows []Signed // of x: the term is their sum, from left to right, the first of them positive
	Uses []Signed // columns, each at most once
}

// Signed is an index and a sign: 2·index, plus 1 if it is negative.
type Signed uint32

// Sign makes a signed index.
func Sign(i int, negative bool) Signed {
	s := Signed(i) << 1
	if negative {
		s |= 1
	}
	return s
}

// Index is the index without its sign.
func (s Signed) Index() int { return int(s >> 1) }

// Negative reports the sign.
func (s Signed) Negative() bool { return s&1 != 0 }

// Check compares a schedule with the matrix that it was made for, row-major [K, N]: every weight is used exactly once,
// with its sign, by a block that has its row and column.
func (s *Schedule) Check(w []int8) error {
	seen := make([]int8, len(w))
	for _, b := range s.Blocks {
		for _, st := range b.Steps {
			if len(st.Rows) == 0 || st.Rows[0].Negative() {
				return fmt.Errorf("a term %v does not begin with a positive row", st.Rows)
			}
			for _, u := range st.Uses {
				j := u.Index()
				for _, r := range st.Rows {
					i := r.Index()
					if j < b.Lo || j >= b.Hi || i < b.Top || i >= b.End {
						return fmt.Errorf("weight %d, %d is outside its block", i, j)
					}
					if seen[i*s.N+j] != 0 {
						return fmt.Errorf("weight %d, %d is used twice", i, j)
					}
					seen[i*s.N+j] = 1
					if u.Negative() != r.Negative() {
						seen[i*s.N+j] = -1
					}
				}
			}
		}
	}
	for i, v := range w {
		if seen[i] != v {
			return fmt.Errorf("weight %d, %d is %d in the schedule and %d in the matrix", i/s.N, i%s.N, seen[i], v)
		}
	}
	return nil
}

// sum evaluates the schedule for rows of lanes of x, into acc, which is +0.
func (s *Schedule) sum(x, acc [][]float32) {
	used := make([]bool, s.N)
	var t []float32
	for _, b := range s.Blocks {
		for _, st := range b.Steps {
			t = append(t[:0], x[st.Rows[0].Index()]...)
			for _, r := range st.Rows[1:] {
				addTerm(t, x[r.Index()], r.Negative(), false)
			}
			for _, u := range st.Uses {
				j := u.Index()
				addTerm(acc[j], t, u.Negative(), !used[j])
				used[j] = true
			}
		}
	}
}

// Adds counts the additions and subtractions: one for each use of a term, and for a term of several rows as many as the
// one before it, with which it may begin, leaves to do.
func (s *Schedule) Adds() int {
	n := 0
	for _, b := range s.Blocks {
		var last []Signed
		for _, st := range b.Steps {
			same := 0
			for same < min(len(last), len(st.Rows)) && last[same] == st.Rows[same] {
				same++
			}
			n += len(st.Uses) + len(st.Rows) - max(same, 1)
			last = st.Rows
		}
	}
	return n
}
