// SPDX-License-Identifier: MIT-0

package runtime

import "fmt"

// trilu keeps the upper or lower triangle of matrices; k, of one element or nil, moves the diagonal up.
func trilu[T any](out, x []T, k []int64, rows, cols int, upper bool) {
	d := 0
	if k != nil {
		d = int(k[0])
	}
	var zero T
	for i := range out {
		row, col := i/cols%rows, i%cols
		if upper && col-row >= d || !upper && col-row <= d {
			out[i] = x[i]
		} else {
			out[i] = zero
		}
	}
}

// reverseSequence reverses the first lens[b] steps of every sequence of x, [time, batch, inner] or, without timeFirst,
// [batch, time, inner].
func reverseSequence[T any](out, x []T, lens []int64, d0, d1, inner int, timeFirst bool) error {
	steps := d1
	if timeFirst {
		steps = d0
	}
	for _, n := range lens {
		if n < 0 || n > int64(steps) {
			return fmt.Errorf("ReverseSequence: a sequence of length %d, there are %d steps", n, steps)
		}
	}
	for i := range d0 {
		for j := range d1 {
			from := i*d1 + j
			switch {
			case timeFirst && i < int(lens[j]):
				from = (int(lens[j])-1-i)*d1 + j
			case !timeFirst && j < int(lens[i]):
				from = i*d1 + int(lens[i]) - 1 - j
			}
			copy(out[(i*d1+j)*inner:(i*d1+j+1)*inner], x[from*inner:])
		}
	}
	return nil
}

// isFloat reports whether T is a floating-point type.
func isFloat[T number]() bool {
	var one, two T = 1, 2
	return one/two != 0
}

// col2im adds up the columns of x, [images, size, cols], into out, [images, dims...], where blocks of the size given
// by block lie; floats add in float64, offsets within the block increasing.
func col2im[T number](out, x []T, shape, block []int64, images, size, cols int, dims, dilations, pads, strides []int) error {
	rank := len(dims)
	var count [maxRank]int
	n, s := 1, 1
	for a, d := range dims {
		if len(shape) != rank || len(block) != rank || shape[a] != int64(d) || block[a] < 1 || block[a] > int64(size) {
			return fmt.Errorf("Col2Im: image shape %v and block shape %v, compiled for images of %v", shape, block, dims)
		}
		room := d + pads[a] + pads[rank+a] - dilations[a]*(int(block[a])-1) - 1
		if room >= 0 {
			count[a] = room/strides[a] + 1
		}
		n *= count[a]
		s *= int(block[a])
	}
	if n != cols || s != size {
		return fmt.Errorf("Col2Im: block shape %v gives %d columns of %d, compiled for %d of %d", block, n, s, cols, size)
	}
	pixels := 1
	for _, d := range dims {
		pixels *= d
	}
	float := isFloat[T]()
	for i := range out {
		var sum float64
		var acc T
		for o := range size {
			col := col2imColumn(i%pixels, o, dims, block, count[:rank], dilations, pads, strides)
			if col < 0 {
				continue
			}
			v := x[(i/pixels*size+o)*cols+col]
			if float {
				sum += float64(v)
			} else {
				acc += v
			}
		}
		if float {
			acc = T(sum)
		}
		out[i] = acc
	}
	return nil
}

// col2imColumn is the block whose element at offset o covers a pixel, -1 if there is none.
func col2imColumn(pixel, o int, dims []int, block []int64, count, dilations, pads, strides []int) int {
	col, s := 0, 1
	for a := len(dims) - 1; a >= 0; a-- {
		p := pixel%dims[a] + pads[a] - o%int(block[a])*dilations[a]
		if p < 0 || p%strides[a] != 0 || p/strides[a] >= count[a] {
			return -1
		}
		col += p / strides[a] * s
		s *= count[a]
		pixel /= dims[a]
		o /= int(block[a])
	}
	return col
}
