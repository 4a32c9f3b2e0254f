package runtime

import (
	"math/rand/v2"
	"testing"
)

// randomPattern is one of k rows and n columns, and whether element [col][row] is kept; some columns and some rows are
// empty, or all are.
func randomPattern(r *rand.Rand, k, n int) (p pattern, on [][]bool) {
	rows := make([]bool, k)
	for i := range rows {
		rows[i] = r.IntN(8) > 0
	}
	share := r.IntN(11)
	for range n {
		col, some := make([]bool, k), r.IntN(8) > 0
		for i := range col {
			if col[i] = some && rows[i] && r.IntN(10) < share; col[i] {
				p.cells = append(p.cells, uint32(i)<<1)
			}
		}
		p.ends, on = append(p.ends, int32(len(p.cells))), append(on, col)
	}
	return p, on
}

func TestAttendKept(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 8))
			s, _, _ := attendCase(r)
			if seed%5 == 0 {
				s.queries, s.keys = s.queries+50, s.keys+90
			}
			apart := s.panels && r.IntN(2) == 0
			up := func(rows int) int { return (rows + lanes - 1) / lanes * lanes }
			queryStep, keyStep := s.queries, s.keys
			if apart {
				queryStep, keyStep = up(s.queries), up(s.keys)
				s.queryStep, s.keyStep = queryStep, keyStep
			}
			kind := r.IntN(3)
			dh, dv := s.kvHeads*s.dh, s.kvHeads*s.dv
			q := operand32(r, s.batch*queryStep*s.heads*s.dh, kind)
			k, v := operand32(r, s.batch*keyStep*dh, kind), operand32(r, s.batch*keyStep*dv, kind)
			kp, onK := randomPattern(r, dh, s.keys)
			vp, onV := randomPattern(r, s.keys, dv)
			panels := func(x []float32, n int) []float32 {
				if !s.panels {
					return x
				}
				y := make([]float32, up(len(x)/n)*n)
				packPanels(y, x, len(x)/n, n)
				return y
			}
			n := s.heads * s.dv
			dst := panels(make([]float32, s.batch*queryStep*n), n)
			room := 4*lanes*(s.keys+2+s.dv) + len(kp.cells) + len(vp.cells) + 4*(s.keys/32+s.dh/32+4)
			scratch := make([]float64, lanes*(s.dh+s.keys)+len(kp.cells)+len(vp.cells))
			w := newKept(kp, vp, s.kvHeads, s.dh, s.dv, up(s.queries)/lanes)
			all := up(s.batch*queryStep) / lanes
			ranges := []int{0, 0}
			if s.panels && all > 1 {
				ranges = []int{0, 1 + r.IntN(all-1), all}
			}
			for i, to := range ranges[1:] {
				s.from, s.to = ranges[i], to
				attendKept(dst, panels(q, s.heads*s.dh), panels(k, dh), panels(v, dv), make([]float32, room), scratch, &s, &w, nil)
			}
			for b := range s.batch {
				for i := range s.queries {
					for h := range s.heads {
						y := keptQuery(&s, q[((b*queryStep+i)*s.heads+h)*s.dh:], k[b*keyStep*dh:], v[b*keyStep*dv:], h/(s.heads/s.kvHeads), onK, onV)
						for c, want := range y {
							got := dst[s.at(b*queryStep+i, h*s.dv+c, n)]
							if !sameFloats([]float32{got}, []float32{want}) {
								t.Fatalf("seed %d, %+v: query %d of sample %d, head %d, feature %d is %x, want %x", seed, s, i, b, h, c, got, want)
							}
						}
					}
				}
			}
		}
	})
}

// keptQuery is the result of one query and head by definition; all operands are row-major.
func keptQuery(s *attendShape, q, k, v []float32, g int, onK, onV [][]bool) []float32 {
	top, sum, e := -inf32, float32(0), make([]float32, s.keys)
	for j := range e {
		x := float32(0)
		for c := range s.dh {
			if onK[j][g*s.dh+c] {
				x = fma32(q[c], k[(j*s.kvHeads+g)*s.dh+c], x)
			}
		}
		if e[j] = x * s.scale; e[j] > top {
			top = e[j]
		}
	}
	for j := range e {
		e[j] = expneg32(e[j] - top)
		sum += e[j]
	}
	y := make([]float32, s.dv)
	for c := range y {
		for j := range e {
			if onV[g*s.dv+c][j] {
				y[c] = fma32(e[j], v[(j*s.kvHeads+g)*s.dv+c], y[c])
			}
		}
		y[c] *= 1 / sum
	}
	return y
}
