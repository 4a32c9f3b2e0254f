package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// hostile are names that try to become code, directives, files or terminal commands.
var hostile = []string{
	"x\nfunc init() { panic(1) }\n",
	"*/ func init() { panic(1) } /*",
	"\n//go:embed /etc/passwd\n",
	"//go:linkname x runtime.main",
	"\"); panic(1); (\"",
	"`+panic(1)+`",
	"../../escaped.go",
	"\x1b[2J\u202e\u2028x",
	"C:\\con",
	"init", "main", "func", "Run", "m", "in", "out", "Model", "New", "Inputs", "_", "%s%d%!",
	"", " ",
}

func hostileModel() string {
	var in, out, nodes []string
	for i, name := range hostile {
		if name == "" {
			name = "q"
		}
		x, y := strconv.QuoteToASCII(name), strconv.QuoteToASCII(name+"/y")
		in = append(in, "float[2,2] "+x)
		out = append(out, "float[2,2] "+y)
		nodes = append(nodes, "  "+y+" = "+[]string{"MatMul(" + x + ", " + x + ")", "Transpose<perm=[1,0]>(" + x + ")"}[i%2]+"\n")
	}
	return "g (" + strings.Join(in, ", ") + ") => (" + strings.Join(out, ", ") + ") {\n" + strings.Join(nodes, "") + "}"
}

// Names from the model never become code, begin a comment line, or name a file.
func TestHostileNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	model := writeModel(t, filepath.Join(t.TempDir(), "m\n\x1b[2J*-/ func init(){}.onnx"), hostileModel())
	succeed(t, "compile", "-o", dir, model)
	for _, name := range files(t, dir) {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
			t.Errorf("file %q", name)
		}
		if filepath.Ext(name) != ".go" {
			continue
		}
		text := read(t, filepath.Join(dir, name))
		for _, r := range text {
			if !strings.HasPrefix(name, "model") {
				break // a kernel, which says nothing of the model
			}
			if r >= 0x7f || r < ' ' && r != '\n' && r != '\t' {
				t.Errorf("%s: character %U", name, r)
				break
			}
		}
		checkDeclarations(t, name, text)
	}
	inTempModule(t, dir, "go", "vet", ".")
	inTempModule(t, dir, "go", "test", ".")
	// Messages, too.
	model = writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), hostileModel())
	for _, args := range [][]string{{"inspect", model}, {"dump", model}, {"run", model}} {
		_, stdout, stderr := sbtc(args...)
		if strings.ContainsAny(stdout+stderr, "\x1b\u202e\u2028") {
			t.Errorf("sbtc %s prints what a model says unquoted:\n%q", args[0], stdout+stderr)
		}
	}
}

// checkDeclarations fails for an init function, and for a directive that sbtc does not write.
func checkDeclarations(t *testing.T, name, text string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && (fn.Name.Name == "init" || fn.Name.Name == "main") {
			t.Errorf("%s declares %s", name, fn.Name.Name)
		}
	}
	for _, g := range f.Comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:") && c.Text != "//go:embed weights.bin" && !strings.HasPrefix(c.Text, "//go:build ") &&
				c.Text != "//go:noescape" && c.Text != "//go:noinline" {
				t.Errorf("%s has the directive %s", name, c.Text)
			}
		}
	}
}
