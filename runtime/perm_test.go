package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// permSum is the sum of column j: over groups of three rows, which begin anew every depth rows, each a term whose first row is
// positive.
func permSum(p pattern, j, k, depth int, x func(i int) float32) (sum float32) {
	sign := make([]float32, k)
	p.column(j, func(i int, minus bool, _ int) {
		sign[i] = 1
		if minus {
			sign[i] = -1
		}
	})
	began := false
	for top := 0; top < k; top += depth {
		end := min(top+depth, k)
		for g := top; g < end; g += 3 {
			var term, outer float32
			for i := g; i < min(g+3, end); i++ {
				switch {
				case sign[i] == 0:
				case outer == 0:
					term, outer = x(i), sign[i]
				case sign[i] == outer:
					term += x(i)
				default:
					term -= x(i)
				}
			}
			switch {
			case outer == 0:
			case !began && outer > 0:
				sum, began = term, true
			case !began:
				sum, began = 0-term, true
			case outer > 0:
				sum += term
			default:
				sum -= term
			}
		}
	}
	return sum
}

func TestPerm(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for i, s := range [][3]int{{1, 1, 1}, {2, 5, 2}, {3, 7, 3}, {5, 16, 4}, {18, 17, 18}, {19, 31, 19}, {64, 64, 64}, {33, 130, 7}, {300, 140, 300}, {37, 257, 12}, {600, 200, 512}, {100, 300, 100}, {5, 512, 5}, {27, 600, 27}} {
			k, n, depth := s[0], s[1], s[2]
			for kind := range 4 {
				for c, density := range []float64{0, 0.1, 0.5, 1} {
					r := rand.New(rand.NewPCG(uint64(4*i+c), uint64(kind)))
					p := listed(r, k, n, density)
					scale, bias := operand32(r, n, kind%3), misplaced(operand32(r, n, kind%3), i%5)
					if (i+c)%3 == 2 || kind == 3 {
						bias = nil
					}
					rows := 1 + (i+c)%3
					src := misplaced(operand32(r, rows*k, kind%3), i%7)
					if kind == 3 { // zeros of both signs, which the sign of a sum shows
						for i := range src {
							src[i] = float32(math.Copysign(0, r.NormFloat64()))
						}
					}
					want := make([]float32, rows*n)
					for q := range want {
						j := q % n
						if want[q] = permSum(p, j, k, depth, func(i int) float32 { return src[q/n*k+i] }); bias != nil {
							want[q] = fma32(scale[j], want[q], bias[j])
						} else {
							want[q] *= scale[j]
						}
					}
					w := newPerm(p, k, depth)
					tab, checkTab := guarded(t, 2*w.steps()*permSteps*permTable+3*permWidth, i%3)
					dst, check := guarded(t, len(want), i%4)
					permRows(dst, src, &w, scale, bias, tab, rows, k, n)
					check()
					checkTab()
					if !sameFloats(dst, want) {
						t.Errorf("kind %d: %d rows of %d x %d in blocks of %d, density %v, differ", kind, rows, k, n, depth, density)
					}
				}
			}
		}
	})
}

// bitmapOf stores a pattern as decodeBitmap reads it.
func bitmapOf(p pattern, s patternShape) string {
	height, width := s.k/s.blocks, s.n/s.blocks
	bits, signs := make([]byte, (height*s.n+7)/8), make([]byte, (len(p.cells)+7)/8)
	for j := range p.ends {
		p.column(j, func(i int, minus bool, at int) {
			c := j*height + i - j/width*height
			bits[c/8] |= 1 << (c % 8)
			if minus {
				signs[at/8] |= 1 << (at % 8)
			}
		})
	}
	if s.signed {
		bits = append(bits, signs...)
	}
	return string(bits)
}

func TestPermOfBitmap(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for i, s := range [][4]int{{1, 1, 1, 1}, {5, 16, 1, 4}, {19, 31, 1, 19}, {64, 64, 1, 64}, {300, 140, 1, 300}, {60, 12, 3, 60}, {60, 12, 3, 7}, {64, 8, 8, 5}, {110, 20, 2, 110}, {600, 20, 1, 512}, {163, 5, 1, 163}} {
			k, n, blocks, depth := s[0], s[1], s[2], s[3]
			for c, density := range []float64{0, 0.3, 1} {
				r := rand.New(rand.NewPCG(uint64(i), uint64(c)))
				var p pattern
				for j := range n {
					for row := j / (n / blocks) * (k / blocks); row < (j/(n/blocks)+1)*(k/blocks); row++ {
						if r.Float64() < density {
							p.cells = append(p.cells, uint32(2*row+r.IntN(2)*(i%4+1)/2%2))
						}
					}
					p.ends = append(p.ends, int32(len(p.cells)))
				}
				shape := patternShape{k: k, n: n, blocks: blocks, nonzero: len(p.cells)}
				for _, v := range p.cells {
					shape.signed = shape.signed || v&1 != 0
				}
				got, want := permOfBitmap(bitmapOf(p, shape), shape, depth), newPerm(p, k, depth)
				if !sameFloats(got.start, want.start) || !slices.Equal(got.codes, want.codes) || !slices.Equal(got.bytes, want.bytes) || !slices.Equal(got.ends, want.ends) || !slices.Equal(got.blocks, want.blocks) || got.groups != want.groups {
					t.Errorf("%d x %d in %d blocks, depth %d, density %v, differ", k, n, blocks, depth, density)
				}
			}
		}
	})
}

func BenchmarkPerm(b *testing.B) {
	for _, s := range [][2]int{{512, 512}, {512, 2048}, {2048, 512}} {
		k, n := s[0], s[1]
		r := rand.New(rand.NewPCG(1, 1))
		p := listed(r, k, n, 0.35)
		x, scale, y, tab := operand32(r, k, 0), operand32(r, n, 0), make([]float32, n), make([]float32, 32*((k+17)/18)*6+3*permWidth)
		best := path
		for path = best; path >= 0; path-- {
			w := newPerm(p, k, k)
			b.Run(fmt.Sprintf("%dx%d/%s", k, n, pathNames[path]), func(b *testing.B) {
				for b.Loop() {
					permRows(y, x, &w, scale, nil, tab, 1, k, n)
				}
			})
		}
		path = best
	}
}
