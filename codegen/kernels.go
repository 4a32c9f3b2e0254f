package codegen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dave/jennifer/jen"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/runtime"
)

// kernel emits the call of a library kernel.
func (e *emitter) kernel(n *ir.Node, op *low.Kernel) error {
	lib := library()
	f, ok := lib.funcs[op.Fn]
	if !ok {
		return fmt.Errorf("package runtime has no kernel %s", op.Fn)
	}
	var args []jen.Code
	for _, v := range slices.Concat(n.Out, n.In) {
		args = append(args, e.ref(v))
	}
	for _, a := range op.Args {
		lit := argument(a)
		switch a.(type) {
		case int, bool, float64, string:
			args = append(args, lit)
		default:
			args = append(args, e.table("arg", lit))
		}
	}
	if f.Type.Results == nil {
		e.call(op.Fn, args...)
		return nil
	}
	e.body = append(e.body, jen.If(
		jen.Err().Op(":=").Id(e.use(op.Fn)).Call(args...), jen.Err().Op("!=").Nil(),
	).Block(jen.Return(jen.Qual("fmt", "Errorf").Call(jen.Lit("%s: %w"), jen.Lit(fmt.Sprintf("%s %+q", op.Of.Name(), firstResult(n).Name)), jen.Err()))))
	return nil
}

// argument is a constant argument of a kernel; infinities, NaN and -0 are calls of package math.
func argument(a any) *jen.Statement {
	switch x := a.(type) {
	case float64:
		switch {
		case math.IsInf(x, 0):
			return jen.Qual("math", "Inf").Call(jen.Lit(int(math.Copysign(1, x))))
		case x != x:
			return jen.Qual("math", "NaN").Call()
		case x == 0 && math.Signbit(x):
			return jen.Qual("math", "Copysign").Call(jen.Lit(0), jen.Lit(-1))
		}
	case []float64:
		return jen.Index().Float64().ValuesFunc(func(g *jen.Group) {
			for _, v := range x {
				g.Add(argument(v))
			}
		})
	}
	return jen.Op(low.GoLiteral(a))
}

// firstResult is the first result of n that is not omitted.
func firstResult(n *ir.Node) *ir.Value {
	for _, v := range n.Out {
		if v != nil {
			return v
		}
	}
	panic("a node without results")
}

// useAll notes the kernels that a piece of Go text calls.
func (e *emitter) useAll(text string) {
	lib := library()
	for _, name := range identifier.FindAllString(text, -1) {
		if _, ok := lib.files[name]; ok {
			e.use(name)
		}
	}
}

var identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9]*`)

// kernelLibrary is what package runtime declares.
type kernelLibrary struct {
	files map[string][]string      // by declared name
	funcs map[string]*ast.FuncDecl // functions without receiver
	needs map[string][]string      // names that a file refers to
	text  map[string]string
	clean map[string]int // offset of the package clause
}

var library = sync.OnceValue(func() *kernelLibrary {
	lib := &kernelLibrary{files: map[string][]string{}, funcs: map[string]*ast.FuncDecl{}, needs: map[string][]string{},
		text: map[string]string{}, clean: map[string]int{}}
	names, err := fs.Glob(runtime.Files, "*")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".s") {
			src, err := runtime.Files.ReadFile(name)
			if err != nil {
				panic(err)
			}
			lib.text[name] = string(src)
			continue
		}
		if name == "embed.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if err := lib.add(name); err != nil {
			panic(err)
		}
	}
	return lib
})

func (lib *kernelLibrary) add(name string) error {
	src, err := runtime.Files.ReadFile(name)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	lib.text[name] = string(src)
	lib.clean[name] = fset.Position(f.Name.Pos()).Offset
	declare := func(id string) { lib.files[id] = append(lib.files[id], name) }
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				declare(d.Name.Name)
				lib.funcs[d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					declare(s.Name.Name)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						declare(id.Name)
					}
				}
			}
		}
	}
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			used[id.Name] = true
		}
		return true
	})
	lib.needs[name] = slices.Sorted(maps.Keys(used))
	return nil
}

// kernelFiles copies the files that declare the given names, and what these refer to, into the package.
func kernelFiles(names map[string]bool, opt Options) ([]File, error) {
	lib := library()
	want := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		for _, f := range lib.files[id] {
			if want[f] {
				continue
			}
			want[f] = true
			if s := strings.TrimSuffix(f, ".go") + ".s"; lib.text[s] != "" {
				want[s] = true
			}
			for _, n := range lib.needs[f] {
				visit(n)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		if lib.files[id] == nil {
			return nil, fmt.Errorf("package runtime declares no %s", id)
		}
		visit(id)
	}
	var out []File
	for _, f := range slices.Sorted(maps.Keys(want)) {
		src, at := lib.text[f], lib.clean[f]
		text := fmt.Sprintf("// %s\n\n%s", opt.header(), src)
		if strings.HasSuffix(f, ".go") {
			text = fmt.Sprintf("// %s\n\n%s%s%s", opt.header(), src[:at], opt.Package, src[at+len("runtime"):])
		}
		out = append(out, File{Name: "kernel_" + strings.TrimPrefix(f, "z"), Data: []byte(text)})
	}
	return out, nil
}

// header is the line that marks a generated file.
func (o Options) header() string {
	return fmt.Sprintf("%s %s. DO NOT EDIT.", Marker, o.Version)
}
