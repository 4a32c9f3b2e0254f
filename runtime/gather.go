// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// indexError says that an index does not fit its axis.
func indexError(op string, i, d int) error {
	return fmt.Errorf("%s: index %d of an axis of length %d", op, i, d)
}

// gather copies slices of inner elements of x, [outer, d, inner], to out, [outer, len(idx), inner].
func gather[T any, I indexType](out, x []T, idx []I, outer, d, inner int) error {
	for k, v := range idx {
		i := int(v)
		if i < -d || i >= d {
			return indexError("Gather", i, d)
		}
		if i < 0 {
			i += d
		}
		for o := range outer {
			to := (o*len(idx) + k) * inner
			from := (o*d + i) * inner
			copy(out[to:to+inner], x[from:from+inner])
		}
	}
	return nil
}

// gatherElements picks for every element of idx, of shape ishape, the element of x, of shape in, at the same place
// but for the index along axis.
func gatherElements[T any, I indexType](out, x []T, idx []I, in, ishape []int, axis int) error {
	d := in[axis]
	for k := range out {
		i := int(idx[k])
		if i < -d || i >= d {
			return indexError("GatherElements", i, d)
		}
		if i < 0 {
			i += d
		}
		out[k] = x[elementAt(k, in, ishape, axis, i)]
	}
	return nil
}

// elementAt is the offset in a tensor of shape in of element k of a tensor of shape ishape, with index i along axis.
func elementAt(k int, in, ishape []int, axis, i int) int {
	at, s := 0, 1
	for a := len(in) - 1; a >= 0; a-- {
		j := k % ishape[a]
		k /= ishape[a]
		if a == axis {
			j = i
		}
		at += j * s
		s *= in[a]
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
