package check

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// A Sample is a compiled model with inputs to run it on.
type Sample struct {
	Compiled *Compiled
	File     string // path of the model's file
	Options  Options
	In       []*ir.Tensor // in the order of the graph
	From     string       // where the inputs come from
}

// NewSample compiles the model at path, a file or a Case's folder. Its inputs are the given arrays by name, else the
// first recorded run of the case, else random ones that seed fixes. What inputs there are fix the open dimensions,
// unless opt does.
func NewSample(path string, opt Options, given map[string]*ir.Tensor, seed int) (*Sample, error) {
	s := &Sample{File: path, Options: opt}
	c, isCase := CaseAt(path)
	var groups []group
	if isCase {
		s.File = c.Model()
		if given == nil {
			var err error
			if groups, err = c.groups(opt); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case opt.Dims != nil:
	case given != nil:
		s.Options.Dims = DimsOf(given)
	case groups != nil:
		s.Options.Dims = groups[0].dims
	}
	var err error
	if s.Compiled, err = Compile(s.File, s.Options); err != nil {
		return nil, err
	}
	want := s.Compiled.In
	switch {
	case given != nil:
		s.From = "given inputs"
		s.In, err = Bind("input", given, want)
	case groups != nil:
		s.From = groups[0].sets[0].Name
		s.In, err = assign("input", groups[0].sets[0].Inputs, want)
		if err == nil && !slices.EqualFunc(s.In, want, fits) { // recorded with other dimensions
			s.From, s.In = "", nil
		}
	}
	if err == nil && s.In == nil {
		s.From = "random inputs"
		s.In, err = randomInputs(want, seed)
	}
	if err != nil {
		return nil, inFile(path, err)
	}
	return s, nil
}

func fits(t *ir.Tensor, v *ir.Value) bool {
	return t.DType == v.Type.DType && slices.Equal(t.Shape, v.Type.Shape)
}

// SameBits reports where two tensors are not the same bits; two NaN are the same.
func SameBits(got, want *ir.Tensor) error { return sameBits(got, want) }
