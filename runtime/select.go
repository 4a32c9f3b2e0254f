// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// oneHot writes on where the index, cut to an integer, says and off elsewhere; out is [outer, n, inner].
func oneHot[T any, I, D number](out []T, idx []I, depth []D, values []T, n, inner int) error {
	if len(depth) != 1 || float64(depth[0]) < float64(n) || float64(depth[0]) >= float64(n)+1 {
		return fmt.Errorf("OneHot: the depth is %v, compiled for %d", depth, n)
	}
	for i := range out {
		out[i] = values[0]
	}
	for k, v := range idx {
		f := float64(v)
		if !(f > float64(-n)-1 && f < float64(n)) {
			continue
		}
		i := int(f)
		if i < 0 {
			i += n
		}
		out[(k/inner*n+i)*inner+k%inner] = values[1]
	}
	return nil
}

// compress copies the slices of x, [outer, d, inner], for which cond holds.
func compress[T any](out, x []T, cond []bool, outer, d, inner int) error {
	n := 0
	for _, c := range cond {
		if c {
			n++
		}
	}
	if len(cond) > d || n*outer*inner != len(out) {
		return fmt.Errorf("Compress: the condition keeps %d slices, compiled for %d", n, len(out)/max(1, outer*inner))
	}
	k := 0
	for o := range outer {
		for i, c := range cond {
			if c {
				from := (o*d + i) * inner
				copy(out[k:k+inner], x[from:from+inner])
				k += inner
			}
		}
	}
	return nil
}

// nonZero writes the indices of the elements of x, of shape dims, that are not zero, an axis a row.
func nonZero[T comparable](out []int64, x []T, dims []int) error {
	var zero T
	n := 0
	for _, v := range x {
		if v != zero {
			n++
		}
	}
	if n*len(dims) != len(out) {
		return fmt.Errorf("NonZero: %d elements are not zero, compiled for %d", n, len(out)/max(1, len(dims)))
	}
	k := 0
	for i, v := range x {
		if v == zero {
			continue
		}
		rest := i
		for a := len(dims) - 1; a >= 0; a-- {
			out[a*n+k] = int64(rest % dims[a])
			rest /= dims[a]
		}
		k++
	}
	return nil
}

type ordered interface{ number | string }

// compareOf is the order of a and b; NaNs are equal and greater than all else.
func compareOf[T ordered](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case a == a:
		return -1
	case b == b:
		return 1
	}
	return 0
}

// topK writes the n largest (or smallest) elements along the middle axis of x, [outer, d, inner], and their indices,
// best first, of equal ones the earlier; values or indices may be nil. Each element goes to its place among the best so far.
func topK[T number](values []T, indices []int64, x []T, k []int64, outer, d, inner, n int, largest bool) error {
	if len(k) != 1 || k[0] != int64(n) {
		return fmt.Errorf("TopK: k is %v, compiled for %d", k, n)
	}
	if n == 0 {
		return nil
	}
	for r := range outer * inner {
		base, to := r/inner*d*inner+r%inner, r/inner*n*inner+r%inner
		at := func(rank int) T {
			if values != nil {
				return values[to+rank*inner]
			}
			return x[base+int(indices[to+rank*inner])*inner]
		}
		for i := range d {
			v, place := x[base+i*inner], i
			if i >= n {
				if place = n - 1; !topKBefore(v, at(place), largest) {
					continue
				}
			}
			for ; place > 0 && topKBefore(v, at(place-1), largest); place-- {
				if values != nil {
					values[to+place*inner] = values[to+(place-1)*inner]
				}
				if indices != nil {
					indices[to+place*inner] = indices[to+(place-1)*inner]
				}
			}
			if values != nil {
				values[to+place*inner] = v
			}
			if indices != nil {
				indices[to+place*inner] = int64(i)
			}
		}
	}
	return nil
}

// topKBefore reports whether a is better than b; a NaN is greater than any number.
func topKBefore[T number](a, b T, largest bool) bool {
	if largest {
		return a > b || a != a && b == b
	}
	return a < b || b != b && a == a
}

// unique finds the n distinct slices along the middle axis of x, [outer, d, inner]: y, [outer, n, inner], are they, in
// increasing order or in that of their first occurrence, first is where each occurs first, inverse which of them each
// slice is, counts how often each occurs. Any result but one may be nil; a negative n is not compared.
func unique[T ordered](y []T, first, inverse, counts []int64, x []T, outer, d, inner, n int, sorted bool) error {
	found, last := 0, -1
	for {
		next := -1
		for i := range d {
			if sorted {
				if last >= 0 && compareSlices(x, outer, d, inner, last, i) >= 0 {
					continue
				}
				if next < 0 || compareSlices(x, outer, d, inner, i, next) < 0 {
					next = i
				}
				continue
			}
			if i > last && firstOf(x, outer, d, inner, i) {
				next = i
				break
			}
		}
		if next < 0 {
			break
		}
		if n >= 0 && found == n {
			return fmt.Errorf("Unique: more than %d distinct elements, compiled for %d", n, n)
		}
		count := int64(0)
		for i := range d {
			if compareSlices(x, outer, d, inner, next, i) == 0 {
				count++
				if inverse != nil {
					inverse[i] = int64(found)
				}
			}
		}
		for o := range outer {
			if y != nil {
				copy(y[(o*n+found)*inner:(o*n+found+1)*inner], x[(o*d+next)*inner:])
			}
		}
		if first != nil {
			first[found] = int64(next)
		}
		if counts != nil {
			counts[found] = count
		}
		last = next
		found++
	}
	if n >= 0 && found != n {
		return fmt.Errorf("Unique: %d distinct elements, compiled for %d", found, n)
	}
	return nil
}

// firstOf reports whether no slice before i equals it.
func firstOf[T ordered](x []T, outer, d, inner, i int) bool {
	for j := range i {
		if compareSlices(x, outer, d, inner, i, j) == 0 {
			return false
		}
	}
	return true
}

// compareSlices compares slices i and j along the middle axis element by element.
func compareSlices[T ordered](x []T, outer, d, inner, i, j int) int {
	for o := range outer {
		for k := range inner {
			if c := compareOf(x[(o*d+i)*inner+k], x[(o*d+j)*inner+k]); c != 0 {
				return c
			}
		}
	}
	return 0
}
