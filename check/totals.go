package check

import (
	"fmt"
	"slices"
)

// Total counts the results of one executor.
type Total struct {
	Executor Executor `json:"executor"`
	Count
	// Declared counts those of the cases whose shapes come from declared types.
	Declared Count `json:"declared_shapes"`
}

// Count is how many cases came out how.
type Count struct {
	Pass int `json:"pass"`
	Fail int `json:"fail"`
	Skip int `json:"skip"`
}

func (c *Count) add(s Status) {
	switch s {
	case Pass:
		c.Pass++
	case Fail:
		c.Fail++
	case Skip:
		c.Skip++
	}
}

func (c Count) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.Pass, c.Fail, c.Skip)
}

func (t Total) String() string {
	s := fmt.Sprintf("%s: %v", t.Executor, t.Count)
	if t.Declared != (Count{}) {
		s += fmt.Sprintf("; of these with shapes from declared types: %v", t.Declared)
	}
	return s
}

// Totals counts results by executor, in the order in which these appear.
func Totals(results []Result) []Total {
	var totals []Total
	for _, r := range results {
		i := slices.IndexFunc(totals, func(t Total) bool { return t.Executor == r.Executor })
		if i < 0 {
			i = len(totals)
			totals = append(totals, Total{Executor: r.Executor})
		}
		totals[i].add(r.Status)
		if r.Declared {
			totals[i].Declared.add(r.Status)
		}
	}
	return totals
}

// Failed reports whether any case failed.
func Failed(results []Result) bool {
	return slices.ContainsFunc(results, func(r Result) bool { return r.Status == Fail })
}
