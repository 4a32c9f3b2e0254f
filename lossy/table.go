package lossy

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// WriteTable prints the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if r.Runs == 0 {
		fmt.Fprintln(t, "layer\tweights\tchange\tdensity\terror of weights\t")
	} else {
		fmt.Fprintln(t, "layer, least sensitive first\tweights\tchange\tdensity\terror of weights\tof its output\tof the model\tloss so far\t")
	}
	changed, already := 0, 0
	for _, l := range r.Layers {
		fmt.Fprintf(t, "%+q\t%v\t%s\t%s\t%s\t", l.Layer, l.Shape, l.Change, percent(&l.Density), percent(&l.WeightError))
		if r.Runs > 0 {
			fmt.Fprintf(t, "%s\t%s\t%s\t", percent(l.OutputError), percent(l.Sensitivity), percent(l.Loss))
		}
		switch {
		case l.Already:
			already++
			fmt.Fprint(t, "so already")
		case l.Changed:
			changed++
		default:
			fmt.Fprint(t, "left as it is")
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if already == len(r.Layers) {
		_, err := fmt.Fprintln(w, "nothing to change")
		return err
	}
	if r.Runs == 0 {
		_, err := fmt.Fprintf(w, "%d layers changed. Without --calib nothing is known of what this does to the results of the model, nor which "+
			"layers it matters for.\n", changed)
		return err
	}
	fmt.Fprintf(w, "%d of %d layers changed; measured in %d runs\n", changed, len(r.Layers)-already, r.Runs)
	fmt.Fprintf(w, "relative error of the outputs: %s\n", percent(r.Error))
	for _, m := range []struct {
		name          string
		before, after *float64
		show          func(*float64) string
	}{
		{"accuracy", r.Before.Accuracy, r.After.Accuracy, percent},
		{"mean squared error", r.Before.MSE, r.After.MSE, number},
		{"mean absolute error", r.Before.MAE, r.After.MAE, number},
	} {
		if m.before != nil && m.after != nil {
			fmt.Fprintf(w, "%s: %s before, %s after\n", m.name, m.show(m.before), m.show(m.after))
		}
	}
	if r.MaxLoss != nil {
		what := map[string]string{lossOfAccuracy: "accuracy lost", lossOfMSE: "growth of the mean squared error", lossOfOutputs: "relative error"}
		fmt.Fprintf(w, "loss (%s): %s, at most %s allowed\n", what[r.LossOf], percent(r.Loss), percent(r.MaxLoss))
	}
	return nil
}

func percent(x *float64) string {
	switch {
	case x == nil:
		return "-"
	case *x >= math.MaxFloat64:
		return "unbounded"
	}
	return fmt.Sprintf("%.3g%%", 100**x)
}

func number(x *float64) string { return fmt.Sprintf("%.6g", *x) }
