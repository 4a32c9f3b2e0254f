package low

import (
	"fmt"
	"sync/atomic"

	"github.com/sbtc-go/sbtc/ir"
)

// Order says how a ternary layer adds. Depth and the fields that its strategy has are part of the arithmetic; others are 0.
//
//	""    the rows of weight +1, k increasing, then those of -1, k increasing
//	rt    register tiles: blocks of so many columns. Without pairs each block adds as above. With pairs, where several
//	      columns of a block use the same sum or difference of two rows, or three, that is one term
//	4r    four Russians (Arlazarov, Dinic, Kronrod and Faradzhev, 1970): every group of consecutive rows is one term of
//	      a column, the sum of those that have a weight in it, taken from a table
//	perm  4r with groups of 3 rows, whose table of 27 sums fits two registers
type Order struct {
	Strategy string `onnx:"strategy" json:"strategy,omitempty"`
	Columns  int    `onnx:"columns" json:"columns,omitempty"` // of a block of rt; blocks are as equal in width as they can be and no wider
	Depth    int    `onnx:"depth" json:"depth,omitempty"`     // rows of a block, but those of the last; 0: all
	Group    int    `onnx:"group" json:"group,omitempty"`     // rows of a term of 4r
	Pairs    bool   `onnx:"pairs" json:"pairs,omitempty"`     // of rt
}

// SparseCode is the order of a sparse layer that is to be code. The sums of a sparse layer have one order whatever computes
// them, so it has no fields.
var SparseCode = Order{Strategy: "rt"}

// Bounds of the fields of an order.
const (
	MaxColumns = 64 // of a block
	MinGroup   = 2
	MaxGroup   = 7
	permGroup  = 3

	MaxTerms = 1 << 15 // of a block, rows alone and sums, so that a list of signed ones takes 16 bits for each
)

// Terms bounds the terms of a block of a matrix with k rows, rows alone among them.
func (o Order) Terms(k int) int {
	if o.Depth > 0 {
		k = min(k, o.Depth)
	}
	g := o.Rows()
	if g == 0 {
		if o.Pairs { // a sum of two terms takes two of the terms of two columns at least
			return k + k*o.Columns/2
		}
		return k
	}
	all := 1
	for range g {
		all *= 3
	}
	return (k + g - 1) / g * (all - 1) / 2
}

// Rows is the number of rows that make a term of 4r and perm, else 0.
func (o Order) Rows() int {
	if o.Strategy == "perm" {
		return permGroup
	}
	return o.Group
}

// check rejects an order that has no meaning.
func (o Order) check(k int) error {
	want := Order{Strategy: o.Strategy, Depth: o.Depth}
	switch o.Strategy {
	case "":
		if want.Depth = 0; o == want {
			return nil
		}
	case "rt":
		if want.Columns, want.Pairs = o.Columns, o.Pairs; o.Columns < 1 || o.Columns > MaxColumns {
			return fmt.Errorf("blocks of %d columns, wanted 1 to %d", o.Columns, MaxColumns)
		}
	case "4r":
		if want.Group = o.Group; o.Group < MinGroup || o.Group > MaxGroup {
			return fmt.Errorf("groups of %d rows, wanted %d to %d", o.Group, MinGroup, MaxGroup)
		}
	case "perm":
	default:
		return fmt.Errorf("unknown strategy %q", o.Strategy)
	}
	if o.Depth < 0 || o != want {
		return fmt.Errorf("strategy %q does not have the fields %+v", o.Strategy, o)
	}
	if n := o.Terms(k); n > MaxTerms {
		return fmt.Errorf("blocks of up to %d terms, which exceed %d: they need a smaller depth", n, MaxTerms)
	}
	return nil
}

// AsLoop reports whether a layer of k rows adds in the order of strategy "".
func (o Order) AsLoop(k int) bool {
	return o.Strategy == "" || o.Strategy == "rt" && !o.Pairs && (o.Depth == 0 || o.Depth >= k)
}

// plan is a schedule and the matrix that it was made for.
type plan struct {
	of *ir.Tensor
	*Schedule
}

// Schedule is the order of the layer's sums for its weights w [K, N]; nil for strategy "" and sparse layers, which need none.
func (l *Linear) Schedule(w *ir.Tensor) *Schedule {
	if l.Strategy == "" || l.Kind == "sparse" {
		return nil
	}
	if p := l.plan.Load(); p != nil && p.of == w {
		return p.Schedule
	}
	s := l.Order.Schedule(ir.Data[int8](w), w.Shape[0], w.Shape[1])
	l.plan.Store(&plan{w, s})
	return s
}

// planned is a place for the schedule last asked for, which is costly to make.
type planned struct{ plan atomic.Pointer[plan] }

// Schedule plans the sums of a ternary matrix, row-major [k, n]: the same for the same matrix and order, on every host.
// The strategy is not "".
func (o Order) Schedule(w []int8, k, n int) *Schedule {
	s := &Schedule{K: k, N: n}
	depth := o.Depth
	if depth == 0 {
		depth = k
	}
	for top := 0; top < k; top += depth {
		end := min(top+depth, k)
		switch o.Strategy {
		case "rt":
			s.tiles(w, top, end, o.Columns, o.Pairs)
		case "4r", "perm":
			s.table(w, top, end, o.Rows())
		default:
			panic("no schedule for strategy " + o.Strategy)
		}
	}
	return s
}

// stepper appends steps to a block whose lists share memory.
type stepper struct {
	steps []Step
	lists []Signed
}

// list copies a list.
func (a *stepper) list(x ...Signed) []Signed {
	if len(a.lists)+len(x) > cap(a.lists) {
		a.lists = make([]Signed, 0, max(1024, len(x)))
	}
	at := len(a.lists)
	a.lists = append(a.lists, x...)
	return a.lists[at:len(a.lists):len(a.lists)]
}
