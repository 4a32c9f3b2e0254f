package lossy

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
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
	lock     sync.Mutex
	done     func() // called after each evaluation
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
	for range min(runtime.GOMAXPROCS(0), len(errs)) {
		wait.Go(func() {
			for i := range next {
				errs[i] = protect(func() error { return f(i) })
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

// protect makes an error of a panic, which would end the program where it is not that of the caller.
func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &ir.BugError{Where: "measuring", Panic: r, Stack: debug.Stack()}
		}
	}()
	return f()
}

// tick counts an evaluation of the graph.
func (m *meter) tick() {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.done()
}

// An effect is what a change does alone.
type effect struct {
	layer   sums   // of the result of its layer
	outputs []sums // of the outputs of the graph
}

// start runs the graph before any change: the metric, and for each change the relative errors that it makes alone, in
// the result of its layer and in the outputs.
func (m *meter) start(list []*change) (before measured, layer, model []float64, err error) {
	m.original = make([][]*ir.Tensor, len(m.data.In))
	effects := make([][]effect, len(m.data.In))
	err = m.each(func(run int) (err error) {
		effects[run], err = m.alone(run, list)
		return err
	})
	if err != nil {
		return measured{}, nil, nil, err
	}
	for i := range list {
		sum := effect{outputs: make([]sums, len(m.g.Out))}
		for run := range effects {
			e := &effects[run][i]
			sum.layer.plus(e.layer)
			for o := range sum.outputs {
				sum.outputs[o].plus(e.outputs[o])
			}
		}
		layer = append(layer, sum.layer.relative())
		model = append(model, largest(sum.outputs))
	}
	return m.judge(m.original), layer, model, nil
}

// alone finds what each change does alone in one run.
func (m *meter) alone(run int, list []*change) (effects []effect, err error) {
	values := map[*ir.Value]*ir.Tensor{}
	for i, v := range m.g.In {
		values[v] = m.data.In[run][i]
	}
	if m.original[run], err = m.g.EvalEach(m.data.In[run], func(v *ir.Value, t *ir.Tensor) { values[v] = t }); err != nil {
		return nil, err
	}
	m.tick()
	for _, c := range list {
		again, err := m.behind(c, values)
		if err != nil {
			return nil, err
		}
		e := effect{outputs: make([]sums, len(m.g.Out))}
		e.layer.add(again[c.node.Out[0]], values[c.node.Out[0]])
		for o, v := range m.g.Out {
			t := again[v]
			if t == nil {
				t = values[v]
			}
			e.outputs[o].add(t, values[v])
		}
		effects = append(effects, e)
		m.tick()
	}
	return effects, nil
}

// behind returns what becomes of the values behind a change.
func (m *meter) behind(c *change, values map[*ir.Value]*ir.Tensor) (map[*ir.Value]*ir.Tensor, error) {
	again := map[*ir.Value]*ir.Tensor{}
	for _, n := range m.g.Nodes {
		if n != c.node && !slices.ContainsFunc(n.In, func(v *ir.Value) bool { return again[v] != nil }) {
			continue
		}
		args := make([]*ir.Tensor, len(n.In))
		for i, v := range n.In {
			switch {
			case v == nil:
			case n == c.node && i == 1:
				args[i] = c.new.Const
			case v.Const != nil:
				args[i] = v.Const
			case again[v] != nil:
				args[i] = again[v]
			default:
				args[i] = values[v]
			}
		}
		out, err := n.Op.Eval(args)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		for i, v := range n.Out {
			if v != nil {
				again[v] = out[i]
			}
		}
	}
	return again, nil
}

// measure runs the graph as it is now.
func (m *meter) measure() (measured, error) {
	out := make([][]*ir.Tensor, len(m.data.In))
	err := m.each(func(run int) (err error) {
		out[run], err = m.g.Eval(m.data.In[run])
		m.tick()
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
	outputs := make([]sums, len(m.g.Out))
	for i := range outputs {
		for run := range out {
			outputs[i].add(out[run][i], m.original[run][i])
			if m.data.Targets != nil && m.data.Targets[run][i] != nil {
				target.add(out[run][i], m.data.Targets[run][i])
			}
		}
	}
	r.Error = largest(outputs)
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
