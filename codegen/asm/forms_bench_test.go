package asm

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir/low"
)

// forms are layers to measure in every form, ternary ones and, without an order, sparse ones.
var forms = []struct {
	k, n, panels int
	density      float64
	low.Order
}{
	{32, 32, 2, .5, low.Order{Strategy: "rt", Columns: 20, Pairs: true}},
	{64, 64, 1, .35, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 128, 1, .35, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .10, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 64, 6, .35, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{64, 256, 6, .35, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{76, 256, 13, .25, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{128, 512, 1, .35, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{128, 512, 6, .35, low.Order{Strategy: "rt", Columns: 22, Pairs: true}},
	{512, 512, 1, .10, low.Order{Strategy: "rt", Columns: 24, Depth: 128, Pairs: true}},
	{512, 512, 1, .35, low.Order{Strategy: "rt", Columns: 24, Depth: 128, Pairs: true}},
	{512, 512, 6, .10, low.Order{Strategy: "rt", Columns: 24, Depth: 128, Pairs: true}},
	{512, 512, 6, .35, low.Order{Strategy: "rt", Columns: 24, Depth: 128, Pairs: true}},
	{64, 64, 6, 1, low.Order{Strategy: "4r", Group: 4, Depth: 36}},
	{64, 256, 6, .50, low.Order{Strategy: "4r", Group: 3, Depth: 64}},
	{64, 256, 6, 1, low.Order{Strategy: "4r", Group: 4, Depth: 36}},
	{128, 512, 6, .50, low.Order{Strategy: "4r", Group: 3, Depth: 84}},
	{128, 512, 6, 1, low.Order{Strategy: "4r", Group: 4, Depth: 36}},
	{512, 512, 1, .50, low.Order{Strategy: "4r", Group: 3, Depth: 84}},
	{512, 512, 1, 1, low.Order{Strategy: "4r", Group: 4, Depth: 36}},
	{512, 512, 6, .35, low.Order{Strategy: "4r", Group: 3, Depth: 84}},
	{512, 512, 6, .50, low.Order{Strategy: "4r", Group: 3, Depth: 84}},
	{512, 512, 6, 1, low.Order{Strategy: "4r", Group: 4, Depth: 36}},
	{512, 2048, 1, .35, low.Order{Strategy: "rt", Columns: 24, Depth: 128, Pairs: true}},
	{512, 2048, 6, .35, low.Order{Strategy: "rt", Columns: 24, Depth: 128, Pairs: true}},
	{64, 64, 1, .20, low.Order{}},
	{64, 256, 6, .20, low.Order{}},
	{512, 512, 1, .10, low.Order{}},
	{512, 512, 6, .20, low.Order{}},
}

// BenchmarkForms prints, for each layer and path, microseconds of a call of its loop, of the lists of its order's terms and of
// its code, without and with fetching itself ahead: the least hot call, and the lower quartile of cold ones, before each of
// which 96 MB of other memory are read. The cost model of package passes has its constants from here.
func BenchmarkForms(b *testing.B) {
	if b.N > 1 {
		return
	}
	p := newProgram(b, formsMain)
	for i, f := range forms {
		name, text := fmt.Sprintf("forms%d", i), fmt.Sprintf("%dx%d, %d panels, density %.2f, %s", f.k, f.n, f.panels, f.density, f.Strategy)
		if !regexp.MustCompile(*only).MatchString(text) {
			continue
		}
		w := make([]int8, f.k*f.n)
		r := rand.New(rand.NewPCG(1, 2))
		l := Layer{Name: name, Schedule: &low.Schedule{K: f.k, N: f.n}, Table: f.Strategy == "4r", Bias: make([]float32, f.n)}
		if f.Strategy == "" {
			l.Sparse = &Sparse{Rows: make([][]uint16, f.k), Hot: f.panels > 1}
		}
		for j := range f.n { // as the program does
			for i := range f.k {
				if r.Float64() < f.density {
					if w[i*f.n+j] = int8(1 - 2*r.IntN(2)); l.Sparse != nil {
						l.Sparse.Rows[i] = append(l.Sparse.Rows[i], uint16(j))
					}
				}
			}
		}
		terms := "terms{}"
		if l.Sparse == nil {
			l.Schedule = f.Schedule(w, f.k, f.n)
			l.Scale = make([]float32, f.n)
			for j := range l.Scale {
				l.Scale[j] = .5
			}
			depth := f.Depth
			if depth == 0 {
				depth = f.k
			}
			terms = fmt.Sprintf("groupTerms(p, %d, %d, %d)", f.k, depth, f.Group)
			if f.Strategy == "rt" {
				terms = fmt.Sprintf("tileTerms(p, %#v, %d, %d, %d)", sums(l.Schedule), f.k, depth, f.Columns)
			}
		}
		fmt.Fprintf(&p.run, "compare(%q, %d, %d, %d, %v, func(p pattern) terms { return %s }, %v", text,
			f.k, f.n, f.panels, f.density, terms, l.Sparse != nil)
		p.add(b, &l, f.panels, false)
		l.Name += "a"
		p.add(b, &l, f.panels, true)
		p.run.WriteString(")\n")
	}
	p.measure(b)
}

// sums are those of each block, as tileTerms reads them.
func sums(s *low.Schedule) (out []uint16) {
	for _, b := range s.Blocks {
		out = append(out, uint16(len(b.Sums)))
		for _, v := range b.Sums {
			out = append(out, uint16(v.Of), uint16(low.Sign(v.Row, v.Minus)))
		}
	}
	return out
}

// program is one of the kernels of package runtime and the code of layers.
type program struct {
	dir, main       string
	asm, stubs, run strings.Builder
}

func newProgram(b *testing.B, main string) *program {
	p := &program{dir: b.TempDir(), main: main}
	names, _ := filepath.Glob("../../runtime/*.*")
	for _, name := range names {
		base := filepath.Base(name)
		if strings.HasSuffix(base, "_test.go") || base == "embed.go" || base == "generate.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		p.write(b, base, strings.Replace(string(text), "\npackage runtime\n", "\npackage main\n", 1))
	}
	p.asm.WriteString("//go:build !purego\n\n#include \"textflag.h\"\n\n")
	p.stubs.WriteString("package main\n\n")
	return p
}

// add adds the code of a layer, whose functions may fetch the next one ahead, and to a call in the program for each set its
// bytes and a function that runs it.
func (p *program) add(b *testing.B, l *Layer, panels int, ahead bool) {
	pool := NewPool(l.Name, 1)
	for _, set := range []Set{AVX512, AVX2} {
		fs, err := l.Functions(set, pool)
		if err != nil {
			b.Fatal(err)
		}
		bytes := 0
		var calls strings.Builder
		for i := range fs {
			f := &fs[i]
			if ahead {
				f.Ahead(&fs[(i+1)%len(fs)], panels)
			}
			p.asm.WriteString(f.Text)
			params, args := "", ""
			for _, x := range f.Params {
				params += ", " + x + " *float32"
				args += ", x"
			}
			fmt.Fprintf(&p.stubs, "//go:noescape\nfunc %s(dst, src *float32, panels int%s)\n\n", f.Name, params)
			fmt.Fprintf(&calls, "%s(dst, src, %d%s)\n", f.Name, panels, args)
			bytes += f.Bytes
		}
		fmt.Fprintf(&p.run, ", %d, func(dst, src, x *float32) {\n%s}", bytes, calls.String())
	}
	p.asm.WriteString(pool.Text())
}

// measure builds the program, runs it and prints what it prints.
func (p *program) measure(b *testing.B) {
	p.write(b, "go.mod", "module forms\n\ngo 1.26\n")
	p.write(b, "layers_amd64.s", p.asm.String())
	p.write(b, "layers.go", p.stubs.String())
	p.write(b, "main.go", fmt.Sprintf(p.main, AVX512.SparseColumns(), AVX2.SparseColumns(), p.run.String()))
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatal(err, string(out))
	}
	fmt.Print(string(out))
}

func (p *program) write(b *testing.B, name, text string) {
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

const formsMain = `package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

func main() {
	for path = bestPath(); path >= pathAVX2; path-- {
		fmt.Printf("%%-45s %%8s  %%24s %%24s %%24s %%24s\n", pathNames[path], "bytes", "loop hot, cold", "terms hot, cold", "code hot, cold", "code ahead hot, cold")
		all()
	}
}

var other = make([]uint64, 96<<20/8)

var seen uint64

func evict() {
	for i := 0; i < len(other); i += 8 {
		seen += other[i]
	}
}

func random(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = rand.Float32() - .5
	}
	return x
}

func compare(name string, k, n, panels int, density float64, listed func(pattern) terms, isSparse bool,
	bytes512 int, run512 func(dst, src, x *float32), bytes2 int, run2 func(dst, src, x *float32),
	_ int, ahead512 func(dst, src, x *float32), _ int, ahead2 func(dst, src, x *float32)) {
	var p pattern
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		for i := range k {
			if r.Float64() < density {
				p.cells = append(p.cells, uint32(i)<<1|uint32(r.IntN(2)))
			}
		}
		p.ends = append(p.ends, int32(len(p.cells)))
	}
	bias, src := make([]float32, n), random(panels*k*lanes)
	scale := make([]float32, n)
	for j := range scale {
		scale[j] = .5
	}
	run, ahead, bytes := run2, ahead2, bytes2
	if path == pathAVX512 {
		run, ahead, bytes = run512, ahead512, bytes512
	}
	dst := [4][]float32{}
	for i := range dst {
		dst[i] = make([]float32, panels*n*lanes)
	}
	var calls [4]func()
	if isSparse {
		for i := range p.cells {
			p.cells[i] &^= 1
		}
		values := random(len(p.cells))
		loop, code := newSparse(p, values, panels, k), sparseTiles(p, values, k, %d, %d)
		calls[0] = func() { sparsePanels(dst[0], src, &loop, bias, nil, panels, k, n) }
		calls[2] = func() { run(&dst[2][0], &src[0], &code[0]) }
		calls[3] = func() { ahead(&dst[3][0], &src[0], &code[0]) }
	} else {
		loop, lists := newSigns(p), listed(p)
		tab := make([]float32, lists.room*lanes*min(2, panels))
		table := make([]float32, 1<<16)
		calls[0] = func() { ternaryPanels(dst[0], src, &loop, scale, bias, panels, k, n) }
		calls[1] = func() { termPanels(dst[1], src, &lists, scale, bias, tab, panels, k, n) }
		calls[2] = func() { run(&dst[2][0], &src[0], &table[0]) }
		calls[3] = func() { ahead(&dst[3][0], &src[0], &table[0]) }
	}
	hot, cold := [4]float64{math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)}, [4][]float64{}
	reps := 1 + 200000/(len(p.cells)*panels)
	timed := func(reps int, f func()) float64 {
		start := time.Now()
		for range reps {
			f()
		}
		return float64(time.Since(start).Nanoseconds()) / 1000 / float64(reps)
	}
	for range 100 {
		for i, f := range calls {
			if f != nil {
				hot[i] = min(hot[i], timed(reps, f))
			}
		}
	}
	for range 25 {
		for i, f := range calls {
			if f != nil {
				evict()
				cold[i] = append(cold[i], timed(1, f))
			}
		}
	}
	same := 1
	if isSparse {
		same = 0
	}
	for i, v := range dst[same] {
		if v != dst[2][i] || v != dst[3][i] {
			fmt.Println(name, "differs at", i)
			break
		}
	}
	fmt.Printf("%%-45s %%8d ", name, bytes)
	for i := range calls {
		c := math.NaN()
		if calls[i] != nil {
			slices.Sort(cold[i])
			c = cold[i][len(cold[i])/4]
		}
		fmt.Printf(" %%12.2f %%11.1f", hot[i], c)
	}
	fmt.Printf("   %%d weights\n", len(p.cells))
}

func all() {
%s}
`
