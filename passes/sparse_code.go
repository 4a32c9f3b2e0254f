package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// The cost of sparse float32 layers, in the units of the cost model: BenchmarkSparse of codegen/asm prints loop and code of
// layers of many sizes and densities beside each other.
const (
	sparseLoop    = 124 // of the loop over blocks, for each weight and panel
	sparseLoopOne = 150 // the same for one panel
	sparseBegin   = 400 // of a column in a block of rows and panel: its sums come and go
	sparseRows    = 384 // of all panels that the loop takes at once: a block
	sparseFMA     = 102 // of a weight in code: one multiplication and addition a cycle
	sparseLoad    = 70  // of loading a weight in code
	sparseRow     = 110 // of loading a row in a tile of columns
	sparseWait    = 400 // of a weight of the longest column of a tile, which waits for the one before
	sparseTile    = 26  // columns of a tile
	sparseBytes   = 7   // of a weight in code
	sparseQuads   = 4   // more, where some come four at a time: in packages of less code than sparseNear
	sparseMore    = 8   // and for a row in a tile
	sparseNear    = 512 << 10
	sparseTwice   = 16 // bytes of a weight in AVX2, which spreads it by an instruction of its own
	sparseList    = 6  // bytes of a weight in the lists of the loop
)

// sparseAVX2 reports whether the code of a layer of so many weights, zero or not, is faster than the loop over blocks in AVX2,
// where half a panel has half the registers: only where the loop's beginnings and ends weigh most.
func sparseAVX2(cells, panels int) bool { return cells <= 1<<12 || panels == 1 && cells <= 1<<14 }

// isSparse reports whether the layer is or becomes a sparse one, whether as loop or as code.
func (p *layerPlan) isSparse() bool {
	switch p.chosen.Strategy {
	case "":
		return p.kind == "sparse"
	case "sparse":
		return true
	}
	return p.chosen.Strategy == "rt" && p.kind == "sparse"
}

// sparse plans the code of a sparse layer, if it can be some.
func (p *layerPlan) sparse(s *strategist) {
	if !p.codable() || p.n > maxIndexed {
		return
	}
	plan := p.sparsePlan()
	if s.short {
		plan.bytes[avx512] -= p.nonzero * sparseQuads
	}
	for i, n := range plan.bytes { // with those that fetch code ahead
		plan.bytes[i] = n * (8*p.vectors + 1) / (8 * p.vectors)
	}
	if plan.cost[avx2] = p.loop; sparseAVX2(p.k*p.n, p.vectors) {
		plan.cost[avx2] = p.loop * 4 / 5
	}
	if s.Cold {
		plan.fetch()
		p.loop += p.nonzero * sparseList * listMemory
	}
	if p.nonzero > 0 {
		p.best, p.claims = &plan, true
	}
}

// shortCode reports whether the code of sparse layers is certain not to stay in the second cache of a core, where it is
// short.
func (s *strategist) shortCode() bool {
	sum := 0
	for _, p := range s.layers {
		if p.isSparse() && p.vectors > 0 {
			sum += nonzeros(p.w) * sparseBytes
		}
	}
	return min(sum, s.Budget/2) >= sparseNear
}

// sparseOrder is how a layer that becomes sparse adds.
func (p *layerPlan) sparseOrder() low.Order {
	if p.best == nil {
		return low.Order{}
	}
	return p.best.order
}

// sparsePlan counts what the code of a sparse layer does, and its loop. Of its bytes there are rather too many, so that what
// is chosen fits the budget.
func (p *layerPlan) sparsePlan() plan {
	out := plan{order: low.SparseCode, bytes: [paths]int{p.finish() * codeBytes, p.finish() * codeBytes}}
	p.nonzero = 0
	for _, t := range p.sparseTiles() {
		p.nonzero += t.weights
		out.bytes[avx512] += t.weights*(sparseBytes+sparseQuads) + t.rows*sparseMore
		out.bytes[avx2] += t.weights * sparseTwice
		out.cost[avx512] += p.vectors * max(t.weights*sparseFMA, t.weights*sparseLoad+t.rows*sparseRow, t.longest*sparseWait)
	}
	weight := sparseLoop
	if p.vectors == 1 {
		weight = sparseLoopOne
	}
	blocks := (p.k*min(p.vectors, 3) + sparseRows - 1) / sparseRows
	p.loop = p.vectors * (p.nonzero*weight + p.n*blocks*sparseBegin)
	return out
}

// sparseColumns are the columns of a tile: their weights, the rows that have some, and the most that a column has.
type sparseColumns struct{ weights, rows, longest int }

func (p *layerPlan) sparseTiles() []sparseColumns {
	var nonzero func(q int) bool
	switch p.w.DType {
	case ir.Int8:
		w := ir.Data[int8](p.w)
		nonzero = func(q int) bool { return w[q] != 0 }
	default:
		w := ir.Data[float32](p.w)
		nonzero = func(q int) bool { return w[q] != 0 }
	}
	out := make([]sparseColumns, (p.n+sparseTile-1)/sparseTile)
	column := make([]int, p.n)
	for t := range out {
		lo, hi := t*p.n/len(out), (t+1)*p.n/len(out)
		for i := range p.k {
			before := out[t].weights
			for j := lo; j < hi; j++ {
				if nonzero(i*p.n + j) {
					out[t].weights++
					column[j]++
				}
			}
			if out[t].weights > before {
				out[t].rows++
			}
		}
		for j := lo; j < hi; j++ {
			out[t].longest = max(out[t].longest, column[j])
		}
	}
	return out
}
