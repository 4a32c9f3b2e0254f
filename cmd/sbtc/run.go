package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/ir"
)

func runCommand() *cobra.Command {
	var inputs []string
	var output string
	var m modelFlags
	cmd := &cobra.Command{
		Use:   "run MODEL",
		Short: "Run a model on the interpreter",
		Long: `Run computes the outputs of MODEL on the interpreter, which follows the definitions of the ONNX operators and needs
no Go toolchain. The arrays of a .npz file have the names of the model's inputs. Shapes of the inputs fix the open
dimensions of the model, unless --dim is given; where that gives a batch of several samples, the inputs may hold fewer.
Without --output the outputs are printed.`,
		Args: cobra.ExactArgs(1),
	}
	m.add(cmd)
	cmd.Flags().StringArrayVar(&inputs, "input", nil, "inputs: FILE.npz or NAME=FILE.npy (may be repeated)")
	cmd.Flags().StringVar(&output, "output", "", "FILE.npz to write the outputs to")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) error {
		opt, err := m.options(cmd)
		if err != nil {
			return err
		}
		if output != "" && filepath.Ext(output) != ".npz" {
			return usage("--output %s: want FILE.npz", output)
		}
		arrays, err := readArrays("--input", inputs)
		if err != nil {
			return err
		}
		bindDims(&opt, arrays)
		opt.Samples = check.SamplesOf(arrays)
		model, err := check.Load(args[0], check.Imported, opt)
		if err != nil {
			return err
		}
		g := model.Graph
		in, err := check.Bind("input", arrays, g.In)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		out, err := g.Eval(in)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		named := map[string]*ir.Tensor{}
		for i, v := range g.Out {
			named[v.Name] = out[i]
			if output == "" {
				printTensor(cmd.OutOrStdout(), v.Name, out[i])
			}
		}
		if output == "" {
			return nil
		}
		return npz.Write(output, named)
	})
	return cmd
}

// printTensor prints a tensor, a row of its last axis a line; of a large one only the beginning.
func printTensor(w io.Writer, name string, t *ir.Tensor) {
	const rows, columns = 16, 16
	fmt.Fprintf(w, "%+q %v\n", name, t.Type())
	n := t.Type().Features()
	for r := range min(t.Len()/max(n, 1), rows) {
		var line []string
		for c := range min(n, columns) {
			line = append(line, elem(t, r*n+c))
		}
		if n > columns {
			line = append(line, "...")
		}
		fmt.Fprintf(w, "  %s\n", strings.Join(line, " "))
	}
	if n > 0 && t.Len()/n > rows {
		fmt.Fprintln(w, "  ...")
	}
}

func elem(t *ir.Tensor, i int) string {
	one := t.Gather(nil, func(int) int { return i })
	switch x := one.Any().(type) {
	case []string:
		return fmt.Sprintf("%+q", x[0])
	case []bool:
		return fmt.Sprint(x[0])
	case []complex64:
		return fmt.Sprint(x[0])
	case []complex128:
		return fmt.Sprint(x[0])
	case []uint64:
		return fmt.Sprint(x[0])
	case []float32:
		return fmt.Sprint(x[0])
	}
	if t.DType.IsInt() {
		return fmt.Sprint(one.Ints()[0])
	}
	return fmt.Sprint(one.Floats()[0])
}
