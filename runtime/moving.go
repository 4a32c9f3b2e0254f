// SPDX-License-Identifier: MIT-0

package runtime

// A moving says how windows move along an axis of n elements, each of which is inner numbers that lie side by side: m of them,
// step apart, the first from before elements ahead of the first one. Outside are copies of the first and the last element if
// edge, else nothing.
type moving struct {
	n, m, inner, window, step, before int
	edge                              bool
}

// row is the element at a position, counted from the beginning of the first window; nil outside.
func (d *moving) row(x []float32, p int) []float32 {
	p -= d.before
	if p < 0 || p >= d.n {
		if !d.edge {
			return nil
		}
		p = min(max(p, 0), d.n-1)
	}
	return x[p*d.inner : (p+1)*d.inner]
}

// movingMean computes the sum of each window times 1/count. Positions are in blocks as long as a window; the sum of a window is
// that of the end of one block, from the last to the first, and of the beginning of the next: so each element is added twice,
// however long windows are. Outside is +0. scratch has room for window + 2 elements.
func movingMean(y, x, scratch []float32, d *moving) {
	zero, next, ends := scratch[:d.inner], scratch[d.inner:2*d.inner], scratch[2*d.inner:]
	clear(zero)
	row := func(p int) []float32 {
		if r := d.row(x, p); r != nil {
			return r
		}
		return zero
	}
	for ; len(y) > 0; y, x = y[d.m*d.inner:], x[d.n*d.inner:] {
		last := (d.m - 1) * d.step
		for b := 0; b <= last; b += d.window {
			for j := d.window - 1; j >= 0; j-- {
				end := ends[j*d.inner : (j+1)*d.inner]
				if j == d.window-1 {
					copy(end, row(b+j))
				} else {
					add32Slice(end, row(b+j), ends[(j+1)*d.inner:(j+2)*d.inner])
				}
			}
			for j := range min(d.window, last-b+1) {
				switch {
				case j == 1:
					copy(next, row(b+d.window))
				case j > 1:
					add32Slice(next, next, row(b+d.window+j-1))
				}
				if (b+j)%d.step != 0 {
					continue
				}
				out, end := y[(b+j)/d.step*d.inner:][:d.inner], ends[j*d.inner:(j+1)*d.inner]
				if j == 0 {
					copy(out, end)
				} else {
					add32Slice(out, end, next)
				}
			}
		}
		d.scale(y)
	}
}

// scale multiplies the sums by 1/count, where elements outside count only if they are copies.
func (d *moving) scale(y []float32) {
	for i := 0; i < d.m; {
		k, n := d.count(i), 1
		for i+n < d.m && d.count(i+n) == k {
			n++
		}
		sums := y[i*d.inner : (i+n)*d.inner]
		scale32Slice(sums, sums, 1/float32(k))
		i += n
	}
}

// count is how many elements window i has.
func (d *moving) count(i int) int {
	if d.edge {
		return d.window
	}
	first := i*d.step - d.before
	return min(first+d.window, d.n) - max(first, 0)
}

// movingMax finds the largest elements of each window, NaN being the largest.
func movingMax(y, x []float32, d *moving) {
	for ; len(y) > 0; y, x = y[d.m*d.inner:], x[d.n*d.inner:] {
		for i := range d.m {
			out, had := y[i*d.inner:(i+1)*d.inner], false
			for k := range d.window {
				switch r := d.row(x, i*d.step+k); {
				case r == nil:
				case had:
					max32Slice(out, out, r)
				default:
					copy(out, r)
					had = true
				}
			}
		}
	}
}
