package runtime

import (
	"math/rand/v2"
	"testing"
)

func TestContract(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 3))
			kind := r.IntN(3)
			p := product{m: 1 + r.IntN(14), k: 1 + r.IntN(100), n: 1 + r.IntN(150)}
			if seed%50 == 0 {
				p.k = 5000
			}
			p.ar, p.ac, p.br, p.bc = p.k, 1, p.n, 1
			if r.IntN(2) == 0 {
				p.ar, p.ac = 1, p.m
			}
			if r.IntN(2) == 0 {
				p.br, p.bc = 1, p.k
			}
			batch := 1 + r.IntN(3)
			for range batch {
				p.as = append(p.as, int32(r.IntN(batch)*p.m*p.k))
				p.bs = append(p.bs, int32(r.IntN(batch)*p.k*p.n))
			}
			a, b := operand32(r, batch*p.m*p.k, kind), operand32(r, batch*p.k*p.n, kind)
			want := make([]float32, batch*p.m*p.n)
			for o := range want {
				c, row, i := o%p.n, o/p.n%p.m, o/p.n/p.m
				want[o] = chain(func(s int) float32 { return a[int(p.as[i])+row*p.ar+s*p.ac] },
					func(s int) float32 { return b[int(p.bs[i])+s*p.br+c*p.bc] }, 0, p.k)
			}
			dst, check := guarded(t, len(want), int(seed%5))
			contract32(dst, a, b, &p)
			check()
			if !sameFloats(dst, want) {
				t.Errorf("seed %d, kind %d: %+v differs", seed, kind, p)
			}
		}
	})
}
