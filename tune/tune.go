// Package tune measures how the layers of a model are computed fastest on this machine, and keeps that in a file which
// later compilations take their choices from.
package tune

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/passes"
)

// Name is what the file is called beside a package.
const Name = "tune.json"

// File is what was measured.
type File struct {
	Made    string  `json:"made"` // begins with codegen.Marker
	Machine string  `json:"machine"`
	Path    string  `json:"path"`   // the instructions that were used
	Cold    bool    `json:"cold"`   // the caches held other data before each run
	Layers  []Layer `json:"layers"` // in the order of the model
}

// Layer is what was measured of a layer with constant weights.
type Layer struct {
	Name        string      `json:"layer"`          // its result
	With        string      `json:"with,omitempty"` // the layer before or after it, which ran together with it
	Kind        string      `json:"kind"`           // of the weights: dense, sparse or ternary
	Rows        int         `json:"rows"`           // of activations
	Shape       [2]int      `json:"shape"`          // of the weights: rows and columns
	Density     float64     `json:"density"`
	Of          string      `json:"of"` // passes.Fingerprint
	passes.Plan             // the fastest
	Model       passes.Plan `json:"model"` // what the cost model chooses; it stays where nothing is faster by a few percent
	Times       []Time      `json:"times"`
}

// Time is how long a plan takes.
type Time struct {
	passes.Plan
	Micros float64 `json:"us"` // of a run of the layer, and of the layer that it is measured with, from rows and to rows
}

func made() string {
	return fmt.Sprintf("%s %s compile --tune. DO NOT EDIT.", codegen.Marker, check.Version)
}

// Marshal is the text of the file.
func (f *File) Marshal() []byte {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}

// Read reads a file.
func Read(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func parse(text []byte) (*File, error) {
	f := &File{}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("not what compile --tune writes: %w", err)
	}
	if !bytes.HasPrefix([]byte(f.Made), []byte(codegen.Marker)) {
		return nil, errors.New("not what compile --tune writes: it does not say so in \"made\"")
	}
	return f, nil
}

// Plans are the choices for passes.Choice.
func (f *File) Plans() (list []passes.Tuned) {
	for _, l := range f.Layers {
		list = append(list, passes.Tuned{Layer: l.Name, Of: l.Of, Plan: l.Plan})
	}
	return list
}

// WriteTable writes which plans are faster than those of the cost model, for people.
func (f *File) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s: %d layers measured on path %s of %s\n", Name, len(f.Layers), f.Path, f.Machine)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "layer\tweights\tdensity\tcost model\tus\tfastest\tus")
	for _, l := range f.Layers {
		fastest, us := "the same", ""
		if l.Plan != l.Model {
			fastest, us = Describe(l.Plan), fmt.Sprintf("%.2f", l.time(l.Plan))
		}
		fmt.Fprintf(t, "%s\t%s %dx%d\t%.1f%%\t%s\t%.2f\t%s\t%s\n", strconv.QuoteToASCII(l.Name), l.Kind, l.Shape[0], l.Shape[1], 100*l.Density,
			Describe(l.Model), l.time(l.Model), fastest, us)
	}
	return t.Flush()
}

// time is what a plan takes.
func (l *Layer) time(p passes.Plan) float64 {
	for _, t := range l.Times {
		if t.Plan == p {
			return t.Micros
		}
	}
	return 0
}

// Describe names a plan and the fields of its order that are not zero.
func Describe(p passes.Plan) string {
	text := p.Strategy
	for _, f := range []struct {
		name  string
		value int
	}{{"columns", p.Order.Columns}, {"depth", p.Order.Depth}, {"group", p.Order.Group}} {
		if f.value > 0 {
			text += fmt.Sprintf(" %s=%d", f.name, f.value)
		}
	}
	if p.Order.Pairs {
		text += " pairs"
	}
	return text
}
