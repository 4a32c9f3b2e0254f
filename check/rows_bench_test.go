package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/passes"
)

// BenchmarkRows prints the least time a row of layers of 512 x 512 with 1 to 17 rows, from turns that all layers take: no
// number of rows falls off a cliff. SBTC_CPU lowers the path.
func BenchmarkRows(b *testing.B) {
	if b.N > 1 {
		return
	}
	dir := b.TempDir()
	write := func(name, text string) {
		b.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	var imports, timed strings.Builder
	rows := []int{1, 2, 3, 4, 8, 10, 16, 17}
	kinds := []struct{ name, weights string }{
		{"ternary .35", "density=0.35, alpha=0.1"}, {"ternary .10", "density=0.1, alpha=0.1"},
		{"sparse .20", "density=0.2"}, {"dense", "density=1"},
	}
	for i, kind := range kinds {
		for _, r := range rows {
			name := fmt.Sprintf("p%dx%d", i, r)
			g, err := ir.Parse(name, fmt.Sprintf("g (float[%d,512] X) => (float[%[1]d,512] Y) {\n  W = sbtc.Rand<shape=[512,512], seed=1, %s>()\n  Y = MatMul(X, W)\n}\n", r, kind.weights), op.New)
			if err != nil {
				b.Fatal(err)
			}
			if err := passes.Fixpoint(g, passes.Portable, passes.Options{}); err != nil {
				b.Fatal(err)
			}
			if err := passes.Run(g, passes.TargetFor(passes.Choice{}), passes.Options{}); err != nil {
				b.Fatal(err)
			}
			files, err := codegen.Generate(g, codegen.Options{Package: name, Version: "test"})
			if err != nil {
				b.Fatal(err)
			}
			for _, f := range files {
				if f.Name != "model_test.go" {
					write(filepath.Join(name, f.Name), string(f.Data))
				}
			}
			fmt.Fprintf(&imports, "\t%q\n", "rows/"+name)
			fmt.Fprintf(&timed, "\t{\n\t\tm, err := %s.New()\n\t\tif err != nil {\n\t\t\tpanic(err)\n\t\t}\n", name)
			fmt.Fprintf(&timed, "\t\tin, out := &%s.Inputs{X: values(%d)}, &%[1]s.Outputs{Y: values(%[2]d)}\n", name, r*512)
			timed.WriteString("\t\truns = append(runs, func() error { return m.Run(in, out) })\n\t}\n")
		}
	}
	write("go.mod", "module rows\n\ngo 1.26\n")
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	write("main.go", fmt.Sprintf(rowsProgram, imports.String(), timed.String(), rows, names))
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%.2000s", err, out)
	}
	fmt.Print(string(out))
}

const rowsProgram = `package main

import (
	"fmt"
	"time"

%s)

func values(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%%13) - 6
	}
	return x
}

func main() {
	var runs []func() error
%s	rows, kinds := %#v, %#v
	least := make([]time.Duration, len(runs))
	for round := range 300 {
		for i, run := range runs {
			run() // another layer used the caches
			n, start := 0, time.Now()
			for n == 0 || time.Since(start) < 50*time.Microsecond {
				if err := run(); err != nil {
					panic(err)
				}
				n++
			}
			if d := time.Since(start) / time.Duration(n); round == 0 || d < least[i] {
				least[i] = d
			}
		}
	}
	fmt.Printf("%%-12s", "ns a row")
	for _, r := range rows {
		fmt.Printf("%%8d", r)
	}
	for i, d := range least {
		if i%%len(rows) == 0 {
			fmt.Printf("\n%%-12s", kinds[i/len(rows)])
		}
		fmt.Printf("%%8d", d.Nanoseconds()/int64(rows[i%%len(rows)]))
	}
	fmt.Println()
}
`
