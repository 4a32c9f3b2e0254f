package runtime

import (
	"math/rand/v2"
	"testing"
)

// TestNormalizeRows normalizes by definition, feature by feature, with rows picked near one another and at random.
func TestNormalizeRows(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 23))
			s := rowNorm{rows: 1 + r.IntN(60), n: 1 + r.IntN(40), epsilon: 1e-5}
			kind, fixed := r.IntN(3), r.IntN(2)*r.IntN(30)
			s.count = float32(s.rows + fixed)
			x, c := operand32(r, s.rows*s.n, kind), operand32(r, fixed*s.n, kind)
			var pick []int
			for i := range s.rows + fixed {
				if r.IntN(2) == 0 {
					pick = append(pick, i)
				}
			}
			switch r.IntN(3) {
			case 0:
				r.Shuffle(len(pick), func(i, j int) { pick[i], pick[j] = pick[j], pick[i] })
			case 1:
				pick = nil
				for i := range s.rows {
					pick = append(pick, i)
				}
			}
			if len(pick) == 0 {
				pick = []int{0}
			}
			padded := (len(pick) + lanes - 1) / lanes * lanes
			scale, bias := operand32(r, padded, kind), operand32(r, padded, kind)
			rows, rest := make([]int32, padded), restRows{}
			plain := len(pick) == s.rows
			for i := range rows {
				p := pick[min(i, len(pick)-1)]
				scale[i], bias[i] = scale[min(i, len(pick)-1)], bias[min(i, len(pick)-1)]
				plain = plain && p == min(i, s.rows-1)
				if rows[i] = int32(p); p >= s.rows {
					rows[i] = -1
					if rest.picked == nil {
						rest.picked = make([]float32, padded*s.n)
					}
					for f := range s.n {
						rest.picked[i/lanes*lanes*s.n+f*lanes+i%lanes] = c[(p-s.rows)*s.n+f]
					}
				}
			}
			if !plain {
				s.pick = newRowPick(s.n, rows)
			}
			total := func(n int, at func(i int) float32, square bool) float32 {
				return partials(n, func(acc float32, i int) float32 {
					switch {
					case i < 0:
						return acc
					case square:
						return fma32(at(i), at(i), acc)
					}
					return acc + at(i)
				})
			}
			want := make([]float32, padded*s.n)
			rest.rows = float32(fixed)
			for f := range s.n {
				at, fixedAt := func(i int) float32 { return x[i*s.n+f] }, func(i int) float32 { return c[i*s.n+f] }
				mean := total(s.rows, at, false)
				var own float32
				if fixed > 0 {
					sum := total(fixed, fixedAt, false)
					own = sum / float32(fixed)
					rest.sum, rest.mean = append(rest.sum, sum), append(rest.mean, own)
					rest.squares = append(rest.squares, total(fixed, func(i int) float32 { return fixedAt(i) - own }, true))
					mean += sum
				}
				mean /= s.count
				q := total(s.rows, func(i int) float32 { return at(i) - mean }, true)
				if fixed > 0 {
					q += fma32((own-mean)*float32(fixed), own-mean, rest.squares[f])
				}
				factor := 1 / sqrt32(q/s.count+s.epsilon)
				for i := range padded {
					p := pick[min(i, len(pick)-1)]
					v := float32(0)
					if p < s.rows {
						v = at(p)
					} else {
						v = fixedAt(p - s.rows)
					}
					want[i/lanes*lanes*s.n+f*lanes+i%lanes] = fma32((v-mean)*factor, scale[i], bias[i])
				}
			}
			panels := make([]float32, (s.rows+lanes-1)/lanes*lanes*s.n)
			packPanels(panels, x, s.rows, s.n)
			dst, check := guarded(t, len(want), r.IntN(5))
			layernormAlong(dst, panels, scale, bias, make([]float32, 2*s.n), &s, &rest)
			check()
			if !sameFloats(dst, want) {
				t.Errorf("seed %d: %+v, %d constant rows: differs", seed, s, fixed)
			}
		}
	})
}
