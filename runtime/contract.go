// SPDX-License-Identifier: MIT-0

package runtime

// A product is a batch of m x k by k x n matrix products: matrix i of a begins at as[i], element (r, c) at
// r·ar + c·ac from there, likewise b.
type product struct {
	m, k, n        int
	ar, ac, br, bc int
	as, bs         []int32
}

// contract32Generic computes every element as one chain acc = fma(a, b, acc) from +0, k increasing.
func contract32Generic(dst, a, b []float32, p *product) {
	for i, start := range p.as {
		y := dst[i*p.m*p.n:]
		for r := range p.m {
			x := a[int(start)+r*p.ar:]
			for c := 0; c < p.n; c += 4 {
				w := b[int(p.bs[i])+c*p.bc:]
				o1, o2, o3 := 0, 0, 0 // columns beyond the last repeat the first
				if c+3 < p.n {
					o1, o2, o3 = p.bc, 2*p.bc, 3*p.bc
				} else if c+2 < p.n {
					o1, o2 = p.bc, 2*p.bc
				} else if c+1 < p.n {
					o1 = p.bc
				}
				t := chains4(x, p.ac, w, p.br, o1, o2, o3, p.k)
				copy(y[r*p.n+c:r*p.n+min(c+4, p.n)], t[:])
			}
		}
	}
}

func chains4(x []float32, xs int, w []float32, ws, o1, o2, o3, k int) [4]float32 {
	var a0, a1, a2, a3 float64
	for i := range k {
		v, q := float64(x[i*xs]), i*ws
		w0, w1, w2, w3 := float64(w[q]), float64(w[q+o1]), float64(w[q+o2]), float64(w[q+o3])
		s0, s1, s2, s3 := v*w0+a0, v*w1+a1, v*w2+a2, v*w3+a3 // exact products
		if int32(flag(s0)|flag(s1)|flag(s2)|flag(s3)) < 0 &&
			int32(halfway(s0)|halfway(s1)|halfway(s2)|halfway(s3)) < 0 {
			s0, s1, s2, s3 = fix(s0, v*w0, a0), fix(s1, v*w1, a1), fix(s2, v*w2, a2), fix(s3, v*w3, a3)
		}
		a0, a1, a2, a3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
	}
	return [4]float32{float32(a0), float32(a1), float32(a2), float32(a3)}
}

// contract computes every element as acc + the rounded product, k increasing, for element types other than float32.
func contract[T number](dst, a, b []T, p *product) {
	o := 0
	for i, start := range p.as {
		for r := range p.m {
			for c := range p.n {
				var acc T
				for k := range p.k {
					acc += T(a[int(start)+r*p.ar+k*p.ac] * b[int(p.bs[i])+k*p.br+c*p.bc])
				}
				dst[o] = acc
				o++
			}
		}
	}
}
