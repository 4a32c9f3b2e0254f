package asm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir/low"
)

// BenchmarkSparse prints, for sparse float32 layers of many sizes and densities, the least time of a call of the loop and of
// the code in nanoseconds, and in cycles at 3.7 GHz for each nonzero weight and panel.
func BenchmarkSparse(b *testing.B) {
	if b.N > 1 {
		return
	}
	p := newProgram(b, sparseMain)
	for _, s := range [][2]int{{64, 64}, {64, 256}, {512, 512}, {512, 2048}, {2048, 512}} {
		for _, panels := range []int{1, 6} {
			for _, d := range []float64{.05, .1, .2, .35, .5} {
				k, n := s[0], s[1]
				if k*n > 1<<18 && (d > .2 || panels == 1) {
					continue
				}
				name := fmt.Sprintf("sparse%dx%dx%d_%.0f", k, n, panels, 100*d)
				l := Layer{Name: name, Schedule: &low.Schedule{K: k, N: n}, Sparse: &Sparse{Rows: make([][]uint16, k), Hot: panels > 1}}
				l.Bias = make([]float32, n)
				r := rand.New(rand.NewPCG(1, 2))
				for j := range n {
					for i := range k {
						if r.Float64() < d {
							l.Sparse.Rows[i] = append(l.Sparse.Rows[i], uint16(j))
						}
					}
				}
				fmt.Fprintf(&p.run, "compare(%q, %d, %d, %d, %v", name, k, n, panels, d)
				p.add(b, &l, panels, false)
				p.run.WriteString(")\n")
			}
		}
	}
	p.measure(b)
}

const sparseMain = `package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

func main() {
	for path = bestPath(); path >= pathAVX2; path-- {
		fmt.Println(pathNames[path])
		all()
	}
}

func random(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = rand.Float32() - .5
	}
	return x
}

func compare(name string, k, n, panels int, density float64, bytes512 int, run512 func(dst, src, weights *float32), bytes2 int, run2 func(dst, src, weights *float32)) {
	var p pattern
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		for i := range k {
			if r.Float64() < density {
				p.cells = append(p.cells, uint32(i)<<1)
			}
		}
		p.ends = append(p.ends, int32(len(p.cells)))
	}
	values, bias, src := random(len(p.cells)), make([]float32, n), random(panels*k*lanes)
	loop, code := newSparse(p, values, panels, k), sparseTiles(p, values, k, %d, %d)
	dst := [2][]float32{make([]float32, panels*n*lanes), make([]float32, panels*n*lanes)}
	run, bytes := run2, bytes2
	if path == pathAVX512 {
		run, bytes = run512, bytes512
	}
	best := [2]float64{math.Inf(1), math.Inf(1)}
	work := len(p.cells)*panels
	reps := 1 + 100000/work
	for range 300 {
		for i := range best {
			start := time.Now()
			for range reps {
				if i == 0 {
					sparsePanels(dst[0], src, &loop, bias, nil, panels, k, n)
				} else {
					run(&dst[1][0], &src[0], &code[0])
				}
			}
			best[i] = min(best[i], float64(time.Since(start).Nanoseconds())/float64(reps))
		}
	}
	for i, v := range dst[0] {
		if v != dst[1][i] {
			fmt.Println(name, "differs at", i)
			break
		}
	}
	fmt.Printf("%%4d x %%4d, %%d panels, density %%.2f: loop %%9.0f ns %%5.2f cycles, code %%9.0f ns %%5.2f cycles, %%4.1f bytes a weight, %%.2f times as fast\n", k, n, panels, density,
		best[0], best[0]*3.7/float64(work), best[1], best[1]*3.7/float64(work), float64(bytes)/float64(len(p.cells)), best[0]/best[1])
}

func all() {
%s}
`
