package low

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

// lines writes a schedule: a line for each block, and one for each step.
func (s *Schedule) lines() string {
	var b strings.Builder
	write := func(list []Signed) {
		for _, v := range list {
			fmt.Fprintf(&b, " %c%d", "+-"[v&1], v.Index())
		}
	}
	for _, k := range s.Blocks {
		fmt.Fprintf(&b, "columns %d-%d rows %d-%d\n", k.Lo, k.Hi, k.Top, k.End)
		for _, st := range k.Steps {
			write(st.Rows)
			b.WriteString(" :")
			write(st.Uses)
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestScheduleByHand(t *testing.T) {
	w := []int8{
		1, 1, -1, 0, 0,
		0, 0, 0, 0, 0,
		1, 1, 1, 0, 0,
		-1, 1, 1, -1, 0,
	}
	for _, c := range []struct {
		order Order
		want  string
	}{
		{Order{Strategy: "rt", Columns: 3}, `columns 0-2 rows 0-4
 +0 : +0 +1
 +2 : +0 +1
 +3 : +1
 +3 : -0
columns 2-5 rows 0-4
 +2 : +2
 +3 : +2
 +0 : -2
 +3 : -3
`},
		// Rows 0 and 2, 0 and 3, and 2 and 3 have two columns each in common with the same relation; the first pair wins.
		{Order{Strategy: "rt", Columns: 5, Pairs: true}, `columns 0-5 rows 0-4
 +0 : -2
 +0 +2 : +0 +1
 +2 : +2
 +3 : -0 +1 +2 -3
`},
		{Order{Strategy: "rt", Columns: 5, Depth: 3, Pairs: true}, `columns 0-5 rows 0-3
 +0 : -2
 +0 +2 : +0 +1
 +2 : +2
columns 0-5 rows 3-4
 +3 : -0 +1 +2 -3
`},
		{Order{Strategy: "perm"}, `columns 0-5 rows 0-4
 +0 +2 : +0 +1
 +0 -2 : -2
 +3 : -0 +1 +2 -3
`},
		{Order{Strategy: "4r", Group: 2, Depth: 3}, `columns 0-5 rows 0-3
 +0 : +0 +1 -2
 +2 : +0 +1 +2
columns 0-5 rows 3-4
 +3 : -0 +1 +2 -3
`},
	} {
		s := c.order.Schedule(w, 4, 5)
		if got := s.lines(); got != c.want {
			t.Errorf("%+v: got\n%swant\n%s", c.order, got, c.want)
		}
		if err := s.Check(w); err != nil {
			t.Errorf("%+v: %v", c.order, err)
		}
	}
}

// A term is summed from left to right and then added to the column: (2^24 + 1) + 1 loses both ones, 2^24 + (1 + 1) none.
func TestScheduledSum(t *testing.T) {
	x := f32s([]int{1, 4}, 0x1p24, 1, 1, 0x1p24)
	const graph = `g (float[1,4] X) => (float[1,3] Y) {
  W = Constant<value=int8[4,3] {1,1,-1,1,1,-1,1,1,-1,-1,-1,0}>()
  S = Constant<value=float[3] {1,1,1}>()
  Y = sbtc.Linear<kind="ternary", %s>(X, W, S, "")
}`
	for _, c := range []struct {
		order string
		want  []float32
	}{
		{`strategy="rt", columns=3`, []float32{0, 0, -0x1p24}},
		{`strategy="rt", columns=1`, []float32{0, 0, -0x1p24}},
		{`strategy="4r", group=2`, []float32{1, 1, -0x1p24}}, // 2^24 + (1 - 2^24)
		{`strategy="perm"`, []float32{0, 0, -0x1p24}},
	} {
		src := fmt.Sprintf(graph, c.order)
		if g := parse(t, src); !strings.Contains(g.String(), c.order) {
			t.Errorf("%s reads back as\n%s", c.order, g)
		}
		if out := run(t, src, x); !reflect.DeepEqual(ir.Data[float32](out[0]), c.want) {
			t.Errorf("%s: %v, want %v", c.order, ir.Data[float32](out[0]), c.want)
		}
	}
}

func randomTernary(r *rand.Rand, k, n int, density float64) []int8 {
	w := make([]int8, k*n)
	for i := range w {
		if r.Float64() < density {
			w[i] = int8(1 - 2*r.IntN(2))
		}
	}
	return w
}

func randomOrder(r *rand.Rand, k int) Order {
	o := Order{Strategy: []string{"rt", "4r", "perm"}[r.IntN(3)], Depth: r.IntN(2) * (1 + r.IntN(k))}
	switch o.Strategy {
	case "rt":
		o.Columns, o.Pairs = 1+r.IntN(MaxColumns), r.IntN(3) > 0
	case "4r":
		o.Group = MinGroup + r.IntN(MaxGroup-MinGroup+1)
	}
	return o
}

// Schedules have every weight once and stay within their bounds; on small integers all orders give the same sums.
func TestScheduleRandom(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		k, n := 1+r.IntN(70), 1+r.IntN(150)
		w, o := randomTernary(r, k, n, r.Float64()), randomOrder(r, k)
		if err := o.check(k); err != nil {
			t.Fatal(err)
		}
		s := o.Schedule(w, k, n)
		if err := s.Check(w); err != nil {
			t.Fatalf("%+v, %d x %d: %v", o, k, n, err)
		}
		if again := o.Schedule(w, k, n); !reflect.DeepEqual(s, again) {
			t.Errorf("%+v, %d x %d: another schedule the second time", o, k, n)
		}
		checkBounds(t, o, s)
		x := make([]float32, k)
		for i := range x {
			x[i] = float32(r.IntN(2001) - 1000)
		}
		acc := make([]float32, n)
		s.sum(lanes(x), lanes(acc))
		for j, got := range acc {
			want := float32(0)
			for i, v := range x {
				want += v * float32(w[i*n+j])
			}
			if got != want {
				t.Errorf("%+v, %d x %d, column %d: %v, want %v", o, k, n, j, got, want)
			}
		}
	}
}

// checkBounds checks what kernels rely on beyond Check: order and width of blocks, and what terms consist of.
func checkBounds(t *testing.T, o Order, s *Schedule) {
	t.Helper()
	for i, b := range s.Blocks {
		if i > 0 {
			a := s.Blocks[i-1]
			if next := a.Top == b.Top && a.End == b.End && a.Hi == b.Lo; !next && (a.Hi != s.N || b.Lo != 0 || a.End != b.Top) {
				t.Errorf("%+v: block %+v follows %+v", o, b, a)
			}
		}
		if o.Strategy == "rt" && b.Hi-b.Lo > o.Columns || o.Strategy != "rt" && b.Hi-b.Lo != s.N {
			t.Errorf("%+v: a block of %d columns", o, b.Hi-b.Lo)
		}
		before := map[string]bool{}
		begin := map[string]int{} // columns with a term that begins with rows
		for _, st := range b.Steps {
			longest := map[string]int{"rt": 1, "4r": o.Group, "perm": 3}[o.Strategy]
			if o.Pairs {
				longest = 3
			}
			if len(st.Rows) > longest || len(st.Uses) == 0 {
				t.Errorf("%+v: term %v for %d columns", o, st.Rows, len(st.Uses))
			}
			for i := range st.Rows {
				begin[fmt.Sprint(st.Rows[:i+1])] += len(st.Uses)
			}
			key := fmt.Sprint(st.Rows)
			if o.Strategy == "rt" && !o.Pairs {
				key += fmt.Sprint(st.Uses[0].Negative())
			}
			if before[key] {
				t.Errorf("%+v: term %v twice", o, st.Rows)
			}
			before[key] = true
		}
		for _, st := range b.Steps {
			for i := range st.Rows {
				if n := begin[fmt.Sprint(st.Rows[:i+1])]; o.Strategy == "rt" && i > 0 && n < 2 {
					t.Errorf("%+v: the sum of rows %v for %d columns", o, st.Rows[:i+1], n)
				}
			}
		}
	}
}

// lanes are rows of one lane.
func lanes(x []float32) [][]float32 {
	out := make([][]float32, len(x))
	for i := range x {
		out[i] = x[i : i+1]
	}
	return out
}

// A block of all rows without pairs adds in the order of strategy "".
func TestTilesAsLoop(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	w := randomTernary(r, 40, 50, .4)
	x := make([]float32, 40)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	acc := make([]float32, 50)
	Order{Strategy: "rt", Columns: 7}.Schedule(w, 40, 50).sum(lanes(x), lanes(acc))
	for j, got := range acc {
		want := []float32{0}
		if plusThenMinus(lanes(x), want, w[j:], 50); got != want[0] {
			t.Errorf("column %d: %x, want %x", j, got, want)
		}
	}
}

// Three rows that four columns have with two relations: they use the sum of two of them, which three columns begin with,
// and the sum and the difference of that and the third.
func TestSumOfThree(t *testing.T) {
	w := []int8{
		1, -1, 1, 1, 0,
		1, -1, 1, 1, 0,
		1, -1, -1, -1, 1,
	}
	s := Order{Strategy: "rt", Columns: 5, Pairs: true}.Schedule(w, 3, 5)
	const want = `columns 0-5 rows 0-3
 +0 +1 +2 : +0 -1
 +0 +1 -2 : +2 +3
 +2 : +4
`
	if got := s.lines(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := s.Blocks[0].Sums, []Sum{{0, 1, false}, {3, 2, false}, {3, 2, true}}; !reflect.DeepEqual(got, want) {
		t.Errorf("sums %v, want %v", got, want)
	}
	if n := s.Adds(); n != 8 {
		t.Errorf("%d additions, want 5 uses and 3 sums", n)
	}
}

// Pairs save additions: of a half full matrix about a third.
func TestPairsSave(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	w := randomTernary(r, 64, 64, .5)
	plain := Order{Strategy: "rt", Columns: 20}.Schedule(w, 64, 64).Adds()
	pairs := Order{Strategy: "rt", Columns: 20, Pairs: true}.Schedule(w, 64, 64).Adds()
	nz := 0
	for _, v := range w {
		nz += int(v) * int(v)
	}
	if plain != nz {
		t.Errorf("%d additions without pairs for %d weights", plain, nz)
	}
	t.Logf("%d additions, with pairs %d", plain, pairs)
	if pairs*100 > plain*67 {
		t.Errorf("pairs leave %d of %d additions", pairs, plain)
	}
}

func TestBadOrders(t *testing.T) {
	const graph = `g (float[1,2] X) => (float[1,1] Y) {
  W = Constant<value=int8[2,1] {1,1}>()
  S = Constant<value=float[1] {1}>()
  Y = sbtc.Linear<kind="ternary", %s>(X, W, S, "")
}`
	for order, want := range map[string]string{
		`strategy="rt"`:                      "0 columns",
		`strategy="rt", columns=65`:          "65 columns",
		`strategy="4r", group=8`:             "8 rows",
		`strategy="4r", group=4, pairs=1`:    "does not have",
		`strategy="perm", group=3`:           "does not have",
		`depth=3`:                            "does not have",
		`strategy="rt", columns=2, depth=-1`: "does not have",
		`strategy="jit"`:                     "jit",
	} {
		if _, err := ir.Parse("bad", fmt.Sprintf(graph, order), New); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", order, err, want)
		}
	}
}

func BenchmarkSchedule(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	w := randomTernary(r, 512, 2048, .35)
	for _, o := range []Order{{Strategy: "rt", Columns: 20, Pairs: true}, {Strategy: "rt", Columns: 20, Depth: 64, Pairs: true}, {Strategy: "4r", Depth: 64, Group: 4}} {
		b.Run(fmt.Sprintf("%+v", o), func(b *testing.B) {
			for b.Loop() {
				o.Schedule(w, 512, 2048)
			}
		})
	}
}

func TestTooManyTerms(t *testing.T) {
	for _, c := range []struct {
		order Order
		k     int
		ok    bool
	}{
		{Order{Strategy: "perm"}, 7560, true},
		{Order{Strategy: "perm"}, 7564, false},
		{Order{Strategy: "perm", Depth: 600}, 60000, true},
		{Order{Strategy: "4r", Group: 7}, 210, false},
		{Order{Strategy: "rt", Columns: 20}, 32768, true},
		{Order{Strategy: "rt", Columns: 20}, 32769, false},
		{Order{Strategy: "rt", Columns: 20, Pairs: true}, 2978, true},
		{Order{Strategy: "rt", Columns: 20, Pairs: true}, 2979, false},
	} {
		if err := c.order.check(c.k); (err == nil) != c.ok {
			t.Errorf("%+v for %d rows: %v", c.order, c.k, err)
		}
	}
}
