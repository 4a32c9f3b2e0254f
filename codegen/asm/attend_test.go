package asm

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// unwritten is what mainText has in results before.
const unwritten = 12345

// TestAttend assembles random attentions and compares scores and results of each head of keys, on every path of the machine, with
// the sums over what is kept.
func TestAttend(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	m := newModule(t)
	for i := range 24 {
		group, panels := 1+r.IntN(2), 1+r.IntN(3)
		a := &Attend{Name: fmt.Sprintf("kept%d", i), KVHeads: 1 + r.IntN(2), Keys: 1 + r.IntN(60), DH: 1 + r.IntN(40), DV: 1 + r.IntN(40), Scale: -0.37}
		if i == 0 { // functions of more than one chunk, displacements beyond those of one byte
			a.Keys, a.DH, a.DV = 300, 64, 20
		}
		a.Heads = a.KVHeads * group
		a.KeptKeys, a.KeptValues = keptAtRandom(r, a.Keys, a.KVHeads*a.DH), keptAtRandom(r, a.Keys, a.KVHeads*a.DV)
		pool := NewPool(a.Name, 1)
		var heads [2][]AttendHead
		for set := range heads {
			var err error
			if heads[set], err = a.Functions(Set(set), pool); err != nil {
				t.Fatal(err)
			}
		}
		for g, narrow := range heads[AVX2] {
			wide := heads[AVX512][g]
			m.addHead(a.Name+" scores", [2][]Function{narrow.Scores, wide.Scores}, panels, a.Heads*a.DH, a.Keys+2, a.Keys, g*a.DH, a.KVHeads*a.DH,
				func(q, k, y []float32) { a.wantScores(g, panels, q, k, y) })
			m.addHead(a.Name+" values", [2][]Function{narrow.Values, wide.Values}, panels, a.Keys+2, a.Heads*a.DV, a.Keys, g*a.DV, a.KVHeads*a.DV,
				func(e, v, y []float32) { a.wantValues(g, panels, e, v, y) })
		}
		m.asm.WriteString(pool.Text() + "\n")
	}
	m.run(t, "vet", ".")
	m.run(t, "run", ".")
}

// keptAtRandom keeps elements of rows with n features: of some rows none, and of some features.
func keptAtRandom(r *rand.Rand, rows, n int) []bool {
	on, share := make([]bool, rows*n), r.IntN(11)
	for j := range rows {
		for c := range n {
			on[j*n+c] = j%5 != 3 && c%7 != 2 && r.IntN(10) < share
		}
	}
	return on
}

// addHead adds the functions of one head for both sets. A panel of src has k rows; keys in panels of so many features follow it, from
// the first on those of the head.
func (m *module) addHead(name string, sets [2][]Function, panels, k, n, keys, first, features int, want func(src, x, y []float32)) {
	r := rand.New(rand.NewPCG(uint64(k), uint64(n)))
	size := k + ((keys+lanes-1)/lanes*features+panels-1)/panels // of a panel, so that all keys fit
	src, y := floats(r, panels*size*lanes, false), make([]float32, panels*n*lanes)
	for i := range y {
		y[i] = unwritten
	}
	want(src, src[(panels*k+first)*lanes:], y)
	for set, fs := range sets {
		fmt.Fprintf(&m.main, "\trun(%q, %v, 0, %d, %d, %d,\n", name+" "+Set(set).String(), Set(set) == AVX512, panels, size, n)
		fmt.Fprintf(&m.main, "func(dst, src *float32, _ []*float32) {\nx := &unsafe.Slice(src, %d)[%d]\n", len(src), (panels*k+first)*lanes)
		for _, f := range fs {
			m.asm.WriteString(f.Text + "\n")
			fmt.Fprintf(&m.stubs, "//go:noescape\nfunc %s(dst, src *float32, panels int, x *float32)\n\n", f.Name)
			fmt.Fprintf(&m.main, "%s(dst, src, %d, x)\n", f.Name, panels)
		}
		m.main.WriteString("})\n")
	}
	for _, v := range [][]float32{src, y} {
		binary.Write(&m.data, binary.LittleEndian, v)
	}
}

// wantScores computes the scores of the first query head of head g, and their maximum; a chain begins with a product.
func (a *Attend) wantScores(g, panels int, q, k, y []float32) {
	features := a.KVHeads * a.DH
	for i := range panels * lanes {
		p, l := i/lanes, i%lanes
		rows := y[p*(a.Keys+2)*lanes:]
		most := float32(math.Inf(-1))
		for j := range a.Keys {
			s, begun := float32(0), false
			for c := range a.DH {
				if !a.KeptKeys[j*features+g*a.DH+c] {
					continue
				}
				x, w := q[(p*a.Heads*a.DH+c)*lanes+l], k[j/lanes*features*lanes+c*lanes+j%lanes]
				if s = fma(x, w, s); !begun {
					s, begun = x*w, true
				}
			}
			s *= a.Scale
			if s > most {
				most = s
			}
			rows[j*lanes+l] = s
		}
		rows[a.Keys*lanes+l] = most
	}
}

// wantValues computes the results of the first query head of head g.
func (a *Attend) wantValues(g, panels int, e, v, y []float32) {
	features := a.KVHeads * a.DV
	for i := range panels * lanes {
		p, l := i/lanes, i%lanes
		rows := e[p*(a.Keys+2)*lanes:]
		by := 1 / rows[(a.Keys+1)*lanes+l]
		for c := range a.DV {
			s := float32(0)
			for j := range a.Keys {
				if a.KeptValues[j*features+g*a.DV+c] {
					s = fma(rows[j*lanes+l], v[j/lanes*features*lanes+c*lanes+j%lanes], s)
				}
			}
			y[(p*a.Heads*a.DV+c)*lanes+l] = s * by
		}
	}
}
