// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// indexError says that an index does not fit its axis.
func indexError(op string, i, d int) error {
	return fmt.Errorf("%s: index %d of an axis of length %d", op, i, d)
}

// gather copies slices of inner elements of x, [outer, d, inner], to out, [outer, len(idx), inner]. Slices that follow one
// another in both, as those of a rolled axis do, are copied together.
func gather[T any, I indexType](out, x []T, idx []I, outer, d, inner int) error {
	for k := 0; k < len(idx); {
		i := int(idx[k])
		if i < -d || i >= d {
			return indexError("Gather", i, d)
		}
		n := 1
		for k+n < len(idx) && i+n != 0 && i+n < d && idx[k+n] == idx[k]+I(n) {
			n++
		}
		if i < 0 {
			i += d
		}
		for o := range outer {
			to := (o*len(idx) + k) * inner
			from := (o*d + i) * inner
			copy(out[to:to+n*inner], x[from:])
		}
		k += n
	}
	return nil
}

// gatherElements picks for every element of idx, of shape ishape, the element of x, of shape in, at the same place
// but for the index along axis.
func gatherElements[T any, I indexType](out, x []T, idx []I, in, ishape []int, axis int) error {
	d := in[axis]
	w := newElementWalk(in, ishape, axis)
	for k := range out {
		i := int(idx[k])
		if i < -d || i >= d {
			return indexError("GatherElements", i, d)
		}
		if i < 0 {
			i += d
		}
		out[k] = x[w.next(i)]
	}
	return nil
}

// An elementWalk goes through a tensor of one shape, row-major, and knows for each of its elements the offset in a tensor of
// another shape with another index along an axis.
type elementWalk struct {
	at, dims, step [16]int // where it is, by axis, innermost first; lengths; what one step along an axis adds
	base, stride   int     // offset without the axis, and what its index is multiplied by
	rank           int
}

func newElementWalk(in, ishape []int, axis int) (w elementWalk) {
	w.rank = len(in)
	s := 1
	for a := len(in) - 1; a >= 0; a-- {
		k := len(in) - 1 - a
		w.dims[k], w.step[k] = ishape[a], s
		if a == axis {
			w.step[k], w.stride = 0, s
		}
		s *= in[a]
	}
	return w
}

// next is the offset of the element with index i along the axis; then the walk goes on.
func (w *elementWalk) next(i int) int {
	at := w.base + i*w.stride
	for k := range w.rank {
		w.at[k]++
		w.base += w.step[k]
		if w.at[k] < w.dims[k] {
			break
		}
		w.base -= w.dims[k] * w.step[k]
		w.at[k] = 0
	}
	return at
}

// gatherND copies inner elements of x, [batches, dims..., inner], for every vector of len(dims) indices; the vectors
// are in as many equal batches.
func gatherND[T any](out, x []T, idx []int64, batches int, dims []int, inner int) error {
	n := len(dims)
	size := inner
	for _, d := range dims {
		size *= d
	}
	vectors := len(idx) / n
	for v := range vectors {
		at := 0
		for k, d := range dims {
			i := int(idx[v*n+k])
			if i < -d || i >= d {
				return indexError("GatherND", i, d)
			}
			if i < 0 {
				i += d
			}
			at = at*d + i
		}
		from := v/(vectors/batches)*size + at*inner
		copy(out[v*inner:(v+1)*inner], x[from:])
	}
	return nil
}
