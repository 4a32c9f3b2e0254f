// SPDX-License-Identifier: MIT-0

package runtime

import (
	"cmp"
	"slices"
)

// A sparse matrix for assembly on panels is cut into blocks of rows that stay in the cache of a core while all columns pass.
// Several columns with as many weights go side by side, so that their chains overlap and the loop over the weights has the
// same length for many columns.

// sparseBlock has the weights in rows [top, end), by how many columns go side by side.
type sparseBlock struct {
	top, end int
	lists    []sparseLists
}

// sparseLists are columns in groups of width. Those with as many weights are a run.
type sparseLists struct {
	width  int
	rows   []uint16 // of a group, weight after weight, the columns side by side: bytes from the first row of the block
	values []float32
	cells  []uint32    // where the pattern has the values, if these are not known when the blocks are made
	cols   []uint32    // of the groups
	runs   []sparseRun // at most sparseWork weights each
}

type sparseRun struct{ weights, groups uint32 }

const (
	sparsePanelsMost = 4        // panels at once
	sparseBytes      = 24 << 10 // of a block of rows of these panels
	sparseWork       = 1 << 15  // weights of a run, so that no call lasts long
)

// sparseGroup is how many of panels, or fewer, are taken at once: as equal shares as can be.
func sparseGroup(panels int) int {
	shares := (panels + sparsePanelsMost - 1) / sparsePanelsMost
	return (panels + shares - 1) / shares
}

// sparseWidth is the most columns that go side by side on so many panels.
func sparseWidth(panels int) int {
	if path == pathAVX512 {
		return [...]int{0, 8, 4, 4, 4}[panels]
	}
	return [...]int{0, 4, 2, 2, 1}[panels]
}

func sparseBlocks(p pattern, values []float32, group, k int) []sparseBlock {
	most := sparseBytes / (4 * lanes * group)
	n := (k + most - 1) / most
	blocks := make([]sparseBlock, n)
	columns := len(p.ends)
	at, next := make([]int32, columns), make([]int32, columns) // where the columns' weights in a block begin and end
	copy(at[1:], p.ends)
	order := make([]uint32, columns)
	for i := range blocks {
		b := &blocks[i]
		b.top, b.end = i*k/n, (i+1)*k/n
		for j, from := range at {
			to := from
			for to < p.ends[j] && int(p.cells[to]>>1) < b.end {
				to++
			}
			next[j], order[j] = to, uint32(j)
		}
		slices.SortFunc(order, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(next[a]-at[a], next[b]-at[b]), cmp.Compare(a, b))
		})
		b.list(p, values, order, at, next, sparseWidth(group))
		at, next = next, at
	}
	return blocks
}

// list fills in the lists of columns in an order of their numbers of weights.
func (b *sparseBlock) list(p pattern, values []float32, order []uint32, at, end []int32, width int) {
	for w := width; w > 0; w /= 2 {
		b.lists = append(b.lists, sparseLists{width: w})
	}
	for len(order) > 0 {
		n := end[order[0]] - at[order[0]]
		same := 1
		for same < len(order) && end[order[same]]-at[order[same]] == n {
			same++
		}
		columns := order[:same]
		order = order[same:]
		if n == 0 && b.top > 0 {
			continue
		}
		for i := range b.lists {
			l := &b.lists[i]
			for len(columns) >= l.width {
				l.join(p, values, columns[:l.width], at, int(n), b.top)
				columns = columns[l.width:]
			}
		}
	}
	for i := range b.lists {
		l := &b.lists[i]
		l.rows = append(l.rows, 0) // where the lists end
		if values != nil {
			l.values = append(l.values, 0)
		}
	}
}

// join appends a group of columns with n weights each.
func (l *sparseLists) join(p pattern, values []float32, columns []uint32, at []int32, n, top int) {
	if r := len(l.runs); r == 0 || l.runs[r-1].weights != uint32(n) || int(l.runs[r-1].groups)*n*l.width > sparseWork {
		l.runs = append(l.runs, sparseRun{uint32(n), 0})
	}
	l.runs[len(l.runs)-1].groups++
	l.cols = append(l.cols, columns...)
	for i := range int32(n) {
		for _, j := range columns {
			l.rows = append(l.rows, uint16((int(p.cells[at[j]+i]>>1)-top)*4*lanes))
			if values != nil {
				l.values = append(l.values, values[at[j]+i])
			} else {
				l.cells = append(l.cells, uint32(at[j]+i))
			}
		}
	}
}
