package check

import (
	"fmt"
	"slices"
	"strings"
)

// Report is what verifying found.
type Report struct {
	Model string `json:"model"`
	// Changed is set where the model that all is compared with is the one with changed weights, see Options.Lossy.
	Changed bool      `json:"changed,omitempty"`
	Checks  []Finding `json:"checks"`
	Nodes   []NodeRow `json:"nodes,omitempty"`
}

// Finding is the result of one comparison of one output.
type Finding struct {
	Level  Level  `json:"level"`
	Inputs string `json:"inputs"` // which inputs were run
	Check  string `json:"check"`  // what was compared
	Output string `json:"output,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Level is how bad a finding is.
type Level string

// The levels of a finding.
const (
	Good Level = "ok"
	Note Level = "note"
	// Differs is a result that differs from recorded data: the model, or what was recorded, is at fault.
	Differs Level = "differs"
	// Wrong is a result of the compiler that differs from the model: sbtc is at fault.
	Wrong Level = "wrong"
)

// The comparisons of a report, by what is compared with what.
const (
	againstRecorded = "model against recorded"
	portableStage   = "portable against model"
	lowStage        = "low against model"
	compiledStage   = "compiled (%s) against low, bits"
	fewerStage      = "compiled (%s), %d of %d samples, against all of them, bits"
	nonFiniteStage  = "compiled (%s) against model, non-finite inputs"
)

func (f Finding) String() string {
	s := fmt.Sprintf("%-7s %s: %s", f.Level, f.Inputs, f.Check)
	if f.Output != "" {
		s += fmt.Sprintf(": output %q", f.Output)
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// Worst is the worst level of the report.
func (r *Report) Worst() Level {
	order := []Level{Good, Note, Differs, Wrong}
	worst := Good
	for _, f := range r.Checks {
		if slices.Index(order, f.Level) > slices.Index(order, worst) {
			worst = f.Level
		}
	}
	return worst
}

// Err is nil, or says that results differ: a *WrongError where sbtc is at fault.
func (r *Report) Err() error {
	worst := r.Worst()
	if worst != Differs && worst != Wrong {
		return nil
	}
	var lines []string
	for _, f := range r.Checks {
		if f.Level == worst {
			lines = append(lines, f.String())
		}
	}
	err := fmt.Errorf("%s: results differ:\n%s", r.Model, strings.Join(lines, "\n"))
	if worst == Wrong {
		return &WrongError{err}
	}
	return err
}

// A WrongError says that what was compiled computes something else than the model says: a fault of sbtc.
type WrongError struct{ Err error }

func (e *WrongError) Error() string { return e.Err.Error() }

// Unwrap returns where results differ.
func (e *WrongError) Unwrap() error { return e.Err }
