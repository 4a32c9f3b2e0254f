package asm

import (
	"math"
	"reflect"
	"slices"
)

// AreTwins reports whether two layers can have the same code: the same signs or pattern and expression, whatever the values of
// their scales, biases and rows of further constants.
func AreTwins(a, b *Layer) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Schedule.K == b.Schedule.K && a.Schedule.N == b.Schedule.N && a.Table == b.Table && a.Act.Equal(b.Act) &&
		(a.Scale == nil) == (b.Scale == nil) && slices.EqualFunc(a.Extra, b.Extra, func(x, y Extra) bool { return (x.Row == nil) == (y.Row == nil) }) &&
		samePattern(a.Sparse, b.Sparse) && slices.EqualFunc(a.Also, b.Also, AreTwins) && reflect.DeepEqual(a.Schedule, b.Schedule) && AreTwins(a.First, b.First)
}

func samePattern(a, b *Sparse) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.Rows, b.Rows, slices.Equal)
}

// AddTwin makes the code of l serve t too. It returns the number of t among the layers whose constants a Pool has: that of another
// one if these are the same.
func (l *Layer) AddTwin(t *Layer) int {
	for i, u := range slices.Concat([]*Layer{l}, l.twins) {
		if sameConstants(t, u) {
			return i
		}
	}
	l.addTwin(t)
	return len(l.twins)
}

func (l *Layer) addTwin(t *Layer) {
	l.twins = append(l.twins, t)
	if l.First != nil {
		l.First.addTwin(t.First)
	}
	for i, a := range l.Also {
		a.addTwin(t.Also[i])
	}
}

// sameConstants reports whether the constants of twins have the same bits.
func sameConstants(a, b *Layer) bool {
	if a == nil || b == nil {
		return a == b
	}
	same := func(x, y []float32) bool {
		return (x == nil) == (y == nil) && slices.EqualFunc(x, y, func(v, w float32) bool { return math.Float32bits(v) == math.Float32bits(w) })
	}
	return same(a.Scale, b.Scale) && same(a.Bias, b.Bias) && slices.EqualFunc(a.Extra, b.Extra, func(x, y Extra) bool { return same(x.Row, y.Row) }) &&
		sameConstants(a.First, b.First) && slices.EqualFunc(a.Also, b.Also, sameConstants)
}

// row is a row of constants, one a column, of a layer and of its twins.
type row struct {
	of  [][]float32
	one bool // all columns have the same
	off int  // in the pool; -1 until it is there
}

// shared gathers a row of l and of its twins. A layer without one has neutral ones; the row is nil if all are without.
func (l *Layer) shared(neutral float32, get func(*Layer) []float32) *row {
	r := &row{one: true, off: -1}
	some := false
	for _, t := range slices.Concat([]*Layer{l}, l.twins) {
		x := get(t)
		if some = some || x != nil; x == nil {
			x = slices.Repeat([]float32{neutral}, l.Schedule.N)
		}
		r.of, r.one = append(r.of, x), r.one && uniform(x)
	}
	if !some {
		return nil
	}
	return r
}

// are reports whether all elements are v.
func (r *row) are(v float32) bool {
	return r.one && !slices.ContainsFunc(r.of, func(x []float32) bool { return x[0] != v })
}

// noZero reports whether no layer has a zero in column j.
func (r *row) noZero(j int) bool {
	return !slices.ContainsFunc(r.of, func(x []float32) bool { return x[j] == 0 })
}

// uniform reports whether all elements have the same bits.
func uniform(x []float32) bool {
	return !slices.ContainsFunc(x, func(v float32) bool { return math.Float32bits(v) != math.Float32bits(x[0]) })
}

// neutral is the bias that changes nothing: sums of a ternary layer are multiplied and -0 is added, all at once; the sums of
// a sparse one begin with it.
func (l *Layer) neutral() float32 {
	if l.Sparse != nil {
		return 0
	}
	return minusZero
}

// constants finds the rows that the code of a layer reads.
func (m *matrix) constants() {
	m.scale = m.shared(1, func(l *Layer) []float32 { return l.Scale })
	m.bias = m.shared(m.neutral(), func(l *Layer) []float32 { return l.Bias })
	for i := range m.Extra {
		m.rows = append(m.rows, m.shared(0, func(l *Layer) []float32 { return l.Extra[i].Row }))
	}
}

// constant is element j of a row of constants.
func (m *matrix) constant(c *code, r *row, j int) int {
	if r.off < 0 {
		of := r.of
		if r.one {
			of = make([][]float32, len(r.of))
			for i, x := range r.of {
				of[i] = x[:1]
			}
		}
		r.off = m.pool.row(of)
	}
	off := r.off
	if !r.one {
		off += 4 * j
	}
	return c.load(source{broadcast, m.consts, off})
}

func (m *matrix) uniform(c *code, v float32) int {
	return c.load(source{broadcast, m.consts, m.pool.one(v)})
}
