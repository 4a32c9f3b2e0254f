package check

import (
	"strings"
	"testing"
	"time"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
)

// fake is a package with the API of a compiled one whose Run does what body says.
func fake(t *testing.T, body string) *Compiled {
	t.Helper()
	g, err := ir.Parse("model", "g (float[2] x) => (float[2] y) { y = Identity(x) }", op.New)
	if err != nil {
		t.Fatal(err)
	}
	return &Compiled{Graph: g, In: g.In, Out: g.Out, Each: 1, Samples: 1, Package: "fake", Files: []codegen.File{{Name: "model.go", Data: []byte(`package fake

import (
	"errors"
	"os"
)

var _, _ = errors.New, os.Exit

type Inputs struct{ X []float32 }
type Outputs struct{ Y []float32 }
type Model struct{ calls int }
type Option func(*Model)

func New(opts ...Option) (*Model, error) { return &Model{}, nil }
func (m *Model) Close() error            { return nil }
func (m *Model) Run(in *Inputs, out *Outputs) error {
	m.calls++
	` + body + `
	return nil
}
`)}}}
}

// Whatever a package does, the others run and the fault is told.
func TestProgram(t *testing.T) {
	bodies := []struct{ name, body, want string }{
		{"good", "copy(out.Y, in.X)", ""},
		{"instance", "out.Y[0], out.Y[1] = float32(m.calls), in.X[1]", ""},
		{"error", `return errors.New("no such row")`, "no such row"},
		{"panic", "out.Y[len(in.X)] = 1", "index out of range"},
		{"goroutine", "done := make(chan bool); go func() { panic(\"far away\") }(); <-done", "far away"},
		{"exit", "os.Exit(5)", "ended its process"},
		{"wrong length", "out.Y = out.Y[:1]", "1 elements"},
		{"broken", "return 5", "does not build"},
		{"slow", "for { m.calls++ }", "takes more than"},
		{"greedy", "var keep [][]byte\nfor { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; keep = append(keep, b) }\n_ = keep", "MiB of memory"},
	}
	packages := make([]*Compiled, len(bodies))
	for i, b := range bodies {
		packages[i] = fake(t, b.body)
	}
	p, err := Build(packages, Native)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.limit, p.memory = 20*time.Second, 256<<20
	in := []*ir.Tensor{ir.Of(ir.Float32, []int{2}, []float32{1, 2})}
	for i, b := range bodies {
		for range 2 { // the second time, the process may be a new one
			if b.name == "slow" {
				p.limit = time.Second
			}
			out, err := p.Run(i, in)
			p.limit = 20 * time.Second
			switch {
			case b.want == "" && err != nil:
				t.Errorf("%s: %v", b.name, err)
			case b.want != "" && (err == nil || !strings.Contains(err.Error(), b.want)):
				t.Errorf("%s: %v, want %q", b.name, err, b.want)
			case b.name == "good" && ir.Agree(out[0], in[0], ir.Tolerance{}) != nil:
				t.Errorf("good: %v", ir.Data[float32](out[0]))
			}
		}
	}
	// An instance lives on from run to run.
	for want := range 3 {
		out, err := p.Run(1, in)
		if err != nil || ir.Data[float32](out[0])[0] != float32(want+1) {
			t.Errorf("run %d of an instance: %v, %v", want, out, err)
		}
	}
}
