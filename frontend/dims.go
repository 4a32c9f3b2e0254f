package frontend

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A port is a graph input or output that has to be static.
type port struct {
	name string
	declared
}

// A dimFlag is one NAME=N or INPUT:AXIS=N.
type dimFlag struct {
	text string
	key  string // NAME or INPUT:AXIS
	n    int
}

func parseDim(text string) (dimFlag, error) {
	i := strings.LastIndexByte(text, '=')
	if i <= 0 {
		return dimFlag{}, fmt.Errorf("dimension %q is not of the form NAME=N or INPUT:AXIS=N", text)
	}
	n, err := strconv.Atoi(text[i+1:])
	if err != nil || n < 1 || n > maxElems {
		return dimFlag{}, fmt.Errorf("dimension %q: %q is no length from 1 to %d", text, text[i+1:], maxElems)
	}
	return dimFlag{text, text[:i], n}, nil
}

// CheckDim reports whether text is one of the forms that WithDim takes; only a model tells whether it has such a dimension.
func CheckDim(text string) error {
	_, err := parseDim(text)
	return err
}

// dims fixes the open dimensions of inputs.
type dims struct {
	inputs, outputs []port
	bound           map[string]int // lengths by name
	batch           int            // length of a first axis that all inputs and outputs share, 0 if there is none
	samples         int            // the most that batch may be; 0: any number
	p               *problems
	warn            func(string)
}

// pin gives every dimension of every input its length: first what the flags say, then 1 for a first axis that all
// inputs and outputs share. What stays open is a fault.
func (d *dims) pin(flags []dimFlag) {
	d.bound = map[string]int{}
	name, shared := d.firstAxis()
	for _, f := range flags {
		d.apply(f)
	}
	if d.p.faults() > 0 {
		return
	}
	if shared {
		d.takeAsOne(name)
	}
	d.substitute()
	if shared && d.samples > 0 {
		for _, in := range d.inputs {
			in.dims[0].n = min(in.dims[0].n, d.samples)
		}
		if name != "" {
			d.bound[name] = min(d.bound[name], d.samples)
		}
	}
	if shared {
		n := d.inputs[0].dims[0].n
		if !slices.ContainsFunc(d.inputs, func(in port) bool { return in.dims[0].n != n }) {
			d.batch = n
		}
	}
	d.reportOpen()
	for i, in := range d.inputs {
		if err := checkShape(d.inputs[i].shape(nil)); err != nil {
			d.p.add(&Error{Value: fmt.Sprintf("input %q", in.name), Err: err})
		}
	}
}

func (d *dims) apply(f dimFlag) {
	if d.named(f.key) {
		d.bind(f.key, f)
		return
	}
	i := strings.LastIndexByte(f.key, ':')
	at := -1
	if i > 0 {
		at = slices.IndexFunc(d.inputs, func(in port) bool { return in.name == f.key[:i] })
	}
	if at < 0 {
		d.p.add(&Error{Err: fmt.Errorf("dimension %q: the model has no dimension %q", f.text, f.key), Remedy: d.known()})
		return
	}
	in := &d.inputs[at]
	axis, err := strconv.Atoi(f.key[i+1:])
	if err == nil && !in.ranked && axis == len(in.dims) { // axes of an input of unknown rank are given one by one
		in.dims = append(in.dims, dim{n: f.n})
		return
	}
	if err != nil {
		d.p.addf("", "dimension %q: %q is no number of an axis of input %q", f.text, f.key[i+1:], in.name)
		return
	}
	if axis < 0 || axis >= len(in.dims) {
		d.p.addf("", "dimension %q: input %q has %d axes", f.text, in.name, len(in.dims))
		return
	}
	switch x := in.dims[axis]; {
	case !x.open() && x.n != f.n:
		d.p.addf("", "dimension %q: axis %d of input %q is %d in the model", f.text, axis, in.name, x.n)
	case x.open() && x.name != "":
		d.bind(x.name, f)
	default:
		in.dims[axis].n = f.n
	}
}

func (d *dims) bind(name string, f dimFlag) {
	if n, ok := d.bound[name]; ok && n != f.n {
		d.p.addf("", "dimension %q: %s is also given as %d", f.text, name, n)
	}
	d.bound[name] = f.n
}

func (d *dims) named(name string) bool {
	return name != "" && slices.ContainsFunc(slices.Concat(d.inputs, d.outputs), func(v port) bool {
		return slices.ContainsFunc(v.dims, func(x dim) bool { return x.name == name })
	})
}

// known lists what flags can name.
func (d *dims) known() string {
	keys := map[string]bool{}
	for _, in := range d.inputs {
		for axis, x := range in.dims {
			switch {
			case x.name != "":
				keys[x.name] = true
			case x.open():
				keys[fmt.Sprintf("%s:%d", in.name, axis)] = true
			}
		}
	}
	if len(keys) == 0 {
		return "all its dimensions are fixed"
	}
	return "it has " + strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
}

// firstAxis reports whether all inputs and outputs have an open first axis in common, of one name or none.
func (d *dims) firstAxis() (name string, shared bool) {
	for i, v := range slices.Concat(d.inputs, d.outputs) {
		if len(v.dims) == 0 || !v.dims[0].open() || i > 0 && v.dims[0].name != name {
			return "", false
		}
		name = v.dims[0].name
		// The same name elsewhere: not a batch.
		if name != "" && slices.ContainsFunc(v.dims[1:], func(x dim) bool { return x.name == name }) {
			return "", false
		}
	}
	return name, len(d.inputs) > 0
}

// takeAsOne gives the first axis of that name, or without a name, the length 1 if it has none yet.
func (d *dims) takeAsOne(first string) {
	if _, ok := d.bound[first]; ok || slices.ContainsFunc(d.inputs, func(in port) bool { return !in.dims[0].open() }) {
		return
	}
	how := "--dim " + first + "=N"
	if first == "" {
		var flags []string
		for i := range d.inputs {
			d.inputs[i].dims[0].n = 1
			flags = append(flags, fmt.Sprintf("--dim %s:0=N", d.inputs[i].name))
		}
		how = strings.Join(flags, " ")
	} else {
		d.bound[first] = 1
	}
	d.warn(fmt.Sprintf("the open first axis of all inputs and outputs is taken as 1; %s sets another length", how))
}

func (d *dims) substitute() {
	for i := range d.inputs {
		in := &d.inputs[i]
		for axis, n := range in.shape(d.bound) {
			in.dims[axis].n = n
		}
		in.ranked = in.ranked || len(in.dims) > 0
	}
}

// reportOpen adds one fault that lists every open dimension and the flags that would fix them.
func (d *dims) reportOpen() {
	where := map[string][]string{} // by flag
	var flags []string
	for _, in := range d.inputs {
		value := fmt.Sprintf("input %q", in.name)
		if !in.ranked {
			d.p.add(&Error{Value: value, Err: fmt.Errorf("the model declares no shape"),
				Remedy: fmt.Sprintf("give the length of every axis: --dim %s:0=N --dim %s:1=N ...", in.name, in.name)})
		}
		for axis, x := range in.dims {
			if !x.open() {
				continue
			}
			flag := fmt.Sprintf("--dim %s:%d=N", in.name, axis)
			if x.name != "" {
				flag = "--dim " + x.name + "=N"
			}
			if where[flag] == nil {
				flags = append(flags, flag)
			}
			where[flag] = append(where[flag], fmt.Sprintf("axis %d of input %q", axis, in.name))
		}
	}
	if len(flags) == 0 {
		return
	}
	var open []string
	for _, f := range flags {
		open = append(open, strings.Join(where[f], ", "))
	}
	d.p.add(&Error{Err: fmt.Errorf("open dimensions: %s", strings.Join(open, "; ")),
		Remedy: "fix them with " + strings.Join(flags, " ")})
}
