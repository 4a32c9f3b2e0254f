package lossy

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// Report is what was changed and what that costs. Relative errors are Euclidean norms of the difference over that of
// the original, over all samples; of the largest of several outputs; of an output of integers or booleans, the share
// of elements that differ. Numbers that are unknown for want of calibration data are nil.
type Report struct {
	Runs   int           `json:"runs"`   // runs of the model on calibration data
	Layers []LayerReport `json:"layers"` // the least sensitive first; without calibration data in order of execution
	Error  *float64      `json:"error"`  // relative, of the model as it has become
	Before Metric        `json:"before"`
	After  Metric        `json:"after"`
	// Loss is the accuracy lost (0.01: one label in a hundred) where there are labels, the growth of the mean squared
	// difference from the targets relative to what it was where there are those, else Error.
	Loss    *float64 `json:"loss"`
	LossOf  string   `json:"loss_of"` // which of the three it is
	MaxLoss *float64 `json:"max_loss,omitempty"`
}

// LayerReport is about one layer.
type LayerReport struct {
	Layer       string   `json:"layer"`
	Shape       []int    `json:"shape"`        // of the weights
	Change      string   `json:"change"`       // binary, ternary, pruned
	Density     float64  `json:"density"`      // share of weights that are not zero after the change
	WeightError float64  `json:"weight_error"` // relative, of the weights
	OutputError *float64 `json:"output_error"` // relative, of the layer's result for its original operand
	Sensitivity *float64 `json:"sensitivity"`  // relative error of the model where this layer alone is changed
	// Loss is the loss with this layer and all changed ones above changed; nil where it was not tried.
	Loss    *float64 `json:"loss,omitempty"`
	Changed bool     `json:"changed"`
	Already bool     `json:"already"` // the weights are of this kind without a change
}

// What a loss is of.
const (
	lossOfAccuracy = "accuracy"
	lossOfMSE      = "mse"
	lossOfOutputs  = "relative error"
)

// Run changes g. data may be nil; then nothing is measured, and all is changed. progress, if not nil, is called as runs
// on data are done; its last call has done equal to total, even where Run stops earlier.
func (r Request) Run(g *ir.Graph, data *Data, progress func(done, total int)) (*Report, error) {
	list, err := r.changes(g)
	if err != nil {
		return nil, err
	}
	rep := &Report{MaxLoss: r.MaxLoss}
	rows := map[*change]*LayerReport{}
	for _, c := range list {
		rows[c] = newLayerReport(c)
		if data == nil || rows[c].Already {
			c.apply()
			rep.Layers = append(rep.Layers, *rows[c])
		}
	}
	if data == nil {
		return rep, nil
	}
	list = slices.DeleteFunc(list, func(c *change) bool { return rows[c].Already })
	t := &trial{Report: rep, max: r.MaxLoss, rows: rows}
	done, total := 0, len(data.In)*(2+len(list))
	if r.MaxLoss != nil {
		total = len(data.In) * (1 + 2*len(list))
	}
	t.meter, err = newMeter(g, data, func() {
		if done++; progress != nil {
			progress(done, total)
		}
	})
	if err != nil {
		return nil, err
	}
	rep.Runs = len(data.In)
	if err = t.run(list); progress != nil && done < total {
		progress(total, total)
	}
	if err != nil {
		return nil, err
	}
	return rep, nil
}

func newLayerReport(c *change) *LayerReport {
	nonzero := 0
	for _, x := range c.new.Const.Floats() {
		if x != 0 {
			nonzero++
		}
	}
	l := &LayerReport{Layer: c.Name, Shape: c.new.Type.Shape, Change: c.how, Already: c.old == c.new, Changed: c.old != c.new,
		Density: float64(nonzero) / float64(c.new.Const.Len()), WeightError: finiteOrMax(relative(c.old.Const, c.new.Const))}
	if l.Already {
		l.OutputError, l.Sensitivity = known(0), known(0)
	}
	return l
}

// trial is changing and measuring under way.
type trial struct {
	*Report
	*meter
	max  *float64
	rows map[*change]*LayerReport
}

func (t *trial) run(list []*change) error {
	before, layer, model, err := t.start(list)
	if err != nil {
		return err
	}
	sensitivity := map[*change]float64{}
	for i, c := range list {
		sensitivity[c] = model[i]
		t.rows[c].Changed = false
		t.rows[c].OutputError, t.rows[c].Sensitivity = known(layer[i]), known(model[i])
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *change) int {
		switch x, y := sensitivity[a], sensitivity[b]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	after, err := t.apply(before, list)
	if err != nil {
		return err
	}
	for _, c := range list {
		t.Layers = append(t.Layers, *t.rows[c])
	}
	t.Error, t.Loss = known(after.Error), known(loss(before, after))
	t.Before, t.After = before.Metric, after.Metric
	switch {
	case after.Accuracy != nil:
		t.LossOf = lossOfAccuracy
	case after.MSE != nil:
		t.LossOf = lossOfMSE
	default:
		t.LossOf = lossOfOutputs
	}
	return nil
}

// apply changes the layers in order: all, or as long as the loss stays within its bound.
func (t *trial) apply(before measured, list []*change) (after measured, err error) {
	if t.max == nil {
		for _, c := range list {
			c.apply()
			t.rows[c].Changed = true
		}
		return t.measure()
	}
	after = before
	for _, c := range list {
		c.apply()
		m, err := t.measure()
		if err != nil {
			return after, err
		}
		l := loss(before, m)
		t.rows[c].Loss = known(l)
		if !(l <= *t.max) {
			c.revert()
			break
		}
		after, t.rows[c].Changed = m, true
	}
	return after, nil
}

func known(x float64) *float64 {
	x = finiteOrMax(x)
	return &x
}
