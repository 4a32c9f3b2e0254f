// SPDX-License-Identifier: MIT-0

package runtime

import "math"

// determinant is y[i] = det(x[i]) for matrices [n, n], by elimination in float64; the pivot is the first element of the
// largest magnitude in its column. a is room for one matrix.
func determinant[T floating](y []T, a []float64, x []T, n int) {
	for i := range y {
		for j, v := range x[i*n*n:][:n*n] {
			a[j] = float64(v)
		}
		y[i] = T(determinantOf(a, n))
	}
}

func determinantOf(a []float64, n int) float64 {
	det := 1.0
	for k := range n {
		p, top := k, math.Abs(a[k*n+k])
		for i := k + 1; i < n; i++ {
			if v := math.Abs(a[i*n+k]); v > top {
				p, top = i, v
			}
		}
		if top == 0 {
			return 0
		}
		pivot := a[p*n:][:n]
		if p != k {
			det = -det
			row := a[k*n:][:n]
			for j, v := range row {
				row[j], pivot[j] = pivot[j], v
			}
			pivot = row
		}
		det = float64(det * pivot[k])
		for i := k + 1; i < n; i++ {
			row := a[i*n:][:n]
			f := row[k] / pivot[k]
			for j := k; j < n; j++ {
				row[j] -= float64(f * pivot[j])
			}
		}
	}
	return det
}
