package op_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/internal/suite"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/passes"
)

var cases = flag.String("cases", "", "regular expression of the cases of the ONNX suite to run; they are not left out where they are not supported")

// TestSuite runs the node tests of ONNX by the interpreter, as they are and lowered, and compares with what was
// recorded. Models that use what is not supported are left out.
func TestSuite(t *testing.T) {
	models := suite.Models(t)
	skip, err := os.ReadFile("../../testdata/onnx/skip.txt")
	if err != nil {
		t.Fatal(err)
	}
	re, ran := regexp.MustCompile(*cases), 0
	for _, path := range models {
		name := filepath.Base(filepath.Dir(path))
		if !re.MatchString(name) || strings.Contains(string(skip), "\n"+name+"\t*\t") {
			continue
		}
		err := runCase(path)
		if err != nil && *cases == "" && leftOut.MatchString(err.Error()) {
			continue
		}
		ran++
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("%d of %d cases ran", ran, len(models))
}

var leftOut = regexp.MustCompile("not supported|depends on run-time values")

func runCase(path string) error {
	g, err := frontend.Load(path)
	if err != nil {
		return err
	}
	sets, err := frontend.ReadCase(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, set := range sets {
		if err := recorded(g, set); err != nil {
			return err
		}
	}
	if err := passes.Fixpoint(g, passes.Portable, passes.Options{}); err != nil {
		return err
	}
	if err := passes.Run(g, passes.Target[:1], passes.Options{}); err != nil {
		return err
	}
	for _, set := range sets {
		if err := recorded(g, set); err != nil {
			return fmt.Errorf("lowered: %w", err)
		}
	}
	return nil
}

// recorded compares the results of g with those of a data set.
func recorded(g *ir.Graph, set frontend.DataSet) error {
	var in []*ir.Tensor
	for _, x := range set.Inputs {
		in = append(in, x.Tensor)
	}
	got, err := g.Eval(in)
	if err != nil {
		return err
	}
	for i, want := range set.Outputs {
		if err := near(got[i], want.Tensor); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

// near allows what the ONNX suite allows: 1e-7 + 1e-3 times the recorded value.
func near(got, want *ir.Tensor) error {
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("got %v, want %v", got.Type(), want.Type())
	}
	if !want.DType.IsFloat() {
		return ir.Agree(got, want, ir.Compiled)
	}
	x := got.Floats()
	for i, w := range want.Floats() {
		if x[i] != w && !(x[i] != x[i] && w != w) && !(math.Abs(x[i]-w) <= 1e-7+1e-3*math.Abs(w)) {
			return fmt.Errorf("element %d is %v, want %v", i, x[i], w)
		}
	}
	return nil
}
