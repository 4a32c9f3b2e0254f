// SPDX-License-Identifier: MIT-0

package runtime

// Sums over the rows of panels, one for each of n features: row i belongs to partial sum i mod 16, which starts from +0;
// partial sums 8, 4, 2 and 1 apart are added at the end. Lanes beyond the last row add +0, or fma(+0, +0, ·).

// rowSumGeneric sums x.
func rowSumGeneric(dst, src []float32, rows, n int) {
	for i := range dst[:n] {
		var acc [lanes]float32
		for p := 0; p < rows; p += lanes {
			x := (*[lanes]float32)(src[p*n+i*lanes:])
			for l := range min(lanes, rows-p) {
				acc[l] += x[l]
			}
		}
		dst[i] = joinSums(&acc)
	}
}

// rowSquaresGeneric sums fma(d, d, ·), d = x - mean[i].
func rowSquaresGeneric(dst, src, mean []float32, rows, n int) {
	for i := range dst[:n] {
		var acc [lanes]float32
		for p := 0; p < rows; p += lanes {
			var d [lanes]float32
			x := (*[lanes]float32)(src[p*n+i*lanes:])
			for l := range min(lanes, rows-p) {
				d[l] = x[l] - mean[i]
			}
			fmaLanes(&acc, &d, &d)
		}
		dst[i] = joinSums(&acc)
	}
}

// rowProductsGeneric sums fma(e, x, ·), where the step between panels of src is step elements, and e has as many elements
// as the panels have lanes, +0 beyond the last row.
func rowProductsGeneric(dst, src, e []float32, rows, n, step int) {
	for i := range dst[:n] {
		var acc [lanes]float32
		for p := range (rows + lanes - 1) / lanes {
			x := (*[lanes]float32)(src[p*step+i*lanes:])
			if last := rows - p*lanes; last < lanes {
				tail := *x
				clear(tail[last:])
				x = &tail
			}
			fmaLanes(&acc, (*[lanes]float32)(e[p*lanes:]), x)
		}
		dst[i] = joinSums(&acc)
	}
}

// queryKeysGeneric computes, for each row of the panels, the chain of fma over the elements of q and as many features; the
// step between panels is step elements.
func queryKeysGeneric(dst, q, keys []float32, panels, step int) {
	for p := range panels {
		var acc [lanes]float32
		for c, v := range q {
			x := everyLane(v)
			fmaLanes(&acc, &x, (*[lanes]float32)(keys[p*step+c*lanes:]))
		}
		copy(dst[p*lanes:], acc[:])
	}
}

// fmaLanes computes acc = fma(x, y, acc) in every lane.
func fmaLanes(acc, x, y *[lanes]float32) {
	bits := uint32(0)
	var t [lanes]float64
	for l, v := range x {
		t[l] = float64(v)*float64(y[l]) + float64(acc[l]) // exact product
		bits |= flag(t[l])
	}
	if int32(bits) < 0 {
		for l, v := range x {
			t[l] = fix(t[l], float64(v)*float64(y[l]), float64(acc[l]))
		}
	}
	for l, v := range t {
		acc[l] = float32(v)
	}
}

// rowMean is rowSum divided by the number of rows.
func rowMean(dst, src []float32, rows, n int) {
	rowSum(dst, src, rows, n)
	for i := range dst {
		dst[i] /= float32(rows)
	}
}

// lanesBelow are words that are all ones in the first n lanes, as masks of vectors.
func lanesBelow(n int) (m [lanes]float32) {
	for l := range n {
		m[l] = ones32
	}
	return m
}
