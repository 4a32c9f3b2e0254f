package runtime

import (
	"math/rand/v2"
	"testing"
)

func TestVertical(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(120) {
			r := rand.New(rand.NewPCG(seed, 23))
			p := verticalProduct{m: 1 + r.IntN(5), n: 1 + r.IntN(20), k: 1 + r.IntN(20)}
			if seed%40 == 0 {
				p.n, p.k = 3, 1<<14
			}
			step := func() int { return lanes * (1 + r.IntN(3)) }
			p.ac, p.bc = step(), step()
			p.ar, p.br, p.dr = p.ac*p.k+r.IntN(3), p.bc*p.n+step(), p.n*lanes+r.IntN(3)
			more, kind := r.IntN(2) == 0, r.IntN(3)
			a, b, before := operand32(r, p.m*p.ar, kind), operand32(r, p.k*p.br, kind), operand32(r, p.m*p.dr, kind)
			var by []float32
			if r.IntN(2) == 0 {
				by = operand32(r, p.m*lanes, kind)
			}
			dst, check := guarded(t, (p.m-1)*p.dr+p.n*lanes, r.IntN(5))
			copy(dst, before)
			want := append([]float32{}, before[:len(dst)]...)
			for row := range p.m {
				for c := range p.n {
					for l := range lanes {
						start := float32(0)
						if more {
							start = before[row*p.dr+c*lanes+l]
						}
						y := chain(func(s int) float32 { return a[row*p.ar+s*p.ac+l] },
							func(s int) float32 { return b[s*p.br+c*p.bc+l] }, start, p.k)
						if by != nil {
							y *= by[row*lanes+l]
						}
						want[row*p.dr+c*lanes+l] = y
					}
				}
			}
			vertical(dst, a, b, by, &p, more)
			check()
			if !sameFloats(dst, want) {
				t.Errorf("seed %d, kind %d: %+v differs", seed, kind, p)
			}
		}
	})
}

// TestAttendSamples computes each of 16 samples by itself with attend or attendOne.
func TestAttendSamples(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 29))
			testAttendSamples(t, r, seed)
		}
	})
}

func testAttendSamples(t *testing.T, r *rand.Rand, seed uint64) {
	s := sampleAttention{queries: 1 + r.IntN(7), kvHeads: 1 + r.IntN(2), dh: 1 + r.IntN(20), dv: 1 + r.IntN(20), scale: 0.37, rows: 1 + r.IntN(5)}
	s.heads, s.partial = s.kvHeads*(1+r.IntN(3)), r.IntN(2) == 0
	s.kHeads = s.kvHeads
	counts, kind := []int{1 + r.IntN(40)}, r.IntN(3)
	if s.partial {
		s.queries = 1
		s.kHeads = []int{1, s.kvHeads, s.heads}[r.IntN(3)]
		for range r.IntN(3) {
			counts = append(counts, 1+r.IntN(40))
		}
	}
	var ends, spans []int32
	if !s.partial && r.IntN(2) == 0 {
		for i := range s.queries {
			if i == 0 || r.IntN(2) == 0 {
				lo := int32(r.IntN(counts[0]))
				hi := lo + 1 + int32(r.IntN(counts[0]-int(lo)))
				if spans = append(spans, lo, hi); int(hi)+1 < counts[0] {
					spans = append(spans, hi+1, int32(counts[0]))
				}
			} else {
				spans = append(spans, spansOf(ends, spans, i-1)...)
			}
			ends = append(ends, int32(len(spans)/2))
		}
	}
	// Samples side by side, and each by itself.
	spread := func(rows, features int) (all []float32, each [lanes][]float32) {
		all = operand32(r, rows*features*lanes, kind)
		for l := range each {
			for i := range rows * features {
				each[l] = append(each[l], all[i*lanes+l])
			}
		}
		return all, each
	}
	q, eachQ := spread(s.queries, s.heads*s.dh)
	var parts []keyPart
	var eachPart [lanes][]keyPart
	for _, n := range counts {
		k, eachK := spread(n, s.kHeads*s.dh)
		v, eachV := spread(n, s.kvHeads*s.dv)
		parts = append(parts, keyPart{k, v, n})
		for l := range eachPart {
			eachPart[l] = append(eachPart[l], keyPart{eachK[l], eachV[l], n})
		}
		s.keys += n
	}
	var mask []float32
	if r.IntN(2) == 0 {
		s.maskStrides = [3]int{s.queries * s.keys, s.keys, 1}
		mask = operand32(r, s.heads*s.queries*s.keys, kind)
	}
	want := make([]float32, s.queries*s.heads*s.dv*lanes)
	for l := range lanes {
		for i, v := range attendAlone(&s, eachQ[l], mask, ends, spans, eachPart[l]) {
			want[i*lanes+l] = v
		}
	}
	dst, check := guarded(t, len(want), r.IntN(5))
	attendSamples(dst, q, mask, make([]float32, (s.rows*(s.keys+1+17*s.dv)+lanes)*lanes), &s, ends, spans, parts...)
	check()
	if !sameFloats(dst, want) {
		t.Errorf("seed %d: %+v differs", seed, s)
	}
}

// attendAlone computes one sample.
func attendAlone(s *sampleAttention, q, mask []float32, ends, spans []int32, parts []keyPart) []float32 {
	dst := make([]float32, s.queries*s.heads*s.dv)
	if !s.partial {
		one := attendShape{batch: 1, queries: s.queries, keys: s.keys, heads: s.heads, kvHeads: s.kvHeads, dh: s.dh, dv: s.dv, scale: s.scale}
		copy(one.maskStrides[1:], s.maskStrides[:])
		attendGeneric(dst, q, parts[0].k, parts[0].v, mask, make([]float32, 4*s.keys+4), make([]float64, (s.keys+1)*(s.dh+s.dv+5)+4*s.dh), &one, ends, spans)
		return dst
	}
	one := oneQuery{heads: s.heads, kHeads: s.kHeads, kvHeads: s.kvHeads, dh: s.dh, dv: s.dv, scale: s.scale, maskHead: s.maskStrides[0], maskKey: s.maskStrides[2]}
	room := 0
	for i, p := range parts {
		lay := func(x []float32, f int) []float32 {
			y := make([]float32, (p.n+lanes-1)/lanes*lanes*f)
			packPanels(y, x, p.n, f)
			return y
		}
		parts[i] = keyPart{lay(p.k, s.kHeads*s.dh), lay(p.v, s.kvHeads*s.dv), p.n}
		room += (p.n + lanes - 1) / lanes * lanes
	}
	attendOne(dst, q, mask, make([]float32, 2*room), &one, parts...)
	return dst
}

// TestPartialSums adds 16 partial sums as Reduce states.
func TestPartialSums(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for rows := 1; rows < 50; rows++ {
			r := rand.New(rand.NewPCG(uint64(rows), 31))
			n := 1 + r.IntN(40)
			matrices := 1 + r.IntN(2)
			x := operand32(r, matrices*rows*n, rows%3)
			for _, mean := range []bool{false, true} {
				dst, check := guarded(t, matrices*n, rows%5)
				partialSums(dst, x, make([]float32, lanes*n), rows, n, mean)
				check()
				want := make([]float32, matrices*n)
				for i := range want {
					var p [lanes]float32
					for row := range rows {
						p[row%lanes] += x[(i/n*rows+row)*n+i%n]
					}
					if want[i] = joinSums(&p); mean {
						want[i] /= float32(rows)
					}
				}
				equalBits(t, dst, want)
			}
		}
	})
}
