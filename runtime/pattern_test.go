package runtime

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever the bytes, the decoder of gaps returns cells that are in the matrix, in order.
func TestDecodeGapsOfNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		blocks := 1 + r.IntN(3)
		s := patternShape{k: blocks * (1 + r.IntN(40)), n: blocks * (1 + r.IntN(20)), blocks: blocks, signed: r.IntN(2) == 0}
		s.nonzero = r.IntN(s.k/blocks*s.n + 1)
		code := make([]byte, r.IntN(200))
		for i := range code {
			code[i] = byte(r.Uint32())
		}
		p := decodeGaps(string(code), r.Uint32N(1<<16), s)
		if len(p.ends) != s.n || len(p.cells) > s.nonzero || int(p.ends[s.n-1]) != len(p.cells) || !slices.IsSorted(p.ends) {
			t.Fatalf("%+v: %d cells, ends %v", s, len(p.cells), p.ends)
		}
		begin := int32(0)
		for j, end := range p.ends {
			b := j / (s.n / blocks)
			for i, c := range p.cells[begin:end] {
				row := int(c >> 1)
				if row/(s.k/blocks) != b || i > 0 && row <= int(p.cells[begin:end][i-1]>>1) || !s.signed && c&1 != 0 {
					t.Fatalf("%+v: column %d has the cells %v", s, j, p.cells[begin:end])
				}
			}
			begin = end
		}
	}
}
