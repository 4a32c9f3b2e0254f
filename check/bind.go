package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/ir"
)

// Bind finds the array of each value of a graph by name, as the value's element type. The error lists all that is
// missing or does not fit.
func Bind(kind string, arrays map[string]*ir.Tensor, values []*ir.Value) ([]*ir.Tensor, error) {
	out := make([]*ir.Tensor, len(values))
	known := map[string]bool{}
	var wrong []string
	for i, v := range values {
		known[v.Name] = true
		t, ok := arrays[v.Name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s %q (%v) is missing", kind, v.Name, v.Type))
			continue
		}
		t, err := npz.Convert(t, v.Type.DType)
		if err == nil {
			_, err = ir.Refine(t.Type(), ir.Type{DType: v.Type.DType, Shape: v.Type.Shape, NoRank: v.Type.NoRank})
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s %q: %v", kind, v.Name, err))
		}
		out[i] = t
	}
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		if !known[name] {
			wrong = append(wrong, fmt.Sprintf("the model has no %s %q", kind, name))
		}
	}
	if wrong != nil {
		return nil, fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	return out, nil
}

// SamplesOf is the length of the first axis that all arrays have in common, 0 if there is none.
func SamplesOf(arrays map[string]*ir.Tensor) int {
	n := 0
	for _, t := range arrays {
		if len(t.Shape) == 0 || n > 0 && t.Shape[0] != n {
			return 0
		}
		n = t.Shape[0]
	}
	return n
}

// DimsOf returns the lengths of all axes of the arrays as Options.Dims takes them.
func DimsOf(arrays map[string]*ir.Tensor) []string {
	var dims []string
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		for axis, n := range arrays[name].Shape {
			if n > 0 {
				dims = append(dims, fmt.Sprintf("%s:%d=%d", name, axis, n))
			}
		}
	}
	return dims
}
