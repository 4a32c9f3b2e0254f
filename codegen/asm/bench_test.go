package asm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir/low"
)

var only = flag.String("layers", "", "regular expression of the layers to time")

// timed are layers to measure.
var timed = []struct {
	k, n, panels int
	density      float64
	direct       int
	low.Order
}{
	{64, 64, 6, .35, 1, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .35, 2, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .35, 3, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .10, 1, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .10, 2, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .10, 3, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{38, 38, 13, .25, 1, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{38, 38, 13, .25, 2, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{38, 38, 13, .25, 3, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{38, 76, 13, .25, 1, low.Order{Strategy: "rt", Columns: 26, Pairs: true}},
	{38, 76, 13, .25, 2, low.Order{Strategy: "rt", Columns: 26, Pairs: true}},
	{38, 76, 13, .25, 3, low.Order{Strategy: "rt", Columns: 26, Pairs: true}},
	{76, 38, 13, .25, 1, low.Order{Strategy: "rt", Columns: 20, Pairs: true}},
	{76, 38, 13, .25, 2, low.Order{Strategy: "rt", Columns: 20, Pairs: true}},
	{76, 38, 13, .25, 3, low.Order{Strategy: "rt", Columns: 20, Pairs: true}},
	{64, 128, 6, .50, 1, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 128, 6, .50, 2, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 128, 6, .50, 3, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .90, 1, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .90, 2, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .90, 3, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{128, 512, 6, .35, 1, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{128, 512, 6, .35, 2, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{128, 512, 6, .35, 3, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{512, 512, 6, .35, 1, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
	{512, 512, 6, .35, 2, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
	{512, 512, 6, .35, 3, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
	{512, 512, 6, .35, 1, low.Order{Strategy: "4r", Group: 4, Depth: 64}},
	{512, 512, 6, .35, 2, low.Order{Strategy: "4r", Group: 4, Depth: 64}},
	{512, 512, 6, .35, 3, low.Order{Strategy: "4r", Group: 4, Depth: 64}},
	{512, 512, 6, .35, 1, low.Order{Strategy: "4r", Group: 4, Depth: 48}},
	{512, 512, 6, .35, 2, low.Order{Strategy: "4r", Group: 4, Depth: 48}},
	{512, 512, 6, .35, 3, low.Order{Strategy: "4r", Group: 4, Depth: 48}},
	{512, 512, 6, .35, 1, low.Order{Strategy: "4r", Group: 3, Depth: 60}},
	{512, 512, 6, .35, 2, low.Order{Strategy: "4r", Group: 3, Depth: 60}},
	{512, 512, 6, .35, 3, low.Order{Strategy: "4r", Group: 3, Depth: 60}},
	{512, 512, 6, .10, 1, low.Order{Strategy: "4r", Group: 3, Depth: 96}},
	{512, 512, 6, .10, 2, low.Order{Strategy: "4r", Group: 3, Depth: 96}},
	{512, 512, 6, .10, 3, low.Order{Strategy: "4r", Group: 3, Depth: 96}},
	{512, 512, 6, .10, 1, low.Order{Strategy: "4r", Group: 2, Depth: 128}},
	{512, 512, 6, .10, 2, low.Order{Strategy: "4r", Group: 2, Depth: 128}},
	{512, 512, 6, .10, 3, low.Order{Strategy: "4r", Group: 2, Depth: 128}},
	{512, 512, 6, .10, 1, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
	{512, 512, 6, .10, 2, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
	{512, 512, 6, .10, 3, low.Order{Strategy: "rt", Columns: 22, Depth: 256, Pairs: true}},
}

// BenchmarkLayers prints, for each layer and instruction set, the least time of a batch in cycles of a 4 GHz core per
// weight that is not zero and vector of 16 rows: batches of all layers alternate.
func BenchmarkLayers(b *testing.B) {
	if b.N > 1 {
		return
	}
	r := rand.New(rand.NewPCG(3, 4))
	m := newModule(b)
	for i, c := range timed {
		name := fmt.Sprintf("%dx%d d=%.2f M=%d direct %d %s", c.k, c.n, c.density, c.panels*lanes, c.direct, strings.TrimPrefix(fmt.Sprintf("%+v", c.Order), "{Strategy:"))
		if !regexp.MustCompile(*only).MatchString(name) {
			continue
		}
		w := make([]int8, c.k*c.n)
		nonzero := 0
		for q := range w {
			if r.Float64() < c.density {
				w[q] = int8(1 - 2*r.IntN(2))
				nonzero++
			}
		}
		l := &testLayer{panels: c.panels}
		l.direct = c.direct
		l.Table = c.Strategy == "4r"
		l.Name, l.Schedule = fmt.Sprintf("layer%d", i), c.Schedule(w, c.k, c.n)
		l.Scale, l.Bias = floats(r, c.n, true), make([]float32, c.n)
		for j := range l.Bias {
			l.Bias[j] = float32(r.NormFloat64())
		}
		l.src = make([]float32, l.panels*c.k*lanes)
		for q := range l.src {
			l.src[q] = float32(r.NormFloat64())
		}
		l.want = l.eval(l.src)
		m.add(b, l)
		fmt.Fprintf(&m.main, "\tnote(%q, %d)\n", name+m.sizes(b, l, nonzero), nonzero*c.panels)
	}
	m.calibrate()
	m.main.WriteString("\ttimeAll()\n")
	fmt.Print(m.run(b, "run", "."))
}

// sizes are the instructions a nonzero weight of the code for each instruction set.
func (m *module) sizes(b *testing.B, l *testLayer, nonzero int) (s string) {
	for _, set := range []Set{AVX2, AVX512} {
		fs, err := l.Functions(set, NewPool(l.Name))
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
	m.main.WriteString("\tnote(\"additions, ymm and zmm\", 20000)\n")
	m.asm.WriteString("TEXT ·multiply(SB), NOSPLIT, $0-8\n\tMOVQ n+0(FP), CX\nloop:\n" + strings.Repeat("\tIMULQ AX, AX\n", 1000) + "\tDECQ CX\n\tJNE loop\n\tRET\n")
	m.stubs.WriteString("//go:noescape\nfunc multiply(n int)\n")
	m.main.WriteString("\tcalls = append(calls, func() { multiply(10) })\n\tnote(\"integer multiplications, 3 cycles each\", 10000)\n")
}

const benchText = `
type timing struct {
	name  string
	work  int
	runs  []func()
	best  []float64
}

var timings []*timing

func note(name string, work int) {
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
