// SPDX-License-Identifier: MIT-0

package runtime

// linearAttention keeps, for every key head, a state S [size, vsize] in float64: each step, S is decayed if there is a
// decay, v is replaced by beta*(v - S'k) if there is a beta, k v' is added to S, and the query heads of its group read
// scale * S'q. Sizes are batch, steps, query heads, key heads, size, vsize, and how many decays and betas a step has, a
// head and in all. Work is room for S and v; past, decay and beta may be nil.
func linearAttention[T floating](y, present []T, work []float64, q, k, v, past, decay, beta []T, sizes []int, scale float64) {
	steps, heads, kv, size, vsize, gates, rates := sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7]
	s, value := work[:size*vsize], work[size*vsize:]
	group := heads / kv
	for bh := range sizes[0] * kv {
		b, h := bh/kv, bh%kv
		load(s, past, bh*size*vsize)
		for t := range steps {
			at := b*steps + t
			kt := k[(at*kv+h)*size:][:size]
			for m, x := range v[(at*kv+h)*vsize:][:vsize] {
				value[m] = float64(x)
			}
			if decay != nil {
				for i := range size {
					g := exp64(float64(decay[(at*kv+h)*gates+i%gates]))
					for m := range vsize {
						s[i*vsize+m] = float64(s[i*vsize+m] * g)
					}
				}
			}
			if beta != nil {
				rate := float64(beta[at*rates+h%rates])
				for m := range value {
					var got float64
					for i, x := range kt {
						got += float64(s[i*vsize+m] * float64(x))
					}
					value[m] = float64(rate * (value[m] - got))
				}
			}
			for i, x := range kt {
				for m, w := range value {
					s[i*vsize+m] += float64(float64(x) * w)
				}
			}
			for r := h * group; r < (h+1)*group; r++ {
				qt, out := q[(at*heads+r)*size:][:size], y[(at*heads+r)*vsize:][:vsize]
				for m := range out {
					var sum float64
					for i, x := range qt {
						sum += float64(float64(x) * s[i*vsize+m])
					}
					out[m] = T(float64(scale * sum))
				}
			}
		}
		store(present[bh*size*vsize:], s)
	}
	clear(work)
}
