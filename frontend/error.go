package frontend

import (
	"fmt"
	"slices"
	"strings"
)

// Error is a fault of a model: where it is, what it is and what would help.
type Error struct {
	File   string // path of the model, "" if it was read from memory
	Op     string // operator of the node at fault, with its domain; "" if the fault is not a node's
	Node   string // the node's quoted name and its index in the file: "/layers/0/MatMul" (#12)
	Attr   string // attribute at fault
	Value  string // kind and name of the value at fault: input "x", initializer "w"
	Err    error
	Remedy string
}

func (e *Error) Error() string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	add(e.File)
	switch {
	case e.Op != "":
		add(e.Op + " node " + e.Node)
	case e.Node != "":
		add("node " + e.Node)
	}
	add(e.Value)
	if e.Attr != "" {
		add("attribute " + e.Attr)
	}
	add(e.Err.Error())
	s := strings.Join(parts, ": ")
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Unwrap returns the fault itself.
func (e *Error) Unwrap() error { return e.Err }

// Errors is all faults of one kind that a model has.
type Errors []*Error

// maxShown is the number of faults that a message spells out.
const maxShown = 10

func (l Errors) Error() string {
	var lines []string
	for _, e := range l[:min(len(l), maxShown)] {
		lines = append(lines, e.Error())
	}
	if n := len(l) - maxShown; n > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (l Errors) Unwrap() []error {
	out := make([]error, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// problems collects faults. Every step of decoding reports all that it finds, and the next one starts only if there
// are none.
type problems struct {
	file string
	list Errors
	seen map[string]bool
}

func (p *problems) add(e *Error) {
	e.File = p.file
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	if s := e.Error(); !p.seen[s] {
		p.seen[s] = true
		p.list = append(p.list, e)
	}
}

func (p *problems) addf(value, format string, args ...any) {
	p.add(&Error{Value: value, Err: fmt.Errorf(format, args...)})
}

func (p *problems) err() error {
	switch len(p.list) {
	case 0:
		return nil
	case 1:
		return p.list[0]
	}
	return slices.Clone(p.list)
}

// faults returns how many faults there are so far.
func (p *problems) faults() int { return len(p.list) }
