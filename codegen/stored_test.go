package codegen

import (
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

func lowGraph(t *testing.T, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse("test", text, low.New)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// In size mode ternary weights come within 2 % of the entropy of their density, and of 5 bytes, at every density.
func TestSizeOfTernaryWeights(t *testing.T) {
	t.Logf("%9s %7s %7s %9s %9s %11s", "shape", "density", "bytes", "entropy", "times", "bits/weight")
	for _, shape := range [][2]int{{76, 76}, {76, 256}, {256, 76}, {512, 2048}} {
		for _, density := range []float64{0.01, 0.05, 0.1, 0.25, 0.38, 0.5, 0.75, 0.9, 1} {
			k, n := shape[0], shape[1]
			g := lowGraph(t, fmt.Sprintf(`
g (float[1,%[1]d] X) => (float[1,%[2]d] Y) {
  W = sbtc.Rand<dtype="int8", shape=[%[1]d,%[2]d], seed=1, density=%[3]g, alpha=1>()
  S = sbtc.Rand<shape=[%[2]d], seed=2>()
  Y = sbtc.Linear<kind="ternary">(X, W, S, "")
}`, k, n, density))
			list, err := Storage(g, Options{Mode: Size})
			if err != nil {
				t.Fatal(err)
			}
			nonzero := 0
			for _, v := range ir.Data[int8](g.Nodes[0].In[1].Const) {
				nonzero += int(v * v)
			}
			// log2 of the number of matrices with so many nonzero weights
			cells := float64(k * n)
			choose := lgamma(cells+1) - lgamma(float64(nonzero)+1) - lgamma(cells-float64(nonzero)+1)
			bound := (choose/math.Ln2 + float64(nonzero)) / 8
			got := list[0]
			t.Logf("%4dx%-4d %7g %7d %9.0f %9.1f %11.4f", k, n, density, got.Bytes, bound, 4*cells/float64(got.Bytes), 8*float64(got.Bytes)/cells)
			if got.Form != "ternary" || got.NonZeros != nonzero {
				t.Errorf("%v at %g: stored as %+v, want %d nonzeros", shape, density, got, nonzero)
			}
			if float64(got.Bytes) > 1.02*bound+5 {
				t.Errorf("%v at %g: %d bytes, want %.0f and at most 2 %% more", shape, density, got.Bytes, bound)
			}
		}
	}
}

func lgamma(x float64) float64 {
	y, _ := math.Lgamma(x)
	return y
}

// The zeros beside diagonal blocks take no room: a matrix of two blocks is as large as one with the blocks side by side.
func TestSizeOfDiagonalBlocks(t *testing.T) {
	const k, n = 76, 38
	state := uint32(1)
	together, apart := make([]int8, k*2*n), make([]int8, 2*k*2*n)
	for i := range together {
		state = state*1664525 + 1013904223
		if state>>30 == 0 {
			together[i] = int8(state>>28&2) - 1
		}
		row, col := i/(2*n), i%(2*n)
		apart[(row+col/n*k)*2*n+col] = together[i]
	}
	one, _ := patternOf(together, k, 2*n, true)
	two, _ := patternOf(apart, 2*k, 2*n, true)
	if one.blocks != 1 || two.blocks != 2 {
		t.Fatalf("%d and %d blocks found, want 1 and 2", one.blocks, two.blocks)
	}
	if string(one.gaps()) != string(two.gaps()) || string(one.bitmap()) != string(two.bitmap()) {
		t.Errorf("%d bytes in two blocks, %d side by side, of other content", len(two.gaps()), len(one.gaps()))
	}
}

// Constants of few different elements hold these and an index of 1, 2, 4 or 8 bits for each element.
func TestSizeOfFewElements(t *testing.T) {
	g := lowGraph(t, `
g (float[3,40] X, int32[2,400] I, float[5,40] D) => (float[3,40] Y, int32[2,400] J, float[5,40] Z, float[3,40] E) {
  A = sbtc.Rand<shape=[3,40], seed=1, density=0.5, alpha=2>()
  B = sbtc.Rand<dtype="int32", shape=[2,400], seed=2>()
  C = Constant<value=float[1] {2}>()
  M = sbtc.Rand<dtype="bool", shape=[5,40], seed=3>()
  F = sbtc.Rand<shape=[3,40], seed=4>()
  Y = sbtc.Map<expr="mul(x0,x1)">(X, A)
  J = sbtc.Map<expr="add(x0,x1)">(I, B)
  Z = sbtc.Map<expr="where(x0,x1,x2)">(M, D, C)
  E = sbtc.Map<expr="mul(x0,x1)">(X, F)
}`)
	list, err := Storage(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, s := range list {
		got[fmt.Sprint(s.Form, s.Shape)] = s.Bytes
	}
	want := map[string]int{
		"indexed[3 40]":  3*4 + 120*2/8,
		"indexed[5 40]":  2*1 + 200*1/8,
		"indexed[2 400]": 16*4 + 800*4/8,
		"plain[1]":       4,
		"plain[3 40]":    480,
	}
	if !maps.Equal(got, want) {
		t.Errorf("bytes by form and shape: %v, want %v", got, want)
	}
}

// damage is a test of a generated package whose weights.bin is not what was written.
const damage = `package damaged

import "testing"

func TestDamage(t *testing.T) {
	whole := weightsBin
	if _, err := loadWeights(); err != nil {
		t.Fatal(err)
	}
	refused := func(s, what string, i int) {
		t.Helper()
		weightsBin = s
		if w, err := loadWeights(); err == nil || w != nil {
			t.Errorf("%s %d: no error", what, i)
		}
	}
	for i := range len(whole) {
		refused(whole[:i], "cut to", i)
		b := []byte(whole)
		b[i] ^= 1 << (i % 8)
		refused(string(b), "changed at", i)
	}
	refused(whole+"\x00", "longer", 1)
	if m, err := New(); err == nil || m != nil {
		t.Error("New: no error")
	}
}
`

func TestDamagedWeights(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), []byte("module damaged\n\ngo 1.22\n"))
	g := lowGraph(t, `
g (float[2,30] X) => (float[2,20] Y, float[2,20] Z) {
  W = sbtc.Rand<dtype="int8", shape=[30,20], seed=1, density=0.3, alpha=1>()
  V = sbtc.Rand<shape=[30,20], seed=2, density=0.3>()
  S = sbtc.Rand<shape=[20], seed=3>()
  Y = sbtc.Linear<kind="ternary">(X, W, S, "")
  Z = sbtc.Linear<kind="sparse">(X, V, S)
}`)
	for mode, name := range Modes {
		out, err := Generate(g, Options{Package: "damaged", Model: "damaged.onnx", Version: "test", Mode: Mode(mode)})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			write(t, filepath.Join(dir, name, o.Name), o.Data)
		}
		write(t, filepath.Join(dir, name, "damage_test.go"), []byte(damage))
	}
	cmd := exec.Command("go", "test", "-run", "TestDamage", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
