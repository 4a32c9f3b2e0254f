package runtime

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestPack(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 1))
		for _, n := range []int{1, 3, 7, 8, 9, 16, 23, 40, packBlockTest} {
			for _, rows := range []int{1, 2, 7, 8, 9, 15, 16, 17, 33} {
				x, padded := mixed(r, rows*n), (rows+lanes-1)/lanes*lanes
				panels, check := guarded(t, padded*n, rows%5)
				packPanels(panels, x, rows, n)
				check()
				for i := range panels {
					row, feature := i/(lanes*n)*lanes+i%lanes, i/lanes%n
					equalBits(t, panels[i:i+1], x[min(row, rows-1)*n+feature:][:1])
				}
				for p := range padded { // whatever the lanes beyond the last row hold
					for f := range n {
						if p >= rows {
							panels[p/lanes*lanes*n+f*lanes+p%lanes] = -1
						}
					}
				}
				y, check := guarded(t, rows*n, n%5)
				unpackPanels(y, panels, rows, n)
				check()
				equalBits(t, y, x)
			}
		}
	})
}

// packBlockTest is more features than an assembly call takes.
const packBlockTest = 2*1024 + 13

func TestCanonNaN(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 1))
		for n := range 150 {
			x, check := guarded(t, n, n%11)
			copy(x, mixed(r, n))
			want := append([]float32(nil), x...)
			canonNaN32Generic(want)
			canonNaN32(x)
			check()
			for i := range x {
				if math.Float32bits(x[i]) != math.Float32bits(want[i]) {
					t.Fatalf("element %d of %d is %#x, want %#x", i, n, math.Float32bits(x[i]), math.Float32bits(want[i]))
				}
			}
		}
	})
}

func BenchmarkPack(b *testing.B) {
	const rows, n = 96, 512
	x, y := make([]float32, rows*n), make([]float32, rows*n)
	benchPaths(b, "packPanels", rows*n, func() { packPanels(y, x, rows, n) })
	benchPaths(b, "unpackPanels", rows*n, func() { unpackPanels(y, x, rows, n) })
	benchPaths(b, "canonNaN32", rows*n, func() { canonNaN32(x) })
}
