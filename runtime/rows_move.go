// SPDX-License-Identifier: MIT-0

package runtime

// rowMove moves features of rows between matrices that are row-major or in panels.
type rowMove struct {
	rows, cols int
	dst, src   rowPlace
}

// rowPlace is where the rows are: the i-th of them is row + i·step of all in a matrix of n features, from feature col on.
type rowPlace struct {
	panels            bool
	row, step, col, n int
	all               int
}

// at is where row r begins.
func (p *rowPlace) at(r int) int {
	if p.panels {
		return r/lanes*lanes*p.n + p.col*lanes + r%lanes
	}
	return r*p.n + p.col
}

// moveRows moves rows; the last row of panels fills the lanes beyond it.
func moveRows(dst, src []float32, m *rowMove) {
	d, s := &m.dst, &m.src
	for i := 0; i < m.rows; i++ {
		to, from := d.row+i*d.step, s.row+i*s.step
		x := src[s.at(from):]
		y := dst[d.at(to):]
		switch {
		case d.panels && s.panels && to%lanes == from%lanes && (d.step == 1 && s.step == 1 || i == m.rows-1):
			n := min(m.rows-i, lanes-to%lanes)
			moveLanes(dst[d.at(to)-to%lanes:], src[s.at(from)-from%lanes:], to%lanes, n, m.cols, to+n == d.all)
			i += n - 1
		case d.panels && s.panels && d.step == 1 && s.step == 1:
			n := min(m.rows-i, lanes-to%lanes, lanes-from%lanes)
			for c := range m.cols {
				copy(y[c*lanes:c*lanes+n], x[c*lanes:])
			}
			if to+n == d.all {
				copyLastRow(dst, d.all, d.n)
			}
			i += n - 1
		case d.panels && s.panels:
			for c := range m.cols {
				y[c*lanes] = x[c*lanes]
			}
			if to == d.all-1 {
				copyLastRow(dst, d.all, d.n)
			}
		case d.panels:
			lo, hi := to%lanes, to%lanes+1
			if to == d.all-1 {
				hi = lanes
			}
			spreadRow(dst[d.at(to)-lo:], x[:m.cols], lo, hi)
		case s.panels:
			y = y[:m.cols]
			for c := range y {
				y[c] = x[c*lanes]
			}
		default:
			copy(y[:m.cols], x)
		}
	}
}

// moveSamples moves rows of n samples, which have so many rows each in dst and in src; m is the move of the first one. Of
// a sample that has panels of its own, the elements are given instead of rows, as less than nothing.
func moveSamples(dst, src []float32, m *rowMove, n, dstRows, srcRows int) {
	each := *m
	if dstRows < 0 {
		for b := range n {
			x := src
			if srcRows < 0 {
				x = src[-b*srcRows:]
			} else {
				each.src.row = m.src.row + b*srcRows
			}
			moveRows(dst[-b*dstRows:], x, &each)
		}
		return
	}
	each.dst.all = n * dstRows
	if srcRows < 0 {
		for b := range n {
			moveRows(dst, src[-b*srcRows:], &each)
			each.dst.row += dstRows
		}
		return
	}
	if each.rows == 1 {
		each.rows, each.dst.step, each.src.step = n, dstRows, srcRows
		moveRows(dst, src, &each)
		return
	}
	for range n {
		moveRows(dst, src, &each)
		each.dst.row += dstRows
		each.src.row += srcRows
	}
}

// moveLanes copies n lanes from lane lo on of cols features; with all it may copy the others too.
func moveLanes(dst, src []float32, lo, n, cols int, all bool) {
	if lo == 0 && (n == lanes || all) {
		copy(dst[:cols*lanes], src)
		return
	}
	if all {
		n = lanes - lo
	}
	for c := range cols {
		copy(dst[c*lanes+lo:c*lanes+lo+n], src[c*lanes+lo:])
	}
}

// spreadRowGeneric writes the features of a row to the lanes from lo to hi of a panel.
func spreadRowGeneric(dst, src []float32, lo, hi int) {
	for c, v := range src {
		p := dst[c*lanes+lo : c*lanes+hi]
		for l := range p {
			p[l] = v
		}
	}
}
