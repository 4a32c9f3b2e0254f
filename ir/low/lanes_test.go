package low

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/ir"
)

// TestInLanes computes samples in lanes, and each by itself.
func TestInLanes(t *testing.T) {
	files, err := filepath.Glob("../../testdata/codegen/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	forms, rows := 0, 0
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range a.Files {
			g, err := ir.Parse(f+":"+s.Name, string(s.Data), New)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{ir.Lanes, 40} {
				all, err := InLanes(g, n)
				if err != nil {
					t.Logf("%s: %v", s.Name, err)
					continue
				}
				if err := all.Check(); err != nil {
					t.Errorf("%s: %v", s.Name, err)
					continue
				}
				if forms++; n != ir.Lanes {
					rows++
				}
				sameInLanes(t, s.Name, g, all, n)
			}
		}
	}
	if forms < 10 || rows < 1 {
		t.Errorf("%d graphs have a form for lanes, %d for single rows", forms, rows)
	}
}

func sameInLanes(t *testing.T, name string, g, all *ir.Graph, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	in := make([]*ir.Tensor, len(all.In))
	for i, v := range all.In {
		x := make([]float32, v.Type.Len())
		for j := range x {
			x[j] = float32(r.NormFloat64())
		}
		in[i] = ir.Of(ir.Float32, v.Type.Shape, x)
	}
	out, err := all.Eval(in)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for k := range n {
		one := make([]*ir.Tensor, len(in))
		for i, v := range g.In {
			one[i] = in[i].Gather(v.Type.Shape, func(j int) int { return k*v.Type.Len() + j })
		}
		want, err := g.Eval(one)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, w := range want {
			got := ir.Data[float32](out[i])[k*w.Len():][:w.Len()]
			for j, v := range ir.Data[float32](w) {
				if math.Float32bits(v) != math.Float32bits(got[j]) && (v == v || got[j] == got[j]) {
					t.Errorf("%s: output %d of sample %d: element %d is %v, want %v", name, i, k, j, got[j], v)
					return
				}
			}
		}
	}
}
