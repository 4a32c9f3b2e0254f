package asm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir/low"
)

// TestSparseBits compares the code of random sparse layers, on every path of the machine, with chains of fma.
func TestSparseBits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	m := newModule(t)
	for i := range 40 {
		l := sparseLayer(r, i)
		if i%3 == 0 {
			l.addTwin(r)
		}
		m.add(t, l)
	}
	m.run(t, "vet", ".")
	m.run(t, "run", ".")
	short := withMacros(m.asm.String())
	if 4*len(short) > 3*m.asm.Len() {
		t.Errorf("%d bytes of source become no less than %d", m.asm.Len(), len(short))
	}
	m.asm.Reset()
	m.asm.WriteString(short)
	m.run(t, "run", ".")
}

func sparseLayer(r *rand.Rand, i int) *testLayer {
	k, n := 1+r.IntN(60), 1+r.IntN(80)
	density := []float64{.03, .1, .3, .6, 1}[r.IntN(5)]
	switch i {
	case 0:
		k, n, density = 900, 30, .05 // rows beyond displacements of one byte
	case 1:
		k, n, density = 300, 60, .4 // several functions
	case 2:
		k, n, density = 5, 5, 0
	}
	l := &testLayer{panels: 1 + r.IntN(3), ahead: i%2 == 0}
	l.Name, l.Schedule = fmt.Sprintf("layer%d", i), &low.Schedule{K: k, N: n}
	l.Sparse = &Sparse{Rows: make([][]uint16, k), Hot: i%3 > 0}
	l.weights = make([]float32, k*n)
	for q := range l.weights {
		if r.Float64() < density {
			l.weights[q] = float32(r.NormFloat64())
			l.Sparse.Rows[q/n] = append(l.Sparse.Rows[q/n], uint16(q%n))
		}
	}
	if r.IntN(3) > 0 {
		l.Bias = floats(r, n, r.IntN(4) == 0)
	}
	l.src = floats(r, l.panels*k*lanes, false)
	l.drawEpilogue(r, acts[i%len(acts)])
	l.want = l.multiply()
	return l
}

// multiply computes a sparse layer.
func (l *testLayer) multiply() []float32 {
	k, n := l.Schedule.K, l.Schedule.N
	y := make([]float32, l.panels*n*lanes)
	for q := range y {
		p, j, lane := q/(n*lanes), q/lanes%n, q%lanes
		if l.Bias != nil {
			y[q] = l.Bias[j]
		}
		for i := range k {
			if w := l.weights[i*n+j]; w != 0 {
				y[q] = fma(l.src[(p*k+i)*lanes+lane], w, y[q])
			}
		}
	}
	return l.finish(y)
}

// stream are the weights in the order of the code, as Go.
func (l *testLayer) stream(set Set) string {
	var b strings.Builder
	n := l.Schedule.N
	tiles := (n + set.SparseColumns() - 1) / set.SparseColumns()
	for t := range tiles {
		for i := range l.Schedule.K {
			for j := t * n / tiles; j < (t+1)*n/tiles; j++ {
				if w := l.weights[i*n+j]; w != 0 {
					fmt.Fprintf(&b, "%x, ", w)
				}
			}
		}
	}
	return b.String() + "0, 0, 0"
}
