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
			switch seed % 50 {
			case 0:
				p.k = 5000
			case 1:
				p.k, p.n, p.m = 1<<15+7, 1+r.IntN(20), 2
			case 2, 3, 4:
				p.m, p.k, p.n = 1+r.IntN(3), 1+r.IntN(9), 1+r.IntN(20)
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

func BenchmarkContract(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name    string
		m, k, n int
		batch   int
	}{{"1x8x8", 1, 8, 8, 42}, {"42x8x42", 42, 8, 42, 2}, {"12x42x8", 12, 42, 8, 2}} {
		p := product{m: c.m, k: c.k, n: c.n, ar: c.k, ac: 1, br: c.n, bc: 1}
		for i := range c.batch {
			p.as, p.bs = append(p.as, int32(i*c.m*c.k)), append(p.bs, int32(i*c.k*c.n))
		}
		x, w, y := finite(r, c.batch*c.m*c.k), finite(r, c.batch*c.k*c.n), make([]float32, c.batch*c.m*c.n)
		benchPaths(b, c.name, c.batch*c.m*c.k*c.n, func() { contract32(y, x, w, &p) })
	}
}
