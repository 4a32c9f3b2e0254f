package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/sbtc-go/sbtc/check"
)

//go:embed report.html
var page string

var parsed = template.Must(template.New("report").Funcs(template.FuncMap{
	"n":       grouped,
	"percent": func(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" },
	"less":    less,
	"delta":   func(a, b int) string { return fmt.Sprintf("%+d", a-b) },
	"prev":    func(i int) int { return i - 1 },
}).Parse(page))

// html writes one page that needs nothing else.
func (r *Report) html(w io.Writer) error {
	v := view{Report: r}
	most := 1
	for _, l := range r.Layers {
		most = max(most, l.MACsDense, l.MACsExecuted)
	}
	for _, l := range r.Layers {
		if l.Params > 0 || l.MACsDense > 0 || l.Uncounted {
			v.Rows = append(v.Rows, row{Layer: l, Code: r.codeOf(l.Name), Bars: bars(&l.Counts, most)})
		}
	}
	if r.Inspection.Lossy != nil {
		var b strings.Builder
		if err := r.Inspection.Lossy.WriteTable(&b); err != nil {
			return err
		}
		v.Lossy = b.String()
	}
	v.Bars = bars(&r.Total, max(1, r.Total.MACsDense, r.Total.MACsExecuted))
	return parsed.Execute(w, v)
}

// view is what the page shows.
type view struct {
	*Report
	Rows  []row
	Bars  []bar
	Lossy string
}

// row is a layer that has parameters or products.
type row struct {
	check.Layer
	Code *Code
	Bars []bar
}

// bar is one of a chart.
type bar struct {
	Name  string
	Class string // of its colour
	Value int
	Y     int
	Width float64 // of 100
}

func bars(c *check.Counts, most int) []bar {
	list := []bar{
		{Name: "dense", Class: "dense", Value: c.MACsDense}, {Name: "live", Class: "live", Value: c.MACsLive},
		{Name: "non-zero", Class: "nonzero", Value: c.MACsNonZero}, {Name: "executed", Class: "executed", Value: c.MACsExecuted},
	}
	for i := range list {
		list[i].Y = i
		list[i].Width = 100 * float64(list[i].Value) / float64(most)
	}
	return list
}

// grouped writes a number with thin spaces between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}

// less says how many times more a is than b.
func less(a, b int) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f×", float64(a)/float64(b))
}
