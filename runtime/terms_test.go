package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// termCase is a ternary matrix and the values that its terms have in one lane, by their definitions.
type termCase struct {
	w     []int8 // row-major
	k, n  int
	depth int
}

// pattern lists the weights by column.
func (c *termCase) pattern() (p pattern) {
	for j := range c.n {
		for i := range c.k {
			if v := c.w[i*c.n+j]; v != 0 {
				p.cells = append(p.cells, uint32(2*i)|uint32(v)>>31)
			}
		}
		p.ends = append(p.ends, int32(len(p.cells)))
	}
	return p
}

// chained adds terms: the first as it is or as 0 less it.
type chained struct {
	sum   float32
	begun bool
}

func (a *chained) add(t float32, w int8) {
	switch {
	case w == 0:
		return
	case !a.begun && w > 0:
		a.sum = t
	case w > 0:
		a.sum += t
	default:
		a.sum -= t
	}
	a.begun = true
}

// blocks calls f for every block of rows.
func (c *termCase) blocks(f func(top, end int)) {
	for top := 0; top < c.k; top += c.depth {
		f(top, min(top+c.depth, c.k))
	}
}

func (c *termCase) byBlock(x func(int) float32, j int) (a chained) {
	c.blocks(func(top, end int) {
		for _, sign := range []int8{1, -1} {
			for i := top; i < end; i++ {
				if v := c.w[i*c.n+j]; v == sign {
					a.add(x(i), v)
				}
			}
		}
	})
	return a
}

func (c *termCase) byGroup(x func(int) float32, j, g int) (a chained) {
	c.blocks(func(top, end int) {
		for ; top < end; top += g {
			var t chained
			first := int8(0)
			for i := top; i < min(top+g, end); i++ {
				if first == 0 {
					first = c.w[i*c.n+j]
				}
				t.add(x(i), c.w[i*c.n+j]*first)
			}
			a.add(t.sum, first)
		}
	})
	return a
}

// tileSum is a term of a tile: what is left of the weights of a row, or of a sum that replaces them where columns have both.
type tileSum struct {
	of, row int // of a sum: the term and the row
	minus   bool
	w       []int8 // of each column
}

// tile takes sums from the weights of a block, as listed, and lists the terms: after each those that begin with it.
func (c *termCase) tile(top, end, lo, hi int, sums []uint16) (all []tileSum, order []int) {
	for i := top; i < end; i++ {
		all = append(all, tileSum{of: -1, w: append([]int8(nil), c.w[i*c.n+lo:i*c.n+hi]...)})
	}
	for ; len(sums) > 0; sums = sums[2:] {
		s := tileSum{of: int(sums[0]), row: int(sums[1] / 2), minus: sums[1]%2 == 1, w: make([]int8, hi-lo)}
		sign := int8(1)
		if s.minus {
			sign = -1
		}
		for j := range s.w {
			if a, b := &all[s.of].w[j], &all[s.row].w[j]; *a != 0 && *a == sign**b {
				s.w[j], *a, *b = *a, 0, 0
			}
		}
		all = append(all, s)
	}
	var visit func(i int)
	visit = func(i int) {
		order = append(order, i)
		for q, s := range all {
			if s.of == i {
				visit(q)
			}
		}
	}
	for i := range end - top {
		visit(i)
	}
	return all, order
}

func (c *termCase) byTile(x func(int) float32, j, columns int, sums []uint16) (a chained) {
	tiles := (c.n + columns - 1) / columns
	c.blocks(func(top, end int) {
		for i := range tiles {
			count := 1 + 2*int(sums[0])
			if lo, hi := i*c.n/tiles, (i+1)*c.n/tiles; lo <= j && j < hi {
				all, order := c.tile(top, end, lo, hi, sums[1:count])
				var value func(i int) float32
				value = func(i int) float32 {
					switch s := all[i]; {
					case s.of < 0:
						return x(top + i)
					case s.minus:
						return value(s.of) - x(top+s.row)
					default:
						return value(s.of) + x(top+s.row)
					}
				}
				for _, i := range order {
					a.add(value(i), all[i].w[j-lo])
				}
			}
			sums = sums[count:]
		}
	})
	return a
}

// sums chooses sums at random.
func (c *termCase) sums(r *rand.Rand, columns int) (out []uint16) {
	c.blocks(func(top, end int) {
		for range (c.n + columns - 1) / columns {
			rows, n := end-top, 0
			if rows > 1 {
				n = r.IntN(3 * rows)
			}
			out = append(out, uint16(n))
			for i := range n {
				of, row := r.IntN(rows+i), r.IntN(rows)
				if of == row {
					row = (row + 1) % rows
				}
				out = append(out, uint16(of), uint16(2*row+r.IntN(2)))
			}
		}
	})
	return out
}

func TestTerms(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 4))
			kind := int(seed % 3)
			c := termCase{k: 1 + r.IntN(70), n: 1 + r.IntN(100)}
			c.depth = 1 + r.IntN(c.k)
			c.w = make([]int8, c.k*c.n)
			for i, density := 0, r.Float64(); i < len(c.w); i++ {
				if r.Float64() < density && i%c.n%9 != 4 { // some columns have no weights
					c.w[i] = int8(1 - 2*r.IntN(2))
				}
			}
			g, columns := 2+r.IntN(6), 1+r.IntN(64)
			sums := c.sums(r, columns)
			if seed%3 == 0 {
				g = min(g, 4)
			}
			for name, f := range map[string]struct {
				w   terms
				sum func(x func(int) float32, j int) chained
			}{
				"blocks":                         {blockTerms(c.pattern(), c.k, c.depth), c.byBlock},
				fmt.Sprintf("groups of %d", g):   {groupTerms(c.pattern(), c.k, c.depth, g), func(x func(int) float32, j int) chained { return c.byGroup(x, j, g) }},
				fmt.Sprintf("tiles %d", columns): {tileTerms(c.pattern(), sums, c.k, c.depth, columns), func(x func(int) float32, j int) chained { return c.byTile(x, j, columns, sums) }},
			} {
				scale, bias := operand32(r, c.n, kind), misplaced(operand32(r, c.n, kind), int(seed%5))
				if seed%4 == 2 {
					bias = nil
				}
				want := func(x func(int) float32, j int) float32 {
					sum := f.sum(x, j).sum
					if bias == nil {
						return scale[j] * sum
					}
					return fma32(scale[j], sum, bias[j])
				}
				room := 0
				for _, b := range f.w.blocks {
					room = max(room, 2*(b.end-b.top+len(b.sums)))
				}
				panels := 1 + r.IntN(5)
				src := misplaced(operand32(r, panels*c.k*lanes, kind), int(seed%7))
				dst, check := guarded(t, panels*c.n*lanes, int(seed%4))
				tab, checkTab := guarded(t, room*lanes*(1+int(seed%2)), int(seed%3))
				termPanels(dst, src, &f.w, scale, bias, tab, panels, c.k, c.n)
				check()
				checkTab()
				for q, got := range dst {
					p, j, l := q/(c.n*lanes), q/lanes%c.n, q%lanes
					if v := want(func(i int) float32 { return src[(p*c.k+i)*lanes+l] }, j); !sameFloats([]float32{got}, []float32{v}) {
						t.Fatalf("seed %d: %s, %+v: panel %d, column %d, lane %d: %x, want %x", seed, name, c, p, j, l, got, v)
					}
				}
				rows := 1 + r.IntN(4)
				dst, check = guarded(t, rows*c.n, int(seed%4))
				tab, checkTab = guarded(t, room, int(seed%3))
				termRows(dst, src, &f.w, scale, bias, tab, rows, c.k, c.n)
				check()
				checkTab()
				for q, got := range dst {
					if v := want(func(i int) float32 { return src[q/c.n*c.k+i] }, q%c.n); !sameFloats([]float32{got}, []float32{v}) {
						t.Fatalf("seed %d: %s: row %d, column %d: %x, want %x", seed, name, q/c.n, q%c.n, got, v)
					}
				}
			}
		}
	})
}
