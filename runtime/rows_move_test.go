package runtime

import (
	"math/rand/v2"
	"testing"
)

// TestMoveRows moves rows between all layouts and compares what comes out with the rows picked one by one.
func TestMoveRows(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(400) {
			r := rand.New(rand.NewPCG(seed, 11))
			place := func(cols, rows int) (p rowPlace) {
				p.panels, p.step, p.n = r.IntN(3) > 0, 1+r.IntN(2)*r.IntN(3), cols+r.IntN(2)*r.IntN(5)
				p.col, p.row = r.IntN(p.n-cols+1), r.IntN(2)*r.IntN(20)
				p.all = p.row + (rows-1)*p.step + 1 + r.IntN(2)*r.IntN(20)
				return p
			}
			m := rowMove{rows: 1 + r.IntN(40), cols: 1 + r.IntN(20)}
			m.dst, m.src = place(m.cols, m.rows), place(m.cols, m.rows)
			laid := func(p rowPlace, x []float32) []float32 {
				if !p.panels {
					return x
				}
				y := make([]float32, (p.all+lanes-1)/lanes*lanes*p.n)
				packPanels(y, x, p.all, p.n)
				return y
			}
			src, want := mixed(r, m.src.all*m.src.n), mixed(r, m.dst.all*m.dst.n)
			dst := append([]float32(nil), laid(m.dst, want)...)
			want = append([]float32(nil), want...)
			for i := range m.rows {
				copy(want[(m.dst.row+i*m.dst.step)*m.dst.n+m.dst.col:][:m.cols], src[(m.src.row+i*m.src.step)*m.src.n+m.src.col:])
			}
			moveRows(dst, laid(m.src, src), &m)
			got := dst
			if m.dst.panels {
				got = make([]float32, len(want))
				unpackPanels(got, dst, m.dst.all, m.dst.n)
			}
			equalBits(t, got, want)
			if t.Failed() {
				t.Fatalf("seed %d: %+v", seed, m)
			}
		}
	})
}
