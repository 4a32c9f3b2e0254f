package codegen

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/codegen/asm"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// layers gathers the layers whose weights may become code.
type layers struct {
	list    []*layer
	attends []*attention
}

// layer is such a layer: what it reads, and its functions for each instruction set, nil if it keeps to the loop there.
type layer struct {
	asm.Layer
	result    string   // name of the value in the graph
	also      []string // those of layers that have the same sums
	first     string   // that of the layer before it, which is part of it
	panels    int
	code      low.Code
	functions [asm.AVX512 + 1][]asm.Function
	pool      *asm.Pool
	twin      *layer // an earlier one whose functions are its own
	twins     int    // later ones that have its functions, and constants of their own
	place     int    // of its constants among theirs; 0 for the first
}

// coded is the layer n as code, nil if it cannot be that, and the inputs of its epilogue in memory; whole tells whether
// the epilogue is part of it.
func (e *emitter) coded(n *ir.Node) (l *asm.Layer, inputs []*ir.Value, whole bool) {
	op, ok := n.Op.(*low.Linear)
	if !ok || op.Strategy == "" || op.Code == low.CodeNone || e.opt.Mode != Speed || e.opt.CodeBudget < 0 {
		return nil, nil, false
	}
	x, w, out := n.In[0].Type, n.In[1].Const, n.Out[0].Type
	if x.Layout != ir.Panels || x.Len() == 0 || out.Len() == 0 || x.DType != ir.Float32 {
		return nil, nil, false
	}
	if op.Kind == "sparse" {
		if w.Shape[1] > asm.MaxSparseColumns {
			return nil, nil, false
		}
		l = sparseCode(n, w)
		return e.withEpilogue(l, n, op)
	}
	l = &asm.Layer{Schedule: op.Schedule(w), Scale: ir.Data[float32](n.In[2].Const), Table: op.Strategy == "4r"}
	if n.In[3] != nil {
		l.Bias = ir.Data[float32](n.In[3].Const)
	}
	return e.withEpilogue(l, n, op)
}

// withEpilogue is what coded returns: with the epilogue as a part of l, if that can be.
func (e *emitter) withEpilogue(l *asm.Layer, n *ir.Node, op *low.Linear) (_ *asm.Layer, inputs []*ir.Value, whole bool) {
	out := n.Out[0].Type
	if extra, in, ok := epilogueInputs(n, op); ok {
		l.Act, l.Extra = op.Act, extra
		return l, in, true
	}
	if out.DType != ir.Float32 {
		return nil, nil, false
	}
	return l, nil, op.Act.IsZero()
}

// epilogueInputs are the further inputs of an epilogue, and those of them that are in memory; ok tells whether it can be
// part of the code.
func epilogueInputs(n *ir.Node, op *low.Linear) (extra []asm.Extra, inputs []*ir.Value, ok bool) {
	out := n.Out[0].Type
	if op.Act.IsZero() || out.DType != ir.Float32 || !asm.Accepts(op.Act) {
		return nil, nil, false
	}
	for i, v := range n.In[op.Operands():] {
		switch {
		case v.Type.DType != ir.Float32:
			return nil, nil, false
		case v.Const != nil && v.Type.Layout != ir.Panels && v.Type.Len() == 1:
			extra = append(extra, asm.Extra{Row: slices.Repeat(ir.Data[float32](v.Const), out.Features())})
		case v.Const != nil && v.Type.Layout != ir.Panels && v.Type.Len() == out.Features() && v.Type.Features() == out.Features():
			extra = append(extra, asm.Extra{Row: ir.Data[float32](v.Const)})
		case v.Type.Layout == ir.Panels && v.Type.Rows() == out.Rows():
			extra = append(extra, asm.Extra{})
			if op.Act.Uses(i + 1) {
				inputs = append(inputs, v)
			}
		default:
			return nil, nil, false
		}
	}
	return extra, inputs, len(inputs) <= asm.MaxParams
}

// pairs finds layers that become one with the layer after them, their only reader, and keeps their inputs until then.
func (e *emitter) pairs() {
	readers := map[*ir.Value]int{}
	for _, n := range e.g.Nodes {
		for _, v := range n.In {
			readers[v]++
		}
	}
	for i := 1; i < len(e.g.Nodes); i++ {
		n, next := e.g.Nodes[i-1], e.g.Nodes[i]
		if h := n.Out[0]; e.later[n] || e.later[next] || len(e.together(n))+len(e.together(next)) > 2 || len(next.In) == 0 || next.In[0] != h || readers[h] != 1 || slices.Contains(e.g.Out, h) {
			continue
		}
		if a, ok := n.Op.(*low.Linear); !ok || a.Code != codeOf(next) {
			continue
		}
		first, _, whole := e.coded(n)
		second, _, whole2 := e.coded(next)
		if first == nil || second == nil || !whole || !whole2 || !asm.Groups(first, second) {
			continue
		}
		if e.first == nil {
			e.first, e.waiting = map[*ir.Node]*ir.Node{}, map[*ir.Node][]jen.Code{}
		}
		e.first[next], e.waiting[n] = n, nil
		for _, v := range n.In {
			if v != nil {
				r := e.arena.rootOf(v)
				e.arena.last[r] = max(e.arena.last[r], i)
			}
		}
		i++ // the next is no first layer
	}
}

// linear emits the layer and then its epilogue: as code, if it is one whose weights become code, and as a loop for the
// paths that have none.
func (e *emitter) linear(n *ir.Node, op *low.Linear) error {
	loop := func() error {
		sum := e.sumOf(n, op.Act)
		e.layer(n, op, sum)
		return e.epilogue(n, op.Act, sum, n.In[op.Operands():])
	}
	name := fmt.Sprintf("layer%d", len(e.layers.list)+1)
	defer func() { e.weights.coded = "" }()
	if _, ok := e.waiting[n]; ok {
		body := e.body
		e.body, e.weights.coded = nil, name // of the next node, which this one is part of
		err := loop()
		e.waiting[n], e.body = e.body, body
		return err
	}
	l, inputs, whole := e.coded(n)
	if l == nil {
		return loop()
	}
	src := n.In[0]
	first := e.first[n]
	if first != nil {
		src = first.In[0]
		l.First, _, _ = e.coded(first)
	}
	l.Name, e.weights.coded = name, name
	sum := e.sumOf(n, op.Act)
	args := []jen.Code{e.panels(src), sum.ref, e.ref(src)}
	for _, v := range inputs {
		args = append(args, e.ref(v))
	}
	if n := l.ScratchLen(); n > 0 {
		args = append(args, e.scratch("float32", 4, n))
	}
	if l.Sparse != nil {
		args = append(args, e.weights.tiles(e, n.In[1].Const))
	}
	made := &layer{Layer: *l, result: n.Out[0].Name, panels: panelsOf(src.Type), code: op.Code}
	if first != nil {
		made.first = first.Out[0].Name
	}
	e.layers.list = append(e.layers.list, made)
	e.use("path")
	call := jen.Id(l.Name).Call(args...)
	if whole {
		return e.unless(call, func() error {
			e.body = append(e.body, e.waiting[first]...)
			return loop()
		})
	}
	err := e.unless(call, func() error { e.layer(n, op, sum); return nil })
	if err != nil {
		return err
	}
	return e.epilogue(n, op.Act, sum, n.In[op.Operands():])
}

// unless emits what run emits for the case that call is false.
func (e *emitter) unless(call *jen.Statement, run func() error) error {
	body := e.body
	e.body = nil
	err := run()
	e.body = append(body, jen.If(jen.Op("!").Add(call)).Block(e.body...))
	return err
}

// layerFiles are the assembly of all layers and the Go beside it.
func (e *emitter) layerFiles() ([]File, error) {
	if len(e.layers.list)+len(e.layers.attends) == 0 {
		return nil, nil
	}
	if err := e.layers.print(e.opt); err != nil {
		return nil, err
	}
	var sources []*strings.Builder
	var stubs, none strings.Builder
	fmt.Fprintf(&stubs, "// %s\n\n//go:build !purego\n\npackage %s\n", e.opt.header(), e.opt.Package)
	fmt.Fprintf(&none, "// %s\n\n//go:build !amd64 || purego\n\npackage %s\n", e.opt.header(), e.opt.Package)
	source := func() *strings.Builder {
		if len(sources) == 0 || sources[len(sources)-1].Len() > longFile {
			sources = append(sources, &strings.Builder{})
		}
		return sources[len(sources)-1]
	}
	for _, a := range e.layers.attends {
		a.write(source(), &stubs)
		a.none(&none)
	}
	for _, l := range e.layers.list {
		l.write(source(), &stubs)
		fmt.Fprintf(&none, "\n%s", leastConst(l.Name, "pathAVX512 + 1"))
		fmt.Fprintf(&none, "\n// %s is false: there is no code for it.\nfunc %[1]s(%s) bool { return false }\n", l.Name, l.signature())
	}
	head := fmt.Sprintf("// %s\n\n//go:build !purego\n\n#include \"textflag.h\"\n", e.opt.header())
	files := []File{
		{Name: "layers_amd64.go", Data: []byte(stubs.String())},
		{Name: "layers_noasm.go", Data: []byte(none.String())},
	}
	for i, s := range sources {
		f := File{Name: "layers_amd64.s", Data: []byte(head + asm.Shorten(s.String()))}
		if i == 0 {
			f.Code = e.layers.coded()
		} else {
			f.Name = fmt.Sprintf("layers%d_amd64.s", i+1)
		}
		files = append(files, f)
	}
	return files, nil
}

// longFile is the length of assembly source from which on another file begins: the assembler takes 30 bytes of memory
// for each one of a file.
var longFile = 16 << 20

// has reports whether code is for a set.
func has(code low.Code, set asm.Set) bool {
	return code == low.CodeAll || code == low.CodeAVX512 && set == asm.AVX512
}

// codeOf is the code of a layer.
func codeOf(n *ir.Node) low.Code {
	if op, ok := n.Op.(*low.Linear); ok {
		return op.Code
	}
	return low.CodeNone
}

// print makes the functions of the layers that are to have some, and of no more than the budget allows.
func (l *layers) print(opt Options) error {
	budget := opt.CodeBudget
	if budget == 0 {
		budget = low.DefaultBudget
	}
	order := l.served()
	findTwins(order)
	for _, a := range order {
		a.pool = asm.NewPool(a.Name, 1+a.twins)
	}
	l.near(order, budget)
	for _, set := range []asm.Set{asm.AVX512, asm.AVX2} {
		made := make([][]asm.Function, len(order))
		errs := make([]error, len(order))
		var wait sync.WaitGroup
		slots := make(chan bool, runtime.GOMAXPROCS(0))
		left := budget
		for i, a := range order {
			if a.twin != nil || !has(a.code, set) || a.Least(set) > left || set == asm.AVX2 && a.functions[asm.AVX512] == nil {
				continue
			}
			left -= a.Least(set)
			slots <- true
			wait.Go(func() {
				made[i], errs[i] = a.Functions(set, a.pool)
				<-slots
			})
		}
		wait.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for i, a := range order {
			if a.twin != nil {
				a.functions[set] = a.twin.functions[set]
				continue
			}
			if n := bytesOf(made[i]); n+asm.AheadBytes(n, a.panels) <= budget {
				a.functions[set] = made[i]
				budget -= n + asm.AheadBytes(n, a.panels)
			}
		}
		l.ahead(set, opt.Cold)
		var err error
		if budget, err = l.printAttends(set, budget); err != nil {
			return err
		}
	}
	return nil
}

// farBytes is the code of a path from which on it does not stay in the second cache of a core between two runs.
const farBytes = 512 << 10

// ahead makes functions fetch the code of those that run after them, the last one that of the first: where they are cold, or
// so many that they do not stay near.
func (l *layers) ahead(set asm.Set, cold bool) {
	var all []*asm.Function
	var panels []int
	sum := 0
	for _, a := range l.list {
		if a.twin != nil {
			continue
		}
		for i := range a.functions[set] {
			all, panels = append(all, &a.functions[set][i]), append(panels, a.panels)
			sum += a.functions[set][i].Bytes
		}
	}
	if sum < farBytes && !cold {
		return
	}
	for i, f := range all {
		f.Ahead(all[(i+1)%len(all)], panels[i])
	}
}

func bytesOf(fs []asm.Function) (n int) {
	for _, f := range fs {
		n += f.Bytes
	}
	return n
}

// served are the layers in the order in which they get code: those that run it on more panels first.
func (l *layers) served() []*layer {
	order := slices.Clone(l.list)
	slices.SortStableFunc(order, func(a, b *layer) int { return b.panels - a.panels })
	return order
}

// rows is the number of features of the input.
func (l *layer) rows() int {
	if l.First != nil {
		return l.First.Schedule.K
	}
	return l.Schedule.K
}

func (l *layer) signature() string {
	return "panels int, " + strings.Join(append([]string{"dst", "src"}, l.Params()...), ", ") + " []float32"
}

// leastConst declares the lowest path that has code for a layer.
func leastConst(name, path string) string {
	return fmt.Sprintf("// %s is the lowest path that has code for %s.\nconst %[1]s = %[3]s\n", leastPath(name), name, path)
}

// leastWith is the lowest path that has code if there is some for these; AVX2 is served last.
func leastWith(avx512, avx2 bool) string {
	switch {
	case !avx512:
		return "pathAVX512 + 1"
	case !avx2:
		return "pathAVX512"
	}
	return "pathAVX2"
}

func leastPath(layer string) string { return layer + "From" }

// callBytes is how many bytes of code, panel by panel, one call runs at most: about 100 microseconds.
const callBytes = 4 << 20

// callPanels is how many panels one call computes at most.
func callPanels(fs []asm.Function) int {
	n := callBytes
	for _, f := range fs {
		n = min(n, callBytes/f.Bytes)
	}
	return max(n, 1)
}

// write writes the functions of a layer, their declarations, and the choice between them.
func (l *layer) write(s, stubs *strings.Builder) {
	fmt.Fprintf(stubs, "\n%s", leastConst(l.Name, leastWith(l.functions[asm.AVX512] != nil, l.functions[asm.AVX2] != nil)))
	fmt.Fprintf(stubs, "\n// %s computes panels of a layer whose weights are code, and reports whether there is code for the path in use.\n", l.Name)
	fmt.Fprintf(stubs, "func %s(%s) bool {\n", l.Name, l.signature())
	row := ir.Lanes
	fmt.Fprintf(stubs, "\t_, _ = dst[panels*%d-1], src[panels*%d-1]\n", l.Schedule.N*row, l.rows()*row)
	for _, x := range l.Params() {
		if x != asm.Scratch && x != asm.Values {
			fmt.Fprintf(stubs, "\t_ = %s[panels*%d-1]\n", x, l.Schedule.N*row)
		}
	}
	stubs.WriteString("\tswitch path {\n")
	for _, set := range []asm.Set{asm.AVX512, asm.AVX2} {
		if l.functions[set] == nil {
			continue
		}
		fmt.Fprintf(stubs, "\tcase path%v:\n", set)
		fmt.Fprintf(stubs, "\t\tfor p := 0; p < panels; p += %d {\n\t\t\tm := min(%[1]d, panels-p)\n", callPanels(l.functions[set]))
		for _, f := range l.functions[set] {
			fmt.Fprintf(stubs, "\t\t\t%s(&dst[p*%d], &src[p*%d], m", f.Name, l.Schedule.N*row, l.rows()*row)
			for _, x := range f.Params {
				if x == asm.Scratch || x == asm.Values {
					fmt.Fprintf(stubs, ", &%s[0]", x)
				} else {
					fmt.Fprintf(stubs, ", &%s[p*%d]", x, l.Schedule.N*row)
				}
			}
			if f.Shared {
				fmt.Fprintf(stubs, ", %d", l.offset())
			}
			stubs.WriteString(")\n")
		}
		stubs.WriteString("\t\t}\n\t\treturn true\n")
	}
	stubs.WriteString("\t}\n\treturn false\n}\n")
	if l.twin != nil {
		return
	}
	for _, fs := range l.functions {
		for _, f := range fs {
			params := ""
			if len(f.Params) > 0 {
				params = ", " + strings.Join(f.Params, ", ") + " *float32"
			}
			if f.Shared {
				params += ", " + asm.Constants + " int"
			}
			fmt.Fprintf(stubs, "\n//go:noescape\nfunc %s(dst, src *float32, panels int%s)\n", f.Name, params)
			s.WriteString("\n" + f.Text)
		}
	}
	if l.functions[asm.AVX512] != nil || l.functions[asm.AVX2] != nil {
		s.WriteString("\n" + l.pool.Text())
	}
}
