// Package op defines the ONNX operators, one file per family.
package op

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// Newest is the ONNX opset whose operators this package implements; older models are upgraded to it.
const Newest = 27

// An Op is an ONNX operator: what every stage knows of it.
type Op interface {
	ir.Op
	// Lower replaces n, a node of this operator, by nodes of package low and returns the values that take the place
	// of n's results.
	Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error)
}

// Def is one meaning of an operator: the facts of a row.
type Def struct {
	Name  string // with its domain, if that is not ONNX's own: com.microsoft.Gelu
	Since int    // opset that introduced the row's newest form
	From  int    // first opset whose nodes mean the same as this row's; 0: Since
	In    Arity
	Out   Arity
	Types []Types // allowed element types by input; the last is for all further inputs; nil: any
	Proto Op      // a node with default attributes is a copy of it; nil in a row with Upgrade
	// Upgrade turns a node as of this row into the form of the operator's next newer row. It may instead return the
	// results, made through b.
	Upgrade func(b *ir.Builder, n *Raw) ([]*ir.Value, error)
}

// Arity is how many inputs or outputs a node may have. Max -1 means any number.
type Arity struct{ Min, Max int }

// Types is a set of element types.
type Types uint32

// Of is the set of the given element types.
func Of(ds ...ir.DType) (t Types) {
	for _, d := range ds {
		t |= 1 << d
	}
	return t
}

// Sets of element types as ONNX's type constraints name them.
var (
	Floats    = Of(ir.Float16, ir.BFloat16, ir.Float32, ir.Float64)
	Ints      = Of(ir.Int8, ir.Int16, ir.Int32, ir.Int64)
	Uints     = Of(ir.Uint8, ir.Uint16, ir.Uint32, ir.Uint64)
	Numbers   = Floats | Ints | Uints
	Bools     = Of(ir.Bool)
	Indices   = Of(ir.Int32, ir.Int64)
	Int64s    = Of(ir.Int64)
	Complexes = Of(ir.Complex64, ir.Complex128)
	Any       = ^Types(0)
)

func (t Types) has(d ir.DType) bool { return t>>d&1 == 1 }

func (t Types) String() string {
	var s []string
	for d := ir.Float32; d.Valid(); d++ {
		if t.has(d) {
			s = append(s, d.String())
		}
	}
	return strings.Join(s, ", ")
}

// Family is the operators of one file.
type Family struct {
	Name string
	Defs []Def
}

// Families lists the files; the order is that of `sbtc ops`.
var Families = []Family{
	{"elementwise", elementwise},
	{"matmul", matmul},
	{"einsum", einsum},
	{"attention", attention},
	{"conv", conv},
	{"control", control},
	{"quantize", quantize},
	{"rnn", rnn},
	{"fourier", fourier},
	{"pool", pool},
	{"reshape", reshape},
	{"slice", slice},
	{"pad", pad},
	{"blocks", blocks},
	{"gather", gather},
	{"activation", activation},
	{"binary", binary},
	{"variadic", variadic},
	{"cast", cast},
	{"reduce", reduce},
	{"scan", scan},
	{"softmax", softmax},
	{"generate", generate},
	{"loss", loss},
	{"norm", slices.Concat(norm, batchnorm, normMore)},
	{"scatter", scatter},
	{"onehot", onehot},
	{"order", order},
	{"nms", nms},
	{"resize", resize},
	{"sample", sample},
	{"text", text},
	{"tfidf", tfidf},
}

var byName = map[string][]*Def{} // newest first

func init() {
	for _, f := range Families {
		for i := range f.Defs {
			d := &f.Defs[i]
			if d.From == 0 {
				d.From = d.Since
			}
			byName[d.Name] = append(byName[d.Name], d)
		}
	}
	for _, defs := range byName {
		slices.SortFunc(defs, func(a, b *Def) int { return b.Since - a.Since })
	}
}

// New returns the newest form of the operator called name with default attributes, after checking the number and the
// element types of the inputs it is to have. It is an ir.Lookup.
func New(name string, in []*ir.Value) (ir.Op, error) {
	defs := byName[name]
	if defs == nil {
		return nil, fmt.Errorf("operator %s is not supported", name)
	}
	d := defs[0]
	if d.Proto == nil {
		return nil, fmt.Errorf("operator %s is read from models only: write the standard operators that it stands for", name)
	}
	if err := d.check(in); err != nil {
		return nil, err
	}
	return d.make(), nil
}

func (d *Def) make() Op {
	v := reflect.New(reflect.TypeOf(d.Proto).Elem())
	v.Elem().Set(reflect.ValueOf(d.Proto).Elem())
	op := v.Interface().(Op)
	ir.SetDefaults(op)
	return op
}

func (d *Def) check(in []*ir.Value) error {
	if len(in) < d.In.Min || d.In.Max >= 0 && len(in) > d.In.Max {
		return fmt.Errorf("%d inputs, %s takes %s", len(in), d.Name, d.In)
	}
	for i, v := range in {
		if v == nil {
			// Of any number of inputs none can be left out, but for an operator that says so by a minimum of 0.
			if i < d.In.Min || d.In.Max < 0 && d.In.Min > 0 {
				return fmt.Errorf("input %d is required", i)
			}
			continue
		}
		if d.Types == nil {
			continue
		}
		if t := d.Types[min(i, len(d.Types)-1)]; !t.has(v.Type.DType) {
			return fmt.Errorf("input %d (%s) is %v, %s takes %v", i, v, v.Type.DType, d.Name, t)
		}
	}
	return nil
}

func (a Arity) String() string {
	switch {
	case a.Max < 0:
		return fmt.Sprintf("at least %d", a.Min)
	case a.Min == a.Max:
		return fmt.Sprint(a.Min)
	}
	return fmt.Sprintf("%d to %d", a.Min, a.Max)
}

// Supported reports whether there is an operator called name, with its domain if that is not ONNX's own.
func Supported(name string) bool { return byName[name] != nil }

// Raw is a node as a model file states it.
type Raw struct {
	Op    string // with its domain, if that is not ONNX's own
	Name  string // for messages
	Opset int    // version of the domain that the model imports
	In    []*ir.Value
	Attrs map[string]any // values as ir.SetAttr takes them
	Out   []string       // names of the results, "" for an omitted one
	Types []ir.Type      // what the model declares of them
}

// Take removes an attribute and returns its value, or def if the node has none; it panics if the kind is not T,
// which SetAttr has no chance to report.
func Take[T any](n *Raw, name string, def T) T {
	a, ok := n.Attrs[name]
	if !ok {
		return def
	}
	delete(n.Attrs, name)
	if t, ok := a.(T); ok {
		return t
	}
	panic(attrKind{fmt.Errorf("attribute %s: wrong kind of value", name)})
}

type attrKind struct{ error }

// Import adds the node n to g in the newest form of its operator and returns its results, in the order of n.Out with
// nil for omitted ones.
func Import(g *ir.Graph, n *Raw) (out []*ir.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			k, ok := r.(attrKind)
			if !ok {
				panic(r)
			}
			err = k.error
		}
	}()
	defs := byName[n.Op]
	if defs == nil {
		return nil, fmt.Errorf("operator %s is not supported; `sbtc ops` lists what is", n.Op)
	}
	at := slices.IndexFunc(defs, func(d *Def) bool { return d.From <= n.Opset })
	if at < 0 {
		return nil, fmt.Errorf("%s of opset %d is not supported, the oldest known is %d", n.Op, n.Opset, defs[len(defs)-1].From)
	}
	if err := defs[at].check(n.In); err != nil {
		return nil, err
	}
	if d := defs[at]; len(n.Out) < d.Out.Min || d.Out.Max >= 0 && len(n.Out) > d.Out.Max {
		return nil, fmt.Errorf("%d outputs, %s has %s", len(n.Out), d.Name, d.Out)
	}
	start := len(g.Nodes)
	delete(n.Attrs, "consumed_inputs") // a hint of opset 1 about memory
	for ; defs[at].Upgrade != nil; at-- {
		b := ir.NewBuilder(g, n.base())
		out, err := defs[at].Upgrade(b, n)
		if err == nil {
			err = b.Err()
		}
		if err != nil {
			return nil, err
		}
		if out != nil {
			return n.rename(g, out, start)
		}
	}
	op := defs[at].make()
	for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
		if err := ir.SetAttr(op, name, n.Attrs[name]); err != nil {
			return nil, err
		}
	}
	if v, ok := op.(Variadic); ok {
		v.SetOutputs(len(n.Out))
	}
	node, err := g.AddTyped(op, n.Name, n.In, n.Out, n.Types)
	if err != nil {
		return nil, err
	}
	return node.Out, settle(g, node)
}

// Variadic is implemented by operators whose number of results is not told by their attributes.
type Variadic interface{ SetOutputs(n int) }

func (n *Raw) base() string {
	for _, name := range n.Out {
		if name != "" {
			return name + "_"
		}
	}
	return "v"
}

// rename gives the results of an upgrade, whose nodes begin at start, the names that the model has for them.
func (n *Raw) rename(g *ir.Graph, out []*ir.Value, start int) ([]*ir.Value, error) {
	added := g.Nodes[start:]
	for i, name := range n.Out {
		if name == "" {
			continue
		}
		v := out[i]
		t, err := ir.Refine(v.Type, n.Types[i])
		if err != nil {
			return nil, err
		}
		// A value that was there before keeps its own name, and so does one that is two results.
		if !slices.Contains(added, v.Def) || slices.Contains(out[:i], v) {
			node, err := g.AddTyped(&Identity{}, n.Name, []*ir.Value{v}, []string{name}, []ir.Type{t})
			if err != nil {
				return nil, err
			}
			out[i] = node.Out[0]
			continue
		}
		v.Name, v.Type = name, t
	}
	return out[:len(n.Out)], nil
}
