package check

import (
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
)

// TestSizeOfSMD compiles the paper's model for the server machine dataset in size mode and holds the size of its weights
// to what the density of the ternary matrices allows.
func TestSizeOfSMD(t *testing.T) {
	for _, c := range []struct {
		density       float64
		ternary, both float64 // times that the ternary weights, and all weights, are smaller than float32 ones at least
	}{
		{0.25, 29.5, 26},
		{0.10, 55, 40},
	} {
		path := shapeFile(t, "smd", c.density)
		m, err := Load(path, Imported, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// The dense model has the matrices and biases; the positions are a table in both.
		dense, weights, bound, positions := 0, 0, 0.0, 0
		for _, v := range m.Graph.Consts() {
			switch s := v.Const.Shape; {
			case v.Name == "encoder.pe":
				positions = 4 * v.Const.Len()
			case len(s) == 2 && v.Const.DType == ir.Float32: // a ternary matrix
				n, nonzero := float64(v.Const.Len()), 0.0
				for _, x := range v.Const.Floats() {
					if x != 0 {
						nonzero++
					}
				}
				d := nonzero / n
				bound += n * (d - d*math.Log2(d) - (1-d)*math.Log2(1-d)) / 8
				dense += 4 * v.Const.Len()
				weights += 4 * v.Const.Len()
			case len(s) == 1 && v.Const.DType == ir.Float32: // a bias
				dense += 4 * v.Const.Len()
			}
		}
		p, err := Compile(path, Options{Mode: codegen.Size})
		if err != nil {
			t.Fatal(err)
		}
		list, err := codegen.Storage(p.Graph, codegen.Options{Mode: codegen.Size})
		if err != nil {
			t.Fatal(err)
		}
		ternary := 0
		for _, s := range list {
			if s.Form == "ternary" {
				ternary += s.Bytes
			}
		}
		all := 0
		for _, f := range p.Files {
			if f.Name == "weights.bin" {
				all = len(f.Data) - positions
			}
		}
		t.Logf("density %g: ternary %d bytes, entropy %.0f, float32 %d: %.1f times; weights.bin without %d bytes of positions %d bytes, float32 %d: %.1f times",
			c.density, ternary, bound, weights, float64(weights)/float64(ternary), positions, all, dense, float64(dense)/float64(all))
		if x := float64(ternary); x > 1.02*bound || float64(weights) < c.ternary*x {
			t.Errorf("density %g: %d bytes of ternary weights, want %.0f, at most 2 %% more, and %g times less than %d", c.density, ternary, bound, c.ternary, weights)
		}
		if float64(dense) < c.both*float64(all) {
			t.Errorf("density %g: %d bytes of weights, want %g times less than %d", c.density, all, c.both, dense)
		}
	}
}

// shapeFile writes a model of the paper with random weights of the given density; it needs Python with numpy and onnx.
func shapeFile(t *testing.T, name string, density float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".onnx")
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		cmd := exec.Command(python, "-m", "train.shapes", "--name", name, "--density", strconv.FormatFloat(density, 'g', -1, 64), "--out", path)
		cmd.Dir = ".."
		if cmd.Run() == nil {
			return path
		}
	}
	t.Skip("no Python with numpy and onnx")
	return ""
}
