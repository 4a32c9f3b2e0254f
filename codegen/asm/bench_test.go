package asm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir/low"
)

var only = flag.String("layers", "", "regular expression of the layers to time")

// timed are layers to measure.
var timed = []struct {
	k, n, panels int
	density      float64
	hidden       int // units between two layers; Order is that of the second
	low.Order
}{
	{64, 64, 2, .35, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 2, .50, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{50, 50, 4, .25, 0, low.Order{Strategy: "rt", Columns: 26, Pairs: true}},
	{50, 50, 4, .25, 256, low.Order{Strategy: "rt", Columns: 26, Pairs: true, Depth: 128}},
	{32, 32, 2, .50, 256, low.Order{Strategy: "rt", Columns: 26, Pairs: true, Depth: 128}},
	{64, 64, 6, .35, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .10, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{38, 38, 13, .25, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{38, 76, 13, .25, 0, low.Order{Strategy: "rt", Columns: 26, Pairs: true}},
	{76, 38, 13, .25, 0, low.Order{Strategy: "rt", Columns: 20, Pairs: true}},
	{76, 76, 13, .25, 256, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{76, 76, 13, .25, 256, low.Order{Strategy: "rt", Columns: 22, Pairs: true, Depth: 64}},
	{76, 76, 13, .25, 256, low.Order{Strategy: "rt", Columns: 26, Pairs: true, Depth: 64}},
	{76, 76, 13, .25, 256, low.Order{Strategy: "rt", Columns: 26, Pairs: true, Depth: 86}},
	{64, 64, 6, .35, 256, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .35, 256, low.Order{Strategy: "rt", Columns: 22, Pairs: true, Depth: 43}},
	{64, 128, 6, .50, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .90, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{128, 512, 6, .35, 0, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{512, 512, 6, .35, 0, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
	{512, 512, 6, .35, 0, low.Order{Strategy: "4r", Group: 4, Depth: 64}},
	{512, 512, 6, .35, 0, low.Order{Strategy: "4r", Group: 4, Depth: 48}},
	{512, 512, 6, .35, 0, low.Order{Strategy: "4r", Group: 3, Depth: 60}},
	{512, 512, 6, .10, 0, low.Order{Strategy: "4r", Group: 3, Depth: 96}},
	{512, 512, 6, .10, 0, low.Order{Strategy: "4r", Group: 2, Depth: 128}},
	{512, 512, 6, .10, 0, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
}

// BenchmarkLayers prints, for each layer and instruction set, the least time of a batch in cycles of a 4 GHz core per
// weight that is not zero and vector of 16 rows: batches of all layers alternate.
func BenchmarkLayers(b *testing.B) {
	if b.N > 1 {
		return
	}
	m := newModule(b)
	for i, c := range timed {
		name := fmt.Sprintf("%dx%d d=%.2f M=%d hidden %d %s", c.k, c.n, c.density, c.panels*lanes, c.hidden, strings.TrimPrefix(fmt.Sprintf("%+v", c.Order), "{Strategy:"))
		if !regexp.MustCompile(*only).MatchString(name) {
			continue
		}
		r := rand.New(rand.NewPCG(uint64(c.k), uint64(c.n)))
		k, nonzero := c.k, 0
		var first *testLayer
		if c.hidden > 0 {
			order := c.Order
			order.Depth = 0
			first = timedLayer(r, c.k, c.hidden, c.panels, c.density, order, &nonzero)
			first.Act = low.MustExpr("relu(x0)")
			k = c.hidden
		}
		l := timedLayer(r, k, c.n, c.panels, c.density, c.Order, &nonzero)
		l.Name = fmt.Sprintf("layer%d", i)
		if first == nil {
			l.want = l.eval(l.src)
		} else {
			first.Name = l.Name + "first"
			l.want = l.eval(first.eval(first.src))
			if c.Depth > 0 {
				if !Groups(&first.Layer, &l.Layer) {
					b.Error(name, "makes no groups")
					continue
				}
				l.First = &first.Layer
				l.src = first.src
			} else {
				l.want = l.eval(l.src)
				first.want = first.eval(first.src)
				m.add(b, first)
			}
		}
		m.add(b, l)
		fmt.Fprintf(&m.main, "\tnote(%q, %d, %v)\n", name+m.sizes(b, l, nonzero), nonzero*c.panels, first != nil && l.First == nil)
	}
	m.calibrate()
	m.main.WriteString("\ttimeAll()\n")
	fmt.Print(m.run(b, "run", "."))
}

func timedLayer(r *rand.Rand, k, n, panels int, density float64, order low.Order, nonzero *int) *testLayer {
	w := make([]int8, k*n)
	for q := range w {
		if r.Float64() < density {
			w[q] = int8(1 - 2*r.IntN(2))
			*nonzero++
		}
	}
	l := &testLayer{panels: panels}
	l.Table, l.Schedule = order.Strategy == "4r", order.Schedule(w, k, n)
	l.Scale, l.Bias, l.src = slices.Repeat([]float32{.1}, n), make([]float32, n), make([]float32, panels*k*lanes)
	for _, x := range [][]float32{l.Bias, l.src} {
		for q := range x {
			x[q] = float32(r.NormFloat64())
		}
	}
	return l
}

// sizes are the instructions a nonzero weight of the code for each instruction set.
func (m *module) sizes(b *testing.B, l *testLayer, nonzero int) (s string) {
	for _, set := range []Set{AVX2, AVX512} {
		fs, err := l.Functions(set, NewPool(l.Name, 1))
		if err != nil {
			b.Fatal(err)
		}
		lines := 0
		for _, f := range fs {
			lines += strings.Count(f.Text, "\n")
		}
		s += fmt.Sprintf(" %.2f", float64(lines)/float64(nonzero))
	}
	return s
}

// calibrate adds loops of independent additions, half of them as multiplications by one and additions, and of dependent
// integer multiplications: what the machine can do at the time.
func (m *module) calibrate() {
	for _, set := range []Set{AVX2, AVX512} {
		fmt.Fprintf(&m.asm, "TEXT ·calibrate%v(SB), NOSPLIT, $0-8\n\tMOVQ n+0(FP), CX\nloop:\n", set)
		for i := range 1000 {
			fmt.Fprintf(&m.asm, "\tVADDPS %[1]s, %[2]s, %[2]s\n\tVFMADD231PS %[1]s, %[1]s, %[3]s\n", set.reg(15), set.reg(i%7), set.reg(7+i%8))
		}
		m.asm.WriteString("\tDECQ CX\n\tJNE loop\n\tVZEROUPPER\n\tRET\n")
		fmt.Fprintf(&m.stubs, "//go:noescape\nfunc calibrate%v(n int)\n", set)
		fmt.Fprintf(&m.main, "\tcalls = append(calls, func() { calibrate%v(10) })\n", set)
	}
	m.main.WriteString("\tnote(\"additions, ymm and zmm\", 20000, false)\n")
	m.asm.WriteString("TEXT ·multiply(SB), NOSPLIT, $0-8\n\tMOVQ n+0(FP), CX\nloop:\n" + strings.Repeat("\tIMULQ AX, AX\n", 1000) + "\tDECQ CX\n\tJNE loop\n\tRET\n")
	m.stubs.WriteString("//go:noescape\nfunc multiply(n int)\n")
	m.main.WriteString("\tcalls = append(calls, func() { multiply(10) })\n\tnote(\"integer multiplications, 3 cycles each\", 10000, false)\n")
}

const benchText = `
type timing struct {
	name  string
	work  int
	runs  []func()
	best  []float64
}

var timings []*timing

// note is about the functions added before, AVX2 and AVX-512; for two layers, about both.
func note(name string, work int, two bool) {
	if two {
		c := calls
		calls = []func(){func() { c[0](); c[2]() }, func() { c[1](); c[3]() }}
	}
	timings = append(timings, &timing{name, work, calls, make([]float64, len(calls))})
	calls = nil
}

func timeAll() {
	for round := range 200 {
		for _, t := range timings {
			for i, f := range t.runs {
				reps := 1 + 100000/t.work
				start := time.Now()
				for range reps {
					f()
				}
				d := float64(time.Since(start).Nanoseconds()) / float64(reps)
				if round == 0 || d < t.best[i] {
					t.best[i] = d
				}
			}
		}
	}
	for _, t := range timings {
		fmt.Printf("%-80s", t.name)
		for _, d := range t.best {
			fmt.Printf(" %8.2f us %.3f", d/1000, d*4/float64(t.work))
		}
		fmt.Println()
	}
}
`
