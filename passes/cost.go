package passes

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// The cost model: time in hundredths of a cycle of one core, for a layer on V panels of 16 rows with AVX-512. BenchmarkForms
// of codegen/asm prints what the constants are from: loops, lists of terms and code of layers of 32 x 32 to 512 x 2048, hot and
// after reading 96 MB, on a Zen 4 at 3.7 GHz (one load and one addition, half of them as multiplications, of 64 bytes a
// cycle). The figures of hot loops and code come within 15 % of it. A Zen 5 has twice the units, which makes code and loops
// faster alike: of its loops a weight takes 75 to 120, of its code an instruction 30.
const (
	codeWarm    = 46  // of an instruction that repeats, as it does from the second panel on
	codeNear    = 48  // of one from the second cache
	codeFar     = 60  // of one from the third, fetched ahead
	addition    = 50  // of an addition of code with tables: half of them take the units of multiplications
	tableRead   = 20  // more for one that reads an entry or a row
	onlyReads   = 137 // of an entry or a row that is read, if that is what there is most of: there is one load a cycle
	lookup      = 238 // of looking up sums of three rows: for each 100 weights and row
	lookupTable = 160 // and for each row of the matrix
	denseRows   = 13  // from so many rows on a dense layer has them in the lanes
	rowFar      = 55  // more for a row of activations that is not in the first cache: 64 bytes at 32 a cycle, partly hidden
	codeMemory  = 18  // of a byte of code from memory, fetched ahead at 20 GB/s
	listMemory  = 18  // of a byte of a list from memory, which the core reads ahead
	codeBytes   = 7   // of an instruction
	avx2Tenths  = 16  // how many tenths of the time of AVX-512 code takes in AVX2; a loop takes 11
	listBytes   = 2   // of a weight in a list
	finishing   = 3   // instructions for each column: scale, bias, store
	nearBytes   = 32 << 10
	cacheBytes  = 1 << 20
	opCache     = 24 << 10 // of code that repeats at once
	pairDensity = 3        // per cent: from here on sums of pairs of rows are worth a try
	partColumns = 27       // of a block, which the registers hold at once
	avx2Columns = 12       // the same in AVX2
)

// codeTenths are tenths of bytes of instructions that add, load and end columns: rather too many, so that what is chosen fits
// the budget.
var codeTenths = [paths]instructions{avx512: {65, 65, 65, 65}, avx2: {54, 75, 120, 75}}

// instructions are numbers of them; again are loads of rows that sums have put out of their registers.
type instructions struct{ adds, loads, ends, again int }

// all are those that take time: a few more loads beside as many additions take none.
func (n instructions) all() int { return n.adds + n.loads + n.ends }

// layerCost is what the cost model knows of a layer.
type layerCost struct {
	kind    string
	k, n    int
	nonzero int
	vectors int // panels; 0 for rows
	ends    int // instructions for each column beside the sum
	loop    int // cost of the loop
	w       *ir.Tensor
}

func newLayerCost(n *ir.Node, op *low.Linear) layerCost {
	l := layerCost{kind: op.Kind, w: n.In[1].Const, ends: finishing + len(n.In) - op.Operands()}
	l.k, l.n = l.w.Shape[0], l.w.Shape[1]
	if x := n.In[0].Type; x.Layout == ir.Panels {
		l.vectors = (x.Rows() + ir.Lanes - 1) / ir.Lanes
	}
	if l.kind != "ternary" {
		return l
	}
	l.nonzero = nonZeros(l.w)
	l.loop = l.listLoop()
	return l
}

// finish is the number of instructions that columns end with.
func (l *layerCost) finish() int { return l.n * l.ends }

// plan is an order of a ternary layer as code.
type plan struct {
	order low.Order
	cost  [paths]int // a loop costs the same on each
	bytes [paths]int // of code
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
	slices.SortStableFunc(plans, func(a, b plan) int { return a.cost[avx512] - b.cost[avx512] })
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
		if p := cost(o, cold, large); best == nil || p.cost[avx512] < best.cost[avx512] {
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
	uses, reads, loads, made := 0, [paths]int{}, [paths]int{}, 0
	for path, columns := range [paths]int{partColumns, avx2Columns} {
		parts := (l.n + columns - 1) / columns
		for _, b := range s.Blocks {
			for i := range b.Steps {
				last, times := -1, 0
				for _, u := range b.Steps[i].Uses {
					part := u.Index() * parts / l.n
					if part != last {
						last, times = part, 0
						reads[path]++
					}
					if times++; times == 2 {
						loads[path]++
					}
				}
			}
		}
	}
	for _, b := range s.Blocks {
		for i := range b.Steps {
			uses += len(b.Steps[i].Uses)
		}
		made += len(b.Steps)
	}
	carried := l.n * len(s.Blocks)
	counts := [paths]instructions{}
	for path, n := range loads {
		counts[path] = instructions{adds: uses + made, loads: n + made + 2*carried, ends: l.finish()}
	}
	cost := l.vectors * max(addition*(uses+2*made+carried)+tableRead*(reads[avx512]+made), onlyReads*(reads[avx512]+made))
	if large {
		cost += counts[avx512].all() * (codeFar - codeWarm)
	}
	return l.coded(o, cost, counts, cold)
}

// coded is the plan of code that takes so long where it is hot on AVX-512.
func (l *layerCost) coded(o low.Order, cost int, counts [paths]instructions, cold bool) plan {
	p := plan{order: o, cost: [paths]int{cost, cost * avx2Tenths / 10}}
	for path, c := range counts {
		t := codeTenths[path]
		n := (c.adds*t.adds + c.loads*t.loads + c.ends*t.ends + c.again*t.again) / 10
		p.bytes[path] = n * (8*l.vectors + 1) / (8 * l.vectors) // with those that fetch code ahead
	}
	if cold {
		p.fetch()
	}
	return p
}

// fetch adds what it takes to read the code from memory.
func (p *plan) fetch() {
	for path, n := range p.bytes {
		p.cost[path] += n * codeMemory
	}
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
	counts := [paths]instructions{}
	for path, columns := range [paths]int{partColumns, avx2Columns} {
		counts[path] = l.tileCount(s, columns)
	}
	first := codeNear
	if large {
		first = codeFar
	}
	cost := counts[avx512].all() * (first + (l.vectors-1)*codeWarm)
	if l.vectors*l.k*4*ir.Lanes > nearBytes {
		cost += counts[avx512].loads * l.vectors * rowFar
	}
	return l.coded(o, cost, counts, cold)
}

// tileCount counts instructions where the registers hold so many columns: parts of a block compute the terms that they
// share each for itself.
func (l *layerCost) tileCount(s *low.Schedule, columns int) (c instructions) {
	blocks := 0
	uses := make([]int, l.k)
	for _, b := range s.Blocks {
		if b.Lo == 0 {
			blocks++
		}
		width := b.Hi - b.Lo
		parts := (width + columns - 1) / columns
		for part := range parts {
			lo, hi := b.Lo+part*width/parts, b.Lo+(part+1)*width/parts
			var last []low.Signed
			for i := range b.Steps {
				n := 0
				for _, u := range b.Steps[i].Uses {
					if j := u.Index(); lo <= j && j < hi {
						n++
					}
				}
				if n == 0 {
					continue
				}
				rows, same := b.Steps[i].Rows, 1
				for same < min(len(rows), len(last)) && slices.Equal(rows[:same+1], last[:same+1]) {
					same++
				}
				c.adds, last = c.adds+n+len(rows)-same, rows
				for _, r := range rows {
					uses[r.Index()] += n
				}
			}
			for i := b.Top; i < b.End; i++ {
				if uses[i] > 1 { // a single use reads from memory itself
					c.loads++
				}
				uses[i] = 0
			}
			c.again += len(b.Sums) / 2
		}
	}
	c.ends = l.finish() + 2*l.n*(blocks-1)
	return c
}
