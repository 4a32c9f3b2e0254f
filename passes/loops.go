package passes

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// What loops over lists of a ternary layer take, in the units and from the benchmark of the cost model. They work on 4, 2 or
// 1 panels at once; additions to the sums of one panel wait for each other.
const (
	loopColumns = 1200 // of a column, whose end is mispredicted; with one panel the next column begins meanwhile
	loopFar     = 35   // more for a weight and panel, where the panels exceed the first cache
	fourPanels  = 128  // rows of panels of which four are taken at once

	termUse     = 150 // of a term that a column adds, for each of two panels
	termAlone   = 255 // for one
	termColumn  = 250 // of a column in a block and panel: its sum comes and goes
	termMade    = 450 // of a sum in the tables of a panel, which is stored with its negative
	termRow     = 200 // of a row there
	termDensity = 30  // per cent: from here on tables may be worth it
)

// loopWeight is what a weight takes for each of so many panels.
var loopWeight = map[int]int{1: 205, 2: 135, 4: 116}

// listLoop is the cost of the loop over lists of weights.
func (l *layerCost) listLoop() (cost int) {
	for left := max(l.vectors, 1); left > 0; {
		m := 1
		switch {
		case left >= 4 && l.k <= fourPanels:
			m = 4
		case left >= 2:
			m = 2
		}
		weight, column := loopWeight[m], loopColumns
		if m == 1 {
			column = 0
		}
		if m*l.k*4*ir.Lanes >= nearBytes {
			weight += loopFar
		}
		cost += l.nonzero*m*weight + l.n*column
		left -= m
	}
	return cost
}

// tableLoop is the plan of a loop over lists of the terms of tables; nil if lists of weights are as fast.
func (l *layerCost) tableLoop(cold bool) *plan {
	if l.vectors == 0 || l.nonzero*100 < termDensity*l.k*l.n {
		return nil
	}
	g := 3
	if l.nonzero == l.k*l.n {
		g = 4
	}
	p := &plan{order: tableOrder(g, l.k)}
	uses, made := l.groupUses(g)
	blocks := (l.k + p.order.Depth - 1) / p.order.Depth
	cost := l.vectors*(l.n*blocks*termColumn+made*termMade+l.k*termRow) + uses*(l.vectors/2*2*termUse+l.vectors%2*termAlone)
	loop := l.loop
	if cold {
		cost += uses * listBytes * listMemory
		loop += l.nonzero * listBytes * listMemory
	}
	if cost*10 > loop*9 {
		return nil
	}
	p.cost = [paths]int{cost, cost}
	return p
}

// groupUses counts, over all columns, the groups of g rows with a weight, and about how many sums their tables have.
func (l *layerCost) groupUses(g int) (uses, made int) {
	w := ir.Data[int8](l.w)
	sums := (low.Order{Strategy: "4r", Group: g}).Terms(g) - g
	if l.nonzero == len(w) {
		sums = 1<<g - 2 // no row is left out
	}
	for top := 0; top < l.k; top += g {
		n := 0
		for j := range l.n {
			for i := top; i < min(top+g, l.k); i++ {
				if w[i*l.n+j] != 0 {
					n++
					break
				}
			}
		}
		uses, made = uses+n, made+min(n, sums)
	}
	return uses, made
}
