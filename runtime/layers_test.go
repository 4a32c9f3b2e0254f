package runtime

import (
	"math"
	"math/rand/v2"
	"testing"
)

// onEveryPath runs f on every path of this machine.
func onEveryPath(t *testing.T, f func(t *testing.T)) {
	best := path
	defer func() { path = best }()
	for path = best; path >= 0; path-- {
		t.Run(pathNames[path], f)
	}
}

// operand32 is n floats of one of three kinds: ordinary ones, ones whose products and sums are often ties, and ordinary
// ones among which are zeros, subnormals, infinities and NaN.
func operand32(r *rand.Rand, n, kind int) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), 0x1p-149, -0x1p-130, inf32, -inf32, float32(math.NaN()), 0x1p127, -0x1p127}
	x := make([]float32, n)
	for i := range x {
		switch {
		case kind == 1:
			x[i] = float32(1+r.IntN(3)*r.IntN(2)) + float32(r.IntN(3)-1)*0x1p-12 + float32(r.IntN(3)-1)*0x1p-23
			if r.IntN(2) == 0 {
				x[i] *= -0x1p-12
			}
		case kind == 2 && r.IntN(40) == 0:
			x[i] = special[r.IntN(len(special))]
		default:
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

// misplaced is a copy of x that begins offset elements after an allocation and ends with its capacity.
func misplaced(x []float32, offset int) []float32 {
	y := make([]float32, offset+len(x))
	copy(y[offset:], x)
	return y[offset:]
}

func sameFloats(got, want []float32) bool {
	for i, w := range want {
		if g := got[i]; math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
			return false
		}
	}
	return true
}

// chain is fma(x, w, acc) over the steps that are not skipped.
func chain(x, w func(i int) float32, acc float32, k int) float32 {
	for i := range k {
		acc = fma32(x(i), w(i), acc)
	}
	return acc
}

var denseSizes = [][2]int{{1, 1}, {3, 7}, {5, 8}, {16, 9}, {17, 16}, {2, 17}, {9, 24}, {8, 25}, {64, 31}, {33, 33}, {7, 48}, {12, 63}, {20, 64}, {6, 65}, {11, 130}, {4100, 20}}

func TestDense(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for i, s := range denseSizes {
			k, n := s[0], s[1]
			for kind := range 3 {
				r := rand.New(rand.NewPCG(uint64(i), uint64(kind)))
				w, bias := operand32(r, k*n, kind), misplaced(operand32(r, n, kind), i%5)
				if i%3 == 2 {
					bias = nil
				}
				start := func(j int) float32 {
					if bias == nil {
						return 0
					}
					return bias[j]
				}
				panels := 1 + i%3
				src := misplaced(operand32(r, panels*k*lanes, kind), i%7)
				want := make([]float32, panels*n*lanes)
				for q := range want {
					p, j, l := q/(n*lanes), q/lanes%n, q%lanes
					want[q] = chain(func(i int) float32 { return src[(p*k+i)*lanes+l] }, func(i int) float32 { return w[i*n+j] }, start(j), k)
				}
				dst, check := guarded(t, len(want), i%4)
				densePanels(dst, src, newPanelMatrix(inBlocks(w, k, n, panelColumns), k, n), bias, make([]float64, k*lanes), panels, k, n)
				check()
				if !sameFloats(dst, want) {
					t.Errorf("kind %d: %d panels of %d x %d differ", kind, panels, k, n)
				}
				for rows := 1; rows <= 15; rows++ {
					if k > 4000 && rows > 2 {
						break
					}
					src := misplaced(operand32(r, rows*k, kind), i%7)
					want := make([]float32, rows*n)
					for q := range want {
						want[q] = chain(func(i int) float32 { return src[q/n*k+i] }, func(i int) float32 { return w[i*n+q%n] }, start(q%n), k)
					}
					dst, check := guarded(t, len(want), i%4)
					denseRows(dst, src, newRowMatrix(inBlocks(w, k, n, rowColumns), k, n), bias, rows, k, n)
					check()
					if !sameFloats(dst, want) {
						t.Errorf("kind %d: %d rows of %d x %d differ", kind, rows, k, n)
					}
				}
			}
		}
	})
}

// listed is the pattern of a random K x N matrix of a density, and its signs and values; some columns have no weights.
func listed(r *rand.Rand, k, n int, density float64) (p pattern) {
	for j := range n {
		for i := range k {
			if j%7 != 3 && r.Float64() < density {
				p.cells = append(p.cells, uint32(i)<<1|uint32(r.IntN(2))&^uint32(j/2%2)|uint32(j%5/4))
			}
		}
		p.ends = append(p.ends, int32(len(p.cells)))
	}
	return p
}

// column calls f with every row of column j that has a weight, whether it is negative, and its place in the list.
func (p pattern) column(j int, f func(i int, minus bool, at int)) {
	begin := int32(0)
	if j > 0 {
		begin = p.ends[j-1]
	}
	for at := begin; at < p.ends[j]; at++ {
		f(int(p.cells[at]>>1), p.cells[at]&1 == 1, int(at))
	}
}

func TestLists(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for i, s := range [][2]int{{1, 1}, {3, 7}, {5, 8}, {17, 16}, {64, 31}, {33, 65}, {300, 40}, {1400, 60}} {
			k, n := s[0], s[1]
			for kind := range 3 {
				for c, density := range []float64{0, 0.1, 0.5, 1} {
					r := rand.New(rand.NewPCG(uint64(4*i+c), uint64(kind)))
					p := listed(r, k, n, density)
					scale, bias := operand32(r, n, kind), misplaced(operand32(r, n, kind), i%5)
					if (i+c)%3 == 2 {
						bias = nil
					}
					values := operand32(r, len(p.cells), kind)
					panels := 1 + (i+c)%7
					ternary, weights := newSigns(p), newSparse(p, values, panels+c%3, k)
					src := misplaced(operand32(r, panels*k*lanes, kind), i%7)
					want, want2 := make([]float32, panels*n*lanes), make([]float32, panels*n*lanes)
					for q := range want {
						x := func(i int) float32 { return src[(q/(n*lanes)*k+i)*lanes+q%lanes] }
						want[q], want2[q] = listedSums(p, q/lanes%n, x, scale, bias, values)
					}
					dst, check := guarded(t, len(want), i%4)
					ternaryPanels(dst, src, &ternary, scale, bias, panels, k, n)
					check()
					if !sameFloats(dst, want) {
						t.Errorf("kind %d: %d panels of %d x %d, ternary, density %v, differ", kind, panels, k, n, density)
					}
					sparsePanels(dst, src, &weights, bias, make([]float64, k*lanes), panels, k, n)
					check()
					if !sameFloats(dst, want2) {
						t.Errorf("kind %d: %d panels of %d x %d, sparse, density %v, differ", kind, panels, k, n, density)
					}
					rows := 1 + (i+c)%3
					for q := range rows * n {
						x := func(i int) float32 { return src[q/n*k+i] }
						want[q], want2[q] = listedSums(p, q%n, x, scale, bias, values)
					}
					dst, check = guarded(t, rows*n, i%4)
					ternaryRows(dst, src, &ternary, scale, bias, rows, k, n)
					check()
					if !sameFloats(dst, want[:rows*n]) {
						t.Errorf("kind %d: %d rows of %d x %d, ternary, density %v, differ", kind, rows, k, n, density)
					}
					weights = newSparse(p, values, 0, k)
					sparseRows(dst, src, &weights, bias, rows, k, n)
					check()
					if !sameFloats(dst, want2[:rows*n]) {
						t.Errorf("kind %d: %d rows of %d x %d, sparse, density %v, differ", kind, rows, k, n, density)
					}
				}
			}
		}
	})
}

// listedSums is output j of the ternary layer of a pattern and of the sparse layer of its values, for a row x.
func listedSums(p pattern, j int, x func(i int) float32, scale, bias, values []float32) (ternary, sparse float32) {
	sum, first := float32(0), true
	for _, want := range []bool{false, true} {
		p.column(j, func(i int, minus bool, _ int) {
			switch {
			case minus != want:
				return
			case minus:
				sum -= x(i) // from +0 for the first one
			case first:
				sum = x(i)
			default:
				sum += x(i)
			}
			first = false
		})
	}
	ternary = scale[j] * sum
	if bias != nil {
		ternary, sparse = fma32(scale[j], sum, bias[j]), bias[j]
	}
	p.column(j, func(i int, _ bool, at int) { sparse = fma32(x(i), values[at], sparse) })
	return ternary, sparse
}
