package low

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

// TestExprGo compiles what Go spells for every function and every element type that it takes, with the kernels of
// runtime, and compares all results on numbers that are hard for some function with those of Eval, bit by bit.
func TestExprGo(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the Go compiler")
	}
	cases := goCases()
	dir := t.TempDir()
	if err := copyRuntime(dir); err != nil {
		t.Fatal(err)
	}
	src, err := goProgram(cases)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(src), 0o666); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("go", "run", "-tags", "purego", ".")
	run.Dir, run.Env = dir, append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local")
	var out, errs bytes.Buffer
	run.Stdout, run.Stderr = &out, &errs
	if err := run.Run(); err != nil {
		t.Fatalf("%v\n%.2000s", err, &errs)
	}
	for _, c := range cases {
		want, err := c.e.Eval(c.tensors())
		if err != nil {
			t.Fatal(err)
		}
		got := ir.NewTensor(want.DType, want.Shape...)
		if err := binary.Read(&out, binary.LittleEndian, got.Any()); err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		if i := firstDifference(got, want); i >= 0 {
			var x []any
			for _, a := range c.tensors() {
				x = append(x, a.Gather([]int{1}, func(int) int { return i }).Any())
			}
			at := func(int) int { return i }
			t.Errorf("%v of %v at %v: compiled %v, Eval %v", c.e, c.in, x, got.Gather([]int{1}, at).Any(), want.Gather([]int{1}, at).Any())
		}
	}
	t.Logf("%d expressions", len(cases))
}

type goCase struct {
	e  Expr
	in []ir.DType
}

// goCases is every function on every type, casts between any two types, and some expressions of several functions.
func goCases() (cases []goCase) {
	add := func(e Expr, in ...ir.DType) {
		if _, err := e.Type(in); err == nil {
			cases = append(cases, goCase{e, in})
		}
	}
	for _, name := range Functions() {
		f := functions[name]
		if f == nil {
			args := make([]Expr, composed[name].Inputs())
			args[0] = X(0)
			for i := 1; i < len(args); i++ {
				args[i] = Lit(1.5 + float64(i))
			}
			for _, d := range castTypes {
				add(composed[name].Subst(args), d)
			}
			continue
		}
		args := []Expr{X(0), X(1), X(2)}[:f.arity()]
		if name == "expneg" { // for operands of at most 0
			args[0] = Call("clampmin", Lit(0), X(0))
		}
		for _, d := range castTypes {
			in := slices.Repeat([]ir.DType{d}, f.arity())
			if name == "where" {
				in[0] = ir.Bool
			}
			add(Call(name, args...), in...)
		}
	}
	for _, text := range []string{
		"add(mul(x0,x1),mul(x1,x0))", "sub(mul(x0,x1),x0)", "mul(add(x0,1),sigmoid(add(x0,1)))", "where(lt(x0,x1),-0,nan)",
		"add(x0,where(or(isnan(x0),gt(x1,0.1)),inf,-inf))", "fma(x0,x1,add(1,0.1))", "div(x0,0)", "cast_float16(add(x0,x1))",
		"mul(2,max(x0,-1))", "x1", "cast_float(cast_bfloat16(x0))",
	} {
		for _, d := range castTypes {
			add(MustExpr(text), d, d)
		}
	}
	return cases
}

func (c goCase) tensors() (in []*ir.Tensor) {
	n := len(goValues(ir.Float32))
	for k, d := range c.in {
		x := ir.FromFloats(d, []int{n}, goValues(d))
		in = append(in, x.Gather([]int{n * n}, func(i int) int { return goIndex(k, i, n) }))
	}
	return in
}

// goIndex pairs each value of an input with each of the next.
func goIndex(k, i, n int) int {
	switch k {
	case 0:
		return i / n
	case 1:
		return i % n
	}
	return (i/n*7 + i%n) % n
}

func goValues(d ir.DType) []float64 {
	x := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 3, 5, 7, -7, 8, 31, 63, 64, 127, 128, -128, 255, 256, 0.5, -0.5, 1.5, 2.5, 0.1, -0.3, 0.7,
		1e-3, -6.25, 10.1, -87.9, 89.5, 700.25, -745, 6e4, 7e4, 1e-30, 1e10, 3e38, 1e-40, -1e-45, math.Pi, -1e9, 0x1p+31, 0x1p+62, -0x1p+63, 0x1.8p+63,
		math.Inf(1), math.Inf(-1), math.NaN(), 1e300, -1e-300}
	if d == ir.Bool {
		for i := range x {
			x[i] = float64(i % 2)
		}
	}
	return x
}

// firstDifference compares bits, all NaNs being one.
func firstDifference(got, want *ir.Tensor) int {
	g, w := elemBits(got), elemBits(want)
	for i := range w {
		if g[i] != w[i] {
			return i
		}
	}
	return -1
}

func elemBits(t *ir.Tensor) []uint64 {
	bits := make([]uint64, t.Len())
	for i := range bits {
		switch x := t.Any().(type) {
		case []float32:
			if bits[i] = uint64(math.Float32bits(x[i])); x[i] != x[i] {
				bits[i] = math.MaxUint64
			}
		case []float64:
			if bits[i] = math.Float64bits(x[i]); x[i] != x[i] {
				bits[i] = math.MaxUint64
			}
		case []uint16:
			bits[i] = uint64(x[i])
		}
	}
	if !t.DType.IsFloat() {
		for i, v := range t.Ints() {
			bits[i] = uint64(v)
		}
	}
	return bits
}

// copyRuntime makes dir a program of the kernels in pure Go.
func copyRuntime(dir string) error {
	names, err := filepath.Glob("../../runtime/*.go")
	if err != nil {
		return err
	}
	for _, name := range names {
		base := filepath.Base(name)
		if strings.HasSuffix(base, "_test.go") || base == "embed.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text = bytes.Replace(text, []byte("\npackage runtime\n"), []byte("\npackage main\n"), 1)
		if err := os.WriteFile(filepath.Join(dir, base), text, 0o666); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module test\n\ngo 1.22\n"), 0o666)
}

// goProgram writes the results of all cases to its standard output.
func goProgram(cases []goCase) (string, error) {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\"bufio\"\n\"encoding/binary\"\n\"math\"\n\"os\"\n)\n\nvar _ = math.Pi\n\n")
	b.WriteString("var out = bufio.NewWriter(os.Stdout)\n\n")
	for _, d := range castTypes {
		x := ir.FromFloats(d, []int{len(goValues(d))}, goValues(d))
		fmt.Fprintf(&b, "var in%s = []%s{\n", d, GoType(d))
		for i := range x.Len() {
			switch v := x.Any().(type) {
			case []float32:
				fmt.Fprintf(&b, "math.Float32frombits(%#x),\n", math.Float32bits(v[i]))
			case []float64:
				fmt.Fprintf(&b, "math.Float64frombits(%#x),\n", math.Float64bits(v[i]))
			case []bool:
				fmt.Fprintf(&b, "%v,\n", v[i])
			case []uint64:
				fmt.Fprintf(&b, "%d,\n", v[i])
			case []uint16:
				fmt.Fprintf(&b, "%d,\n", v[i])
			default:
				fmt.Fprintf(&b, "%d,\n", x.Ints()[i])
			}
		}
		b.WriteString("}\n\n")
	}
	n := len(goValues(ir.Float32))
	for i, c := range cases {
		typ, err := c.e.Type(c.in)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "func case%d() {\ny := make([]%s, %d)\nfor i := range y {\n", i, GoType(typ), n*n)
		index := []string{fmt.Sprintf("i/%d", n), fmt.Sprintf("i%%%d", n), fmt.Sprintf("(i/%d*7+i%%%d)%%%d", n, n, n)}
		var args []string
		for k, d := range c.in {
			args = append(args, fmt.Sprintf("in%s[%s]", d, index[k]))
		}
		stmts, value, err := c.e.Go(c.in, args)
		if err != nil {
			return "", err
		}
		for _, s := range stmts {
			b.WriteString(s + "\n")
		}
		fmt.Fprintf(&b, "y[i] = %s\n}\nbinary.Write(out, binary.LittleEndian, y)\n}\n\n", value)
	}
	b.WriteString("func main() {\n")
	for i := range cases {
		fmt.Fprintf(&b, "case%d()\n", i)
	}
	b.WriteString("out.Flush()\n}\n")
	return b.String(), nil
}
