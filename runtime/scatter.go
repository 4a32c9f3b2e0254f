// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// scatterElements copies data, of shape in, to out and writes the updates, of shape ishape, over it, each at its own
// place but for the index along axis.
func scatterElements[T any, I indexType](out, data []T, idx []I, updates []T, in, ishape []int, axis int) error {
	copy(out, data)
	d := in[axis]
	w := newElementWalk(in, ishape, axis)
	for k, v := range updates {
		i := int(idx[k])
		if i < -d || i >= d {
			return indexError("ScatterElements", i, d)
		}
		if i < 0 {
			i += d
		}
		out[w.next(i)] = v
	}
	return nil
}

// scatterReduce is scatterElements that combines the updates with what is there; fn is add, mul, max or min.
func scatterReduce[T number, I indexType](out, data []T, idx []I, updates []T, in, ishape []int, axis int, fn string) error {
	copy(out, data)
	d := in[axis]
	w := newElementWalk(in, ishape, axis)
	for k, v := range updates {
		i := int(idx[k])
		if i < -d || i >= d {
			return indexError("ScatterElements", i, d)
		}
		if i < 0 {
			i += d
		}
		at := w.next(i)
		out[at] = combine(fn, out[at], v)
	}
	return nil
}

// combine is one step of a reduction; in max and min a NaN wins.
func combine[T number](fn string, a, b T) T {
	switch fn {
	case "add":
		return a + b
	case "mul":
		return a * b
	case "max":
		if a > b || a != a {
			return a
		}
	case "min":
		if a < b || a != a {
			return a
		}
	}
	return b
}

// scatterND copies data, [dims..., inner], to out and writes inner elements of updates over it for every vector of
// len(dims) indices.
func scatterND[T any](out, data []T, idx []int64, updates []T, dims []int, inner int) error {
	copy(out, data)
	for v := range len(idx) / len(dims) {
		at, err := vectorAt(idx[v*len(dims):], dims)
		if err != nil {
			return err
		}
		copy(out[at*inner:(at+1)*inner], updates[v*inner:])
	}
	return nil
}

// scatterReduceND is scatterND that combines the updates with what is there; fn is add, mul, max or min.
func scatterReduceND[T number](out, data []T, idx []int64, updates []T, dims []int, inner int, fn string) error {
	copy(out, data)
	for v := range len(idx) / len(dims) {
		at, err := vectorAt(idx[v*len(dims):], dims)
		if err != nil {
			return err
		}
		to := out[at*inner : (at+1)*inner]
		for i := range to {
			to[i] = combine(fn, to[i], updates[v*inner+i])
		}
	}
	return nil
}

// vectorAt is the row-major position of an index vector.
func vectorAt(idx []int64, dims []int) (int, error) {
	at := 0
	for k, d := range dims {
		i := int(idx[k])
		if i < -d || i >= d {
			return 0, indexError("ScatterND", i, d)
		}
		if i < 0 {
			i += d
		}
		at = at*d + i
	}
	return at, nil
}

// tensorScatter copies cache, [batch, mid, length, inner], to out and writes update, [batch, mid, n, inner], over it,
// for each sample from write (nil: 0) on.
func tensorScatter[T any](out, cache, update []T, write []int64, batch, mid, length, n, inner int, circular bool) error {
	copy(out, cache)
	for b := range batch {
		from := 0
		if write != nil {
			if w := write[b]; w < 0 || !circular && w > int64(length-n) {
				return fmt.Errorf("TensorScatter: write index %d for an update of length %d of a cache of length %d", w, n, length)
			}
			if length > 0 {
				from = int(write[b] % int64(length))
			}
			if !circular {
				from = int(write[b])
			}
		}
		for m := range mid {
			for i := range n {
				to := ((b*mid+m)*length + (from+i)%length) * inner
				copy(out[to:to+inner], update[((b*mid+m)*n+i)*inner:])
			}
		}
	}
	return nil
}
