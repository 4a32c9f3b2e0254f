package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/lossy"
)

// A Lossy changes weights of a model where somebody asks for it. The first graph is measured; what was decided on it is
// repeated for every other one of the same model.
type Lossy struct {
	lossy.Request
	Calibration map[string]*ir.Tensor // arrays by name, see calibrate; nil: nothing is measured
	Progress    func(done, total int) // may be nil
	Report      func(r *lossy.Report) // called once; may be nil
	done        *lossy.Report
	// The weights of the layers before and after, once that is decided.
	before, after []*ir.Tensor
}

// change changes g, a graph of ONNX operators.
func (l *Lossy) change(g *ir.Graph) error {
	if l.after != nil {
		return lossy.Repeat(g, l.before, l.after)
	}
	var data *lossy.Data
	var err error
	if l.Calibration != nil {
		if data, err = calibrate(l.Calibration, g); err != nil {
			return fmt.Errorf("calibration data: %w", err)
		}
	}
	before := lossy.Weights(g)
	r, err := l.Run(g, data, l.Progress)
	if err != nil {
		return err
	}
	l.done, l.before, l.after = r, before, lossy.Weights(g)
	if l.Report != nil {
		l.Report(r)
	}
	return nil
}

// labels is the name of the array of class labels in calibration data.
const labels = "labels"

// calibrate makes runs of a graph of arrays that have its inputs' names, targets under the names of outputs and
// labels, int64 [N]. An array holds N samples along an axis before those of the value, or, as batches are, along the
// first axis of the value. The error lists all that is missing or does not fit.
func calibrate(arrays map[string]*ir.Tensor, g *ir.Graph) (*lossy.Data, error) {
	c := &calibration{arrays: arrays, used: map[string]bool{}}
	in, out := make([][]*ir.Tensor, len(g.In)), make([][]*ir.Tensor, len(g.Out))
	for i, v := range g.In {
		if in[i] = c.runs(v); in[i] == nil && arrays[v.Name] == nil {
			c.fault("samples of input %q (%v) are missing", v.Name, v.Type)
		}
	}
	targets := false
	for i, v := range g.Out {
		out[i] = c.runs(v)
		targets = targets || out[i] != nil
	}
	data := &lossy.Data{}
	if t := arrays[labels]; t != nil && !c.used[labels] {
		c.used[labels] = true
		if !t.DType.IsInt() || len(t.Shape) != 1 {
			c.fault("%q is %v, wanted int64[N]", labels, t.Type())
		} else {
			data.Labels = t.Ints()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		if !c.used[name] {
			c.fault("the model has no input or output %q", name)
		}
	}
	if len(g.In) == 0 {
		c.fault("the model has no inputs")
	}
	if c.faults != nil {
		return nil, fmt.Errorf("%s", strings.Join(c.faults, "\n"))
	}
	for run := range c.n {
		data.In = append(data.In, column(in, run))
		if targets {
			data.Targets = append(data.Targets, column(out, run))
		}
	}
	return data, nil
}

// column is run's element of every list, nil of one that is nil.
func column(lists [][]*ir.Tensor, run int) []*ir.Tensor {
	x := make([]*ir.Tensor, len(lists))
	for i, l := range lists {
		if l != nil {
			x[i] = l[run]
		}
	}
	return x
}

type calibration struct {
	arrays map[string]*ir.Tensor
	used   map[string]bool
	faults []string
	n      int    // runs
	of     string // the array that says so
}

func (c *calibration) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// runs splits the array of v; nil if there is none or it does not fit.
func (c *calibration) runs(v *ir.Value) []*ir.Tensor {
	t := c.arrays[v.Name]
	if t == nil {
		return nil
	}
	c.used[v.Name] = true
	t, err := npz.Convert(t, v.Type.DType)
	if err != nil {
		c.fault("%q: %v", v.Name, err)
		return nil
	}
	list, err := split(t, v.Type)
	switch {
	case err != nil:
		c.fault("%q: %v", v.Name, err)
	case c.of == "":
		c.n, c.of = len(list), v.Name
	case len(list) != c.n:
		c.fault("%q has samples for %d runs of the model, %q for %d", v.Name, len(list), c.of, c.n)
	}
	return list
}

// split cuts an array of samples into values of type want.
func split(t *ir.Tensor, want ir.Type) ([]*ir.Tensor, error) {
	fits := func(shape, want []int) bool {
		return slices.EqualFunc(shape, want, func(d, w int) bool { return d == w || w < 0 })
	}
	shape := t.Shape
	if len(shape) == 0 || want.NoRank {
		return nil, fmt.Errorf("samples of type %v cannot be taken from %v", want, t.Type())
	}
	n := shape[0]
	var each []int
	switch {
	case fits(shape[1:], want.Shape):
		each = shape[1:]
	case len(want.Shape) > 0 && len(shape) == len(want.Shape) && fits(shape[1:], want.Shape[1:]):
		batch := max(1, want.Shape[0])
		if n%batch != 0 {
			return nil, fmt.Errorf("%d samples are no multiple of the %d that the model takes at once; leave some out or give another --dim", n, batch)
		}
		n /= batch
		each = append([]int{batch}, shape[1:]...)
	default:
		return nil, fmt.Errorf("the array is %v, wanted samples of %v along an axis before its axes, or along the first of these", t.Type(), want)
	}
	if n == 0 {
		return nil, fmt.Errorf("no samples")
	}
	list := make([]*ir.Tensor, n)
	for run := range list {
		list[run] = t.Gather(each, func(i int) int { return run*ir.Size(each) + i })
	}
	return list, nil
}
