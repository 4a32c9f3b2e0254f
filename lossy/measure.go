package lossy

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/sbtc-go/sbtc/ir"
)

// Data is samples to measure on. Each run of the model takes one element of In.
type Data struct {
	In      [][]*ir.Tensor // inputs in the order of the graph's
	Targets [][]*ir.Tensor // what the outputs should be, nil for an output without targets; nil if there are none at all
	Labels  []int64        // classes, those of one run after those of another; nil if there are none
}

// Metric is how good outputs are.
type Metric struct {
	Accuracy *float64 `json:"accuracy,omitempty"` // share of the labels that are met
	MSE      *float64 `json:"mse,omitempty"`      // mean squared difference from the targets
	MAE      *float64 `json:"mae,omitempty"`      // mean absolute difference from the targets
}

// meter runs a graph on data.
type meter struct {
	g        *ir.Graph
	data     *Data
	original [][]*ir.Tensor // outputs before any change, by run
	labelled int            // output that the labels are for, -1 if none
	done     func()         // called after each run
}

// measured is what a graph gives.
type measured struct {
	Error float64 // the largest relative error of any output
	Metric
}

func newMeter(g *ir.Graph, data *Data, done func()) (*meter, error) {
	m := &meter{g: g, data: data, labelled: -1, done: done}
	if data.Labels == nil {
		return m, nil
	}
	for i, v := range g.Out {
		if v.Type.Static() && classes(v.Type) && len(data.Labels) == len(data.In)*rowsOf(v.Type) {
			m.labelled = i
			return m, nil
		}
	}
	return nil, fmt.Errorf("%d labels for %d runs of the model: no output has so many rows of classes", len(data.Labels), len(data.In))
}

// classes reports whether an output can be compared with labels: it holds scores of classes, or classes.
func classes(t ir.Type) bool { return t.DType.IsInt() || t.DType.IsFloat() && t.Features() > 1 }

func rowsOf(t ir.Type) int {
	if t.DType.IsInt() {
		return t.Len()
	}
	return t.Rows()
}

// each runs f on all runs, several at once, and returns the first error.
func (m *meter) each(f func(run int) error) error {
	errs := make([]error, len(m.data.In))
	next := make(chan int)
	var wait sync.WaitGroup
	var lock sync.Mutex
	for range min(runtime.GOMAXPROCS(0), len(errs)) {
		wait.Go(func() {
			for i := range next {
				errs[i] = f(i)
				lock.Lock()
				m.done()
				lock.Unlock()
			}
		})
	}
	for i := range errs {
		next <- i
	}
	close(next)
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("run %d on calibration data: %w", i, err)
		}
	}
	return nil
}

// start runs the graph before any change: the metric, and for every change the relative error that it alone makes in
// the result of its layer.
func (m *meter) start(list []*change) (measured, []float64, error) {
	m.original = make([][]*ir.Tensor, len(m.data.In))
	layers := make([][]sums, len(list))
	for i := range layers {
		layers[i] = make([]sums, len(m.data.In))
	}
	err := m.each(func(run int) (err error) {
		m.original[run], err = m.layers(run, list, func(i int, s sums) { layers[i][run] = s })
		return err
	})
	if err != nil {
		return measured{}, nil, err
	}
	alone := make([]float64, len(list))
	for i, runs := range layers {
		var s sums
		for _, r := range runs {
			s.plus(r)
		}
		alone[i] = s.relative()
	}
	return m.judge(m.original), alone, nil
}

// layers runs the graph once and compares what each layer gives with what its new weights would, of the same operand.
func (m *meter) layers(run int, list []*change, tell func(i int, s sums)) ([]*ir.Tensor, error) {
	operands := map[*ir.Value]*ir.Tensor{}
	of := map[*ir.Value]int{}
	for i, c := range list {
		operands[c.node.In[0]] = nil
		of[c.node.Out[0]] = i
	}
	for i, v := range m.g.In {
		operands[v] = m.data.In[run][i]
	}
	var failed error
	out, err := m.g.EvalEach(m.data.In[run], func(v *ir.Value, t *ir.Tensor) {
		if _, ok := operands[v]; ok {
			operands[v] = t
		}
		i, ok := of[v]
		if !ok {
			return
		}
		c := list[i]
		got, err := c.node.Op.Eval([]*ir.Tensor{operands[c.node.In[0]], c.new.Const})
		if err != nil {
			failed = err
			return
		}
		var s sums
		s.add(got[0], t)
		tell(i, s)
	})
	if err == nil {
		err = failed
	}
	return out, err
}

// measure runs the graph as it is now.
func (m *meter) measure() (measured, error) {
	out := make([][]*ir.Tensor, len(m.data.In))
	err := m.each(func(run int) (err error) {
		out[run], err = m.g.Eval(m.data.In[run])
		return err
	})
	if err != nil {
		return measured{}, err
	}
	return m.judge(out), nil
}

// judge compares outputs with those before any change, with targets and with labels.
func (m *meter) judge(out [][]*ir.Tensor) measured {
	var r measured
	var target sums
	for i := range m.g.Out {
		var s sums
		for run := range out {
			s.add(out[run][i], m.original[run][i])
			if m.data.Targets != nil && m.data.Targets[run][i] != nil {
				target.add(out[run][i], m.data.Targets[run][i])
			}
		}
		r.Error = max(r.Error, s.relative())
	}
	if target.count > 0 {
		mse, mae := target.squares/target.count, target.absolute/target.count
		r.MSE, r.MAE = &mse, &mae
	}
	if m.labelled >= 0 {
		met, at := 0, 0
		for run := range out {
			for _, class := range classesOf(out[run][m.labelled]) {
				if class == m.data.Labels[at] {
					met++
				}
				at++
			}
		}
		accuracy := float64(met) / float64(at)
		r.Accuracy = &accuracy
	}
	return r
}

// classesOf is the class of every row: the place of the largest score, or what the output says itself.
func classesOf(t *ir.Tensor) []int64 {
	if t.DType.IsInt() {
		return t.Ints()
	}
	x, n := t.Floats(), t.Type().Features()
	out := make([]int64, 0, len(x)/n)
	for row := 0; row < len(x); row += n {
		at := 0
		for i, v := range x[row : row+n] {
			if v > x[row+at] {
				at = i
			}
		}
		out = append(out, int64(at))
	}
	return out
}

// loss is what Request.MaxLoss bounds: with labels the accuracy that is lost, with targets the growth of the mean
// squared difference, relative to what it was, else the relative error.
func loss(before, after measured) float64 {
	switch {
	case after.Accuracy != nil:
		return *before.Accuracy - *after.Accuracy
	case after.MSE != nil:
		return ratio(*after.MSE-*before.MSE, *before.MSE)
	}
	return after.Error
}

// finiteOrMax is x, or the largest number for what JSON has no text for.
func finiteOrMax(x float64) float64 {
	if math.IsNaN(x) || x > math.MaxFloat64 {
		return math.MaxFloat64
	}
	return x
}
