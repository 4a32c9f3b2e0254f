// Package report describes a compiled model in one file, for people or for programs.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
)

// Report is what is known of a model and its package: what inspect counts, and what was written.
type Report struct {
	Version string `json:"sbtc"`
	Package string `json:"package"`
	Flags   string `json:"flags"`
	Mode    string `json:"mode"`
	Samples int    `json:"samples"` // that a run takes at most; 1 where their number is fixed
	*check.Inspection
	Code     []Code   `json:"code"`     // layers whose weights are machine code, in the order in which the budget serves them
	Nodes    []Change `json:"nodes"`    // operators in the graph after each pass that changed their number
	Files    []File   `json:"files"`    // of the package
	Bytes    Bytes    `json:"bytes"`    // of all files
	Warnings []string `json:"warnings"` // what sbtc said on the way
}

// Code is the machine code of a layer.
type Code struct {
	Layer  string   `json:"layer"`          // its result
	With   string   `json:"with,omitempty"` // the layer before it, whose code is the same
	AVX512 int      `json:"avx512"`         // bytes; 0 where it keeps to a loop
	AVX2   int      `json:"avx2"`
	Also   []string `json:"also,omitempty"` // layers with the same sums, whose code is the same
	Twin   string   `json:"twin,omitempty"` // the layer with the same signs whose code this is, and whose bytes count
}

// Change is the number of operators after a pass.
type Change struct {
	Pass  string `json:"pass"` // "imported" for the model as it was read
	Nodes int    `json:"nodes"`
}

// File is a file of the package.
type File struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// Bytes are sizes of a package.
type Bytes struct {
	Source  int `json:"source"`  // of Go and assembly
	Weights int `json:"weights"` // of weights.bin
	AVX512  int `json:"avx512"`  // of machine code that holds weights
	AVX2    int `json:"avx2"`
}

// formats write a report, by the extension of the file.
var formats = map[string]func(*Report, io.Writer) error{
	".html": (*Report).html,
	".json": (*Report).json,
}

// CheckPath reports whether the name of a file says what to write.
func CheckPath(path string) error {
	if formats[strings.ToLower(filepath.Ext(path))] == nil {
		return fmt.Errorf("%s: want FILE.html or FILE.json", path)
	}
	return nil
}

// New describes the model at path, which compiled to c with these options.
func New(path string, c *check.Compiled, opt check.Options) (*Report, error) {
	r := &Report{Version: check.Version, Package: c.Package, Flags: opt.Flags, Mode: opt.Mode.String(), Samples: c.Samples, Code: []Code{}, Warnings: []string{}}
	opt.Warn, opt.After = nil, nil // everything was said when the model was compiled
	m, err := check.Load(path, check.Imported, opt)
	if err != nil {
		return nil, err
	}
	r.Nodes = []Change{{"imported", len(m.Graph.Nodes)}}
	opt.Log = func(pass string, nodes int, _ time.Duration, _ bool) {
		if nodes != r.Nodes[len(r.Nodes)-1].Nodes {
			r.Nodes = append(r.Nodes, Change{pass, nodes})
		}
	}
	if r.Inspection, err = check.Inspect(path, opt); err != nil {
		return nil, err
	}
	r.Model = filepath.Base(path)
	r.files(c.Files)
	return r, nil
}

func (r *Report) files(files []codegen.File) {
	for _, f := range files {
		r.Files = append(r.Files, File{f.Name, len(f.Data)})
		switch filepath.Ext(f.Name) {
		case ".bin":
			r.Bytes.Weights += len(f.Data)
		case ".go", ".s":
			r.Bytes.Source += len(f.Data)
		}
		for _, c := range f.Code {
			r.Code = append(r.Code, Code{c.Result, c.First, c.AVX512, c.AVX2, c.Also, c.Twin})
			if c.Twin == "" {
				r.Bytes.AVX512 += c.AVX512
				r.Bytes.AVX2 += c.AVX2
			}
		}
	}
}

// codeOf tells of the code of a layer; nil if it has none.
func (r *Report) codeOf(layer string) *Code {
	i := slices.IndexFunc(r.Code, func(c Code) bool { return c.Layer == layer || c.With == layer || slices.Contains(c.Also, layer) })
	if i < 0 {
		return nil
	}
	return &r.Code[i]
}

// Write writes the report as the name of the file asks.
func (r *Report) Write(w io.Writer, path string) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	return formats[strings.ToLower(filepath.Ext(path))](r, w)
}

func (r *Report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
