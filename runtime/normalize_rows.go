// SPDX-License-Identifier: MIT-0

package runtime

// rowNorm is a normalization along the rows of panels of n features. Each feature has count rows, the constant ones included;
// what these contribute is nil if there are none.
type rowNorm struct {
	rows, n        int
	count, epsilon float32
	pick           *rowPick // nil: the rows of the result are those of x
}

// restRows is what constant rows contribute: their number, and for each feature their sum, their mean and the sum of their
// squared distances from it; and the panels of the result with those that are picked, zeros elsewhere, nil if there are none.
type restRows struct {
	rows               float32
	sum, mean, squares []float32
	picked             []float32
}

// layernormAlong computes fma((x - mean)·r, scale, bias) with the mean of each feature and r = 1/sqrt(variance + epsilon).
// Sums are those of rowSum and rowSquares; scale and bias have an element for each row of the result, in whole panels.
// Scratch has room for 2·n elements.
func layernormAlong(dst, x, scale, bias, scratch []float32, s *rowNorm, c *restRows) {
	mean, r := scratch[:s.n], scratch[s.n:2*s.n]
	rowSum(mean, x, s.rows, s.n)
	if c.sum != nil {
		add32Slice(mean, mean, c.sum)
	}
	for i := range mean {
		mean[i] /= s.count
	}
	rowSquares(r, x, mean, s.rows, s.n)
	scaleFactors(r, mean, s, c)
	for p := 0; p*lanes < len(scale); p++ {
		at := p * s.n * lanes
		var rest []float32
		if c.picked != nil {
			rest = c.picked[at : at+s.n*lanes]
		}
		normalizeRows(dst[at:at+s.n*lanes], x, rest, mean, r, (*[lanes]float32)(scale[p*lanes:]), (*[lanes]float32)(bias[p*lanes:]), s, p)
	}
}

// scaleFactorsGeneric replaces the sums of squares of x by 1/sqrt(variance + epsilon).
func scaleFactorsGeneric(r, mean []float32, s *rowNorm, c *restRows) {
	for i, q := range r {
		if c.mean != nil {
			d := c.mean[i] - mean[i]
			q += fma32(float32(d*c.rows), d, c.squares[i])
		}
		r[i] = 1 / sqrt32(q/s.count+s.epsilon)
	}
}

// normalizeRowsGeneric writes panel p of the result.
func normalizeRowsGeneric(dst, x, rest, mean, r []float32, scale, bias *[lanes]float32, s *rowNorm, p int) {
	var at [lanes]int
	for l := range at {
		at[l] = s.source(p, l)
	}
	for i := range s.n {
		var y [lanes]float32
		for l, a := range at {
			v := float32(0)
			if a >= 0 {
				v = x[a+i*lanes]
			} else {
				v = rest[i*lanes+l]
			}
			y[l] = (v - mean[i]) * r[i]
		}
		acc := *bias
		fmaLanes(&acc, &y, scale)
		copy(dst[i*lanes:], acc[:])
	}
}

// source is where in x the row that lane l of panel p of the result has begins, -1 if it is a constant one.
func (s *rowNorm) source(p, l int) int {
	row := p*lanes + l
	if s.pick != nil {
		row = int(s.pick.rows[row])
	}
	if row < 0 {
		return -1
	}
	return row/lanes*lanes*s.n + row%lanes
}

// rowPick is which rows of panels the lanes of the result have, -1: a constant one; and the same as vectors to pick lanes
// from, for each vector of 16 or of 8 lanes.
type rowPick struct {
	rows         []int32
	wide, narrow []pickVector
}

// pickSources is the number of vectors that a pickVector has room for.
const pickSources = 4

// pickVector says from which vectors the lanes of another come: where these begin, in bytes; for each lane, which of theirs;
// and words that are all ones for the lanes that come from there.
type pickVector struct {
	at    [pickSources]int
	lane  [pickSources][lanes]int32
	mask  [pickSources][lanes]int32
	count int // of sources; more than pickSources: there is no room for them
}

// newRowPick plans picking rows of panels of n features.
func newRowPick(n int, rows []int32) *rowPick {
	p := &rowPick{rows: rows}
	for i := 0; i < len(rows); i += lanes {
		p.wide = append(p.wide, newPickVector(n, lanes, rows[i:i+lanes]))
		p.narrow = append(p.narrow, newPickVector(n, lanes/2, rows[i:i+lanes/2]), newPickVector(n, lanes/2, rows[i+lanes/2:i+lanes]))
	}
	return p
}

func newPickVector(n, width int, rows []int32) (v pickVector) {
	for l, row := range rows {
		if row < 0 {
			continue
		}
		at := (int(row)/lanes*lanes*n + int(row)%lanes/width*width) * 4
		s := 0
		for s < min(v.count, pickSources) && v.at[s] != at {
			s++
		}
		if s == v.count {
			v.count++
		}
		if s == pickSources {
			v.count = pickSources + 1
			return v
		}
		v.at[s], v.lane[s][l], v.mask[s][l] = at, row%int32(width), -1
	}
	if v.count == 0 { // only constants: all lanes of one source are masked out
		v.count = 1
	}
	return v
}
