package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// The cost model: time in hundredths of a cycle of one core, for a layer on V panels of 16 rows with AVX-512. Measured on a
// Zen 4 at 3.7 GHz, as the least of 200 turns that layers of 512 x 512 and 64 x 64 of densities from .05 to 1 took one after
// the other (BenchmarkLayers of codegen/asm; BenchmarkLists of runtime has the loops): the least hardly depends on what else
// the machine does. The figures of code come within 15 % of those turns.
const (
	loopWeight  = 130  // of a loop over lists, for each weight and panel
	loopColumn  = 1600 // for each column and panel: the loop's end is mispredicted
	codeWarm    = 46   // of an instruction that repeats, as it does from the second panel on
	codeNear    = 48   // of one from the second cache
	codeFar     = 60   // of one from the third, fetched ahead
	addition    = 50   // of an addition of code with tables: half of them take the units of multiplications
	tableRead   = 20   // more for one that reads an entry or a row
	onlyReads   = 137  // of an entry or a row that is read, if that is what there is most of: there is one load a cycle
	lookup      = 238  // of looking up sums of three rows: for each 100 weights and row
	lookupTable = 160  // and for each row of the matrix
	denseRows   = 13   // from so many rows on a dense layer has them in the lanes
	rowFar      = 55   // more for a row of activations that is not in the first cache: 64 bytes at 32 a cycle, partly hidden
	byteMemory  = 160  // of a byte from memory, at 2.5 GB/s
	codeTenths  = 65   // tenths of a byte of an instruction, rather too many, so that what is chosen fits the budget
	codeBytes   = 7    // the same, rounded
	listBytes   = 2    // of a weight in a list
	finishing   = 3    // instructions for each column: scale, bias, store
	nearBytes   = 32 << 10
	cacheBytes  = 1 << 20
	opCache     = 24 << 10 // of code that repeats at once
	pairDensity = 3        // per cent: from here on sums of pairs of rows are worth a try
	partColumns = 27       // of a block, which the registers hold at once
)

// layerCost is what the cost model knows of a layer.
type layerCost struct {
	kind    string
	k, n    int
	nonzero int
	vectors int // panels; 0 for rows
	loop    int // cost of the loop
	w       *ir.Tensor
}

func newLayerCost(n *ir.Node, op *low.Linear) layerCost {
	l := layerCost{kind: op.Kind, w: n.In[1].Const}
	l.k, l.n = l.w.Shape[0], l.w.Shape[1]
	if x := n.In[0].Type; x.Layout == ir.Panels {
		l.vectors = (x.Rows() + ir.Lanes - 1) / ir.Lanes
	}
	if l.kind != "ternary" {
		return l
	}
	l.nonzero = nonZeros(l.w)
	l.loop = (l.nonzero*loopWeight + l.n*loopColumn) * max(l.vectors, 1)
	return l
}

// plan is an order of a ternary layer as code.
type plan struct {
	order low.Order
	cost  int
	bytes int // of AVX-512 code
}

// candidates are the plans that come into question, the cheapest first.
func (l *layerCost) candidates(cold, large bool) []plan {
	if l.vectors == 0 || l.nonzero == 0 {
		return nil
	}
	var plans []plan
	for _, o := range l.tiles() {
		plans = append(plans, l.tilePlan(o, cold, large))
	}
	for _, o := range l.tables() {
		plans = append(plans, l.tablePlan(o, cold, large))
	}
	slices.SortStableFunc(plans, func(a, b plan) int { return a.cost - b.cost })
	return plans
}

// cheapest is the cheapest plan of strategy rt or 4r, whatever it costs.
func (l *layerCost) cheapest(strategy string, cold, large bool) *plan {
	orders, cost := l.tiles(), l.tilePlan
	if strategy == "4r" {
		orders, cost = []low.Order{tableOrder(3, l.k), tableOrder(4, l.k)}, l.tablePlan
	}
	var best *plan
	for _, o := range orders {
		if p := cost(o, cold, large); best == nil || p.cost < best.cost {
			best = &p
		}
	}
	return best
}

// perm is for one row: it looks up the sums of three rows at once, in registers, with the columns in the lanes. From about
// 15 weights on that is faster than lists of them, at any density.
func (l *layerCost) perm() *plan {
	o := low.Order{Strategy: "perm"}
	if o.Terms(l.k) > low.MaxTerms {
		o.Depth = permDepth
	}
	return &plan{order: o}
}

// fewRows reports whether a layer costs less with its columns in the lanes, row by row, than with the rows there, some of
// which are idle.
func fewRows(op *low.Linear, w *ir.Tensor, rows int) bool {
	switch op.Kind {
	case "dense":
		return rows < denseRows
	case "ternary":
		k, n := w.Shape[0], w.Shape[1]
		instruction := codeNear
		if k*n*codeBytes > 2*cacheBytes {
			instruction = codeFar
		}
		return rows < ir.Lanes && rows*(k*n*lookup/100+k*lookupTable) < nonZeros(w)*instruction
	}
	return false
}

// nonZeros counts the weights of a ternary matrix.
func nonZeros(w *ir.Tensor) (n int) {
	for _, v := range ir.Data[int8](w) {
		n += int(v * v)
	}
	return n
}

const (
	permDepth  = 6144 // rows whose groups of 3 have few enough terms
	tableTerms = 384  // of a block of tables: 24 KiB, which stay in the first cache
	tableCells = 1 << 17
)

// tables are the orders of tables worth a try. Those of small or sparse matrices cost more than they save.
func (l *layerCost) tables() []low.Order {
	switch cells := l.k * l.n; {
	case cells < tableCells || l.nonzero*100 < 40*cells:
		return nil
	case l.nonzero == cells: // half as many sums, as none leaves out a row
		return []low.Order{tableOrder(4, l.k), tableOrder(5, l.k)}
	}
	return []low.Order{tableOrder(3, l.k)}
}

// tableOrder is the order with groups of g of k rows.
func tableOrder(g, k int) low.Order {
	terms := 1 << (g - 1)
	if g <= 4 {
		terms = low.Order{Strategy: "4r", Group: g}.Terms(g)
	}
	depth := min(tableTerms/terms*g, (k+g-1)/g*g)
	return low.Order{Strategy: "4r", Depth: depth, Group: g}
}

// tablePlan counts the entries of tables: those that several columns of a part use are loaded once.
func (l *layerCost) tablePlan(o low.Order, cold, large bool) plan {
	s := o.Schedule(ir.Data[int8](l.w), l.k, l.n)
	uses, reads, loads, made := 0, 0, 0, 0
	parts := (l.n + partColumns - 1) / partColumns
	for _, b := range s.Blocks {
		for i := range b.Steps {
			last, times := -1, 0
			for _, u := range b.Steps[i].Uses {
				part := u.Index() * parts / l.n
				if part != last {
					last, times = part, 0
					reads++
				}
				if times++; times == 2 {
					loads++
				}
			}
			uses += len(b.Steps[i].Uses)
		}
		made += len(b.Steps)
	}
	carried := l.n * len(s.Blocks)
	instructions := uses + loads + 2*made + 2*carried + l.n*finishing
	cost := l.vectors * max(addition*(uses+2*made+carried)+tableRead*(reads+made), onlyReads*(reads+made))
	if large {
		cost += instructions * (codeFar - codeWarm)
	}
	p := plan{order: o, cost: cost, bytes: l.codeSize(instructions)}
	if cold {
		p.cost += p.bytes * byteMemory
	}
	return p
}

// codeSize is how many bytes so many instructions take, with those that fetch code ahead.
func (l *layerCost) codeSize(instructions int) int {
	return instructions * codeTenths * (8*l.vectors + 1) / (80 * l.vectors)
}

// tiles are the orders of register tiles worth a try. Blocks wider than 26 columns do not fit the registers, and pairs
// want up to 4 of them for a while. A large matrix is planned once: that takes time.
func (l *layerCost) tiles() []low.Order {
	depth := 0
	if l.k > 256 {
		depth = 256
	}
	orders := []low.Order{{Strategy: "rt", Columns: 26, Depth: depth}}
	if l.nonzero*100 < pairDensity*l.k*l.n {
		return orders
	}
	widths := []int{20, 22, 26}
	if depth = 0; l.k*l.n > 1<<16 {
		widths = []int{24} // which AVX2 has in two parts
	}
	if l.k > 160 {
		depth = l.group()
	}
	seen := map[int]bool{}
	for _, c := range widths {
		if blocks := (l.n + c - 1) / c; !seen[blocks] {
			seen[blocks] = true
			orders = append(orders, low.Order{Strategy: "rt", Columns: c, Depth: depth, Pairs: true})
		}
	}
	return orders
}

// group is the depth of blocks of the second of two layers that run together: as many hidden units as have their code, in
// the first layer, which is taken to be alike, and in this one, in the micro-op cache; else as many rows as stay in the first
// cache.
func (l *layerCost) group() int {
	depth := opCache * l.k * 4 / (3 * codeBytes * 2 * l.nonzero)
	switch {
	case depth < 48:
		depth = 256
	case depth > 128:
		depth = 128
	}
	parts := (l.k + depth - 1) / depth
	return (l.k + parts - 1) / parts
}

// tilePlan counts the instructions of register tiles.
func (l *layerCost) tilePlan(o low.Order, cold, large bool) plan {
	s := o.Schedule(ir.Data[int8](l.w), l.k, l.n)
	loads, blocks := 0, 0
	uses := make([]int, l.k)
	for _, b := range s.Blocks {
		if b.Lo == 0 {
			blocks++
		}
		for i := range b.Steps {
			for _, r := range b.Steps[i].Rows {
				uses[r.Index()] += len(b.Steps[i].Uses)
			}
		}
		for i := b.Top; i < b.End; i++ {
			if uses[i] > 1 { // a single use reads from memory itself
				loads++
			}
			uses[i] = 0
		}
		loads += len(b.Sums) / 2 // rows that have left their register
	}
	instructions := s.Adds() + loads + l.n*(finishing+2*(blocks-1))
	first := codeNear
	if large {
		first = codeFar
	}
	cost := instructions * (first + (l.vectors-1)*codeWarm)
	if l.vectors*l.k*4*ir.Lanes > nearBytes {
		cost += loads * l.vectors * rowFar
	}
	p := plan{order: o, cost: cost, bytes: l.codeSize(instructions)}
	if cold {
		p.cost += p.bytes * byteMemory
	}
	return p
}
