package asm

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

const lanes = ir.Lanes

// testLayer is a layer with its input and what it must give.
type testLayer struct {
	Layer
	panels    int
	ahead     bool // functions fetch the code of the next ones
	src, want []float32
	extra     [][]float32 // of inputs in memory
	weights   []float32   // of a sparse layer
	first     *testLayer
	twins     []*testLayer // whose code it is too
	also      []*testLayer // with the same sums
}

// TestBits assembles random layers in a module of their own and compares their results, on every path of the machine,
// with the schedule's sums and the expression's Eval.
func TestBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var layers []*testLayer
	for i := range 80 {
		l := randomLayer(r, i)
		if i%4 != 3 && r.IntN(3) == 0 {
			l.addAlso(r)
		}
		for range i % 5 / 3 * (1 + i%2) {
			l.addTwin(r)
		}
		layers = append(layers, l)
	}
	m := newModule(t)
	for _, l := range layers {
		m.add(t, l)
	}
	m.run(t, "vet", ".")
	m.run(t, "run", ".")
	long := m.asm.Len()
	short := withMacros(m.asm.String())
	m.asm.Reset()
	m.asm.WriteString(short)
	m.run(t, "run", ".")
	if 4*len(short) > 3*long {
		t.Errorf("%d bytes of source become no less than %d", long, len(short))
	}
}

// acts are epilogues and how many further inputs they have.
var acts = []string{
	"", "relu(x0)", "add(x0,x1)", "fma(x2,x1,add(x0,x3))", "mul(sub(x1,x0),relu(x0))", "clampmin(6,clampmax(0,x0))",
	"t0=abs(x0);div(t0,add(t0,1))", "add(mul(neg(x1),x0),mul(x2,sqrt(abs(x3))))", "reciprocal(add(x0,x1))",
	"sub(clampmin(x1,x0),clampmax(x0,x1))", "mul(x0,x0)", "x1",
}

func randomLayer(r *rand.Rand, i int) *testLayer {
	k, n := 1+r.IntN(40), 1+r.IntN(70)
	density := []float64{.05, .3, .5, .9, 1}[r.IntN(5)]
	switch i {
	case 0:
		k, n, density = 300, 300, .1 // displacements beyond those of one byte
	case 2:
		k, n, density = 100, 300, .5
	case 1:
		k, n, density = 5, 5, 0
	}
	w := make([]int8, k*n)
	for q := range w {
		if r.Float64() < density {
			w[q] = int8(1 - 2*r.IntN(2))
		}
	}
	l := &testLayer{panels: 1 + r.IntN(3), ahead: i%2 == 0}
	height := k
	if r.IntN(3) == 0 {
		height = 1 + r.IntN(k)
	}
	width := 1 + r.IntN(30)
	if l.Table = r.IntN(3) == 0; l.Table {
		width = n
	}
	l.Name, l.Schedule = fmt.Sprintf("layer%d", i), plan(r, w, k, n, width, height)
	if i == 2 { // a table that several registers address
		l.Name, l.Schedule = "layer2", low.Order{Strategy: "4r", Group: 4, Depth: 88}.Schedule(w, k, n)
		l.Table = true
	}
	if err := l.Schedule.Check(w); err != nil {
		panic(err)
	}
	l.Scale = floats(r, n, r.IntN(2) == 0)
	if r.IntN(3) > 0 {
		l.Bias = floats(r, n, r.IntN(4) == 0)
	}
	l.src = floats(r, l.panels*k*lanes, false)
	act := acts[i%len(acts)]
	l.drawEpilogue(r, act)
	for q := 3; q < len(l.src); q += lanes { // a lane of zeros, and so of sums that are zero
		l.src[q] = float32(math.Copysign(0, r.Float64()-.5))
	}
	if i%4 == 3 {
		l.addFirst(r)
	} else {
		l.want = l.eval(l.src)
	}
	return l
}

// drawEpilogue gives the layer an epilogue, unless act is empty, with random further inputs.
func (l *testLayer) drawEpilogue(r *rand.Rand, act string) {
	if act == "" {
		return
	}
	l.Act = low.MustExpr(act)
	for range max(l.Act.Inputs()-1, 0) {
		x := Extra{}
		if r.IntN(2) == 0 {
			x.Row = floats(r, l.Schedule.N, r.IntN(2) == 0)
		}
		l.Extra = append(l.Extra, x)
		l.extra = append(l.extra, floats(r, l.panels*l.Schedule.N*lanes, false))
	}
}

// addFirst puts a layer before l, and is about Groups of both.
func (l *testLayer) addFirst(r *rand.Rand) {
	n := l.Schedule.K
	first := &testLayer{panels: l.panels}
	k := 1 + r.IntN(50)
	w := make([]int8, k*n)
	for q := range w {
		w[q] = int8(r.IntN(3) - 1)
	}
	first.Schedule = low.Order{Strategy: "rt", Columns: 1 + r.IntN(30), Pairs: true}.Schedule(w, k, n)
	first.Scale, first.Act = floats(r, n, r.IntN(2) == 0), low.MustExpr("relu(x0)")
	if r.IntN(2) == 0 {
		first.Bias = floats(r, n, false)
		first.Act = low.MustExpr("add(relu(x0),x1)")
		first.Extra, first.extra = []Extra{{floats(r, n, false)}}, [][]float32{nil}
	}
	l.src = floats(r, l.panels*k*lanes, false)
	l.Table = false
	if !Groups(&first.Layer, &l.Layer) {
		panic("layers that cannot be groups")
	}
	l.first, l.First = first, &first.Layer
	l.want = l.eval(first.eval(l.src))
}

// floats are random numbers, some of them special, or all the same.
func floats(r *rand.Rand, n int, same bool) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
		math.SmallestNonzeroFloat32, -0x1p-127, math.MaxFloat32, 1, -1}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
		if r.IntN(60) == 0 {
			x[i] = special[r.IntN(len(special))]
		}
		if same {
			x[i] = x[0]
		}
	}
	return x
}

// plan is a schedule with blocks of at most the given size. Neighbouring rows share sums where two columns use them.
func plan(r *rand.Rand, w []int8, k, n, width, height int) *low.Schedule {
	s := &low.Schedule{K: k, N: n}
	for top := 0; top < k; top += height {
		for lo := 0; lo < n; lo += width {
			b := low.Block{Lo: lo, Hi: min(lo+width, n), Top: top, End: min(top+height, k)}
			for i := b.Top; i < b.End; i++ {
				group := 1 + r.IntN(3)
				group = min(group, b.End-i)
				b.Steps = append(b.Steps, steps(w, n, b, i, group)...)
				i += group - 1
			}
			s.Blocks = append(s.Blocks, b)
		}
	}
	return s
}

// steps adds rows i to i+group: all of them at once for every combination of signs that occurs.
func steps(w []int8, n int, b low.Block, i, group int) []low.Step {
	var out []low.Step
	at := map[string]int{}
	for j := b.Lo; j < b.Hi; j++ {
		var rows []low.Signed
		negative := false
		for q := i; q < i+group; q++ {
			v := w[q*n+j]
			if v == 0 {
				continue
			}
			if rows == nil {
				negative = v < 0
			}
			rows = append(rows, low.Sign(q, (v < 0) != negative))
		}
		if rows == nil {
			continue
		}
		key := fmt.Sprint(rows)
		if _, ok := at[key]; !ok {
			at[key] = len(out)
			out = append(out, low.Step{Rows: rows})
		}
		s := &out[at[key]]
		s.Uses = append(s.Uses, low.Sign(j, negative))
	}
	return out
}

// eval follows the schedule.
func (l *testLayer) eval(src []float32) []float32 {
	k, n := l.Schedule.K, l.Schedule.N
	rows := l.panels * lanes
	x := func(row, i int) float32 { return src[row/lanes*k*lanes+i*lanes+row%lanes] }
	y := make([]float32, rows*n)
	for row := range rows {
		sums, begun := make([]float32, n), make([]bool, n)
		for _, b := range l.Schedule.Blocks {
			for _, s := range b.Steps {
				var t float32
				for i, r := range s.Rows {
					switch v := x(row, r.Index()); {
					case i == 0:
						t = v
					case r.Negative():
						t -= v
					default:
						t += v
					}
				}
				for _, u := range s.Uses {
					j := u.Index()
					switch {
					case !begun[j] && u.Negative():
						sums[j] = 0 - t
					case !begun[j]:
						sums[j] = t
					case u.Negative():
						sums[j] -= t
					default:
						sums[j] += t
					}
					begun[j] = true
				}
			}
		}
		for j, v := range sums {
			if l.Bias != nil {
				v = fma(l.Scale[j], v, l.Bias[j])
			} else {
				v *= l.Scale[j]
			}
			y[row/lanes*n*lanes+j*lanes+row%lanes] = v
		}
	}
	return l.finish(y)
}

// finish applies the epilogue to sums.
func (l *testLayer) finish(y []float32) []float32 {
	if l.Act.IsZero() {
		return y
	}
	n := l.Schedule.N
	in := []*ir.Tensor{ir.Of(ir.Float32, []int{len(y)}, y)}
	for i, e := range l.Extra {
		v := l.extra[i]
		if e.Row != nil {
			v = make([]float32, len(y))
			for q := range v {
				v[q] = e.Row[q/lanes%n]
			}
		}
		in = append(in, ir.Of(ir.Float32, []int{len(v)}, v))
	}
	out, err := l.Act.Eval(in)
	if err != nil {
		panic(err)
	}
	return ir.Data[float32](out)
}

// fma rounds a*b+c once.
func fma(a, b, c float32) float32 {
	if s := float64(a)*float64(b) + float64(c); math.IsNaN(s) || math.IsInf(s, 0) || s == 0 {
		return float32(s)
	}
	x := new(big.Float).SetPrec(400).SetFloat64(float64(a) * float64(b))
	v, _ := x.Add(x, big.NewFloat(float64(c))).Float32()
	return v
}
